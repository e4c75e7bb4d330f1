"""`tessera clv`: forecasts of any table of transactions, from what was known at the cutoff alone."""

from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.scores import measures, snapshots, value
from orchestration.warehouse.files import TableError

FIRST, CUTOFF, HORIZON = date(2023, 1, 1), date(2023, 12, 31), 56


def shop(people=900, seed=7):
    """Customers who buy at rates of their own until they stop: client, when, paid; and 90 rows of nobody."""
    chance = np.random.default_rng(seed)
    rows = []
    for client in range(people):
        rate, start = chance.gamma(0.9, 0.05), int(chance.integers(0, 200))
        stops, worth = chance.beta(1.2, 9), chance.gamma(6, 8)
        day = start
        while day < 500:
            rows.append(
                (f"c{client:04}", FIRST + timedelta(days=int(day)), round(float(chance.gamma(5, worth / 5)), 2))
            )
            if chance.random() < stops:
                break
            day += max(int(chance.exponential(1 / rate)), 1)
    rows += [(None, FIRST + timedelta(days=i), 5.0) for i in range(90)]
    return pa.table(dict(zip(("client", "when", "paid"), zip(*rows, strict=True), strict=True)))


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "sales.parquet"
    pq.write_table(shop(), path)
    return path


def asked(path, output, **changes):
    return value.Request(**{"input": path, "output": output, "customer": "client", "day": "when", "amount": "paid",
                            "horizon_days": HORIZON, "cutoff": CUTOFF} | changes)  # fmt: skip


@pytest.fixture(scope="module")
def found(sales, tmp_path_factory):
    output = tmp_path_factory.mktemp("clv") / "clv.parquet"
    return value.forecast(asked(sales, output)), pq.read_table(output)


def truth(sales, table):
    """By client of the table what came in the horizon: purchase days and spend."""
    end = CUTOFF + timedelta(days=HORIZON)
    with duckdb.connect() as con:
        con.register("said", table)
        return con.execute(
            'select client, probability_active, expected_purchases, expected_spend, count(distinct "when") as days, '
            f"coalesce(sum(paid), 0) as spend from said left join (from '{sales}' where \"when\" > '{CUTOFF}' and "
            f"\"when\" <= '{end}') using (client) group by all order by client"
        ).fetchnumpy()


def test_one_row_per_customer_known_at_the_cutoff(sales, found):
    _, table = found
    assert table.column_names == ["client", "probability_active", "expected_purchases", "expected_spend", "model"]
    known = duckdb.sql(
        f"select count(distinct client), count(distinct client) filter (\"when\" <= '{CUTOFF}') from '{sales}'"
    ).fetchall()[0]
    assert table.num_rows == len(set(table["client"].to_pylist())) == known[1]
    said = table.to_pandas()
    assert said.probability_active.between(0, 1).all()
    assert (said.expected_purchases >= said.probability_active).all()
    assert (said.expected_spend >= 0).all()


def test_forecasts_are_right_about_what_came(sales, found):
    came = truth(sales, found[1])
    assert measures.auc(came["days"], came["probability_active"]) > 0.75
    assert measures.calibration_error(came["days"], came["probability_active"]) < 0.06
    assert came["expected_purchases"].sum() == pytest.approx(came["days"].sum(), rel=0.2)
    assert measures.spearman(came["spend"], came["expected_spend"]) > 0.35


def test_the_report_measures_every_method_on_a_horizon_that_chose_nothing(found):
    report, _ = found
    assert report.holdout == CUTOFF - timedelta(days=HORIZON)
    assert {"last_window", "recency", "personal_rate", "bg_nbd", "boosted", "blend"} == set(report.figures)
    chosen = report.figures[report.chosen["active"]]
    assert chosen["Brier"] <= min(row["Brier"] for row in report.figures.values()) * 1.05
    assert any("90 rows without a customer" in note for note in report.notes)


def test_nothing_after_the_cutoff_is_looked_at(sales, found, tmp_path):
    """The same rows up to the cutoff give the same forecasts whatever comes later: here a flood."""
    early = pq.read_table(sales).filter(pa.compute.field("when") <= CUTOFF)
    flood = pa.table({"client": ["c0001"] * 400, "when": [CUTOFF + timedelta(days=1 + i % 60) for i in range(400)],
                      "paid": [999.0] * 400})  # fmt: skip
    pq.write_table(pa.concat_tables([early, flood]), tmp_path / "flood.parquet")
    value.forecast(asked(tmp_path / "flood.parquet", tmp_path / "clv.parquet"))
    assert pq.read_table(tmp_path / "clv.parquet").equals(found[1])


def test_a_snapshot_sees_no_later_row(sales):
    with duckdb.connect() as con:
        con.execute(
            f'create table days as select dense_rank() over (order by client) - 1 as i, "when" as day, sum(paid) as '
            f"amount, count(*) as purchases, null::double as returned from '{sales}' where client is not null "
            "group by client, day"
        )
        whole = snapshots.taken(con, CUTOFF, HORIZON, is_past=True)
        con.execute("delete from days where day > ?", [CUTOFF])
        cut = snapshots.taken(con, CUTOFF, HORIZON, is_past=True)
    assert np.array_equal(whole.features, cut.features, equal_nan=True)
    assert whole.purchases.sum() > 0
    assert cut.purchases.sum() == 0


def test_little_history_is_forecast_and_said_not_to_be_measured(sales, tmp_path):
    report = value.forecast(asked(sales, tmp_path / "clv.csv", cutoff=date(2023, 2, 10)))
    assert report.holdout is None
    assert "too little history for a holdout: nothing here is measured" in report.notes
    assert (tmp_path / "clv.csv").read_text().startswith("client,probability_active,")


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("client,when,paid\na,2023-01-01,1\n", {"customer": "cliemt"}, "did you mean 'client'?"),
        ("client,when,paid\na,2023-01-01,1\nb,soon,2\n", {}, "data row 2: 'soon' in 'when' is no date"),
        ("client,when,paid\na,2023-01-01,1\nb,2023-01-02,free\n", {}, "data row 2: 'free' in 'paid' is no number"),
        ("client,when,paid\na,2023-01-01,\n", {}, "data row 1: no value in 'paid'"),
        ("client,when,paid\na,03/04/2023,1\n", {}, "can be read with day or month first"),
        ("client,when,paid\na,2024-01-01,1\n", {}, "--cutoff 2023-12-31 is before the first transaction"),
        ("client,when,paid\na,2023-01-01,1\n", {"horizon_days": 0}, "--horizon-days 0"),
    ],
)  # fmt: skip
def test_wrong_input_names_file_row_and_field_and_leaves_nothing(tmp_path, text, changes, said):
    path = tmp_path / "sales.csv"
    path.write_text(text)
    with pytest.raises(TableError) as told:
        value.forecast(asked(path, tmp_path / "clv.csv", **changes))
    assert said in str(told.value)
    assert not (tmp_path / "clv.csv").exists()


@pytest.mark.parametrize(
    ("written", "paid"),
    [("20230203", "12.5"), ("03.02.2023", "12,50"), ("2023-02-03 14:05:00", "$12.50"), ("02/13/2023", "1,012.5")],
)
def test_dates_and_amounts_are_read_as_they_are_written(tmp_path, written, paid):
    path = tmp_path / "sales.csv"
    path.write_text(f'client;when;paid\na;{written};"{paid}"\n')
    report = value.forecast(asked(path, tmp_path / "clv.csv", cutoff=None))
    assert report.cutoff == (date(2023, 2, 13) if "13" in written else date(2023, 2, 3))
    assert report.customers == 1
