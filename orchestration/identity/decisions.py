"""What stewards decided about pairs of records; outranks the model in every run.

Reading and recording only: how a decision bends the partition is in `people`.
"""

from datetime import datetime

import duckdb

KINDS = ("must", "cannot")


def record(
    con: duckdb.DuckDBPyConnection,
    record_id_l: str,
    record_id_r: str,
    *,
    decision: str,
    who: str,
    decided_at: datetime,
    why: str,
) -> None:
    """Add a decision (`must` or `cannot`) to the state database; the newest one on a pair holds."""
    if decision not in KINDS:
        raise ValueError(f"decision '{decision}' is neither of: {', '.join(KINDS)}")
    low, high = sorted((record_id_l, record_id_r))
    if low == high:
        raise ValueError(f"a decision needs two records, got '{low}' twice")
    con.execute("insert into identity.decisions values (?, ?, ?, ?, ?, ?)", [low, high, decision, who, decided_at, why])


def standing_sql(decisions: str) -> str:
    """The decision that holds for each pair, smaller record first: record_id_l, record_id_r, decision."""
    return (
        "select least(record_id_l, record_id_r) as record_id_l, greatest(record_id_l, record_id_r) as record_id_r, "
        f"arg_max(decision, decided_at) as decision from {decisions} group by all order by all"
    )
