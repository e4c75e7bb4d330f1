"""A landed load can be undone and brought back; no row is touched either way."""

import pytest

from ingestion import unloading
from ingestion.batch import SourceError
from ingestion.landing import land
from tests.drop_data import current, sales

DAY, NEXT = "2017-03-05", "2017-03-06"
AMOUNTS = "count(*), sum(net_amount)::int"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def loads(tmp_path, home):
    """The ids of two loads: a day, and the next day with the first one corrected."""
    drops = tmp_path / "drops"
    sales(drops, DAY, 4, amount="1.00")
    first = land("receipts", home, drops=drops).load_ids
    sales(drops, DAY, 4, amount="9.00")
    sales(drops, NEXT, 2, amount="1.00")
    second = land("receipts", home, drops=drops).load_ids
    return first[-1], second[-1]


def test_loads_are_listed_newest_first_with_what_they_brought(home, loads):
    found = unloading.loads(home, "receipts")
    assert [(load.load_id, load.files, load.rows, load.is_counted) for load in found] == [
        (loads[1], 2, 6, True),
        (loads[0], 1, 4, True),
    ]


def test_an_unloaded_load_counts_no_more_and_the_version_before_does_again(home, loads):
    assert current(home, "receipts", "receipt_lines", AMOUNTS) == [(6, 38)]
    unloading.unload(home, "receipts", loads[1])
    assert current(home, "receipts", "receipt_lines", AMOUNTS) == [(4, 4)]
    assert [load.is_counted for load in unloading.loads(home, "receipts")] == [False, True]


def test_undo_brings_everything_back(home, loads):
    for load in loads:
        unloading.unload(home, "receipts", load)
    assert current(home, "receipts", "receipt_lines") == [(0,)]
    for load in loads:
        unloading.unload(home, "receipts", load, undo=True)
    assert current(home, "receipts", "receipt_lines", AMOUNTS) == [(6, 38)]


def test_landing_goes_on_and_does_not_bring_it_back(tmp_path, home, loads):
    unloading.unload(home, "receipts", loads[1])
    sales(tmp_path / "drops", "2017-03-07", 3, amount="1.00")
    land("receipts", home, drops=tmp_path / "drops")
    assert current(home, "receipts", "receipt_lines", AMOUNTS) == [(7, 7)]
    unloading.unload(home, "receipts", loads[1], undo=True)
    assert current(home, "receipts", "receipt_lines", AMOUNTS) == [(9, 41)]


def test_what_cannot_be_unloaded_is_refused_in_words(home, loads):
    with pytest.raises(SourceError, match=f"no load '17': the newest are {loads[1]}"):
        unloading.unload(home, "receipts", "17")
    with pytest.raises(SourceError, match="counts already"):
        unloading.unload(home, "receipts", loads[0], undo=True)
    unloading.unload(home, "receipts", loads[0])
    with pytest.raises(SourceError, match="does not count already"):
        unloading.unload(home, "receipts", loads[0])
