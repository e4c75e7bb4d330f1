"""What a run leaves for the next one: hashes of records and of the keys they meet by, pairs, components, persons.

`linkage.duckdb`, attached as catalog `linkage`, is a cache. It belongs to one model; missing, of another model or
damaged it is made anew, by a run over all records. Everything a run changes in it is one transaction, so that a killed
run leaves what was. What the tables are used for is in `incremental`.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import duckdb

from orchestration.settings import Settings

# about: `run_no` is the registered run whose partition this is, -1 while no run is known to have it.
# pairs: candidates that weigh enough to join components, and (not is_candidate) the other pairs inside a component.
# unsettled: records whose person may differ from what is registered.
_TABLES = """
    create table linkage.about (signature varchar, run_no bigint);
    create table linkage.nodes (
        n bigint, record_id varchar, content ubigint, is_contact boolean, is_thin boolean, is_known boolean,
        component bigint, person bigint
    );
    create table linkage.identifiers (content ubigint, identifier_type varchar, identifier_value varchar, n bigint);
    create table linkage.pairs (
        n_l bigint, n_r bigint, match_weight double, match_probability double, has_veto boolean, rule varchar,
        evidence varchar, is_candidate boolean
    );
    create table linkage.full_blocks (rule_no utinyint, block_key ubigint, text varchar, count_records bigint);
    create table linkage.common_identifiers (
        identifier_type varchar, identifier_value varchar, count_records bigint, count_people bigint, reason varchar
    );
    create table linkage.decisions (record_id_l varchar, record_id_r varchar, decision varchar);
    create table linkage.unsettled (record_id varchar);
"""


def path(settings: Settings) -> Path:
    """Where the pipeline keeps it."""
    return settings.root / "identity" / "linkage.duckdb"


def signature(model_version: str, duplicate_free: frozenset[str]) -> str:
    """What everything in a store depends on besides the inputs: hashes are only the same within one engine version.

    The code that prepares and compares records counts too, so that an upgrade starts anew.
    """
    return f"{_code()} {duckdb.__version__} {model_version} {' '.join(sorted(duplicate_free))}"


@lru_cache(maxsize=1)
def _code() -> str:
    files = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".csv"))
    return hashlib.md5(b"".join(path.read_bytes() for path in files)).hexdigest()


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, file: Path | None, known_as: str | None) -> Iterator[bool]:
    """Catalog `linkage`; tells whether it holds an earlier run's tables. Without a file it is in memory, and empty."""
    is_kept = file is not None and known_as is not None and _attach(con, file, known_as)
    if not is_kept:
        if file is not None:
            _remove(file)
            file.parent.mkdir(parents=True, exist_ok=True)
        # The newest way of storing is the quickest to write; no other version of the engine reads this file.
        con.execute(f"attach '{file or ':memory:'}' as linkage" + (" (storage_version 'latest')" if file else ""))
        con.execute(_TABLES)
    try:
        yield is_kept
    finally:
        with suppress(duckdb.TransactionException):
            con.execute("rollback")
        con.execute("detach linkage")


def _attach(con: duckdb.DuckDBPyConnection, file: Path, known_as: str) -> bool:
    if not file.exists():
        return False
    try:
        con.execute(f"attach '{file}' as linkage")
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise
        return False
    try:
        if con.execute("select signature from linkage.about").fetchall() == [(known_as,)]:
            return True
    except duckdb.Error:
        pass
    con.execute("detach linkage")
    return False


def _remove(file: Path) -> None:
    for path in (file, file.with_name(f"{file.name}.wal")):
        path.unlink(missing_ok=True)


def sign(con: duckdb.DuckDBPyConnection, known_as: str) -> None:
    """Inside the transaction that fills it: the store is of this model, and no registered run has its partition."""
    con.execute("delete from linkage.about")
    con.execute("insert into linkage.about values (?, -1)", [known_as])


def run_no(con: duckdb.DuckDBPyConnection) -> int:
    """The registered run from which this store knows what changed; -1 for none."""
    return con.execute("select coalesce(max(run_no), -1) from linkage.about").fetchall()[0][0]


def settle(file: Path, run_no: int) -> None:
    """What the store holds is what the run registered."""
    if not file.exists():
        return
    with duckdb.connect() as con:
        con.execute(f"attach '{file}' as linkage")
        con.execute("begin transaction")
        con.execute("update linkage.about set run_no = ?", [run_no])
        con.execute("delete from linkage.unsettled")
        con.execute("commit")
