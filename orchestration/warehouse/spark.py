"""A local Spark session in which the dbt models find what they find on DuckDB: functions and the tables Python wrote.

Only the extra `spark` has what this needs. Which SQL differs between the engines is in the dbt macros, not here.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse.functions import register_spark

_LOOPBACK = "127.0.0.1"


def folder(settings: Settings) -> Path:
    """Where a session of this home writes: `<schema>.db/<table>/*.parquet`."""
    return settings.root / "spark" / "warehouse"


@contextmanager
def session(settings: Settings, tables: Mapping[str, Path], **options: str) -> Iterator[Any]:
    """A session on this machine that knows the functions of SQL models and `tables` (`<schema>.<table>` -> Parquet).

    dbt finds it by itself, as the running one. Its catalog is forgotten with it, the Parquet stays. `options` are Spark's
    own, with `_` for `.`, and win over the ones set here. One session at a time and process.
    """
    # The workers are other processes: they must be this Python, and nothing may listen beyond this machine.
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP=_LOOPBACK)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{settings.threads}]").appName("tessera")
    for name, value in (_options(settings) | options).items():
        builder = builder.config(name.replace("__", "."), value)
    spark = builder.getOrCreate()
    try:
        register_spark(spark)
        for name, path in tables.items():
            spark.sql(f"create database if not exists {name.split('.')[0]}")
            spark.catalog.createTable(name, path=str(path), source="parquet")
        yield spark
    finally:
        spark.stop()


def _options(settings: Settings) -> dict[str, str]:
    return {
        "spark.sql.warehouse.dir": str(folder(settings)),
        "spark.local.dir": str(settings.spill),
        # No metastore: it would leave a database in the working folder.
        "spark.sql.catalogImplementation": "in-memory",
        "spark.driver.host": _LOOPBACK,
        "spark.driver.bindAddress": _LOOPBACK,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(settings.threads),
        # A timestamp is UTC and has no zone, as on DuckDB.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # Columns that a landed file lacks are null.
        "spark.sql.parquet.mergeSchema": "true",
    }
