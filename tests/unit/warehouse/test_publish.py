"""A release is whole or not there, is written only when something changed, and is the same on any engine version."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from data_contracts.contract import load
from orchestration.warehouse import engine
from orchestration.warehouse.publish import NothingToPublishError, content_hash, publish


def _build(settings, *statements):
    with engine.writing(settings) as con:
        con.execute("create schema if not exists marts")
        for statement in statements:
            con.execute(statement)


def _release(settings, number, rows=20_000):
    """Two marts whose every row carries the number of the release."""
    _build(
        settings,
        f"create or replace table marts.orders as select i as order_id, {number} as release from range({rows}) as t(i)",
        f"create or replace table marts.customers as select i as person_id, {number} as release from range(100) t(i)",
    )


def test_what_is_published_is_what_the_warehouse_holds(settings):
    _release(settings, 1)
    result = publish(settings, "scheduled/2026 01")
    assert result["rows"] == {"customers": 100, "orders": 20_000}
    assert not result["is_unchanged"]
    assert result["bytes"] > 0
    with duckdb.connect(result["path"], read_only=True) as con:
        assert con.execute("select count(*), min(release), max(release) from orders").fetchall() == [(20_000, 1, 1)]
        kinds = con.execute("select distinct table_type from information_schema.tables").fetchall()
        assert kinds == [("BASE TABLE",)]
        parquet = settings.published / "parquet" / "orders.parquet"
        assert con.execute(f"select count(*) from '{parquet}'").fetchall() == [(20_000,)]


def test_any_engine_of_the_first_generation_opens_the_file(settings):
    _release(settings, 1)
    path = Path(publish(settings, "r1")["path"])
    # Bytes 12 to 20 of a DuckDB file are its storage version; 64 is that of 1.0.
    assert int.from_bytes(path.read_bytes()[12:20], "little") == 64


def test_unchanged_marts_are_not_written_again(settings):
    _release(settings, 1)
    first = publish(settings, "r1")
    _release(settings, 1)
    again = publish(settings, "r2")
    assert again["is_unchanged"]
    assert again["release"] == "marts-r1"
    assert again["hashes"] == first["hashes"]
    assert os.readlink(settings.published / "marts.duckdb") == "marts-r1/marts.duckdb"
    assert not (settings.published / "marts-r2").exists()


def test_tools_find_the_tables_under_the_same_names_in_every_release(settings):
    names = set()
    for number in (1, 2):
        _release(settings, number)
        with duckdb.connect(publish(settings, f"r{number}")["path"], read_only=True) as con:
            tables = "select table_catalog, table_schema, table_name from information_schema.tables"
            names.add(tuple(con.execute(f"{tables} order by all").fetchall()))
    assert names == {(("marts", "main", "customers"), ("marts", "main", "orders"))}


@pytest.mark.parametrize(
    "change",
    [
        "update marts.orders set release = 2 where order_id = 7",
        "delete from marts.orders where order_id = 7",
        "insert into marts.orders select * from marts.orders where order_id = 7",
        "alter table marts.orders rename column release to version",
        "alter table marts.orders alter release type bigint",
        "create table marts.stores as select 1 as store_id",
        "drop table marts.customers",
    ],
)
def test_every_change_is_published(settings, change):
    _release(settings, 1)
    publish(settings, "r1")
    _build(settings, change)
    assert publish(settings, "r2")["release"] == "marts-r2"


def test_a_release_that_lost_a_part_is_written_again(settings):
    _release(settings, 1)
    publish(settings, "r1")
    (settings.published / "parquet").unlink()
    assert publish(settings, "r2")["release"] == "marts-r2"
    assert (settings.published / "parquet" / "orders.parquet").exists()


def test_the_last_two_releases_stay_and_remains_of_a_killed_run_go(settings):
    killed = settings.published / "marts-killed"
    killed.mkdir(parents=True)
    (killed / "marts.duckdb").write_bytes(b"half")
    for number in range(1, 5):
        _release(settings, number)
        publish(settings, f"r{number}")
    left = {path.name for path in settings.published.glob("marts-*")}
    assert left == {f"marts-r{number}{ending}" for number in (3, 4) for ending in ("", ".json")}


def test_the_same_run_may_publish_again_after_a_failure(settings):
    _release(settings, 1)
    publish(settings, "r1")
    (settings.published / "marts-r2").mkdir()
    (settings.published / "marts-r2" / "marts.duckdb").write_bytes(b"half")
    _release(settings, 2)
    assert publish(settings, "r2")["release"] == "marts-r2"


def test_views_and_tables_dbt_is_still_swapping_are_no_marts(settings):
    _release(settings, 1)
    _build(
        settings,
        "create view marts.window_on_orders as select * from marts.orders",
        "create table marts.orders__dbt_tmp as select 1 as x",
        "create table marts.orders__dbt_backup as select 1 as x",
    )
    assert set(publish(settings, "r1")["rows"]) == {"customers", "orders"}


def test_without_marts_it_says_what_to_build(settings):
    _build(settings)
    with pytest.raises(NothingToPublishError, match="build the marts"):
        publish(settings, "r1")


_READER = """
    import json, os, sys, duckdb
    folder, seen = sys.argv[1], []
    print("ready", flush=True)
    while not os.path.exists(os.path.join(folder, "stop")):
        try:
            con = duckdb.connect(os.path.join(folder, "marts.duckdb"), read_only=True)
            found = con.execute(
                "select min(release), max(release), count(*), (select max(release) from customers) from orders"
            ).fetchall()[0]
            con.close()
            in_parquet = os.path.realpath(os.path.join(folder, "parquet"))
            files = duckdb.connect().execute(
                f"select min(release), max(release), count(*) from '{in_parquet}/orders.parquet'").fetchall()[0]
            seen.append([*found, *files])
        except Exception as error:
            seen.append(str(error))
    print(json.dumps(seen))
