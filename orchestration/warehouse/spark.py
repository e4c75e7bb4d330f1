"""A Spark session on this machine in which dbt models find what they find on DuckDB: functions and Python's tables.

Only the extra `spark` has what this needs. Which SQL differs between the engines is in the dbt macros, not here.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse.functions import register_spark

_LOOPBACK = "127.0.0.1"


def folder(settings: Settings) -> Path:
    """Where a session of this home writes its tables: `<schema>.db/<table>/*.parquet`."""
    return settings.root / "spark"


@contextmanager
def session(settings: Settings, tables: Mapping[str, Path], options: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A session that knows the functions models call and `tables` (`<schema>.<table>` -> its Parquet); dbt joins it.

    `options` are Spark's own and win over those set here. What an earlier session of this home wrote is removed:
    nothing remembers its tables. One session a process; needs Java 17 or later.
    """
    shutil.rmtree(folder(settings), ignore_errors=True)
    # Functions run in processes of their own: they must be this Python, and nothing may listen beyond this machine.
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP=_LOOPBACK)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{settings.threads}]").appName("tessera")
    for name, value in {**_options(settings), **(options or {})}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        register_spark(spark)
        for schema in sorted({name.split(".")[0] for name in tables}):
            spark.sql(f"create database {schema}")
        for name, path in tables.items():
            spark.catalog.createTable(name, path=str(path), source="parquet")
        yield spark
    finally:
        spark.stop()


def _options(settings: Settings) -> dict[str, str]:
    # A person's row is joined from many tables at once, and each join sorts in pages of its own.
    limit = re.fullmatch(r"(\d+) ?([gm])i?b", settings.memory_limit.lower())
    return {
        **({"spark.driver.memory": limit[1] + limit[2]} if limit else {}),
        "spark.sql.warehouse.dir": str(folder(settings)),
        "spark.local.dir": str(settings.spill),
        # A metastore would be a database in the working folder, and slow to start.
        "spark.sql.catalogImplementation": "in-memory",
        "spark.driver.host": _LOOPBACK,
        "spark.driver.bindAddress": _LOOPBACK,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(settings.threads),
        # A timestamp is UTC and has no zone, as on DuckDB.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A column that some landed file lacks is null there.
        "spark.sql.parquet.mergeSchema": "true",
    }
