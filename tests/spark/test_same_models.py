"""The dbt models give the same rows on Spark as on DuckDB, over the same landed Parquet."""

import pytest

from orchestration.warehouse import engine, spark
from tests.spark.comparison import differences
from tests.spark.conftest import WRITTEN_BY_PYTHON

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")]

# What dbt does not build in these schemas.
_NOT_MODELS = set(WRITTEN_BY_PYTHON)


@pytest.fixture(scope="module")
def warehouse(home):
    with engine.reading(home) as con:
        con.execute("use memory")
        yield con


def _tables(con, schema: str) -> list[str]:
    rows = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name = ? order by table_name",
        [schema],
    ).fetchall()
    return [name for (name,) in rows if name not in _NOT_MODELS]


def _written_by_spark(settings, table: str) -> str:
    schema, name = table.split(".")
    return str(spark.folder(settings) / f"{schema}.db" / name / "*.parquet")


def test_every_model_builds_on_spark(on_spark):
    assert not {table: message for table, (status, message) in on_spark.items() if status != "success"}


@pytest.mark.parametrize(
    "stage", ["staging", "conformed", "profile", "features", "scores", "activation", "measurement", "marts"]
)
def test_rows_are_the_same(stage, home, warehouse, on_spark):
    tables = _tables(warehouse, stage)
    assert sorted(tables) == sorted(table for table in on_spark if table.startswith(f"{stage}."))
    found = [
        line
        for table in tables
        for line in differences(warehouse, f"warehouse.{table}", _written_by_spark(home, table))
    ]
    assert not found, "\n" + "\n".join(found)


def test_there_were_rows_to_compare(warehouse, on_spark):
    empty = [
        table
        for stage in ("conformed", "profile", "features", "scores", "activation", "measurement", "marts")
        for table in _tables(warehouse, stage)
        if not warehouse.execute(f"select count(*) from warehouse.{table}").fetchall()[0][0]
    ]
    assert not empty


def test_one_changed_value_is_noticed(home, warehouse, on_spark, tmp_path):
    """The comparison itself: a cent too much in one of all orders, and a row that is there twice."""
    written = _written_by_spark(home, "marts.orders")
    for change, query in {
        "cent": "select * replace (case when order_id = (select min(order_id) from orders) then net_amount + 0.01 "
        "else net_amount end as net_amount) from orders",
        "twice": "from orders union all (from orders limit 1)",
    }.items():
        altered = tmp_path / f"{change}.parquet"
        warehouse.execute(
            f"copy (with orders as (from read_parquet('{written}')) {query}) to '{altered}' (format parquet)"
        )
        found = differences(warehouse, "warehouse.marts.orders", str(altered))
        assert found, change
        assert "rows on DuckDB" in found[0]
