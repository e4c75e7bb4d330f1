"""A person is taken apart, held, a load is undone and brought back, on a whole home: one story, in its order."""

import pytest
from typer.testing import CliRunner

from ingestion import unloading
from orchestration.cli import app
from orchestration.identity import blast_radius, hypothesis, unmerge
from orchestration.jobs import run_job
from orchestration.warehouse import engine
from orchestration.warehouse.publish import content_hash
from tests.integration.conftest import LAST_DAY

pytestmark = [pytest.mark.integration, pytest.mark.one_engine]
PROFILE = ("attributes", "people", "contact_points")


def rows(settings, sql, *values):
    with engine.reading(settings) as con:
        return con.execute(sql, list(values)).fetchall()


def people(settings):
    return dict(rows(settings, "select record_id, person_id from identity.person_records"))


def profiles(settings):
    with engine.reading(settings) as con:
        return {table: content_hash(con, f"profile.{table}") for table in PROFILE}


def tessera(*arguments):
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


@pytest.fixture(scope="module")
def story(home, run):
    """What earlier tests leave for later ones; at first a person whom two contacts of the CRM made one."""
    outcome = run("everything", as_of=LAST_DAY)
    assert outcome.success, outcome.summary()
    assert not outcome.failed_checks, outcome.summary()
    person, records = rows(
        home,
        "select person_id, list(record_id order by record_id) from identity.person_records join conformed.contacts "
        "using (record_id) where person_id in (select person_id from activation.hubspot__contacts) "
        "group by person_id having count(*) between 2 and 6 order by count(*) desc, person_id limit 1",
    )[0]
    return {"person": person, "leaving": [record for record in records if record.startswith("hubspot:")][:1]}


def test_among_many_people_ranks_are_estimated_and_said_to_be(home, story, monkeypatch):
    asked = unmerge.prepare(home, story["person"], story["leaving"])
    whole = blast_radius.measure(home, asked.change)
    monkeypatch.setattr(hypothesis, "MOST_RANKED", 100)
    radius = blast_radius.measure(home, asked.change)
    assert "estimated: ranks as of RFM scores are among 100 of" in radius.told()
    assert (radius.golden, radius.syncs) == (whole.golden, whole.syncs)
    assert radius.segments is not None


def test_the_blast_radius_is_what_then_happens(home, story):
    asked = unmerge.prepare(home, story["person"], story["leaving"])
    radius = blast_radius.measure(home, asked.change, since_run=asked.since_run)
    assert radius.notes == []
    assert radius.golden
    assert radius.syncs["hubspot_contacts"][0] >= 1
    before = people(home)
    stays, became = unmerge.unmerge(home, asked, who="ada", why="twins", run_id="taken-apart")
    after = people(home)
    assert {record for record in after if after[record] != before[record]} == set(story["leaving"])
    now = {
        (person, attribute): value
        for person, attribute, value in rows(
            home, "select person_id, attribute, value from profile.attributes where person_id in (?, ?)", stays, became
        )
    }
    foretold = {(stays if p == story["person"] else became, name): new for p, name, _, new in radius.golden}
    assert {key: now.get(key) for key in foretold} == foretold
    story |= {"stays": stays, "became": became, "people": after, "segments": radius.segments}


def test_profiles_written_for_two_people_are_those_of_a_whole_build(home, story):
    before = profiles(home)
    outcome = run_job(home, "after_identity", as_of=LAST_DAY)
    assert outcome.success, outcome.summary()
    assert profiles(home) == before
    assert people(home) == story["people"]
    assert rows(
        home, "select count(*) from marts.customers where person_id in (?, ?)", story["stays"], story["became"]
    ) == [(2,)]
    households = (
        "select count(*) from identity.household_members where person_id not in (select person_id from identity.people)"
    )
    assert rows(home, households) == [(0,)]


def test_the_next_run_and_the_next_sync_find_two_people(home, run, story):
    outcome = run("everything", as_of=LAST_DAY)
    assert outcome.success, outcome.summary()
    assert not outcome.failed_checks, outcome.summary()
    assert people(home) == story["people"]
    contact = story["leaving"][0].rpartition(":")[2]
    sent = "select payload['tessera_person_id'] from state.activation.state where sync = 'hubspot_contacts' and key = ?"
    assert rows(home, sent, contact) == [(story["became"],)]


def test_commands_tell_the_story(home, story):
    told = tessera("who-was", story["leaving"][0], "--as-of", str(LAST_DAY))
    assert story["became"] in told
    first = rows(home, "select min(recorded_at) + interval 1 second from state.identity.runs")[0][0]
    then = tessera("who-was", story["stays"], "--as-of", f"{first:%Y-%m-%dT%H:%M:%S}")
    assert f"1 record of {story['stays']} became {story['became']}" in then
    assert "cannot (unmerge)" in tessera("decide", "list")
    assert "taken-apart" in tessera("identity", "runs")
    assert "on hold" in tessera("hold", story["became"], "--why", "complaint")
    assert story["became"] in tessera("identity", "holds")
    assert "held since" in tessera("why-sent", "hubspot_contacts", story["became"])
    assert "is released" in tessera("release", story["became"])


def test_unmerge_by_command_asks_and_ends_verified(home, story):
    person, records = rows(
        home,
        "select person_id, list(record_id order by record_id) from identity.person_records "
        "where person_id not in (?, ?) group by person_id having count(*) = 3 order by person_id limit 1",
        story["stays"],
        story["became"],
    )[0]
    refused = CliRunner().invoke(app, ["unmerge", person, records[0], "--why", "twins"], input="n\n")
    assert refused.exit_code == 1
    assert people(home) == story["people"]
    told = tessera("unmerge", person, records[0], "--why", "twins", "--yes")
    assert "golden values that change" in told
    assert "verified in what is served" in told
    assert len({people(home)[record] for record in records}) == 2
    story["people"] = people(home)


def test_an_undone_load_corrects_people_and_comes_back(home, run, story):
    (load,) = unloading.loads(home.root, "mailer")[:1]
    assert f"tessera unload mailer {load.load_id} --undo" in tessera("unload", "mailer", load.load_id)
    assert run("hourly", as_of=LAST_DAY).success
    assert not [record for record in people(home) if record.startswith("mailer:")]
    assert "counts again" in tessera("unload", "mailer", load.load_id, "--undo")
    assert run("hourly", as_of=LAST_DAY).success
    assert people(home) == story["people"]


def test_a_decision_can_be_made_as_a_job(home, run, story):
    from dagster import DagsterInstance

    from orchestration.definitions import defs

    config = {"record_id_l": story["leaving"][0], "record_id_r": "nobody", "decision": "must", "who": "ada", "why": "x"}
    job = defs().resolve_job_def("identity_decision")
    with DagsterInstance.get() as instance:
        failed = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config={"ops": {"decide": {"config": config}}}
        )
        assert not failed.success
        other = next(r for r in story["people"] if story["people"][r] not in (story["stays"], story["became"]))
        done = job.execute_in_process(
            instance=instance, run_config={"ops": {"decide": {"config": config | {"record_id_r": other}}}}
        )
        assert done.success
    assert rows(home, "select count(*) from state.identity.decisions where origin = 'steward'") == [(1,)]
