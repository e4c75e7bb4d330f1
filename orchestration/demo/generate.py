"""A population and its source systems, from real shopping behaviour and a seed; every rate is in `population.yml`.

What a file says belongs in `sql/`, how a day's file is written in `drops`, reading the files again in `ingestion/`.
"""

import time
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.demo.drops import write_days, write_file
from orchestration.demo.spine import spine_folder

_HERE = Path(__file__).parent
FIRST_DAY, LAST_DAY = date(2017, 1, 1), date(2017, 12, 31)

_IDENTITY_STEPS = (
    "macros", "lists", "spine", "households", "people", "contact_points", "records", "observed", "identities",
    "subscribers",
)  # fmt: skip
_BEHAVIOUR_STEPS = ("receipts", "receipt_files", "web", "devices", "social", "support", "deals", "truth")

# (system, resource, format) with a view `<system>__<resource>`; the views of drops have a column `day`.
_IDENTITY_DROPS = (
    ("receipts", "members", "csv"),
    ("mailer", "subscribers", "csv"),
    ("helpdesk", "users", "ndjson"),
    ("partner", "customers", "csv"),
    ("census", "areas", "csv"),
)
_BEHAVIOUR_DROPS = (
    ("receipts", "payments", "csv"),
    ("receipts", "redemptions", "csv"),
    ("mailer", "activity", "ndjson"),
    ("segment", "events", "ndjson"),
    ("telemetry", "readings", "ndjson"),
    ("helpdesk", "tickets", "ndjson"),
    ("helpdesk", "calls", "ndjson"),
    ("helpdesk", "ratings", "ndjson"),
)
_MASTER = (("receipts", "stores"), ("receipts", "products"), ("mailer", "campaigns"))
_IDENTITY_API = (("hubspot", "contacts"), ("hubspot", "companies"), ("hubspot", "owners"), ("mastodon", "accounts"))
_BEHAVIOUR_API = (("hubspot", "deals"), ("mastodon", "statuses"), ("mastodon", "mentions"), ("mastodon", "reactions"))
_TRUTH = ("records", "events", "traps")

# The tills deliver Parquet in one month and CSV in the others.
_PARQUET_DAYS = f"between date '{date(2017, 6, 1)}' and date '{date(2017, 6, 30)}'"
_LINES_ORDER = "day, store_id, receipt_id, line_no"


def generate(
    people: int, seed: int, out: Path, *, days: tuple[date, date] | None = None, until: date | None = None
) -> dict[str, float]:
    """Write `out/{drops,api,truth}` for so many people; the same arguments give the same files.

    `days` keeps the day folders from first to last, both included; `until` withholds what comes after that day, in the
    APIs too. The truth is always the whole year's. Returns counts of what was made and seconds of its two parts.
    """
    first, last = days or (FIRST_DAY, LAST_DAY)
    con = connect(people, seed, first=first, last=min(last, until or last))
    try:
        started = time.perf_counter()
        generate_identities(con, out)
        between = time.perf_counter()
        generate_behaviour(con, out)
        write_truth(con, out)
        return _counts(con) | {
            "seconds_identities": round(between - started, 2),
            "seconds_behaviour": round(time.perf_counter() - between, 2),
        }
    finally:
        con.close()


