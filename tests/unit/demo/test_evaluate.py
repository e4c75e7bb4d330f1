"""What a grouping scores against a truth, and that the truth is read only here."""

import ast
from pathlib import Path

import duckdb
import pytest

from orchestration.demo import baselines
from orchestration.demo import generate as generator
from orchestration.demo.evaluate import TruthMissingError, evaluate
from orchestration.identity.metrics import partition_metrics, trap_metrics
from orchestration.warehouse import engine

TRUTH = {"a1": "ann", "a2": "ann", "a3": "ann", "b1": "bob", "b2": "bob", "c1": "cem"}


def grouped(con: duckdb.DuckDBPyConnection, name: str, people: dict[str, str]) -> None:
    con.execute(f"create or replace table {name} (record_id varchar, person_id varchar)")
    con.executemany(f"insert into {name} values (?, ?)", list(people.items()))


def scores(predicted: dict[str, str]) -> dict[str, float]:
    con = duckdb.connect()
    grouped(con, "truth", TRUTH)
    grouped(con, "predicted", predicted)
    return partition_metrics(con, "predicted", "truth")


def test_the_truth_scores_one():
    found = scores(TRUTH)
    assert [found[name] for name in ("precision", "recall", "pair_f1", "bcubed_f1", "cluster_f1")] == [1.0] * 5
    assert found["share_over_merged"] == 0.0
    assert (found["count_records"], found["count_people"], found["count_people_true"]) == (6, 3, 3)


def test_one_record_astray_costs_its_pairs():
    found = scores(TRUTH | {"a3": "bob"})
    # 1 of ann's 3 pairs and bob's 1 are found; 2 of the 4 pairs guessed are wrong.
    assert (found["precision"], found["recall"]) == (2 / 4, 2 / 4)
    assert found["bcubed_precision"] == pytest.approx((2 * 1 + 2 * 2 / 3 + 1 / 3 + 1) / 6)
    assert found["bcubed_recall"] == pytest.approx((2 * 2 / 3 + 1 / 3 + 2 + 1) / 6)
    assert found["cluster_f1"] == pytest.approx(1 / 3)
    assert found["share_over_merged"] == pytest.approx(1 / 3)


def test_nobody_joined_guesses_nothing_wrong_and_finds_nothing():
    found = scores({record: record for record in TRUTH})
    assert (found["precision"], found["recall"], found["pair_f1"]) == (1.0, 0.0, 0.0)
    assert found["cluster_recall"] == pytest.approx(1 / 3)


def test_records_the_truth_does_not_know_count_for_nothing():
    assert scores(TRUTH | {"x9": "ann"}) == scores(TRUTH)


def test_a_trap_is_right_when_told_apart_or_joined():
    con = duckdb.connect()
    grouped(con, "truth", TRUTH)
    grouped(con, "predicted", {"a1": "p1", "a2": "p1", "a3": "p2", "b1": "p2", "b2": "p2", "c1": "p3"})
    con.execute(
        "create table traps as from (values ('twins', 'ann', 'bob', []::varchar[]), ('twins', 'ann', 'cem', []), "
        "('twins', 'ann', 'unknown', []), ('re_registered', 'ann', null, ['a1', 'a2']), "
        "('re_registered', 'bob', null, ['b1', 'b2']), ('re_registered', 'cem', null, ['a3', 'a1'])"
        ") as listed(trap, person_id, other_person_id, record_ids)"
    )
    found = trap_metrics(con, "predicted", "truth", "traps")
    assert found["twins"] == {
        "count_cases": 2,
        "count_right": 1,
        "record_pairs_wrong": 2,
        "record_pairs_true": 4,
        "record_pairs_right": 2,
    }
    assert (found["re_registered"]["count_cases"], found["re_registered"]["count_right"]) == (3, 2)


def test_exact_keys_chain_through_shared_values_only():
    con = duckdb.connect()
    con.execute(
        "create table contacts as from (values "
        "('r1', 'ann@x.com', null, null, null, null), ('r2', 'ann@x.com', '+1212', null, null, null), "
        "('r3', null, '+1212', null, null, null), ('r4', null, null, '4711', 'bob lee', date '1980-01-02'), "
        "('r5', null, null, null, 'bob lee', date '1980-01-02'), "
        "('r6', null, null, null, 'bob lee', date '1980-02-01'), "
        "('r7', null, null, null, 'bob lee', null)"
        ") as listed(record_id, email_std, phone_std, loyalty_number, full_name_std, birth_date)"
    )
    baselines.exact_keys(con, "contacts", "made")
    people = con.execute("select list(record_id order by record_id) from made group by person_id order by 1").fetchall()
    assert [row[0] for row in people] == [["r1", "r2", "r3"], ["r4", "r5"], ["r6"], ["r7"]]


@pytest.fixture(scope="module")
def population(tmp_path_factory) -> Path:
    """Contacts as a pipeline would conform them, and truth, of 600 people."""
    folder = tmp_path_factory.mktemp("population")
    con = generator.connect(600, 1)
    generator.make_identities(con)
    generator.make_behaviour(con)
    generator.write_truth(con, folder)
    con.execute(
        f"""
        copy (
            select
                observed.source || ':' || sources.object || ':' || source_record_id as record_id,
                lower(first_name) as first_name_std, lower(last_name) as last_name_std,
                lower(first_name || ' ' || last_name) as full_name_std, observed.birth_date,
                lower(observed.email) as email_std, '+1' || phone_digits as phone_std, lower(city) as city_std,
                case when observed.source = 'receipts' then source_record_id end as loyalty_number,
                false as is_suppressed_evidence
            from observed inner join sources using (source)
        ) to '{folder}/contacts.parquet'
        """
    )
    con.close()
    return folder


def test_an_evaluation_holds_the_resolved_people_against_two_baselines(population, settings):
    with engine.writing(settings) as con:
        con.execute("create schema conformed")
        con.execute("create schema identity")
        con.execute(f"create table conformed.contacts as from '{population}/contacts.parquet'")
        con.execute(
            "create table identity.person_records as "
            f"select record_id, person_id from '{population}/truth/records.parquet'"
        )
        con.execute(
            f"create table conformed.orders as select event_id as order_id, null::varchar as record_id "
            f"from '{population}/truth/events.parquet' where event_id like 'receipts:%' limit 10"
        )
    found = evaluate(population / "truth", settings)
    assert found["tessera"]["pair_f1"] == 1.0
    assert set(found["traps"].values()) == {1.0}
    # The population is hard: neither simple way gets near.
    assert 0.5 < found["exact_keys"]["pair_f1"] < 0.85
    assert 0.5 < found["bare_splink"]["pair_f1"] < 0.92
    assert found["browsers"]["share_right"] == 1.0
    assert found["orders"] == {"count": 10, "share_known": 0.0, "share_right": 0.0}


def test_a_folder_without_truth_says_which_folder_to_give(tmp_path, settings):
    with engine.writing(settings):
        pass
    with pytest.raises(TruthMissingError, match="tessera generate"):
        evaluate(tmp_path, settings)


def test_only_the_evaluation_reads_truth():
    root = Path(generator.__file__).parents[1]
    readers = set()
    for path in [*root.rglob("*.py"), *(root.parent / "ingestion").rglob("*.py")]:
        imported = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        if "orchestration.demo.evaluate" in imported:
            readers.add(path.relative_to(root).as_posix())
    assert readers == {"demo/report.py"}
