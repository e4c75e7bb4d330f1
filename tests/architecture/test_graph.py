"""The asset graph as the UI shows it: stages from left to right, and every table somebody's."""

import pytest

from orchestration.home import prepare, variables
from orchestration.settings import Settings

# From left to right; what stands later may read what stands earlier, never the other way round.
STAGES = (
    "landing",
    "staging",
    "conformed",
    "identity",
    "profile",
    "features",
    "scores",
    "segments",
    "activation",
    "measurement",
    "marts",
)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Every asset that a run makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESSERA_HOME", str(tmp_path_factory.mktemp("home")))
        settings = Settings()
        prepare(settings)
        for name, value in variables(settings).items():
            patch.setenv(name, value)
        # Not above: it refuses to be loaded outside a home.
        from orchestration.definitions import defs

        return [node for node in defs().resolve_asset_graph().asset_nodes if node.is_executable]


def test_the_stage_is_the_group_and_the_first_part_of_the_key(nodes):
    assert len(nodes) > 100
    assert {node.key.path[0] for node in nodes} == set(STAGES)
    assert [node.key for node in nodes if node.group_name != node.key.path[0]] == []


def test_no_edge_goes_left(nodes):
    place = {stage: number for number, stage in enumerate(STAGES)}
    backwards = [
        (parent.to_user_string(), node.key.to_user_string())
        for node in nodes
        for parent in node.parent_keys
        if place[parent.path[0]] > place[node.key.path[0]]
    ]
    assert backwards == []


def test_every_asset_has_an_owner_a_description_and_kinds(nodes):
    bare = [node.key.to_user_string() for node in nodes if not (node.owners and node.description and node.kinds)]
    assert bare == []
