"""Small drop folders of the tills and the web, written as a user would; and what of them counts now."""

from pathlib import Path

import duckdb

from ingestion import layout

LINES = (
    "business_date,store_id,receipt_id,line_no,line_type,register_id,sold_at,product_id,quantity,"
    "gross_amount,discount_amount,coupon_amount,net_amount,currency,loyalty_number"
)
PAYMENTS = "business_date,store_id,receipt_id,payment_no,method,amount,currency,card_token"


def line(day: str, number: int, amount: str = "2.50") -> str:
    return f"{day},367,r{number // 3},{number % 3 + 1},sale,7,{day}T14:03:00Z,p{number},1,{amount},0,0,{amount},USD,"


def sales(drops: Path, day: str, count: int = 6, *, amount: str = "2.50") -> Path:
    """One day of receipt lines."""
    return put(
        drops, f"receipts/{day}/receipt_lines.csv", "\n".join([LINES, *(line(day, n, amount) for n in range(count))])
    )


def payments(drops: Path, day: str, count: int = 2) -> Path:
    rows = (f"{day},367,r{n},1,card,7.50,USD,t{n}" for n in range(count))
    return put(drops, f"receipts/{day}/payments.csv", "\n".join([PAYMENTS, *rows]))


def put(drops: Path, name: str, content: str | bytes) -> Path:
    path = drops / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def query(sql: str, *values) -> list[tuple]:
    with duckdb.connect() as con:
        return con.execute(sql, list(values)).fetchall()


def current(home: Path, system: str, resource: str, columns: str = "count(*)") -> list[tuple]:
    """`columns` of the typed rows that count now, sorted."""
    return query(
        f"select {columns} from {layout.complete(home, system, resource)} as t where _batch_id in "
        f"(select batch_id from {layout.current_batches(home, system)} as b where status = 'landed') order by all"
    )


def batches(home: Path, system: str) -> list[tuple]:
    """(resource, file, status, offered, landed, quarantined, reason) in the order they landed."""
    return query(
        "select resource, file, status, offered, landed, quarantined, reason "
        f"from {layout.complete(home, system, 'batches')} as b order by received_at, resource, file"
    )
