"""Of a large table a share is trained on: records drawn by chance, with all that could be theirs."""

from typing import Any

import duckdb

from orchestration.identity import model, scoring


def draw(con: duckdb.DuckDBPyConnection) -> float:
    """Table `drawn` (n) of the records whose pairs are trained on; returns their share, 1 where all are."""
    count = con.execute("select count(*) from records").fetchall()[0][0]
    share = min(1.0, model.MAX_TRAINING_RECORDS / max(count, 1))
    con.execute(
        "create or replace temp table drawn as select n from records where md5_number_lower(n::varchar) % 1000000 < ?",
        [share * 1e6],
    )
    return share


def complete(con: duckdb.DuckDBPyConnection, trained: dict[str, Any]) -> None:
    """Add to `scored` the pairs between likely fellows of one drawn record, so that its person is there whole."""
    con.execute(
        "create or replace temp table fellows as select n_l as n, n_r as fellow from scored where match_weight >= "
        f"{model.LEAST_LINK_WEIGHT} and veto is null and n_l in (from drawn) union select n_r, n_l from scored "
        f"where match_weight >= {model.LEAST_LINK_WEIGHT} and veto is null and n_r in (from drawn)"
    )
    con.execute(
        "create or replace temp table between_fellows as select distinct l.fellow as n_l, r.fellow as n_r "
        "from fellows as l inner join fellows as r on l.n = r.n and l.fellow < r.fellow "
        "anti join scored on scored.n_l = l.fellow and scored.n_r = r.fellow"
    )
    scoring.score(con, trained, "between_fellows", "more_scored")
    con.execute("insert into scored by name from more_scored")
