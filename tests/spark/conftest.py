"""One small population, run on DuckDB by the steps of the graph and then, from the same Parquet, on Spark by dbt."""

import json
import os
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from ingestion.discover import discover
from ingestion.landing import land
from orchestration.demo.generate import generate
from orchestration.demo.run import demo_folder, sources
from orchestration.home import prepare, variables
from orchestration.settings import Settings
from orchestration.warehouse import dbt, engine, spark

# Only the environment of `make test-spark` has it.
collect_ignore_glob = [] if find_spec("pyspark") else ["test_*.py"]

PEOPLE, SEED = 100, 11
# Identity's tables are exported by itself.
WRITTEN_BY_PYTHON = (
    "conformed.message_readings",
    "conformed.sentiment_models",
    "segments.membership",
    "activation.results",
    "measurement.closes",
    "measurement.closed_orders",
    *(f"scores.{name}" for name in ("purchases", "coupon_response", "next_products", "behaviour_groups")),
    *(f"scores.{name}" for name in ("models", "measures", "tenths", "runs")),
)
AS_OF = date(2017, 12, 31)
_SMALL = {
    # For some thousand rows, compiling queries and planning them anew midway costs more than it saves.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Settings of a home that every stage has run on, with DuckDB."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("TESSERA_")]:
        del os.environ[name]
    os.environ["TESSERA_HOME"] = str(tmp_path_factory.mktemp("home"))
    settings = Settings()
    prepare(settings)
    os.environ.update(variables(settings))
    generate(PEOPLE, SEED, demo_folder(settings))
    with sources(settings):
        for system in discover():
            land(system, settings.root)
        _close_months(settings)
        _restate_and_withdraw(demo_folder(settings) / "drops" / "receipts")
        land("receipts", settings.root)
        _run_on_duckdb(settings)
    yield settings
    os.environ.clear()
    os.environ.update(before)


def _restate_and_withdraw(receipts: Path) -> None:
    """One day's lines come again with the last one missing, another day's vanish."""
    restated, withdrawn = (receipts / day / "receipt_lines.csv" for day in ("2017-11-20", "2017-11-21"))
    restated.write_text("".join(restated.read_text().splitlines(keepends=True)[:-1]))
    withdrawn.unlink()


def _models(settings: Settings, *stages: str) -> None:
    dbt.run(settings, ["run", "--select", *(f"path:models/{stage}" for stage in stages)], as_of=AS_OF)


def _conformed(settings: Settings) -> None:
    """What sources say in one shape, and what is read out of their messages."""
    from orchestration.conformed.messages import read_messages

    sources_alone = ["path:models/staging", "path:models/conformed", "--exclude", "conformed__feedback"]
    dbt.run(settings, ["run", "--select", *sources_alone], as_of=AS_OF)
    read_messages(settings, AS_OF)
    dbt.run(settings, ["run", "--select", "conformed__feedback"], as_of=AS_OF)


def _close_months(settings: Settings) -> None:
    """Months are closed before a day is restated, so that there is something to explain."""
    from orchestration.identity.resolve import resolve
    from orchestration.measurement.period_close import close_months

    _conformed(settings)
    resolve(settings, as_of=AS_OF, run_id="before")
    figures = ["measurement__period_orders", "measurement__period_figures"]
    dbt.run(settings, ["run", "--select", *figures], as_of=AS_OF)
    close_months(settings, as_of=AS_OF)


def _run_on_duckdb(settings: Settings) -> None:
    from orchestration.activation.ledger import export_results
    from orchestration.activation.run import run_named
    from orchestration.identity.groups import keeping
    from orchestration.identity.quality import history
    from orchestration.identity.resolve import resolve
    from orchestration.scores.of_people.run import score
    from orchestration.segments.document import load_documents
    from orchestration.segments.membership import refresh

    _conformed(settings)
    resolve(settings, as_of=AS_OF, run_id="run")
    keeping.keep_households(settings)
    keeping.keep_accounts(settings)
    history.measure(settings, as_of=AS_OF)
    _models(settings, "profile", "features")
    score(settings, AS_OF, "run")
    _models(settings, "scores")
    segments, _ = load_documents()
    refresh(settings, segments, AS_OF, "run")
    _models(settings, "activation")
    for sync in ("hubspot_contacts", "lapsing_customers"):
        run_named(settings, sync, as_of=AS_OF, run_id=f"run-{sync}")
    export_results(settings)
    _models(settings, "measurement", "marts")


@pytest.fixture(scope="module")
def on_spark(home, tmp_path_factory):
    """What became of every model on Spark: `<schema>.<table>` -> (status, message)."""
    from dbt.cli.main import dbtRunner

    working_folder, folder = Path.cwd(), tmp_path_factory.mktemp("dbt")
    # What Spark drops where it stands must not lie about in the project.
    os.chdir(folder)
    try:
        with spark.session(home, written_by_python(home), _SMALL):
            result = dbtRunner().invoke([
                "--quiet", "run", "--target", "spark",
                "--project-dir", str(dbt.PROJECT_DIR), "--profiles-dir", str(dbt.PROJECT_DIR),
                "--target-path", str(folder), "--log-path", str(folder),
                "--vars", json.dumps({"as_of": AS_OF.isoformat()}),
            ])  # fmt: skip
    finally:
        os.chdir(working_folder)
    assert result.exception is None, result.exception
    return {f"{built.node.schema}.{built.node.alias}": (str(built.status), built.message) for built in result.result}


def written_by_python(settings: Settings) -> dict[str, Path]:
    """The tables that models read and dbt does not build, as Parquet; identity exports its own."""
    tables = {f"identity.{path.stem}": path for path in (settings.root / "identity").glob("*.parquet")}
    with engine.reading(settings) as con:
        for name in WRITTEN_BY_PYTHON:
            tables[name] = settings.root / f"{name}.parquet"
            con.execute(f"copy {name} to '{tables[name]}' (format parquet)")
    return tables
