"""What stewards decide: kept for good, refused in words where it cannot be, withdrawn only by a person."""

import pytest

from orchestration.identity import decisions
from orchestration.identity.decisions import DecisionError
from orchestration.identity.resolve import resolve
from orchestration.warehouse import engine
from tests.unit.identity import easy_solver, population
from tests.unit.identity.population import contact

A, B, C = "hubspot:contacts:a", "mailer:subscribers:b", "receipts:members:c"


@pytest.fixture
def known(settings, monkeypatch):
    """Three records that are three people."""
    easy_solver.install(monkeypatch)
    population.write(settings, [contact(r, email_std=f"{r[-1]}@example.com") for r in (A, B, C)])
    resolve(settings, as_of=None, run_id="first")
    return settings


def decide(settings, kind, one, other):
    with engine.writing_state(settings) as con:
        return decisions.record(con, one, other, decision=kind, who="ada", why="asked them")


def withdraw(settings, one, other):
    with engine.writing_state(settings) as con:
        return decisions.withdraw(con, one, other, who="ada", why="was wrong")


def standing(settings):
    with engine.writing_state(settings) as con:
        return decisions.standing(con)


def test_a_decision_holds_until_it_is_withdrawn(known):
    assert decide(known, "must", B, A)
    assert not decide(known, "must", A, B)
    assert standing(known) == {(A, B): "must"}
    assert withdraw(known, A, B) == "must"
    assert standing(known) == {}
    assert decide(known, "cannot", A, B)
    with engine.writing_state(known) as con:
        assert [row[:4] for row in decisions.listed(con)] == [("cannot", A, B, "ada")]
        assert con.execute("select decision from identity.decisions order by decision_no").fetchall() == [
            ("must",), ("withdrawn",), ("cannot",),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "one", "other", "part"),
    [
        pytest.param("must", A, A, "twice", id="one record is no pair"),
        pytest.param("must", A, "hubspot:contacts:zz", "no record 'hubspot:contacts:zz'", id="nobody knows the record"),
        pytest.param("perhaps", A, B, "neither of: must, cannot", id="no such kind"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_words(known, kind, one, other, part):
    with pytest.raises(DecisionError, match=part):
        decide(known, kind, one, other)
    assert standing(known) == {}


def test_a_person_named_instead_of_a_record_is_told_apart(known):
    person = population.served(known)[A]
    with pytest.raises(DecisionError, match=f"'{person}' is a person.*{A}"):
        decide(known, "must", person, B)


def test_a_decision_against_a_chain_names_the_chain_and_the_way_out(known):
    decide(known, "must", A, B)
    decide(known, "must", B, C)
    with pytest.raises(DecisionError, match=f"{A} with {B}; {B} with {C}.*tessera decide withdraw {A} {B}"):
        decide(known, "cannot", C, A)
    withdraw(known, A, B)
    assert decide(known, "cannot", C, A)
    with pytest.raises(DecisionError, match=f"{A} and {C} cannot be one person.*decide withdraw {A} {C}"):
        decide(known, "must", A, B)


def test_withdrawing_what_nobody_decided_is_refused(known):
    with pytest.raises(DecisionError, match="nothing is decided"):
        withdraw(known, A, B)


def test_decisions_outrank_the_solver_in_every_run(known):
    decide(known, "must", A, B)
    for number in range(3):
        resolve(known, as_of=None, run_id=f"run {number}", retrain=number == 1)
        people = population.served(known)
        assert people[A] == people[B] != people[C]
    population.forget_warehouse(known)
    population.write(known, [contact(r, email_std=f"{r[-1]}@example.com") for r in (A, B, C)])
    resolve(known, as_of=None, run_id="rebuilt")
    assert population.served(known) == people
