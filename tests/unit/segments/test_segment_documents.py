"""What a document may say, and what the message says when it cannot be used."""

import pytest

from orchestration.segments.document import FOLDER, load_documents


def _only_error(folder):
    valid, errors = load_documents(folder)
    assert not valid
    assert len(errors) == 1, errors
    return errors[0]


def test_the_documents_of_the_project_are_usable():
    valid, errors = load_documents(FOLDER)
    assert errors == []
    assert {segment.name for segment in valid} >= {
        "at_risk",
        "coupon_lovers",
        "high_value",
        "lapsing",
        "multi_channel",
        "new_customers",
    }


# Line 10 is the first of the rules.
@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        pytest.param(
            "feature: recency_day\ngte: 3", 10, ["recency_day'", "did you mean 'recency_days'?"], id="feature"
        ),
        pytest.param("attribute: stat\neq: OH", 10, ["no attribute 'stat'", "'state'"], id="attribute"),
        pytest.param("featur: recency_days\ngte: 3", 10, ["unknown clause 'featur'", "'feature'"], id="clause"),
        pytest.param("feature: recency_days\ngt_e: 3", 11, ["unknown key 'gt_e'", "'gte'"], id="operator"),
        pytest.param("feature: recency_days", 10, ["exactly one of"], id="no operator"),
        pytest.param("feature: recency_days\ngt: 1\nlt: 3", 10, ["not gt, lt"], id="two operators"),
        pytest.param("feature: recency_days\ngte: soon", 11, ["recency_days is a number", "'soon'"], id="type"),
        pytest.param("attribute: state\ngte: 3", 11, ["compares numbers and dates"], id="order of texts"),
        pytest.param("feature: recency_days\ncontains: x", 11, ["contains compares text"], id="text of number"),
        pytest.param('attribute: state\neq: "OH\\0"', 11, ["state is a text", "is not"], id="not printable"),
        pytest.param(
            "did: order\nwhere: {net_amount: {get: 3}}", 11, ["unknown key 'get'", "'gt'"], id="where operator"
        ),
        pytest.param("did: ordr", 10, ["no activity 'ordr'", "'order'"], id="activity"),
        pytest.param("did: order\nwhere: {chanel: pos}", 11, ["order column 'chanel'", "'channel'"], id="column"),
        pytest.param("did: order\nwithin_day: 3", 11, ["unknown key 'within_day'", "'within_days'"], id="key"),
        pytest.param("did: order\nwithin_days: 0", 11, ["greater than or equal to 1"], id="no days"),
        pytest.param("did: order\nat_least: 1\nat_most: 2", 12, ["not both"], id="both bounds"),
        pytest.param("first: order", 10, ["exactly one of within_days, not_within_days"], id="first without time"),
        pytest.param(
            "and:\n  - {attribute: state, eq: OH}\n  - not: {feature: nothing, eq: 1}", 12, ["'nothing'"], id="deep"
        ),
        pytest.param("did: order\nfeature: recency_days\ngte: 1", 10, ["stand in one clause"], id="two in one"),
        pytest.param("and: []", 10, ["at least 1 item"], id="empty and"),
        pytest.param("segment: lapsin", 10, ["no usable segment 'lapsin'"], id="segment"),
        pytest.param("segment: broken", 10, ["cannot depend on itself", "broken -> broken"], id="itself"),
        pytest.param("[unclosed", 11, ["not YAML"], id="yaml"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(write, folder, rules, line, words):
    file = write("broken", rules)
    error = _only_error(folder)
    assert (error.file, error.line) == (file, line)
    for word in words:
        assert word in error.message


def test_unknown_keys_of_the_document_are_named(write, folder):
    file = write("odd", "{attribute: state, eq: OH}")
    file.write_text(file.read_text().replace("owner:", "ownr:"))
    _, errors = load_documents(folder)
    assert {(error.line, error.message) for error in errors} == {
        (2, "'owner' is missing"),
        (5, "unknown key 'ownr': did you mean 'owner'?"),
    }


def test_a_bad_document_stops_no_other_but_those_that_name_it(write, folder):
    write("good", "{attribute: state, eq: OH}")
    write("bad", "{attribute: stat, eq: OH}")
    write("named_bad", "{segment: bad}")
    write("named_named_bad", "{not: {segment: named_bad}}")
    valid, errors = load_documents(folder)
    assert [segment.name for segment in valid] == ["good"]
    assert {error.file.stem for error in errors} == {"bad", "named_bad", "named_named_bad"}


def test_segments_that_name_each_other_in_a_circle_are_refused(write, folder):
    write("chicken", "{segment: egg}")
    write("egg", "{segment: chicken}")
    write("farm", "{attribute: state, eq: OH}")
    valid, errors = load_documents(folder)
    assert [segment.name for segment in valid] == ["farm"]
    assert any("chicken -> egg -> chicken" in error.message for error in errors)


def test_the_name_is_the_file_s(write, folder):
    file = write("vip", "{attribute: state, eq: OH}")
    file.rename(folder / "very_important.yaml")
    error = _only_error(folder)
    assert error.line == 3
    assert "'very_important'" in error.message


def test_only_a_draft_needs_no_approval(write, folder):
    file = write("vip", "{attribute: state, eq: OH}")
    file.write_text(file.read_text().replace("  approved_by: team:marketing\n", ""))
    assert "approved_by" in _only_error(folder).message
    file.write_text(file.read_text().replace("status: active", "status: draft"))
    assert load_documents(folder)[1] == []
