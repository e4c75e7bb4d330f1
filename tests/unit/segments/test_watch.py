"""When the size of a segment is worth a look."""

import pytest

from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.document import load_documents
from orchestration.segments.membership import refresh
from orchestration.segments.watch import judge, sizes
from tests.unit.segments.conftest import TODAY


def _document(**watch):
    return SegmentDocument(name="vip", description="x", owner="team:data", size_watch=watch)


@pytest.mark.parametrize(
    ("counts", "watch", "passes"),
    [
        pytest.param([1000, 1000, 1010, 990], {}, True, id="as usual"),
        pytest.param([1500, 1000, 1010, 990], {}, True, id="half as many more is just allowed"),
        pytest.param([1501, 1000, 1010, 990], {}, False, id="a jump"),
        pytest.param([400, 1000, 1010, 990], {}, False, id="a drop"),
        pytest.param([1200, 1000, 1010, 990], {"max_change": 0.1}, False, id="the document may be stricter"),
        pytest.param([3000, 1000, 1010, 990], {"max_change": 3}, True, id="or more patient"),
        pytest.param([30, 10, 11, 9], {}, True, id="a few people are no jump"),
        pytest.param([30, 10, 11, 9], {"min_people": 5}, False, id="unless the document says so"),
        pytest.param([5000, 1000, 1010], {}, True, id="too little history"),
        pytest.param([5000], {}, True, id="the first run"),
        pytest.param([0, 12], {}, False, id="nobody is left, whatever the history"),
        pytest.param([0, 0, 12, 12], {}, True, id="empty for a second day"),
        pytest.param([1000, 5000, 1000, 990, 1010], {}, True, id="one odd day does not move what is usual"),
    ],
)
def test_a_size_is_judged_by_its_history(counts, watch, passes):
    assert judge(_document(**watch), counts).passed is passes


def test_sizes_come_from_the_ledger_of_runs(town, folder, write):
    write("ohio", "{attribute: state, eq: OH}")
    write("draft", "{attribute: state, eq: OH}", status="draft")
    valid, _ = load_documents(folder)
    refresh(town, valid, TODAY, "r")
    found = sizes(town, valid)
    assert set(found) == {"ohio"}
    assert (found["ohio"].size, found["ohio"].passed) == (2, True)
