"""Identity QA, households and accounts as assets: loaded with the rest, checked, and silent about persons."""

from datetime import date

import dagster as dg
import pytest

from orchestration.home import prepare, variables
from orchestration.identity.quality import limits
from orchestration.identity.resolve import resolve
from orchestration.settings import Settings
from orchestration.warehouse import engine
from tests.unit.identity import population

AS_OF = date(2017, 12, 31)
QUALITY = dg.AssetKey(["identity", "quality"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the assets do on a resolved home, loaded as the server loads them; the rows and the graph beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESSERA_HOME", str(tmp_path_factory.mktemp("assets")))
        patch.setenv("TESSERA_AS_OF", AS_OF.isoformat())
        settings = Settings()
        prepare(settings)
        for name, value in variables(settings).items():
            patch.setenv(name, value)
        rows, _ = population.people(60)
        population.write(settings, rows)
        with engine.writing(settings) as con:
            for column in ("company_name varchar", "is_deleted boolean", "updated_at timestamp"):
                con.execute(f"alter table conformed.contacts add column {column}")
            con.execute(
                "create table conformed.companies (company_id varchar, name varchar, domain varchar, is_deleted bool)"
            )
        resolve(settings, as_of=AS_OF, run_id="first")
        # Not above: it refuses to be loaded outside a home.
        from orchestration.definitions import defs

        everything = defs()
        names = {"measure_identity", "find_households", "find_accounts"}
        loaded = [one for one in everything.assets if getattr(getattr(one, "node_def", None), "name", None) in names]
        assert len(loaded) == len(names)
        result = dg.materialize(loaded, instance=dg.DagsterInstance.ephemeral())
        assert result.success
        return result, rows, everything.resolve_asset_graph()


def metadata(result):
    found = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    return {key: {name: value.value for name, value in one.items()} for key, one in found.items()}


def test_every_limit_is_a_check_that_warns_and_stops_nothing(made):
    checks = {check.check_name: check for check in made[0].get_asset_check_evaluations()}
    assert set(limits.JUDGED) < set(checks)
    assert {checks[name].severity for name in limits.JUDGED} == {dg.AssetCheckSeverity.WARN}
    assert "at most" in checks["largest_person"].metadata["what"].value
    assert checks["every_membership_is_sound"].passed
    assert checks["no_household_is_a_building"].passed


def test_figures_and_histograms_are_metadata_and_nothing_personal_is(made):
    result, rows, _ = made
    told = metadata(result)
    assert set(told) == {
        dg.AssetKey(["identity", name])
        for name in (
            "quality",
            "review_queue",
            "households",
            "household_members",
            "accounts",
            "account_people",
            "account_keys",
        )
    }
    assert told[QUALITY]["people"] > 50
    assert "█" in told[QUALITY]["cluster_size"]
    said = str(told).lower()
    values = {str(row[name]) for row in rows for name in ("email_std", "phone_std", "street_std") if row[name]}
    assert not [value for value in values if value in said]
    assert not [row["record_id"] for row in rows if row["record_id"] in said]


def test_they_come_after_people(made):
    graph = made[2]
    for name in ("quality", "households", "accounts"):
        parents = graph.get(dg.AssetKey(["identity", name])).parent_keys
        assert dg.AssetKey(["identity", "person_records"]) in parents
