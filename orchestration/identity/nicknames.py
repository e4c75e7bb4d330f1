"""Which given names a short form stands for: our list, and what the package `nicknames` adds to it.

Names of other scripts come here in Latin letters; see `scripts`.
"""

from pathlib import Path

import duckdb
from nicknames import with_names_csv_path

_OURS = Path(__file__).with_name("nicknames.csv")


def make_table(con: duckdb.DuckDBPyConnection) -> None:
    """Temporary table `nicknames` (first_name, forms): the formal names a nickname stands for, and itself.

    One row per nickname. The package has chains (bob, rob, robert) and slips (robert, bill), which would make one
    person of two common names: of it, only what leads from a formal name to what is none is taken.
    """
    with with_names_csv_path() as theirs:
        con.execute(f"""
            create or replace temp table nicknames as
            with ours as (
                select first_name, nickname from {_csv(_OURS)}
            ),
            theirs as (
                select name1 as first_name, name2 as nickname from {_csv(theirs)} where relationship = 'has_nickname'
            ),
            added as (
                select first_name, nickname from theirs
                where (
                    first_name not in (select nickname from theirs)
                    or (first_name in (select first_name from ours) and nickname not in (select first_name from theirs))
                )
                and regexp_full_match(nickname, '[a-z]+')
            ),
            known as (
                select first_name, nickname from ours union select first_name, nickname from added
            )
            select nickname as first_name, list_sort(list_distinct(list(first_name) || [nickname])) as forms
            from known group by nickname
        """)


def _csv(path: Path) -> str:
    return f"read_csv('{path}', header = true, all_varchar = true)"
