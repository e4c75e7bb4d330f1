"""`tessera link`: any table in, a person for every record out, with a report and clear complaints."""

import csv
import json
import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.warehouse import workspace
from orchestration.warehouse.files import TableError
from tests.unit.identity import population

HEADER = ["Kundennr", "Vorname", "Nachname", "Geburtsdatum", "E-Mail", "Telefon", "PLZ", "System", "truth_id"]


def people_rows(count: int = 40) -> list[dict[str, str | None]]:
    """Records of a small population under German column names, in an order of their own, with the answer in it."""
    contacts, truth = population.people(count)
    random.Random(3).shuffle(contacts)
    rows = []
    for place, contact in enumerate(contacts):
        born = contact["birth_date"]
        given = (
            f"K{place:03}", contact["first_name"], contact["last_name"], born and born.strftime("%d.%m.%Y"),
            contact.get("email_std") or contact.get("email"), contact.get("phone_std") or contact.get("phone"),
            contact.get("postal_code_std") or contact.get("postal_code"), contact["source"],
            truth[contact["record_id"]],
        )  # fmt: skip
        rows.append(dict(zip(HEADER, given, strict=True)))
    return rows


def write_csv(path: Path, rows: list[dict], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(*arguments: object) -> str:
    """Standard output of a command that succeeds; raises what it raises."""
    result = CliRunner().invoke(app, ["link", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def answer(path: Path) -> list[tuple]:
    with duckdb.connect() as con:
        return con.execute(f"from '{path}'").fetchall()


def complaint(*arguments: object) -> str:
    with pytest.raises(TableError) as raised:
        run(*arguments)
    return str(raised.value)


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A table that was linked once: folder, its rows, figures."""
    folder = tmp_path_factory.mktemp("linked")
    rows = people_rows()
    write_csv(folder / "people.csv", rows, ";", "latin-1")
    figures = json.loads(run(folder / "people.csv", folder / "out.parquet", "--json"))
    return folder, rows, figures


def test_every_record_once_in_the_order_of_the_input(linked):
    folder, rows, figures = linked
    found = answer(folder / "out.parquet")
    assert pq.read_schema(folder / "out.parquet").names == ["record_id", "person_id", "match_confidence"]
    assert [row[0] for row in found] == [row["Kundennr"] for row in rows]
    assert all(row[1] and 0 <= row[2] <= 1 for row in found)
    assert figures["records"] == len(rows)
    assert figures["people"] == len({row[1] for row in found})


def test_people_are_found_without_being_told_the_answer(linked):
    folder, rows, _ = linked
    person = {record_id: person_id for record_id, person_id, _ in answer(folder / "out.parquet")}
    found = {frozenset(r for r in person if person[r] == p) for p in person.values()}
    true = {frozenset(r["Kundennr"] for r in rows if r["truth_id"] == t) for t in {r["truth_id"] for r in rows}}
    assert len(found & true) >= 0.8 * len(true)


def test_the_answer_does_not_depend_on_a_known_one_in_the_table(linked, tmp_path):
    folder, rows, _ = linked
    blind = [{name: value for name, value in row.items() if name != "truth_id"} for row in rows]
    run(write_csv(tmp_path / "blind.csv", blind), tmp_path / "out.parquet")
    assert answer(tmp_path / "out.parquet") == answer(folder / "out.parquet")


def test_the_report_stands_alone(linked):
    folder, _, figures = linked
    page = Path(figures["report"]).read_text(encoding="utf-8")
    assert figures["report"] == str(folder / "out.html")
    assert "left out: looks like a known answer" in page
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_values_of_strangers_do_not_become_markup(tmp_path):
    rows = [{"name": "<script>alert(1)</script> Lee", "city": "<b>Rome"} for _ in range(2)]
    run(write_csv(tmp_path / "in.csv", rows), tmp_path / "out.csv")
    assert "<script" not in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Rome" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), ("\t", "utf-8-sig"), ("|", "utf-16"), (";", "cp1252")],
)
def test_the_same_table_in_any_writing_has_the_same_answer(tmp_path, delimiter, encoding):
    people = (
        ("Jürgen", "Müller, senior", "1970-01-02"),
        ("Zoë", 'O"Neil', "1981-05-23"),
        ("Anna", "Ruiz", "1992-11-30"),
    )
    names = ("first name", "surname", "dob")
    rows = [{"id": str(i)} | dict(zip(names, people[i // 2], strict=True)) for i in range(6)]
    run(write_csv(tmp_path / "in.txt", rows, delimiter, encoding), tmp_path / "out.csv")
    run(write_csv(tmp_path / "plain.csv", rows), tmp_path / "plain_out.csv")
    assert answer(tmp_path / "out.csv") == answer(tmp_path / "plain_out.csv")
    assert len({row[1] for row in answer(tmp_path / "out.csv")}) == 3


def test_parquet_is_known_by_content_and_keeps_the_type_of_its_ids(tmp_path):
    table = pa.table({
        "id": pa.array([30, 10, 20], pa.int64()), "name": ["Ann Lee", "Ann Lee", "Bo Ray"],
        "dob": ["1970-01-01", "1970-01-01", None], "phone": pa.array([5551234567.0, 5551234567.0, None]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "people.data")
    run(tmp_path / "people.data", tmp_path / "out.parquet")
    assert pq.read_schema(tmp_path / "out.parquet").field("record_id").type == pa.int64()
    assert [row[0] for row in answer(tmp_path / "out.parquet")] == [30, 10, 20]
    found = dict(row[:2] for row in answer(tmp_path / "out.parquet"))
    assert found[30] == found[10] != found[20]


def test_without_a_record_id_rows_are_numbered_and_that_is_said(tmp_path):
    rows = [{"name": "Ann Lee", "city": "Rome"}, {"name": "Bo Ray", "city": "Oslo"}]
    result = CliRunner().invoke(app, ["link", str(write_csv(tmp_path / "in.csv", rows)), str(tmp_path / "out.csv")])
    assert [row[0] for row in answer(tmp_path / "out.csv")] == [1, 2]
    assert "row number" in result.stderr


def test_one_row_is_one_person(tmp_path):
    run(write_csv(tmp_path / "in.csv", [{"id": "7", "name": "Ann Lee"}]), tmp_path / "out.csv")
    assert [row[2] for row in answer(tmp_path / "out.csv")] == [1.0]
    assert len(answer(tmp_path / "out.csv")) == 1


def test_rows_with_nothing_in_them_are_people_of_their_own(tmp_path):
    rows = [{"id": str(i), "name": "Ann Lee" if i < 2 else "", "city": "N/A" if i > 1 else "Rome"} for i in range(4)]
    run(write_csv(tmp_path / "in.csv", rows), tmp_path / "out.csv")
    assert len({row[1] for row in answer(tmp_path / "out.csv")[2:]}) == 2


def test_seed_ids_live_on_where_people_are_the_same(linked, tmp_path):
    folder, _, _ = linked
    before = answer(folder / "out.parquet")
    ids = {person: f"OLD{place}" for place, person in enumerate(dict.fromkeys(row[1] for row in before))}
    first, second = list(ids)[:2]
    seeds = [
        # The first two people were one, somebody is not known yet, and one has left.
        {"record_id": record, "person_id": "BOTH" if person in (first, second) else ids[person]}
        for record, person, _ in before
        if person != list(ids)[2]
    ]
    write_csv(tmp_path / "seeds.csv", [*seeds, {"record_id": "gone", "person_id": "OLD-GONE"}])
    told = json.loads(run(folder / "people.csv", tmp_path / "out.csv", "--seed-ids", tmp_path / "seeds.csv", "--json"))
    now = {record: person for record, person, _ in answer(tmp_path / "out.csv")}
    given = {person: {now[record] for record, p, _ in before if p == person} for person in ids}
    assert all(len(found) == 1 for found in given.values())
    assert sum(found == {"BOTH"} for found in (given[first], given[second])) == 1
    assert given[list(ids)[2]].pop().startswith("p_")
    assert all(given[person] == {ids[person]} for person in list(ids)[3:])
    assert told["ids"] == {"kept": len(ids) - 2, "new": 2}


def test_a_duplicate_free_source_knows_nobody_twice(tmp_path):
    rows = [{"id": str(i), "name": "Ann Lee", "dob": "1970-01-01", "shop": "ab"[i % 2]} for i in range(4)]
    write_csv(tmp_path / "in.csv", rows)
    run(tmp_path / "in.csv", tmp_path / "all.csv", "--source-column", "shop", "--duplicate-free", "all")
    assert len({row[1] for row in answer(tmp_path / "all.csv")}) == 2
    run(tmp_path / "in.csv", tmp_path / "none.csv", "--source-column", "shop")
    assert len({row[1] for row in answer(tmp_path / "none.csv")}) == 1


def test_roles_said_by_the_owner_are_used(tmp_path):
    rows = [
        {"a": "Ann Lee", "b": key, "c": "ann@example.com", "born": born}
        for key, born in (("x", "1970-01-01"), ("y", "1985-06-23"))
    ]
    write_csv(tmp_path / "in.csv", rows)
    said = "full_name=a,record_id=b,birth_date="
    run(tmp_path / "in.csv", tmp_path / "out.csv", "--columns", said)
    found = answer(tmp_path / "out.csv")
    assert [row[0] for row in found] == ["x", "y"]
    assert found[0][1] == found[1][1]


def test_work_that_does_not_fit_into_memory_goes_on_disk(monkeypatch):
    monkeypatch.setenv("TESSERA_MEMORY_LIMIT", "50MB")
    with workspace.opened() as (con, folder):
        con.execute("create table wide as select i, md5(i::varchar) as h from range(800000) as t(i)")
        assert con.execute("select count(*) from (select h from wide order by h) as t").fetchall() == [(800_000,)]
        assert any(path.is_file() for path in folder.rglob("*"))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "in.csv: the file is empty", id="empty file"),
        pytest.param("name,city\n", "in.csv: there are column names but no rows", id="no rows"),
        pytest.param("name,city\nann,rome\nbo\n", "line 3: 1 fields where the header names 2", id="too few fields"),
        pytest.param("name,city\nann,rome\nbo,x,y\n", "line 3: 3 fields where the header names 2", id="too many"),
        pytest.param('name,city\nann,"rome\n', "line 2: a quote is opened and never closed", id="open quote"),
        pytest.param("a@x.org,b\nc@x.org,d\n", "looks like values, not like column names", id="no header"),
        pytest.param("record_id,name\n1,ann\n1,bo\n", "data rows 1 and 2: both have '1' in 'record_id'", id="id twice"),
        pytest.param("a,b\n,\n", "no column says anything about a person", id="nothing in it"),
        pytest.param("PAR1nonsense", "begins like Parquet but cannot be read", id="broken Parquet"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_where(tmp_path, text, said):
    (tmp_path / "in.csv").write_text(text)
    assert said in complaint(tmp_path / "in.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_record_id_that_is_missing_or_not_there_is_told(tmp_path):
    (tmp_path / "in.csv").write_text("key,name\n1,ann lee\n,bo ray\n")
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    assert "row 2: no value in 'key', the record id" in complaint(source, out, "--columns", "record_id=key")
    assert "there is no column 'nr'" in complaint(source, out, "--columns", "record_id=nr")
    assert "there is no column 'shop'" in complaint(source, out, "--source-column", "shop")
    assert "there is no source 'crm'" in complaint(source, out, "--duplicate-free", "crm")
    assert "the output is Parquet or CSV" in complaint(source, tmp_path / "out.xlsx")
    assert "this is the input" in complaint(source, source)
    assert "there is no such file" in complaint(tmp_path / "none.csv", out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("record,person\n1,a\n", "needs the columns record_id and person_id"),
        ("record_id,person_id\n1,\n", "row 1: record_id and person_id both need a value"),
        ("record_id,person_id\n1,a\n1,b\n", "rows 1 and 2: record '1' is given twice"),
    ],
)
def test_seed_ids_that_cannot_be_used_are_told(tmp_path, text, said):
    (tmp_path / "in.csv").write_text("id,name\n1,ann lee\n2,bo ray\n")
    (tmp_path / "seeds.csv").write_text(text)
    assert said in complaint(tmp_path / "in.csv", tmp_path / "out.csv", "--seed-ids", tmp_path / "seeds.csv")
