"""Features of people as of any day: the model's own SQL with another day in it. Writes only what is asked for."""

import re
from datetime import date
from pathlib import Path

from orchestration.errors import TesseraError
from orchestration.settings import Settings
from orchestration.warehouse import answers, compiled, engine

_MODEL = "features__people"
# Where the model takes its day from: the macro `as_of`, once.
_CLOCK = re.compile(r"cast\('\d{4}-\d{2}-\d{2}' as date\) as as_of_date")


class NoFeaturesError(TesseraError):
    """The features have not been built, or not for a day that can be replaced."""


def write(settings: Settings, day: date | None, output: Path) -> tuple[date, int]:
    """Write one row per person known by a day, with every feature as of it; returns the day and the number of people.

    People are those of today: who is who is not turned back. Raises NoFeaturesError.
    """
    answers.check(output)
    query = compiled.query(settings, _MODEL)
    if query is None:
        raise NoFeaturesError(f"there are no features in {settings.root} yet: run `tessera run daily` first")
    with engine.reading(settings) as con:
        latest = con.execute("select max(as_of_date) from features.people").fetchall()[0][0]
        day = day or latest
        query, found = _CLOCK.subn(f"cast('{day}' as date) as as_of_date", query)
        if latest is None or found != 1:
            raise NoFeaturesError("the features were built without a day: run `tessera run daily`, then ask again")
        if day > latest:
            raise NoFeaturesError(f"{day} has not been built: the features look from {latest}; ask for that or earlier")
        compiled.stand_in(con)
        con.execute(
            f"create or replace temp table features_then as select features.* from ({query}) as features "
            f"inner join profile.people as people using (person_id) where people.first_seen_at::date <= date '{day}'"
        )
        answers.write(con, "select * from features_then order by person_id", output)
        return day, con.execute("select count(*) from features_then").fetchall()[0][0]
