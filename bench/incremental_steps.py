"""One step of `incremental`, a process of its own: `python -m bench.incremental_steps STEP FOLDER COUNT`.

By number of records the folder has the table `before` and `after`, the model and the store. Prints figures as JSON.
"""

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from bench import incremental_table
from orchestration.identity import blocking, frequencies, link, linkage_store, records, registry, state, training
from orchestration.identity.solve import solve
from orchestration.identity.state import Run
from orchestration.settings import Settings
from orchestration.warehouse import engine

Figures = dict[str, Any]
_RUN_NO = 1
# Of the records, new, changed or gone in a batch.
_SHARE = 0.01


def _nothing(*columns: str) -> str:
    return f"select {', '.join(f'null::varchar as {column}' for column in columns)} where false"


def _contacts(folder: Path, count: int, name: str) -> str:
    return f"select * from read_parquet('{folder}/{count}/{name}.parquet')"


def _solved(folder: Path, count: int, name: str, **options: Any) -> tuple[dict[str, Any], Figures]:
    """What `solve` gives for the table of that name, and what it took."""
    inputs = {
        "contacts": _contacts(folder, count, name),
        "identifiers": _nothing("record_id", "identifier_type", "identifier_value", "first_seen_at"),
        "decisions": _nothing("record_id_l", "record_id_r", "decision"),
    }
    with engine.memory(_settings(folder, count)) as con:
        started, processor = time.monotonic(), time.process_time()
        solved, found = solve(con, inputs, model_path=_model(folder, count), **options)
        taken = {"seconds": time.monotonic() - started, "processor": time.process_time() - processor}
    told = {"pairs": found["pairs_scored"], "people": found["people"], "touched": found["touched_records"]}
    return solved, taken | told | {"megabytes": _megabytes(), "parts": found["seconds"]}


def _settings(folder: Path, count: int) -> Settings:
    """2 GB for a million records or fewer, beyond that as much for each million."""
    return Settings(home=folder, memory_limit=f"{2 * max(count // 1_000_000, 1)}GB", threads=2)


def _model(folder: Path, count: int) -> Path:
    return folder / str(min(count, incremental_table.MOST_LEARNED_FROM)) / "model.json"


def _store(folder: Path, count: int) -> Path:
    return folder / str(count) / "linkage.duckdb"


def table(folder: Path, count: int) -> Figures:
    """The records, and the same after a batch."""
    (folder / str(count)).mkdir()
    with engine.memory(_settings(folder, count)) as con:
        incremental_table.write(con, count, _SHARE, folder / str(count))
    return {}


def train(folder: Path, count: int) -> Figures:
    """The model that all other steps of these records use."""
    return _solved(folder, count, "before")[1]


def full(folder: Path, count: int) -> Figures:
    """Every record, with a saved model and no store; leaves a store."""
    _store(folder, count).unlink(missing_ok=True)
    return _solved(folder, count, "before", store=_store(folder, count))[1]


def batch(folder: Path, count: int) -> Figures:
    """What changed since then, and whether people that nobody touched keep the ids that the registry gave them."""
    store = _store(folder, count).with_name("batch.duckdb")
    shutil.copyfile(_store(folder, count), store)
    linkage_store.settle(store, _RUN_NO)
    solved, figures = _solved(folder, count, "after", store=store, since=_RUN_NO)
    return figures | {"kept": _ids_kept(folder, count, solved)}


def _ids_kept(folder: Path, count: int, solved: dict[str, Any]) -> float:
    """Of the people whose records all are as they were, the share of which every record keeps its id."""
    with engine.memory(_settings(folder, count)) as con:
        con.execute(f"attach '{_store(folder, count)}' as kept (read_only)")
        whole = con.execute("select record_id, person from kept.nodes").to_arrow_table()
        state.create_tables(con)
        registry.assign(con, whole, Run("whole", "1", None))
        con.execute("create temp table first_ids as select record_id, person_id from identity.membership")
        registry.assign(con, solved["partition"], Run("batch", "1", None), gone=solved["gone"], links=solved["links"])
        before, after = _contacts(folder, count, "before"), _contacts(folder, count, "after")
        return con.execute(
            f"with changed as (select record_id from ({before} except {after})), "
            "now as (select record_id, person_id from identity.membership where to_no is null), "
            "compared as (select first_ids.person_id, bool_and(now.person_id is not distinct from first_ids.person_id) "
            "as is_kept, bool_or(first_ids.record_id in (from changed)) as is_changed "
            "from first_ids left join now using (record_id) group by first_ids.person_id) "
            "select avg(is_kept::int) from compared where not is_changed"
        ).fetchall()[0][0]


def splink(folder: Path, count: int) -> Figures:
    """Splink's own prediction and clusters of the same records: the same candidates, fields and probabilities.

    It begins where records are prepared and blocked, which the full run does in its time; a key that too many share is
    no key here either.
    """
    with engine.memory(_settings(folder, count)) as con:
        trained = link.load(con, _model(folder, count), count)
        con.execute(
            "create temp table given as select row_number() over (order by record_id) - 1 as n, * from "
            f"({_contacts(folder, count, 'before')})"
        )
        records.prepare(con, "given", trained["known"])
        frequencies.rate(con, trained, "records", "rated")
        frequencies.make_lookups(con, trained["rare"])
        rules = _add_keys(con, trained["keys"])
        told = trained["splink"] | {
            "blocking_rules_to_generate_predictions": rules,
            "retain_intermediate_calculation_columns": False,
        }
        started, processor = time.monotonic(), time.process_time()
        linker = training.linker(con, told, training.fields(trained))
        predictions = linker.inference.predict(threshold_match_weight=-3)
        linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, threshold_match_probability=0.95)
        taken = {"seconds": time.monotonic() - started, "processor": time.process_time() - processor}
    return taken | {"megabytes": _megabytes()}


def _add_keys(con: duckdb.DuckDBPyConnection, keys: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Splink's rules for the keys, which table `records` then has as columns, null where too many share one."""
    con.execute(f"create or replace temp table keyed as select n, {', '.join(blocking.hashes(keys))} from records")
    few = ", ".join(
        f"if(count(*) over (partition by key_{place}) <= {key['most']}, key_{place}, null) as key_{place}"
        for place, key in enumerate(keys)
    )
    con.execute(
        "create or replace temp table records as select records.*, few.* exclude (n) from records "
        f"inner join (select n, {few} from keyed) as few using (n)"
    )
    return [{"blocking_rule": f"l.key_{place} = r.key_{place}", "sql_dialect": "duckdb"} for place in range(len(keys))]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS = {"table": table, "train": train, "full": full, "batch": batch, "splink": splink}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
