"""A population with its source systems, from real shopping behaviour and a seed; all rates in `population.yml`.

What a file says belongs in `sql/`; reading the files again belongs in `ingestion/`.
"""

import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from orchestration.demo.drops import Daily, write_days, write_days_as, write_file
from orchestration.demo.spine import spine_folder

_HERE = Path(__file__).parent
FIRST_DAY, LAST_DAY = date(2017, 1, 1), date(2017, 12, 31)
# Receipts of one month come as Parquet, the others as CSV.
_PARQUET_DAYS = (date(2017, 6, 1), date(2017, 6, 30))

_IDENTITY_STEPS = ("macros", "lists", "spine", "people", "contact_points", "records", "identities", "subscribers")
_BEHAVIOUR_STEPS = ("receipts", "web", "social", "support", "truth")

_IDENTITY_DROPS = (
    Daily("receipts", "members", "csv"),
    Daily("mailer", "subscribers", "csv"),
    Daily("helpdesk", "users", "ndjson"),
    Daily("partner", "customers", "csv"),
    Daily("census", "areas", "csv"),
)
_BEHAVIOUR_DROPS = (
    Daily("receipts", "payments", "csv"),
    Daily("receipts", "redemptions", "csv"),
    Daily("mailer", "activity", "ndjson"),
    Daily("segment", "events", "ndjson"),
    Daily("telemetry", "readings", "ndjson"),
    Daily("helpdesk", "tickets", "ndjson"),
    Daily("helpdesk", "calls", "ndjson"),
    Daily("helpdesk", "ratings", "ndjson"),
)
_MASTER = (("receipts", "stores"), ("receipts", "products"), ("mailer", "campaigns"))
_IDENTITY_API = (("hubspot", "contacts"), ("hubspot", "companies"), ("hubspot", "owners"), ("mastodon", "accounts"))
_BEHAVIOUR_API = (("hubspot", "deals"), ("mastodon", "statuses"), ("mastodon", "mentions"), ("mastodon", "reactions"))
_TRUTH = ("records", "events", "traps")

_SOURCE_RATES = (
    "presence", "sloppiness", "names", "birth_date", "email", "phone", "address", "gender", "work_email", "second_email", "updated",
)  # fmt: skip
_WORDS = {
    "adjectives": "red happy lucky silver wild sunny quiet brave cosmic crazy blue fuzzy golden mellow tiny big",
    "nouns": "jay bengal reds fox hiker baker gamer mom dad rider tiger moon star garden music fisher runner river biker coder",
}
_USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/60.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/603.3 Safari/603.3",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3 like Mac OS X) AppleWebKit/603.1 Mobile/14E277",
    "Mozilla/5.0 (Linux; Android 7.0; SM-G930V) AppleWebKit/537.36 Chrome/59.0 Mobile",
    "Mozilla/5.0 (Windows NT 6.1; rv:54.0) Gecko/20100101 Firefox/54.0",
)


def generate(people: int, seed: int, out: Path, *, days: tuple[date, date] | None = None, until: date | None = None) -> dict:
    """Write `out/{drops,api,truth}` for so many people; the same arguments give the same files.

    `days` keeps the folders from first to last, both included; `until` withholds what comes after that day, APIs included.
    Returns counts and seconds: `people, households, records, receipt_lines, seconds_identities, seconds_behaviour`.
    """
    first, last = days or (FIRST_DAY, LAST_DAY)
    con = connect(people, seed, first=first, last=min(last, until or last))
    try:
        started = time.perf_counter()
        generate_identities(con, out)
        between = time.perf_counter()
        generate_behaviour(con, out)
        write_truth(con, out)
        return summary(con) | {
            "seconds_identities": round(between - started, 2),
            "seconds_behaviour": round(time.perf_counter() - between, 2),
        }
    finally:
        con.close()


