"""What a nickname stands for."""

import duckdb
import pytest

from orchestration.identity import nicknames


@pytest.fixture(scope="module")
def forms():
    with duckdb.connect() as con:
        nicknames.make_table(con)
        return dict(con.execute("select first_name, forms from nicknames").fetchall())


def _can_be_one(forms, left, right):
    return bool(set(forms.get(left, [left])) & set(forms.get(right, [right])))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("bob", "robert", id="ours"),
        pytest.param("gwen", "gwendolyn", id="the package's"),
        pytest.param("bill", "will", id="two short forms of one name"),
        pytest.param("al", "albert", id="a short form of several: Albert"),
        pytest.param("al", "alexander", id="a short form of several: Alexander"),
        pytest.param("pepe", "jose", id="Spanish, ours alone"),
    ],
)
def test_one_person_may_bear_both(forms, left, right):
    assert _can_be_one(forms, left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("robert", "william", id="the package has Robert as Bill"),
        pytest.param("albert", "alexander", id="a short form in common does not make them one"),
        pytest.param("john", "james", id="common names"),
    ],
)
def test_names_of_two_people(forms, left, right):
    assert not _can_be_one(forms, left, right)


def test_every_name_is_among_its_forms_and_is_plain(forms):
    assert all(name in its and its == sorted(set(its)) for name, its in forms.items())
    assert all(name.isascii() and name.isalpha() for name in forms)
    assert len(forms) > 1000