"""


def test_a_reader_in_another_process_never_waits_and_never_sees_half_a_release(settings):
    _release(settings, 1)
    publish(settings, "r1")
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_READER), str(settings.published)], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout.readline() == "ready\n"
    for number in range(2, 10):
        _release(settings, number)
        publish(settings, f"r{number}")
    (settings.published / "stop").touch()
    seen = json.loads(reader.communicate(timeout=60)[0])
    errors = [one for one in seen if isinstance(one, str)]
    # No reader met a release that two newer ones had already replaced.
    assert errors == []
    assert len(seen) >= 8
    for low, high, count, of_customers, low_file, high_file, count_file in seen:
        assert low == high == of_customers
        assert low_file == high_file
        assert count == count_file == 20_000
    releases = [one[0] for one in seen]
    assert releases == sorted(releases)
    assert len(set(releases)) > 1


_ROWS = """
    (1, 'a', 1.5::double, 0.10::decimal(18, 2), true, date '2017-01-31', timestamp '2017-01-31 12:00:00.5'),
    (2, 'é''|', -0.0, -3.00, false, null, null),
    (null, null, 1e15, 99999999999999.99, null, date '1969-12-31', timestamp '1969-12-31 23:59:59'),
    (2, 'é''|', 0.0, -3.00, false, null, null)
"""


def _hash(rows, order="", columns="a, b, c, d, e, f, g"):
    with duckdb.connect() as con:
        con.execute(f"create table t as select {columns} from (values {rows}) as t(a, b, c, d, e, f, g) {order}")
        return content_hash(con, "t")


def test_the_hash_is_the_same_on_every_engine_version():
    # Computed on DuckDB 1.5.5; the suite also runs on 2.0.
    assert _hash(_ROWS) == "00000002fe643ac26513f924"


def test_the_hash_depends_on_rows_not_on_their_order_or_the_last_digits_of_a_fraction():
    assert _hash(_ROWS) == _hash(_ROWS, order="order by a desc nulls first, c")
    assert _hash(_ROWS) == _hash(_ROWS.replace("1.5::double", "1.5000000001::double"))
    assert _hash(_ROWS) != _hash(_ROWS.replace("1.5::double", "1.50001::double"))
    assert _hash(_ROWS) != _hash(_ROWS.replace("'a'", "'b'"))
    assert _hash(_ROWS) != _hash(_ROWS, columns="a, b, c, d, e, g, f")


def test_the_hash_tells_a_missing_value_from_an_empty_one_and_columns_apart():
    with duckdb.connect() as con:
        hashes = {
            content_hash(con, f"(select {left} as a, {right} as b)")
            for left, right in [("null", "''"), ("''", "null"), ("'x'", "''"), ("''", "'x'"), ("'-'", "''")]
        }
    assert len(hashes) == 5


def test_what_the_contract_says_of_a_mart_is_there_for_tools_that_show_comments(settings):
    _build(settings, "create or replace table marts.stores as select 's1' as store_id, 1 as unknown_to_the_contract")
    with duckdb.connect(publish(settings, "r1")["path"], read_only=True) as con:
        told = con.execute("select column_name, comment from duckdb_columns() where table_name = 'stores'").fetchall()
        table = con.execute("select comment from duckdb_tables() where table_name = 'stores'").fetchall()
    described = load("stores", "marts").table("stores")
    said = {column.name: column.description for column in described.columns}
    assert dict(told) == {"store_id": said["store_id"], "unknown_to_the_contract": None}
    assert table == [(described.description,)]
