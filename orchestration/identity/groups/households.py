"""Households: people at one place by one name, and whoever shares a phone or an e-mail with them. A graph of its own.

One household a person at most. A shared building or a post box is no home, a device that two homes share joins
nobody, and roommates stay by themselves. Where people and ids come from is in `keeping`.
"""

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.identity.components import components
from orchestration.identity.names import clean

# More last names at one door are a building, an office or a shelter.
MOST_LAST_NAMES_AT_A_PLACE = 4
# More people of one name at one door are not one household; neither are more people in all.
MOST_PEOPLE = 12
# A phone or an e-mail of more people is a switchboard or a shared inbox.
MOST_PEOPLE_PER_CONTACT = 6
_BOX = (
    r"\b(p o box|po box|pobox|post office box|gpo box|private bag|locked bag|pmb|postfach|apartado|casilla|"
    r"boite postale|postbus|caixa postal)\b"
)
ADDRESS, ALONE = "same last name at one address", "nobody else of the household is known"
_WHY = {"phone": "shared phone", "email": "shared e-mail"}


def find(con: duckdb.DuckDBPyConnection, contacts: str) -> pa.Table:
    """(person_id, part, why): the household of each person whose place or fellows are known; labels do not last.

    `contacts`: person_id, last_name_std, street_std, postal_code_std, city_std, email_std, phone_std, updated_at.
    """
    _prepare(con, contacts)
    count = con.execute("select count(*) from housed").fetchall()[0][0]
    seeds = _address_seeds(con, count)
    _label(con, "seeds", seeds)
    joined = _join_by_contact(con, count, seeds)
    _label(con, "joined", _within_size(joined, seeds))
    return con.execute(
        "with sized as (select i, label, count(*) over (partition by label) as size from joined), "
        "homes as (select i, count(*) over (partition by label) as at_home from seeds), "
        "ends as (select l as i, r as other, identifier_type from meetings union all "
        "select r, l, identifier_type from meetings), "
        "by_contact as (select ends.i, max(identifier_type) as identifier_type from ends "
        "inner join joined as a on a.i = ends.i inner join joined as b on b.i = other and b.label = a.label "
        "group by ends.i) "
        f"select person_id, label as part, case when size = 1 then '{ALONE}' when at_home > 1 then '{ADDRESS}' "
        f"when identifier_type = 'phone' then '{_WHY['phone']}' else '{_WHY['email']}' end as why "
        "from sized inner join homes using (i) inner join housed using (i) left join by_contact using (i) "
        "where size > 1 or has_place order by person_id"
    ).to_arrow_table()


def _prepare(con: duckdb.DuckDBPyConnection, contacts: str) -> None:
    """Temporary tables: `housed` (i, person_id, has_place), `surnames` (i, last_name), `places` (i, place, nth,
    is_home), `contact_points` (i, identifier_type, value).
    """
    con.execute(
        "create or replace temp table told as select person_id, "
        f"{clean('last_name_std')} as last_name, {clean('street_std')} as street, "
        f"coalesce({clean('postal_code_std')}, {clean('city_std')}) as locality, email_std, phone_std, updated_at "
        f"from {contacts}"
    )
    con.execute(
        "create or replace temp table housed as select row_number() over (order by person_id) - 1 as i, person_id, "
        "bool_or(street is not null and locality is not null) as has_place from told group by person_id"
    )
    con.execute(
        "create or replace temp table surnames as select distinct i, last_name from told inner join housed "
        "using (person_id) where last_name is not null"
    )
    con.execute(
        "create or replace temp table places as with given as (select i, street || '|' || locality as place, "
        "count(*) as times, max(updated_at) as seen_at from told inner join housed using (person_id) "
        f"where street is not null and locality is not null and not regexp_matches(street, '{_BOX}') group by all), "
        "named as (select place, last_name, count(*) as n from given inner join surnames using (i) group by all), "
        f"crowded as (select place from named group by place having count(*) > {MOST_LAST_NAMES_AT_A_PLACE}), "
        # Of two places given as often, the one with more of the name: the other is misspelt or left behind.
        "fellows as (select i, place, max(n) as n from given inner join surnames using (i) "
        "inner join named using (place, last_name) group by all) "
        "select i, place, row_number() over (partition by i order by times desc, n desc nulls last, seen_at desc nulls "
        "last, place) as nth, place not in (select place from crowded) as is_home "
        "from given left join fellows using (i, place)"
    )
    con.execute(
        "create or replace temp table contact_points as select distinct i, identifier_type, value from ("
        "select person_id, 'email' as identifier_type, email_std as value from told union all "
        "select person_id, 'phone', phone_std from told) inner join housed using (person_id) where value is not null"
    )


def _label(con: duckdb.DuckDBPyConnection, table: str, label: np.ndarray) -> None:
    con.register("labels_in", pa.table({"i": pa.array(range(len(label)), pa.int64()), "label": label}))
    con.execute(f"create or replace temp table {table} as select i, label from labels_in")
    con.unregister("labels_in")


def _address_seeds(con: duckdb.DuckDBPyConnection, count: int) -> np.ndarray:
    """People whose usual place is one and the same, by a last name they share; groups above the size limit part."""
    edges = con.execute(
        "select min(i) over (partition by place, last_name) as low, i as high from places "
        "inner join surnames using (i) where nth = 1 and is_home "
        f"qualify count(*) over (partition by place, last_name) between 2 and {MOST_PEOPLE} order by all"
    ).fetchnumpy()
    label = components(count, edges["low"].astype(np.int64), edges["high"].astype(np.int64))
    return _within_size(label, np.arange(count))


def _within_size(label: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """The labels, but those `otherwise` where a group has more people than a household."""
    size = np.bincount(label, minlength=len(label))
    return np.where(size[label] > MOST_PEOPLE, otherwise, label)


def _join_by_contact(con: duckdb.DuckDBPyConnection, count: int, seeds: np.ndarray) -> np.ndarray:
    """Who shares a phone or an e-mail, and a last name or a place, is of one household.

    Two homes stay two; somebody who reaches two homes goes to neither.
    """
    con.execute(
        "create or replace temp table meetings as with held as (select * from contact_points "
        "qualify count(*) over (partition by identifier_type, value) between 2 and "
        f"{MOST_PEOPLE_PER_CONTACT}), "
        "met as (select l.i as l, r.i as r, max(l.identifier_type) as identifier_type from held as l "
        "inner join held as r using (identifier_type, value) where l.i < r.i group by all) "
        "select l, r, identifier_type from met where exists (select 1 from surnames as a inner join surnames as b "
        "using (last_name) where a.i = l and b.i = r) or exists (select 1 from places as a inner join places as b "
        "using (place) where a.i = l and b.i = r) order by all"
    )
    met = con.execute("select l, r from meetings").fetchnumpy()
    low, high = met["l"].astype(np.int64), met["r"].astype(np.int64)
    at_home = np.bincount(seeds, minlength=count)[seeds] > 1
    free = ~at_home[low] & ~at_home[high]
    label = components(count, low[free], high[free])
    # From a group of people without a home to the home that one of them reaches.
    to_home = at_home[low] != at_home[high]
    outside = np.where(at_home[low], high, low)[to_home]
    home = seeds[np.where(at_home[low], low, high)[to_home]]
    reached = np.unique(np.stack([label[outside], home]), axis=1)
    only = np.bincount(reached[0], minlength=count) == 1
    joined = np.where(at_home, seeds, label)
    moved = np.arange(count)
    for group, place in reached.T[only[reached[0]]]:
        moved[group] = place
    return np.where(at_home, joined, moved[label])
