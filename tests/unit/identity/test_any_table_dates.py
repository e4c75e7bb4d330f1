"""Birth dates as people write them, read into ISO text."""

import duckdb
import pytest

from orchestration.identity.any_table.dates import Reading, read_dates


def read(values: list[str | None], sources: list[str | None] | None = None) -> tuple[dict[str, str | None], Reading]:
    """ISO text by written text, and how the column was read."""
    with duckdb.connect() as con:
        con.execute("create table given (source varchar, born varchar)")
        con.executemany(
            "insert into given values (?, ?)", list(zip(sources or [None] * len(values), values, strict=True))
        )
        reading = read_dates(con, "given", "born", "source", "dates")
        rows = con.execute("select source, text, iso from dates").fetchall()
    return {(f"{source}: {text}" if sources else text): iso for source, text, iso in rows}, reading


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("1970-01-02", "1970-01-02"), ("19700102", "1970-01-02"), ("1970/1/2", "1970-01-02"),
        ("1970-01-02T00:00:00", "1970-01-02"), ("1970-01-02 00:00:00+00", "1970-01-02"), ("2.1.1970", "1970-01-02"),
        ("2 Jan 1970", "1970-01-02"), ("02-JAN-1970", "1970-01-02"), ("Jan 2, 1970", "1970-01-02"),
        ("January 2nd 1970", "1970-01-02"), ("2. März 1970", "1970-03-02"), ("3 juin 1961", "1961-06-03"),
        ("3 juillet 1961", "1961-07-03"), ("12 août 1960", "1960-08-12"), ("6.5.70", "1970-05-06"),
        ("6.5.12", "2012-05-06"), ("13/01/1970", "1970-01-13"), ("01/13/1970", "1970-01-13"),
        ("01131970", "1970-01-13"),
        ("1970", "1970"), ("1970-00-00", "1970"), ("1970-04", "1970-04"), ("19700400", "1970-04"),
        ("Dez 1970", "1970-12"),
        ("1630-08-01", "1630-08-01"), ("٠١/٠٢/١٩٨٥", "1985-02-01"), ("1850-81-01", "1850-81-01"),
        ("unknown", None), ("0", None), ("17", None), ("0001-01-01", None), ("9999-12-31", None),
        ("0000-00-00", None), ("0970-03-04", "0970-03-04"),
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_form_it_was_written(written, iso):
    assert read([written])[0] == {written: iso}


def test_the_column_decides_whether_the_day_comes_first():
    assert read(["03/04/1970", "25/12/1980"])[0]["03/04/1970"] == "1970-04-03"
    assert read(["03/04/1970", "12/25/1980"])[0]["03/04/1970"] == "1970-03-04"


def test_each_source_has_its_own_order_and_one_that_shows_none_follows_the_others():
    values = ["03/04/1970", "25/12/1980", "03/04/1970", "12/25/1980", "12/26/1980", "03/04/1970", "19700304"]
    found, reading = read(values, ["a", "a", "b", "b", "b", "c", "d"])
    born = {name: iso for name, iso in found.items() if "03/04" in name or name[0] == "d"}
    assert born == {
        "a: 03/04/1970": "1970-04-03", "b: 03/04/1970": "1970-03-04", "c: 03/04/1970": "1970-03-04",
        "d: 19700304": "1970-03-04",
    }  # fmt: skip
    assert not reading.warnings("born")


def test_what_could_not_be_read_or_decided_is_told():
    _, reading = read(["03/04/1970", "n/a?", "n/a?", "1850-81-01", None])
    assert (reading.read, reading.impossible, reading.unreadable) == (1, 1, 2)
    told = " ".join(reading.warnings("born"))
    assert "2 values of 'born' are no date (as 'n/a?')" in told
    assert "1 values of 'born' name a day or year that cannot be" in told
    assert "does not show whether day or month comes first" in told
