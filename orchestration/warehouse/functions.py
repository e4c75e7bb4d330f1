"""Functions that SQL lacks, the same on every engine, and how each engine gets them.

A rule that SQL can say belongs in a dbt macro, not here.
"""

from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

_REMEMBERED_PHONES = 1_000_000
_LONGEST_PHONE = 60


@lru_cache(maxsize=_REMEMBERED_PHONES)
def phone_e164(phone: str | None, region: str | None) -> str | None:
    """The number as `+<country><number>`, read as someone in `region` (ISO 3166, two letters) would dial it.

    None if it is no valid number there. An extension is dropped: it reaches a desk, not a person's line.
    """
    import phonenumbers

    if not phone or len(phone) > _LONGEST_PHONE:
        return None
    try:
        parsed = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _phones_e164(phones: pa.Array, regions: pa.Array) -> pa.Array:
    return pa.array(map(phone_e164, phones.to_pylist(), regions.to_pylist()), pa.string())


def register_duckdb(con: duckdb.DuckDBPyConnection) -> None:
    """Make `phone_e164(phone, region)` callable in SQL on this connection; harmless when it is already there."""
    try:
        con.create_function(
            "phone_e164", _phones_e164, ["VARCHAR", "VARCHAR"], "VARCHAR", type="arrow", null_handling="special"
        )
    except duckdb.NotImplementedException as error:
        if "already created" not in str(error):
            raise


def register_spark(spark: Any) -> None:
    """Make `phone_e164(phone, region)` callable in SQL in this session."""
    from pyspark.sql.types import StringType

    spark.udf.register("phone_e164", phone_e164, StringType())


class Plugin:
    """What dbt-duckdb loads by this module's name in `profiles.yml`: gives each of its connections our functions."""

    def __init__(self, name: str, plugin_config: dict[str, Any], credentials: Any = None) -> None:
        self.name = name

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Nothing to add: `profiles.yml` holds the settings."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once, on the connection whose cursors run the models."""
        register_duckdb(conn)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Nothing to add: a function registered on the connection is known to its cursors."""