def connect(people: int, seed: int, *, first: date = FIRST_DAY, last: date = LAST_DAY) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that knows size, seed, days, word lists and every rate."""
    rates = yaml.safe_load((_HERE / "population.yml").read_text(encoding="utf-8"))
    sources, words = rates.pop("sources"), rates.pop("words")
    con = duckdb.connect()
    # Files are sorted as they are written; the tables between may come in any order.
    con.execute("set preserve_insertion_order = false")
    for name, value in {
        "seed": _text(seed),
        "people": str(people),
        "names": _text(_HERE / "names"),
        "spine": _text(spine_folder()),
        "rates": "{" + ", ".join(f"'{name}': {float(value)!r}::double" for name, value in _flat(rates)) + "}",
        "first_day": f"date '{first}'",
        "last_day": f"date '{last}'",
        "until_at": f"timestamp '{last + timedelta(days=1)}'",
        **{name: "[" + ", ".join(map(_text, listed)) + "]" for name, listed in words.items()},
    }.items():
        con.execute(f"set variable {name} = {value}")
    columns = [name for name in next(iter(sources.values())) if name not in ("object", "first_date", "last_date")]
    rows = ", ".join(_source_row(place, name, columns, sources[name]) for place, name in enumerate(sources))
    con.execute(
        f"create temp table sources as from (values {rows}) as listed("
        f"source, object, place, {', '.join(columns)}, first_date, last_date)"
    )
    return con


def make_identities(con: duckdb.DuckDBPyConnection) -> None:
    """Tables `people`, `observed` (source records) and a view per resource, in the connection only."""
    _run(con, _IDENTITY_STEPS)


def make_behaviour(con: duckdb.DuckDBPyConnection) -> None:
    """Tables and views of what people did, and `truth__*`. Needs the identities in the same connection."""
    _run(con, _BEHAVIOUR_STEPS)


def generate_identities(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """People and what each source knows of them, written to files. `con` comes from `connect`."""
    make_identities(con)
    _write_drops(con, out, _IDENTITY_DROPS)
    _write_api(con, out, _IDENTITY_API)


def generate_behaviour(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """What people did: receipts, mail, web, posts, tickets, readings. Needs the identities in the same connection."""
    make_behaviour(con)
    _write_receipt_lines(con, out / "drops" / "receipts")
    _write_drops(con, out, _BEHAVIOUR_DROPS)
    for system, resource in _MASTER:
        write_file(con, f"from {system}__{resource}", out / "drops" / system / "master" / f"{resource}.csv", "csv")
    _write_api(con, out, _BEHAVIOUR_API)


def write_lines_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """All receipt lines as Parquet files in no order, for populations beyond a demo; returns how many lines.

    Needs the identities in the same connection, and nothing else of the behaviour.
    """
    _run(con, ("receipts",))
    folder.mkdir(parents=True, exist_ok=True)
    return con.execute(
        f"copy (from receipt_lines) to {_text(folder)} (format parquet, per_thread_output, overwrite_or_ignore)"
    ).fetchall()[0][0]


def write_truth(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """`out/truth/{records,events,traps}.parquet`: of the whole year, whatever days were written."""
    for name in _TRUTH:
        write_file(con, f"from truth__{name}", out / "truth" / f"{name}.parquet", "parquet")


def _write_receipt_lines(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    as_csv = f"from receipts__receipt_lines where day not {_PARQUET_DAYS}"
    as_parquet = f"select business_date as day, * exclude (bad) from receipt_lines where business_date {_PARQUET_DAYS}"
    write_days(con, as_csv, folder, "receipt_lines", "csv", order=_LINES_ORDER)
    write_days(con, as_parquet, folder, "receipt_lines", "parquet", order=_LINES_ORDER)


def _write_drops(con: duckdb.DuckDBPyConnection, out: Path, drops: tuple[tuple[str, str, str], ...]) -> None:
    for system, resource, form in drops:
        write_days(con, f"from {system}__{resource}", out / "drops" / system, resource, form)


def _write_api(con: duckdb.DuckDBPyConnection, out: Path, tables: tuple[tuple[str, str], ...]) -> None:
    for system, resource in tables:
        write_file(con, f"from {system}__{resource}", out / "api" / system / f"{resource}.parquet", "parquet")


def _counts(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    counted = {
        "people": "people",
        "households": "households",
        "shopping_households": "households where spine_household_id is not null",
        "records": "observed",
        "receipt_lines": "receipt_lines",
        "web_events": "web_events",
    }
    return {name: con.execute(f"select count(*) from {rows}").fetchall()[0][0] for name, rows in counted.items()}


def _run(con: duckdb.DuckDBPyConnection, steps: Iterable[str]) -> None:
    for step in steps:
        con.execute((_HERE / "sql" / f"{step}.sql").read_text(encoding="utf-8"))


def _source_row(place: int, name: str, columns: list[str], rates: dict[str, Any]) -> str:
    numbers = ", ".join(f"{float(rates[column])!r}::double" for column in columns)
    dates = f"date '{rates['first_date']}', date '{rates['last_date']}'"
    return f"('{name}', '{rates['object']}', {place}, {numbers}, {dates})"


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    flat: list[tuple[str, float]] = []
    for name, value in tree.items():
        flat += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return flat


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
