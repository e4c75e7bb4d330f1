"""How common each value is among people, for Splink's term frequencies.

Counted in apparent people, not in records: somebody's ten records do not make a rare name or an own e-mail common.
Learned with a model and kept in its dictionary: values of one person only are not, and neither are those that come
later; they are as common as a value of one person. Which columns have one, and what it weighs, is in `comparisons`.
"""

from typing import Any

import duckdb

from orchestration.identity import dictionaries

# Names looked at on each step of the walk below; more says the same for more time.
_STEP_NAMES = 24
# With so many other first names a walk counts half.
_FEW_NAMES = 2
# As many people more as what is usual counts for.
_KNOWN_PEOPLE = 1000
# Shared by few people at most: initials tell them apart, and a misspelt name is not one more of them.
_SHARED = ("email", "email_user", "phone", "street")


def learn(con: duckdb.DuckDBPyConnection, usual: dict[str, float]) -> dict[str, float]:
    """Add how common values are to the dictionary; returns how common one person's value is, by column.

    `usual` says of each column how often strangers agree on it. Needs table `records`.
    """
    con.execute(
        "create or replace temp table apparent as select *, coalesce(organisation, "
        "nullif(concat_ws('|', first_root, last_name), '')) as who from records"
    )
    people = con.execute("select greatest(count(distinct who), 2) from apparent").fetchall()[0][0]
    for column, share in usual.items():
        key = "first_name" if column == "name_key" else column
        person = "left(first_root, 1)" if column in _SHARED else "who"
        if column != "both_names":
            dictionaries.learn(con, f"tf {column}", _common(key, _share(share, people), person))
    if "name_key" in usual:
        _make_companions(con)
        dictionaries.learn(con, "tf names", "select first_name || '|' || last_name as key, share from companions")
    return {
        column: round((1 + _KNOWN_PEOPLE * share) / (people + _KNOWN_PEOPLE), 12) for column, share in usual.items()
    }


def rate(con: duckdb.DuckDBPyConnection, trained: dict[str, Any], relation: str, made: str) -> None:
    """Temporary table `made`: the relation's records with tf_<column> for each column that has frequencies."""
    con.execute(f"create or replace temp table {made} as {rated_sql(trained, relation, ['records.*'])}")


def rated_sql(trained: dict[str, Any], relation: str, columns: list[str]) -> str:
    """Expressions over the relation's records, as `records`, and tf_<column> for each column that has frequencies.

    The model's `rare` says how common a value of one person is: all that the dictionary does not have. `lifts`: how
    much the odds of meeting a value again are higher among those who share a name.
    """
    rare = trained["rare"]
    joins = [
        f"left join {dictionaries.entries(f'tf {column}')} as of_{column} "
        f"on of_{column}.key = r.{'first_name' if column == 'name_key' else column}"
        for column in rare
        if column != "both_names"
    ]
    share = {
        column: f"if(r.{column} is not null, coalesce(of_{column}.share, {least}), null)"
        for column, least in rare.items()
    }
    if "both_names" in rare:
        # How usual it is to have such a first and such a last name: the product of the two shares.
        last = share.get("last_name", "null")
        share["both_names"] = f"if(r.both_names is not null, {share['name_key']} * {last}, null)"
    if "name_key" in rare:
        joins.append(f"left join {dictionaries.entries('tf names')} as of_names on of_names.key = r.name_key")
        share["name_key"] = f"greatest({share['name_key']}, of_names.share)"
    for column, lift in trained["lifts"].items():
        share[column] = f"({lift} * {share[column]} / (1 + ({lift} - 1) * {share[column]}))"
    rates = "".join(f", {expression} as tf_{column}" for column, expression in share.items())
    # Joined without the other columns, which each join would copy.
    return (
        f"with rates as (select r.n{rates} from {relation} as r {' '.join(joins)}) "
        f"select {', '.join(columns)}, rates.* exclude (n) from {relation} as records inner join rates using (n)"
    )


def make_lookups(con: duckdb.DuckDBPyConnection, rare: dict[str, float]) -> None:
    """Tables `tf_<column>` (column, tf_<column>) of all values of table `rated`, as Splink takes them."""
    for column in rare:
        con.execute(
            f"create or replace table tf_{column} as select {column}, any_value(tf_{column}) as tf_{column} "
            f"from rated where {column} is not null group by {column}"
        )


def _share(usual: float, people: int) -> str:
    """Share of people, drawn towards how usual it is that strangers agree: a small table is no census."""
    return f"round(({{}} + {_KNOWN_PEOPLE} * {usual}) / ({people} + {_KNOWN_PEOPLE}), 12)"


def _common(column: str, share: str, person: str) -> str:
    """The values that several people have, with the share of people who have them."""
    counted = f"count(distinct {person})"
    return (
        f"select {column} as key, {share.format(counted)} as share from apparent where {column} is not null "
        f"group by {column} having {counted} > 1"
    )


def _make_companions(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `companions` (first_name, last_name, share): how usual a first name is with such last names.

    First and last names go together (culture), so that the product of their frequencies makes namesakes look rarer
    than they are. The share is that of a walk from the last name to its other first names, from those to other last
    names, and from those to the first name; it counts the less the fewer other first names there are.
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
        "create or replace temp table kindred as select a.last_name, b.last_name as other_last, any_value(a.choices) "
        "as choices, sum(1.0 / a.choices / b.choices) as share from by_last as a inner join by_first as b "
        "on a.first_name = b.first_name where a.last_name <> b.last_name group by a.last_name, b.last_name"
    )
    con.execute(
        "create or replace temp table companions as "
        "with repeated as (select first_name, last_name from records where first_name is not null and last_name "
        "is not null group by first_name, last_name having count(*) > 1), "
        "degrees as (select last_name, count(*) as others from name_pairs group by last_name), "
        "reached as (select repeated.first_name, repeated.last_name, any_value(kindred.choices) as choices, "
        "sum(kindred.share / degrees.others) as share from repeated inner join kindred using (last_name) "
        "inner join name_pairs on name_pairs.last_name = kindred.other_last and name_pairs.first_name = "
        "repeated.first_name inner join degrees on degrees.last_name = kindred.other_last "
        "group by repeated.first_name, repeated.last_name), "
        # The way through the first name itself leads back to it: those two records may be of one person.
        "back as (select a.first_name, a.last_name, sum(1.0 / a.choices / b.choices / degrees.others) as share "
        "from by_last as a semi join repeated using (first_name, last_name) inner join by_first as b "
        "on a.first_name = b.first_name inner join degrees on degrees.last_name = b.last_name "
        "where a.last_name <> b.last_name group by a.first_name, a.last_name) "
        "select first_name, last_name, greatest(reached.share - coalesce(back.share, 0), 0) * choices "
        f"/ (choices - 1 + {_FEW_NAMES}) as share "
        "from reached left join back using (first_name, last_name) where choices > 1"
    )
