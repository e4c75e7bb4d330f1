"""Plan before apply: a run that would change too much changes nothing, says so cheaply, and waits for a person."""

import json
from datetime import date

import pytest

from orchestration.identity import churn, plans
from orchestration.identity import resolve as resolve_module
from orchestration.identity.churn import Churn
from orchestration.identity.resolve import discard, promote, resolve
from orchestration.identity.rollback import rollback
from orchestration.warehouse import engine
from tests.unit.identity import easy_solver, population
from tests.unit.identity.population import contact

pytestmark = pytest.mark.one_engine

AS_OF = date(2017, 12, 31)
PEOPLE = 200


def crowd(count=PEOPLE, shared=0):
    """Two records of each person; `shared` people give the e-mail of the person after them, as rubbish would."""
    rows = []
    for number in range(count):
        address = number // 2 * 2 if number < 2 * shared else number
        for source in ("hubspot:contacts", "mailer:subscribers"):
            rows.append(contact(f"{source}:{number:03}", email_std=f"{address}@example.com"))
    return rows


def run(settings, run_id, **options):
    return resolve(settings, as_of=AS_OF, run_id=run_id, **options)


def people(settings):
    return len(set(population.served(settings).values()))


@pytest.fixture
def home(settings, monkeypatch):
    """A home in which 200 people are served, and a count of how often they were solved."""
    easy_solver.install(monkeypatch)
    solved = []
    solve = resolve_module.solve
    monkeypatch.setattr(resolve_module, "solve", lambda *a, **k: solved.append(1) or solve(*a, **k))
    population.write(settings, crowd())
    assert run(settings, "first")["held"] is None
    solved.clear()
    return settings, solved


def test_limits_are_shares_and_let_a_handful_through():
    assert Churn(existing=0, merged=900).broken_limits() == []
    assert Churn(existing=1000, merged=50, parted=30, retired=200).broken_limits() == []
    assert len(Churn(existing=1000, merged=51, parted=31, retired=201).broken_limits()) == 3
    assert Churn(existing=40, merged=churn.ALWAYS_ALLOWED_PEOPLE).broken_limits() == []


def test_rubbish_under_an_unchanged_model_is_held_and_nothing_moves(home):
    settings, _ = home
    before = population.served(settings)
    counts = "select (select count(*) from identity.ledger), (select count(*) from identity.runs)"
    state = population.state(settings, counts)
    population.write(settings, crowd(shared=40))
    metrics = run(settings, "rubbish")
    assert "40 of 200 people (20.0%) would be merged into others, at most 5% may" in metrics["held"]
    assert "tessera identity promote rubbish" in metrics["held"]
    assert (metrics["churn"]["merged"], metrics["churn"]["records"]) == (40, 80)
    assert population.served(settings) == before
    assert population.state(settings, counts) == state


def test_the_same_inputs_stay_held_without_being_solved_again(home):
    settings, solved = home
    population.write(settings, crowd(shared=40))
    run(settings, "rubbish")
    solved.clear()
    again = run(settings, "again")
    assert again["held"]
    assert again["held_run"] == "rubbish"
    assert solved == []


def test_mended_data_is_applied_and_the_held_plan_is_over(home):
    settings, _ = home
    population.write(settings, crowd(shared=40))
    run(settings, "rubbish")
    population.write(settings, crowd(shared=3))
    assert run(settings, "mended")["held"] is None
    assert people(settings) == PEOPLE - 3
    with pytest.raises(plans.PlanError, match="no plan is waiting"):
        promote(settings, None, who="ada")
    assert population.state(settings, "select run_id, status from identity.plans order by plan_no") == [
        ("first", "applied"), ("rubbish", "superseded"), ("mended", "applied"),
    ]  # fmt: skip
    assert list((settings.root / "identity" / "plans").glob("*")) == []


def test_unchanged_good_data_after_rubbish_is_let_through(home):
    settings, _ = home
    population.write(settings, crowd(shared=40))
    run(settings, "rubbish")
    population.write(settings, crowd())
    assert run(settings, "good again")["held"] is None
    assert people(settings) == PEOPLE
    with pytest.raises(plans.PlanError, match="no plan is waiting"):
        promote(settings, "rubbish", who="ada")


def test_promote_applies_what_was_shown_and_the_next_run_has_nothing_to_do(home):
    settings, solved = home
    population.write(settings, crowd(shared=40))
    run(settings, "big")
    solved.clear()
    figures = promote(settings, "big", who="ada")
    assert solved == []
    assert figures["churn"]["merged"] == 40
    assert people(settings) == PEOPLE - 40
    again = run(settings, "again")
    assert again["is_unchanged"]
    assert again["held"] is None
    told = population.state(settings, "select status, settled_by from identity.plans where run_id = 'big'")
    assert told == [("promoted", "ada"), ("applied", None)]


def test_discard_lets_a_plan_go_and_the_next_run_plans_again(home):
    settings, solved = home
    population.write(settings, crowd(shared=40))
    run(settings, "big")
    discard(settings, None, who="ada")
    solved.clear()
    assert run(settings, "again")["held_run"] == "again"
    assert solved == [1]


