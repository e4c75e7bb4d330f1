"""What lands beside the contract's own columns, and the tables that go with every resource.

How rows get there does not belong here; readers and writers share these names.
"""

from data_contracts.contract import Contract, Table

# name, DuckDB type, description
TYPED = (
    ("_raw", "varchar", "The record as received; null where the contract does not keep it."),
    ("_file", "varchar", "File the row came in; empty for an API."),
    ("_line", "bigint", "Line in the file, or place in the pages of one load."),
    ("_batch_id", "varchar", "Batch the row belongs to."),
    ("_received_at", "timestamp", "When it was read, UTC."),
)
QUARANTINED = (
    ("_reason", "varchar", "Which field broke which rule."),
    ("_raw", "blob", "The record, byte for byte as received."),
    ("_file", "varchar", "File the row came in; empty for an API."),
    ("_line", "bigint", "Line in the file, or place in the pages of one load."),
    ("_batch_id", "varchar", "Batch the row belongs to."),
    ("_contract_version", "varchar", "Version of the contract that refused it."),
    ("_received_at", "timestamp", "When it was read, UTC."),
)
LOAD_ID = ("_dlt_load_id", "varchar", "Load that brought the row; listed in _dlt_loads once complete.")
BATCHES = (
    ("resource", "varchar", "Resource."),
    ("file", "varchar", "File, relative to the drop folder of the system; empty for an API."),
    ("batch_id", "varchar", "Unique for each landing of a file; sorts by time."),
    ("status", "varchar", "landed, withdrawn (the file vanished) or rejected (nothing of it landed)."),
    ("reason", "varchar", "Why it was rejected, or what was ignored."),
    ("offered", "bigint", "Records in it."),
    ("landed", "bigint", "Records that kept the contract."),
    ("quarantined", "bigint", "Records that broke it."),
    ("fingerprint", "varchar", "Hash of the content; empty for an API."),
    ("received_at", "timestamp", "When it was read, UTC."),
    ("header", "varchar", "Header line of a CSV file, to judge its records again; null for others."),
)
REPLAYS = (
    ("resource", "varchar", "Resource."),
    ("batch_id", "varchar", "Batch of the row that was in quarantine."),
    ("line", "bigint", "Its line; with batch_id it names the quarantined row that has landed since."),
    ("replayed_at", "timestamp", "When, UTC."),
)
QUARANTINE_SUFFIX = "__quarantine"


def typed_columns(table: Table) -> list[tuple[str, str, str]]:
    """(name, DuckDB type, description) of the typed rows of a resource, without the load id."""
    return [(c.name, c.sql_type, c.description) for c in table.columns] + list(TYPED)


def quarantined_columns(table: Table) -> list[tuple[str, str, str]]:
    """(name, DuckDB type, description) of the quarantined rows of a resource, without the load id."""
    return [(c.name, c.sql_type, c.description) for c in table.columns] + list(QUARANTINED)


def layout(contract: Contract) -> dict[str, list[tuple[str, str, str]]]:
    """Every table that lands for a system, by folder name, with the load id as last column."""
    tables: dict[str, list[tuple[str, str, str]]] = {}
    for table in contract.tables:
        tables[table.name] = [*typed_columns(table), LOAD_ID]
        tables[table.name + QUARANTINE_SUFFIX] = [*quarantined_columns(table), LOAD_ID]
    tables["batches"] = [*BATCHES, LOAD_ID]
    tables["replays"] = [*REPLAYS, LOAD_ID]
    return tables
