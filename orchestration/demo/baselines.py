"""Two simple ways to group records into people, to compare with: exact keys, and Splink as its documentation has it.

The project's own resolution belongs in `identity`. Both take a relation shaped like `conformed.contacts` and make a
temporary table (record_id, person_id) in the same connection.
"""

import contextlib
import logging

import duckdb

_KEYS = {
    "email": "email_std",
    "phone": "phone_std",
    "loyalty_number": "loyalty_number",
    "name_and_birth_date": "full_name_std || '|' || cast(birth_date as varchar)",
}


def exact_keys(con: duckdb.DuckDBPyConnection, contacts: str, made: str) -> None:
    """Records that share an e-mail, a phone, a loyalty number, or full name and birth date: chains of equal keys."""
    import pyarrow as pa

    from orchestration.identity.components import components

    con.execute(
        "create or replace temp table numbered_records as "
        f"select *, row_number() over (order by record_id) - 1 as n from {contacts}"
    )
    keyed = " union all ".join(
        f"select n, '{name}:' || {key} as shared from numbered_records where {key} is not null"
        for name, key in _KEYS.items()
    )
    edges = con.execute(
        f"select n, min(n) over (partition by shared) as first_n from ({keyed}) qualify n <> first_n"
    ).fetchnumpy()
    count = con.execute("select count(*) from numbered_records").fetchall()[0][0]
    label = components(count, edges["n"], edges["first_n"])
    con.register("labels", pa.table({"n": range(count), "label": label}))
    con.execute(
        f"create or replace temp table {made} as "
        "select record_id, 'exact_' || label as person_id from numbered_records inner join labels using (n)"
    )
    con.unregister("labels")
    con.execute("drop table numbered_records")


def bare_splink(con: duckdb.DuckDBPyConnection, contacts: str, made: str) -> None:
    """Splink as its front page shows it, on our columns: its comparisons and training, clusters at probability 0.95.

    Kinder than the example in two things: phone is compared too, and e-mail and phone are blocked on, since many
    records have no name. Pairs grow with the square of the records that share a first name.
    """
    offered = con.execute(
        "select record_id as unique_id, first_name_std as first_name, last_name_std as surname, birth_date as dob, "
        f"city_std as city, email_std as email, phone_std as phone from {contacts} order by record_id"
    ).to_arrow_table()
    # Splink leaves tables behind: not in the caller's connection.
    with contextlib.closing(duckdb.connect()) as own:
        own.register("offered", offered)
        own.execute("create table records as from offered")
        found = _documented_clusters(own)
    con.register("clustered", found)
    con.execute(f"create or replace temp table {made} as from clustered")
    con.unregister("clustered")


def _documented_clusters(own: duckdb.DuckDBPyConnection):
    """The clusters of table `records`, as an Arrow table (record_id, person_id)."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("first_name", [0.9, 0.7]),
            cl.JaroAtThresholds("surname", [0.9, 0.7]),
            cl.DateOfBirthComparison(
                "dob", input_is_string=False, datetime_metrics=["year", "month"], datetime_thresholds=[1, 1]
            ),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
            cl.ExactMatch("phone"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("first_name"), block_on("surname"), block_on("email"), block_on("phone"),
        ],
    )  # fmt: skip
    records = DuckDBAPI(connection=own).register(own.sql("from records"))
    # A level nobody has, for instance an unseen date distance, takes Splink's default; it says so at length.
    linker = Linker(records, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match([block_on("first_name", "surname")], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("dob"))
    predictions = linker.inference.predict(threshold_match_weight=-10)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, 0.95)
    return own.execute(
        f"select unique_id as record_id, 'splink_' || cluster_id as person_id from {clusters.physical_name}"
    ).to_arrow_table()