def test_a_plan_that_other_runs_overtook_is_refused(home):
    settings, _ = home
    run(settings, "proposed", is_proposal=True)
    population.write(settings, crowd(shared=3))
    run(settings, "second")
    with pytest.raises(plans.PlanError, match="other runs were applied since"):
        promote(settings, "proposed", who="ada")


def test_a_held_run_over_a_lost_warehouse_serves_what_was_served(home):
    settings, _ = home
    before = population.served(settings)
    population.write(settings, crowd(shared=40))
    run(settings, "rubbish")
    population.forget_warehouse(settings)
    population.write(settings, crowd(shared=40))
    assert run(settings, "again")["held"]
    assert population.served(settings) == before


def test_retraining_is_shown_first_and_applied_by_promotion(home, monkeypatch):
    settings, _ = home
    before = population.served(settings)
    model = (settings.root / "identity" / "models").glob("in-use-*.json")
    trained = next(model)
    old = trained.read_text()
    easy_solver.install(monkeypatch, strays={"mailer:subscribers:001": "0@example.com"})
    metrics = run(settings, "retrained", retrain=True, is_proposal=True)
    assert metrics["churn"]["parted"] == 1
    assert population.served(settings) == before
    assert trained.read_text() == old
    promote(settings, "retrained", who="ada")
    assert trained.read_text() != old
    after = population.served(settings)
    assert {r for r in after if after[r] != before[r]} == {"mailer:subscribers:001"}
    assert population.state(
        settings, "select event, cause, record_id_r from identity.ledger where run_id = 'retrained'"
    ) == [("moved", "model", "mailer:subscribers:001")]


def test_a_proposal_does_not_stop_ordinary_runs_and_is_made_again_when_overtaken(home, monkeypatch):
    settings, _ = home
    run(settings, "retrained", retrain=True, is_proposal=True)
    population.write(settings, crowd(shared=3))
    assert run(settings, "ordinary")["held"] is None
    proposed = json.loads((plans.folder(settings, "retrained") / "model.json").read_text())
    assert promote(settings, "retrained", who="ada")["held"] is None
    used = json.loads(next((settings.root / "identity" / "models").glob("in-use-*.json")).read_text())
    assert used == proposed
    assert people(settings) == PEOPLE - 3


@pytest.fixture
def merged(home):
    """After the first run: 3 merges, then 4 more and a person who came later."""
    settings, _ = home
    first = population.served(settings)
    population.write(settings, crowd(shared=3))
    run(settings, "second")
    late = contact("hubspot:contacts:late", email_std="14@example.com")
    population.write(settings, [*crowd(shared=7), late])
    run(settings, "third")
    return settings, first


def test_rollback_serves_the_people_of_a_run_under_their_ids(merged):
    settings, first = merged
    rollback(settings, "first", who="ada", why="bad merges", run_id="back")
    served = population.served(settings)
    late = served.pop("hubspot:contacts:late")
    assert served == first
    assert late not in first.values()
    causes = population.state(settings, "select distinct event, cause from identity.ledger where run_id = 'back'")
    assert sorted(causes) == [("created", "rollback"), ("restored", "rollback"), ("split", "rollback")]
    with engine.reading(settings) as con:
        assert con.execute("select count(*) from identity.aliases").fetchall() == [(0,)]
        within = (
            "select count(*) from identity.links join identity.person_records as a on record_id_l = a.record_id "
            "join identity.person_records as b on record_id_r = b.record_id where a.person_id <> b.person_id"
        )
        assert con.execute(within).fetchall() == [(0,)]


def test_rollback_gives_an_id_back_that_its_records_alone_would_not(home):
    settings, _ = home
    later, earlier = contact("mailer:subscribers:x", email_std="x@example.com"), "hubspot:contacts:x"
    population.write(settings, [*crowd(), later])
    run(settings, "founded")
    joined = contact(earlier, email_std="x@example.com")
    population.write(settings, [*crowd(), later, joined])
    run(settings, "joined")
    then = population.served(settings)
    population.write(settings, [*crowd(), *(row | {"email_std": "0@example.com"} for row in (later, joined))])
    run(settings, "merged")
    rollback(settings, "joined", who="ada", why="no", run_id="back")
    assert population.served(settings) == then


def test_after_a_rollback_ordinary_runs_wait_until_promoted(merged):
    settings, _ = merged
    rollback(settings, "second", who="ada", why="bad merges", run_id="back")
    served = population.served(settings)
    population.write(settings, [*crowd(shared=8)])
    waits = run(settings, "ordinary")
    assert "back to second: bad merges" in waits["held"]
    assert "tessera identity promote" in waits["held"]
    assert population.served(settings) == served
    with pytest.raises(plans.PlanError, match="is rolled back already"):
        rollback(settings, "first", who="ada", why="more", run_id="further")
    with pytest.raises(plans.PlanError, match="tessera identity promote"):
        discard(settings, None, who="ada")
    promote(settings, None, who="ada")
    assert people(settings) == PEOPLE - 8
    assert run(settings, "next")["held"] is None


def test_rollback_to_what_is_served_or_was_never_is_refused(merged):
    settings, _ = merged
    with pytest.raises(plans.PlanError, match="is what is served now"):
        rollback(settings, "third", who="ada", why="x", run_id="back")
    with pytest.raises(Exception, match="no run 'thrid' was applied"):
        rollback(settings, "thrid", who="ada", why="x", run_id="back")
