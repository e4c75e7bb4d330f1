"""The registry of masters: who decides is said once; what contradicts it is refused, by file and line."""

from datetime import date

import pytest
import yaml

from data_contracts.contract import readable
from data_contracts.masters import FILE
from orchestration.activation.document import load_documents
from orchestration.activation.masters import changes
from orchestration.activation.masters.compiled import Compiled, compile_masters, unmastered, usable_syncs
from orchestration.activation.masters.document import load
from orchestration.activation.masters.places import Places
from orchestration.activation.run import FOLDER
from orchestration.settings import PROJECT_ROOT
from tests.unit.activation.registries import REGISTRY, declare, registry

T9 = (
    "automations:\n",
    "automations:\n  - {from: hubspot.contacts.tessera_segments, to: TO, reason: workflow win-back}\n",
)


def found(folder, old="", new=""):
    """What is wrong when `old` is replaced in the registry: line and message."""
    problems = compile_masters(load_documents(folder)[0], folder, registry(folder, old, new)).problems
    return [(problem.line, problem.message) for problem in problems]


@pytest.fixture
def folder(tmp_path):
    """Two syncs, one of segments, one of value."""
    declare(tmp_path, "of_segments", "tessera_segments")
    declare(tmp_path, "of_value", "tessera_lifetime_value_usd")
    return tmp_path


def test_the_project_s_own_registry_is_sound():
    syncs, _ = load_documents(FOLDER)
    compiled = compile_masters(syncs, FOLDER)
    assert [str(problem) for problem in (*compiled.problems, *unmastered(compiled))] == []
    assert usable_syncs(FOLDER)[0] == syncs


def test_every_golden_attribute_is_decided_here():
    declared = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text())
    golden = declared["vars"]["survivorship"]["attributes"]
    masters = {name: one.master for thing, name, one in load(FILE)[0].masters.attributes() if thing == "person"}
    assert {name: masters.get(name) for name in golden} == dict.fromkeys(golden, "cdp")