def connect(people: int, seed: int, *, first: date = FIRST_DAY, last: date = LAST_DAY) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that knows size, seed, days and every rate."""
    rates = yaml.safe_load((_HERE / "population.yml").read_text(encoding="utf-8"))
    sources = rates.pop("sources")
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    con.execute("set partitioned_write_max_open_files = 500")
    for name, value in {
        "seed": f"'{seed}'",
        "people": str(people),
        "names": _text(_HERE / "names"),
        "spine": _text(spine_folder()),
        "rates": "{" + ", ".join(f"'{name}': {float(value)!r}::double" for name, value in _flat(rates)) + "}",
        "user_agents": _list(_USER_AGENTS),
        "first_day": f"date '{first}'",
        "last_day": f"date '{last}'",
        "until_at": f"timestamp '{min(last, LAST_DAY) + timedelta(days=1)}'",
        **{name: _list(words.split()) for name, words in _WORDS.items()},
    }.items():
        con.execute(f"set variable {name} = {value}")
    rows = ", ".join(_source_row(place, name, rates) for place, (name, rates) in enumerate(sources.items()))
    con.execute(
        f"create temp table sources as from (values {rows}) as listed("
        f"source, object, place, {', '.join(_SOURCE_RATES)}, first_date, last_date)"
    )
    return con


def generate_identities(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """People and what every source knows of them, written to files."""
    _run(con, _IDENTITY_STEPS)
    for daily in _IDENTITY_DROPS:
        write_days(con, out / "drops", daily)
    _write_api(con, out, _IDENTITY_API)


def generate_behaviour(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """What people did: receipts, mail, web, posts, tickets, readings. Needs the identities of the same connection."""
    _run(con, _BEHAVIOUR_STEPS)
    write_receipt_lines(con, out)
    for daily in _BEHAVIOUR_DROPS:
        write_days(con, out / "drops", daily)
    for system, resource in _MASTER:
        write_file(con, f"from {system}__{resource}", out / "drops" / system / "master" / f"{resource}.csv", "csv")
    _write_api(con, out, _BEHAVIOUR_API)


def write_receipt_lines(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """The volume: a CSV a day, a Parquet a day in one month."""
    month = f"between date '{_PARQUET_DAYS[0]}' and date '{_PARQUET_DAYS[1]}'"
    folder = out / "drops" / "receipts"
    order = "order by day, store_id, receipt_id, line_no"
    write_days_as(
        con,
        f"select * from receipts__receipt_lines where day not {month} {order}",
        folder, "receipt_lines", "csv",
    )  # fmt: skip
    write_days_as(
        con,
        f"select business_date as day, * exclude (bad) from receipt_lines where business_date {month} {order}",
        folder, "receipt_lines", "parquet",
    )  # fmt: skip


def write_truth(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """`out/truth/{records,events,traps}.parquet`: of the whole year, whatever days were written."""
    for name in _TRUTH:
        write_file(con, f"from truth__{name}", out / "truth" / f"{name}.parquet", "parquet")


def summary(con: duckdb.DuckDBPyConnection) -> dict:
    """Counts of what was made."""
    counts = {
        "people": "people", "households": "households", "shopping_households": "households where spine_household_id is not null",
        "records": "observed", "receipt_lines": "receipt_lines", "web_events": "web_events",
    }  # fmt: skip
    return {name: con.execute(f"select count(*) from {table}").fetchall()[0][0] for name, table in counts.items()}


def _run(con: duckdb.DuckDBPyConnection, steps: tuple[str, ...]) -> None:
    for step in steps:
        con.execute((_HERE / "sql" / f"{step}.sql").read_text(encoding="utf-8"))


def _write_api(con: duckdb.DuckDBPyConnection, out: Path, tables: tuple[tuple[str, str], ...]) -> None:
    for system, resource in tables:
        write_file(con, f"from {system}__{resource}", out / "api" / system / f"{resource}.parquet", "parquet")


def _source_row(place: int, name: str, rates: dict) -> str:
    numbers = ", ".join(f"{float(rates[rate])!r}::double" for rate in _SOURCE_RATES)
    return f"('{name}', '{rates['object']}', {place}, {numbers}, date '{rates['first']}', date '{rates['last']}')"


def _flat(tree: dict, prefix: str = "") -> list[tuple[str, float]]:
    flat = []
    for name, value in tree.items():
        flat += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return flat


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _list(values) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
