"""How common each value is among people, for Splink's term frequencies.

Counted in apparent people, not in records: somebody's ten records do not make a rare name or an own e-mail common.
Which columns have one, and what it weighs, is in `comparisons`.
"""

from collections.abc import Iterator

import duckdb

# Names looked at on each step of the walk below; more says the same for more time.
_STEP_NAMES = 24
# As many people more as what is usual counts for.
_KNOWN_PEOPLE = 1000
# Shared by few people at most: initials tell them apart, and a misspelt name is not one more of them.
_SHARED = ("email", "email_user", "phone", "street")


def queries(con: duckdb.DuckDBPyConnection, usual: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Column and query (column, tf_<column>) for each of the columns, of which `usual` says how often strangers agree.

    Needs table `records`.
    """
    con.execute(
        "create or replace temp table apparent as select *, coalesce(organisation, "
        "nullif(concat_ws('|', first_root, last_name), '')) as who from records"
    )
    con.execute(
        "create or replace temp table count_apparent as select greatest(count(distinct who), 2) as people from apparent"
    )
    for column, share in usual.items():
        if column == "both_names":
            yield column, _both_names(usual)
        elif column != "name_key":
            yield column, _frequency(column, share, "left(first_root, 1)" if column in _SHARED else "who")
    if "name_key" not in usual:
        return
    _make_companions(con)
    yield (
        "name_key",
        "select name_key, greatest(any_value(tf_first_name), coalesce(max(share), 0)) as tf_name_key from apparent "
        f"inner join ({_frequency('first_name', usual['name_key'])}) as firsts using (first_name) "
        "left join companions using (first_name, last_name) group by name_key",
    )


def _frequency(column: str, usual: float, person: str = "who") -> str:
    """Share of people with each value, drawn towards how usual agreement is: a small table is no census."""
    return (
        f"select {column}, (greatest(count(distinct {person}), 1) + {_KNOWN_PEOPLE} * {usual}) / "
        f"(any_value(people) + {_KNOWN_PEOPLE}) as tf_{column} "
        f"from apparent cross join count_apparent where {column} is not null group by {column}"
    )


def _both_names(usual: dict[str, float]) -> str:
    """How usual it is to have such a first and such a last name: the product of the two shares."""
    return (
        "select both_names, max(tf_first_name * tf_last_name) as tf_both_names from apparent "
        f"inner join ({_frequency('first_name', usual['name_key'])}) as firsts using (first_name) "
        f"inner join ({_frequency('last_name', usual['last_name'])}) as lasts using (last_name) group by both_names"
    )


def _make_companions(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `companions` (first_name, last_name, share): how usual a first name is with such last names.

    First and last names go together (culture), so that the product of their frequencies makes namesakes look rarer
    than they are. The share is that of a walk from the last name to its other first names, from those to other last
    names, and from those to the first name; the pair itself is left out, since its records may be one person.
    """
    con.execute(
        "create or replace temp table name_pairs as select distinct first_name, last_name from records "
        "where first_name is not null and last_name is not null"
    )
    for step, start, end in (("by_last", "last_name", "first_name"), ("by_first", "first_name", "last_name")):
        con.execute(
            f"create or replace temp table {step} as select {start}, {end}, count(*) over (partition by {start}) "
            "as choices "
            f"from (select *, row_number() over (partition by {start} order by md5({end}), {end}) as place from "
            "name_pairs) "
            f"where place <= {_STEP_NAMES}"
        )
    con.execute(
        "create or replace temp table kindred as select a.last_name, b.last_name as other_last, "
        "sum(1.0 / a.choices / b.choices) as share from by_last as a inner join by_first as b on a.first_name = "
        "b.first_name "
        "where a.last_name <> b.last_name group by a.last_name, b.last_name"
    )
    con.execute(
        "create or replace temp table companions as "
        "with repeated as (select first_name, last_name from records where first_name is not null and last_name "
        "is not null "
        "group by first_name, last_name having count(*) > 1), "
        "degrees as (select last_name, count(*) as choices from name_pairs group by last_name) "
        "select repeated.first_name, repeated.last_name, sum(kindred.share / degrees.choices) as share from repeated "
        "inner join kindred using (last_name) "
        "inner join name_pairs on name_pairs.last_name = kindred.other_last and name_pairs.first_name = "
        "repeated.first_name "
        "inner join degrees on degrees.last_name = kindred.other_last group by repeated.first_name, repeated.last_name"
    )