def test_a_sound_registry_disables_nothing(folder):
    assert found(folder) == []
    assert [sync.name for sync in usable_syncs(folder, registry(folder))[0]] == ["of_segments", "of_value"]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("master: hubspot", "master: hubspto", 7, "no system 'hubspto': did you mean 'hubspot'?"),
        ("lifecyclestage]", "lifecycle]", 8, "did you mean 'hubspot.contacts.lifecyclestage'?"),
        ("[value, stage]", "[value, stages]", 15, "no attribute or field 'stages': did you mean 'stage'?"),
        ("receipt_lines.*", "receipt_line.*", 11, "did you mean 'receipts.receipt_lines.*'?"),
        ("tessera_segments", "tessera_segment", 16, "did you mean 'hubspot.contacts.tessera_segments'?"),
        ("depends_on: [value", "depend_on: [value", 15, "unknown key 'depend_on': did you mean 'depends_on'?"),
        ("master: hubspot", "master: [hubspot, cdp]", 7, "one master, a system or cdp, is all an attribute has"),
        ("      value:", "      stage:", 9, "'stage' is here a second time: keep one"),
        ("[hubspot.contacts.lifecyclestage]", "[mailer.subscribers.status]", 8, "two masters: hubspot, and mailer"),
        ("tessera_segments", "tessera_lifetime_value_usd", 16, "has two masters: person.value writes it already"),
        ("tessera_segments", "jobtitle", 16, "no field in a destination's contract 'hubspot.contacts.jobtitle'"),
        ("[hubspot.contacts.lifecyclestage]", "[]", 7, "nothing feeds it: name the fields of hubspot"),
        ("depends_on: [value, stage]", "reads: [hubspot.contacts.zip]", 15, "make it kind: events if both sides"),
        ("lifecyclestage]", "zip]\n        writes: [hubspot.contacts.tessera_rfm_cell]", 9, "no field is mirrored"),
        ("from: hubspot.contacts.tess", "from: hubspot.contacts.tes", 23, "no field in any contract"),
        ("kind: events", "kind: events\n        history: [{master: cdp}]", 20, "0.valid_from' is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(folder, old, new, line, message):
    told = found(folder, old, new)
    assert [at for at, said in told if message in said] == [line], told


def test_a_field_is_read_or_written(folder):
    contract = "data_contracts/sources/hubspot.odcs.yaml reads it, so hubspot is its master"
    assert any(
        line == 16 and contract in message for line, message in found(folder, "tessera_segments", "lifecyclestage")
    )


def test_a_workflow_that_copies_our_field_into_one_we_compute_from_is_a_loop(folder):
    assert found(folder, T9[0], T9[1].replace("TO", "hubspot.contacts.lifecyclestage")) == [
        (
            23,
            'a loop: hubspot.contacts.tessera_segments -> (automation "workflow win-back") '
            "hubspot.contacts.lifecyclestage -> person.stage -> person.segments -> hubspot.contacts.tessera_segments",
        )
    ]


def test_a_workflow_that_copies_our_field_into_any_field_we_read_is_refused(folder):
    ((line, message),) = found(folder, T9[0], T9[1].replace("TO", "hubspot.contacts.jobtitle"))
    assert line == 23
    assert message.startswith("what we write comes back: hubspot.contacts.tessera_segments -> (automation")
    assert "a field is read or written, never both" in message


def test_a_workflow_may_go_through_fields_that_no_contract_knows(folder):
    another = "{from: hubspot.contacts.tier, to: hubspot.contacts.lifecyclestage, reason: another one}"
    further = f"reason: workflow tiers\n  - {another}\n"
    ((_, message),) = found(folder, "reason: workflow tiers\n", further)
    assert '-> (automation "workflow tiers") hubspot.contacts.tier -> (automation "another one")' in message


def test_attributes_that_are_computed_from_each_other_are_a_loop(folder):
    ((_, message),) = found(folder, "receipts.receipt_lines.*", "segments")
    assert message == "a loop: person.segments -> person.value -> person.segments"


def test_only_the_syncs_concerned_may_not_run(folder):
    file = registry(folder, T9[0], T9[1].replace("TO", "hubspot.contacts.lifecyclestage"))
    usable, errors = usable_syncs(folder, file)
    assert [sync.name for sync in usable] == ["of_value"]
    assert [(error.file.name, error.line) for error in errors] == [("of_segments.yaml", 12)]
    assert errors[0].message.startswith(f"{file}:23: a loop: hubspot.contacts.tessera_segments -> ")


def test_an_attribute_that_cannot_be_read_stops_its_own_sync_only(folder):
    usable, errors = usable_syncs(folder, registry(folder, "depends_on: [value", "depend_on: [value"))
    assert [sync.name for sync in usable] == ["of_value"]
    assert [error.message.split(": ", 1)[1] for error in errors] == [
        "unknown key 'depend_on': did you mean 'depends_on'?"
    ]


@pytest.mark.parametrize("text", ["objects: [", "", "objects: {}\nmasters: 1\n", "- a\n"])
def test_without_a_registry_nothing_is_sent(folder, text):
    file = folder / "masters.txt"
    file.write_text(text)
    usable, errors = usable_syncs(folder, file)
    assert usable == []
    assert {error.file.stem for error in errors} == {"of_segments", "of_value"}


def test_a_field_that_no_attribute_writes_is_not_sent(folder):
    declare(folder, "of_cells", "tessera_rfm_cell")
    usable, (error,) = usable_syncs(folder, registry(folder))
    assert [sync.name for sync in usable] == ["of_segments", "of_value"]
    assert (error.file.name, error.line) == ("of_cells.yaml", 12)
    assert error.message.startswith("no attribute writes hubspot.contacts.tessera_rfm_cell: say in ")


def test_a_field_that_a_contract_promises_has_an_attribute(folder):
    compiled = compile_masters([], folder, registry(folder))
    assert any(
        "hubspot.odcs.yaml promises hubspot.contacts.tessera_rfm_cell, and no attribute writes it" in problem.message
        for problem in unmastered(compiled)
    )
    assert not any("hubspot.contacts.tessera_segments" in problem.message for problem in unmastered(compiled))


def test_a_field_that_two_syncs_write_is_sent_by_neither(folder):
    declare(folder, "of_segments_too", "tessera_segments")
    usable, errors = usable_syncs(folder, registry(folder))
    assert [sync.name for sync in usable] == ["of_value"]
    assert {error.file.stem for error in errors} == {"of_segments", "of_segments_too"}
    assert "written by two syncs, of_segments and of_segments_too" in errors[0].message


def test_syncs_of_two_environments_never_meet(folder):
    declare(folder, "of_segments", "tessera_segments", ("owner:", "environment: [prod]\n  owner:"))
    declare(folder, "of_segments_dev", "tessera_segments", ("owner:", "environment: [dev]\n  owner:"))
    assert found(folder) == []


def test_two_syncs_meet_in_the_environment_they_share(folder):
    declare(folder, "of_segments", "tessera_segments", ("owner:", "environment: [prod]\n  owner:"))
    for name in ("of_segments_dev", "of_segments_too"):
        declare(folder, name, "tessera_segments", ("owner:", "environment: [dev, staging]\n  owner:"))
    ((_, message),) = found(folder)
    assert "written by two syncs, of_segments_dev and of_segments_too" in message


def test_a_contract_that_cannot_be_read_is_no_fault_of_the_registry(folder):
    sources, destinations = readable("sources")[0], readable("destinations")[0]
    others = [one for one in sources if one.system != "mailer"]
    declared, _ = load(registry(folder))
    assert Compiled.of(declared, Places.of(others, destinations, unread=["mailer"]), [], folder).problems == []
    (told, *_) = Compiled.of(declared, Places.of(others, destinations), [], folder).problems
    assert "no field that a source contract reads 'mailer.subscribers.status'" in told.message


def test_every_file_is_its_sync_s_own_and_may_still_come_back(folder):
    to_files = [("destination: hubspot", "destination: files"), ("object: contacts", "object: audience"),
                ("mode: update_only", "mode: mirror\n  on_exit: delete")]  # fmt: skip
    for name in ("callers", "visitors"):
        declare(folder, name, "email", *to_files)
    assert found(folder) == []
    imported = "automations:\n  - {from: files.callers.email, to: mailer.subscribers.email, reason: imported by hand}\n"
    _, errors = usable_syncs(folder, registry(folder, "automations:\n", imported))
    assert [error.file.stem for error in errors] == ["callers"]
    assert 'what we write comes back: files.callers.email -> (automation "imported by hand")' in errors[0].message


MOVED = """master: cdp
        valid_from: {day}
        history: [{{master: {old}, valid_from: 2026-01-01, valid_until: {until}}}]"""


@pytest.mark.parametrize(
    ("day", "old", "until", "message"),
    [
        ("2026-03-01", "hubspot", "2026-03-01", None),
        ("2026-03-01", "hubspot", "2026-02-01", None),
        ("2026-03-01", "hubspot", "2026-04-01", "overlaps cdp, master from 2026-03-01"),
        ("2026-03-01", "hubspot", "2025-04-01", "hubspot ends on 2025-04-01, before it began"),
        ("2026-03-01", "cdp", "2026-03-01", "cdp follows itself"),
        ("2026-03-01", "hubspto", "2026-03-01", "no system 'hubspto': did you mean 'hubspot'?"),
    ],
)
def test_former_masters_stand_in_order(folder, day, old, until, message):
    told = [said for _, said in found(folder, "master: cdp", MOVED.format(day=day, old=old, until=until))]
    assert (message is None) == (told == [])
    assert message is None or any(message in said for said in told)


def test_former_masters_do_not_overlap(folder):
    periods = ["{master: hubspot, valid_from: 2026-02-01, valid_until: 2026-03-01}",
               "{master: mailer, valid_from: 2026-01-01, valid_until: 2026-02-01}"]  # fmt: skip
    moved = "master: cdp\n        valid_from: 2026-03-01\n        history: [{}]"
    assert found(folder, "master: cdp", moved.format(", ".join(reversed(periods)))) == []
    ((_, message),) = found(folder, "master: cdp", moved.format(", ".join(periods)))
    assert (
        message
        == "hubspot until 2026-03-01 overlaps mailer, master from 2026-01-01: one master at a time, the earliest first"
    )


PERIOD = "master: hubspot, valid_from: 2026-01-01, valid_until: 2026-03-01"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (MOVED.format(day="2026-03-01", old="hubspot", until="2026-03-01"), None),
        ("master: cdp\n        valid_from: 2026-03-01", f"the change is not in history: add {{{PERIOD}}}"),
        (MOVED.format(day="2026-01-01", old="hubspot", until="2026-03-01"), "cdp follows hubspot, master from"),
        ("master: hubspot\n        valid_from: 2026-03-01", "hubspot is its master since 2026-01-01, and still is"),
    ],
)  # fmt: skip
def test_a_change_of_master_is_later_and_keeps_the_old_one(folder, new, message):
    before, _ = load(registry(folder))
    file = folder / "now.yaml"
    file.write_text(REGISTRY.replace("master: hubspot", new, 1))
    now, broken = load(file)
    assert broken == []
    told = [problem.message for problem in changes.problems(before, now)]
    assert len(told) == (message is not None)
    assert all(said.startswith(message) for said in told)


