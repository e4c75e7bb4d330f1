"""How likely a record is its person's: falls with what the others say, certain for a record alone."""

import duckdb
import pytest

from orchestration.identity import model
from orchestration.identity.confidence import confidence_sql


def confidence(persons: dict[str, int], links: list[tuple]) -> dict[str, float]:
    with duckdb.connect() as con:
        con.execute("create table persons (record_id varchar, person bigint)")
        con.executemany("insert into persons values (?, ?)", list(persons.items()))
        con.execute(
            "create table links (record_id_l varchar, record_id_r varchar, link_type varchar, match_weight double, "
            "join_weight double)"
        )
        if links:
            con.executemany("insert into links values (?, ?, ?, ?, -2.0)", links)
        return dict(con.execute(confidence_sql("persons", "links")).fetchall())


def test_a_record_alone_is_certain():
    assert confidence({"a": 1, "b": 2}, []) == {"a": 1.0, "b": 1.0}


def test_a_weak_pair_is_less_certain_than_a_strong_one():
    links = [("a", "b", "probabilistic", 8.0), ("c", "d", "probabilistic", -1.0)]
    found = confidence({"a": 1, "b": 1, "c": 2, "d": 2}, links)
    assert found["a"] == found["b"] == pytest.approx(1 / (1 + 2**-10))
    assert found["c"] == pytest.approx(1 / (1 + 2**-1))


def test_one_bridge_leaves_the_record_behind_it_doubtful():
    persons = dict.fromkeys("abc", 1) | {"x": 1}
    links = [(left, right, "probabilistic", 8.0) for left, right in ("ab", "ac", "bc")]
    found = confidence(persons, [*links, ("c", "x", "probabilistic", 8.0)])
    assert found["a"] > 0.99
    assert found["x"] < 0.9


def test_an_identifier_is_nearly_certain_and_does_not_make_the_others_doubtful():
    persons = dict.fromkeys("abd", 1)
    links = [("a", "b", "probabilistic", 8.0), ("a", "d", "deterministic", None)]
    found = confidence(persons, links)
    assert found["d"] == pytest.approx(model.SURE_CONFIDENCE * found["a"])
    assert found["b"] == pytest.approx(1 / (1 + 2**-10))


def test_where_groups_join_late_the_same_weight_says_less():
    with duckdb.connect() as con:
        con.execute("create table persons as select unnest(['a', 'b']) as record_id, 1 as person")
        con.execute(
            "create table links as select 'a' as record_id_l, 'b' as record_id_r, 'probabilistic' as link_type, "
            "3.0 as match_weight, 1.0 as join_weight"
        )
        found = dict(con.execute(confidence_sql("persons", "links")).fetchall())
    assert found["a"] == pytest.approx(1 / (1 + 2**-2))
