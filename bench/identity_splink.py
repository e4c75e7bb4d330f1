"""Splink as its own documentation has it, on one set: a process of its own.

`python -m bench.identity_splink NAME SET.parquet RECORDS.parquet FOUND.parquet`. Sets of its demos get the demo's
rules, comparisons and training (docs/demos/examples/duckdb); others what its front page shows, on the columns there
are, with e-mail, phone and postal code compared and e-mail and phone blocked on besides. Clusters at 0.95.
"""

import logging
import sys
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

_THRESHOLD = 0.95
_TERMS = {"term_frequency_adjustments": True}


def _historical() -> dict[str, Any]:
    return {
        "blocks": [
            block_on("substr(first_name,1,3)", "substr(surname,1,4)"), block_on("surname", "dob"),
            block_on("first_name", "dob"), block_on("postcode_fake", "first_name"),
            block_on("postcode_fake", "surname"), block_on("dob", "birth_place"),
            block_on("substr(postcode_fake,1,3)", "dob"), block_on("substr(postcode_fake,1,3)", "first_name"),
            block_on("substr(postcode_fake,1,3)", "surname"),
            block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ],
        "comparisons": [
            cl.ForenameSurnameComparison(
                "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
            ),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(**_TERMS),
            cl.ExactMatch("occupation").configure(**_TERMS),
        ],
        "sure": [
            block_on("first_name", "surname", "dob"),
            block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
            block_on("dob", "postcode_fake"),
        ],
        "recall": 0.6,
        "pairs": 1e7,
        "sessions": [block_on("first_name", "surname"), block_on("dob")],
        "query": "select *, first_name || ' ' || surname as first_name_surname_concat from given",
    }  # fmt: skip


def _febrl(*, is_link: bool) -> dict[str, Any]:
    born = {"input_is_string": True, "datetime_format": "%Y%m%d", "invalid_dates_as_null": True}
    names = [cl.NameComparison("given_name"), cl.NameComparison("surname")]
    shared = [cl.DateOfBirthComparison("date_of_birth", **born)]
    street = cl.ExactMatch("street_number").configure(**_TERMS)
    told = {
        "sessions": [block_on("date_of_birth"), block_on("postcode")],
        "sure": [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")],
        "pairs": 1e6,
        "query": "from given",
    }
    swapped = "l.given_name = r.surname and l.surname = r.given_name"
    if is_link:
        return told | {
            "is_link": True,
            "blocks": [
                block_on("given_name", "surname"), swapped, block_on("date_of_birth"), block_on("soc_sec_id"),
                block_on("state", "address_1"), block_on("street_number", "address_1"), block_on("postcode"),
            ],
            "comparisons": [
                *(name.configure(**_TERMS) for name in names), *shared,
                cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]), street,
                cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(**_TERMS),
            ],
            "recall": 0.8,
        }  # fmt: skip
    told["sure"].append(f"{swapped} and l.date_of_birth = r.date_of_birth")
    columns = ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
    return told | {
        "blocks": [block_on(column) for column in columns],
        "comparisons": [
            *names, *shared, cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]), street,
            cl.ExactMatch("postcode").configure(**_TERMS),
        ],
        "recall": 0.9,
    }  # fmt: skip


def _front_page(filled: set[str]) -> dict[str, Any]:
    """Its front page on the columns there are, as the engine cleans them."""
    offered = {
        "first_name": cl.JaroWinklerAtThresholds("first_name", [0.9, 0.7]),
        "last_name": cl.JaroAtThresholds("last_name", [0.9, 0.7]),
        "birth_date": cl.DateOfBirthComparison(
            "birth_date", input_is_string=True, datetime_metrics=["year", "month"], datetime_thresholds=[1, 1]
        ),
        "city": cl.ExactMatch("city").configure(**_TERMS),
        "email": cl.EmailComparison("email"),
        "phone": cl.ExactMatch("phone"),
        "postal_code": cl.ExactMatch("postal_code"),
    }
    second = next(column for column in ("birth_date", "email", "phone", "city", "last_name") if column in filled)
    return {
        "blocks": [block_on(name) for name in ("first_name", "last_name", "email", "phone") if name in filled],
        "comparisons": [comparison for name, comparison in offered.items() if name in filled],
        "sure": [block_on("first_name", "last_name")],
        "recall": 0.7,
        "pairs": 1e6,
        "sessions": [block_on("first_name", "last_name"), block_on(second)],
        "query": "from cleaned",
    }


def main(name: str, given: str, cleaned: str, found: str) -> None:
    logging.getLogger("splink").setLevel(logging.ERROR)
    con = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    con.execute(f"create view given as from read_parquet('{given}')")
    con.execute(f"create view cleaned as from read_parquet('{cleaned}')")
    columns = [row[0] for row in con.execute("describe cleaned").fetchall()]
    counts = con.execute(f"select {', '.join(f'count({column})' for column in columns)} from cleaned").fetchall()[0]
    filled = {column for column, count in zip(columns, counts, strict=True) if count > 1}
    demos = {
        "historical_50k": _historical,
        "febrl3": lambda: _febrl(is_link=False),
        "febrl4": lambda: _febrl(is_link=True),
    }
    demo = demos[name]() if name in demos else _front_page(filled)
    settings = SettingsCreator(
        link_type="link_only" if demo.get("is_link") else "dedupe_only",
        unique_id_column_name="record_id",
        blocking_rules_to_generate_predictions=demo["blocks"],
        comparisons=demo["comparisons"],
    )
    api = DuckDBAPI(connection=con)
    parts = [demo["query"]]
    if demo.get("is_link"):
        sources = [row[0] for row in con.execute("select distinct source from given order by 1").fetchall()]
        parts = [f"select * exclude (source) from given where source = '{source}'" for source in sources]
    tables = [api.register(con.sql(part)) for part in parts]
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(demo["sure"], recall=demo["recall"])
    linker.training.estimate_u_using_random_sampling(max_pairs=demo["pairs"], seed=1)
    for session in demo["sessions"]:
        linker.training.estimate_parameters_using_expectation_maximisation(
            session, estimate_without_term_frequencies=True
        )
    predictions = linker.inference.predict(threshold_match_probability=0.2)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=_THRESHOLD
    )
    con.execute(f"copy (select record_id, cluster_id::varchar as person_id from {clusters.physical_name}) to '{found}'")


if __name__ == "__main__":
    main(*sys.argv[1:])
