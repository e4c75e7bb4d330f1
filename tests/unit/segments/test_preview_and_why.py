"""What a marketer sees of a segment before and after it is used."""

import pytest

from orchestration.segments.document import InvalidDocumentError, load_documents
from orchestration.segments.explain import NobodyError, why, why_text
from orchestration.segments.membership import refresh
from orchestration.segments.preview import preview
from orchestration.segments.telling import preview_text
from orchestration.segments.viewpoint import NothingToPreviewError
from orchestration.warehouse import engine
from tests.unit.segments.conftest import TODAY


def test_a_preview_says_size_reach_overlap_and_breakdown(town, folder, write):
    write("buyers", "{did: order}")
    valid, _ = load_documents(folder)
    refresh(town, valid, TODAY, "r")
    seen = preview(town, write("known", "{attribute: is_identified, eq: true}", status="draft"))
    assert {key: value for key, value in seen.items() if key != "examples"} == {
        "segment": "known",
        "as_of": TODAY,
        "size": 3,
        "share": 0.75,
        "reachable": {"email": 1, "sms": 2, "any": 2},
        "by_channel": {"pos": 2, "web": 2},
        "withheld": {},
        "list": None,
        "overlap": {"buyers": {"size": 2, "shared": 2}},
        "by_state": {"OH": 2, "NY": 1},
    }


def test_a_preview_s_size_is_the_membership_s(town, folder, write):
    file = write("buyers", "{did: order}")
    valid, _ = load_documents(folder)
    assert preview(town, file)["size"] == refresh(town, valid, TODAY, "r")["buyers"]["size"]


def test_examples_are_masked(town, write):
    examples = preview(town, write("known", "{attribute: is_identified, eq: true}"))["examples"]
    assert len(examples) == 3
    anna = next(example for example in examples if example["person_id"] == "p1")
    assert anna == {
        "person_id": "p1",
        "first_name": "A***",
        "last_name": "A***",
        "email": "a***@***.example",
        "phone": "***01",
        "state": "OH",
    }


def test_a_preview_writes_nothing(town, write):
    preview(town, write("known", "{attribute: is_identified, eq: true}"))
    assert not town.state.exists()
    with engine.reading(town) as con:
        assert not engine.table_exists(con, "segments", "membership")


def test_a_preview_of_a_broken_document_says_what_is_wrong(town, write, folder):
    file = write("broken", "{attribute: stat, eq: OH}")
    with pytest.raises(InvalidDocumentError, match=r"broken\.yaml:10: .*did you mean 'state'"):
        preview(town, file)
    with pytest.raises(InvalidDocumentError, match=r"did you mean broken\.yaml"):
        preview(town, folder / "brocken.yaml")


def test_a_preview_without_data_says_how_to_get_some(settings, write):
    with pytest.raises(NothingToPreviewError, match="run the pipeline first"):
        preview(settings, write("known", "{attribute: is_identified, eq: true}"))


def test_why_shows_each_clause_with_what_it_looked_at(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    write(
        "tried",
        """
        and:
          - {segment: ohio}
          - {feature: recency_days, lte: 28}
          - or:
              - {did: order, where: {channel: web}, at_least: 2}
              - {last: order, within_days: 7}
        """,
    )
    valid, _ = load_documents(folder)
    refresh(town, valid, TODAY, "r")
    seen = why(town, "p1", "tried", folder)
    assert (seen["is_member"], seen["entered_date"]) == (True, TODAY)
    found = {clause["where"]: (clause["clause"], clause["is_true"], clause["value"]) for clause in seen["clauses"]}
    last_order = TODAY.replace(day=28)
    assert found == {
        "rules": ("all of", True, None),
        "rules.and[0]": ("in segment ohio", True, None),
        "rules.and[1]": ("recency_days is at most 28", True, 3),
        "rules.and[2]": ("at least one of", True, None),
        "rules.and[2].or[0]": ("order (channel is web) at least 2 times", False, 1),
        "rules.and[2].or[1]": ("last order within 7 days", True, last_order),
    }
    assert why(town, "p2", "tried", folder)["is_member"] is False
    assert why(town, "p2", "tried", folder)["entered_date"] is None


def test_why_follows_a_merged_person(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    with engine.writing_state(town) as con:
        con.execute("create schema identity; create table identity.aliases (person_id varchar, survivor_id varchar)")
        con.execute("insert into identity.aliases values ('p9', 'p1')")
    assert why(town, "p9", "ohio", folder)["person_id"] == "p1"


def test_why_says_when_there_is_no_such_person_or_segment(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    with pytest.raises(NobodyError, match="'p77'"):
        why(town, "p77", "ohio", folder)
    with pytest.raises(InvalidDocumentError, match="did you mean 'ohio'"):
        why(town, "p1", "oiho", folder)


def test_both_can_be_read_as_text(town, write):
    text = preview_text(town, write("known", "{attribute: is_identified, eq: true}"))
    assert text.startswith("known as of 2017-12-31: 3 people, 75.0% of all\nmay be written to: 2 (e-mail 1, sms 2)\n")
    assert "anna@" not in text
    assert "p2 is not in high_value, as of 2017-12-31\nno    all of\n" in why_text(
        _with_features(town), "p2", "high_value"
    )


def _with_features(town):
    with engine.writing(town) as con:
        con.execute("alter table features.people add column rfm_frequency bigint")
    return town