def test_history_is_never_rewritten(folder):
    moved = REGISTRY.replace("master: hubspot", MOVED.format(day="2026-03-01", old="hubspot", until="2026-03-01"), 1)
    (folder / "before.yaml").write_text(moved)
    (folder / "now.yaml").write_text(moved.replace("master: hubspot, valid_from", "master: mailer, valid_from"))
    before, now = load(folder / "before.yaml")[0], load(folder / "now.yaml")[0]
    assert [problem.message for problem in changes.problems(before, now)] == [
        "its history was changed: former masters stay as they were"
    ]
    assert next(one.valid_from for _, name, one in now.masters.attributes() if name == "stage") == date(2026, 3, 1)


def test_a_sync_that_may_not_run_is_a_red_asset_and_the_others_are_there(folder):
    import dagster as dg

    from orchestration.defs.activation.definitions import of_folder

    file = registry(folder, T9[0], T9[1].replace("TO", "hubspot.contacts.lifecyclestage"))
    definitions = of_folder(folder, file)
    (broken,) = [one for one in definitions.assets if dg.AssetKey(["activation", "of_segments"]) in one.keys]
    assert any(dg.AssetKey(["activation", "hubspot", "of_value"]) in one.keys for one in definitions.assets)
    (check,) = dg.materialize([broken], raise_on_error=False).get_asset_check_evaluations()
    assert not check.passed
    assert (
        f"of_segments.yaml:12: {file}:23: a loop: hubspot.contacts.tessera_segments -> " in check.metadata["what"].value
    )
