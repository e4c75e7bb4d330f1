"""`tessera propensity`: a probability for every row by models that did not see it, and no signal where none is."""

import numpy as np
import pandas as pd
import pytest

from orchestration.scores import measures, propensity
from orchestration.warehouse.files import TableError

pytestmark = pytest.mark.one_engine

ROWS = 3000


def cases(rows=ROWS, seed=3):
    """Cases hour by hour; the outcome follows from a number, a kind and a number that is often missing."""
    chance = np.random.default_rng(seed)
    number, kind, other = chance.normal(size=rows), chance.choice(list("abcd"), rows), chance.exponential(size=rows)
    other[chance.random(rows) < 0.2] = np.nan
    odds = -1.4 + 1.1 * number + (kind == "a") * 0.9 - (np.nan_to_num(other) > 1.5) * 0.8
    outcome = (chance.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    when = pd.date_range("2024-01-01", periods=rows, freq="h")
    return pd.DataFrame({"case": [f"c{i}" for i in range(rows)], "when": when.strftime("%Y-%m-%d"), "number": number,
                         "kind": kind, "other": other, "noise": chance.normal(size=rows), "left": outcome})  # fmt: skip


def predicted(tmp_path, table, **changes):
    path = tmp_path / "cases.csv"
    table.to_csv(path, index=False)
    request = {"input": path, "output": tmp_path / "out.csv", "target": "left", "row_id": "case"} | changes
    report = propensity.predict(propensity.Request(**request))
    return report, pd.read_csv(tmp_path / "out.csv")


def test_every_row_gets_a_probability_that_is_right(tmp_path):
    table = cases()
    report, found = predicted(tmp_path, table)
    assert found.columns.tolist() == ["case", "probability", "fold"]
    assert found.case.tolist() == table.case.tolist()
    assert sorted(found.fold.unique()) == [0, 1, 2, 3, 4]
    truth = table.left.to_numpy()
    assert measures.auc(truth, found.probability.to_numpy()) > 0.75
    assert measures.calibration_error(truth, found.probability.to_numpy()) < 0.04
    assert report.has_signal
    assert report.figures[report.method]["AUC"] > report.figures["best column"]["AUC"]
    assert not report.warnings


def test_with_dates_a_model_learns_from_earlier_rows_only(tmp_path):
    """What holds only in the latest fifth cannot be known before it: turned round there, the AUC is below one half."""
    table = cases()
    table.loc[table.index >= ROWS * 4 // 5, "number"] *= -1
    table["kind"], table["other"] = "a", 1.0
    report, found = predicted(tmp_path, table, day="when")
    assert "latest" in report.measured_on
    assert found.sort_values(["fold"], kind="stable").case.tolist() == table.case.tolist()
    assert report.figures["logistic"]["AUC"] < 0.45
    assert not report.has_signal


def test_where_there_is_no_signal_that_is_said_and_everybody_gets_the_share(tmp_path):
    table = cases()
    table["left"] = np.random.default_rng(5).integers(0, 2, ROWS)
    report, found = predicted(tmp_path, table)
    assert not report.has_signal
    assert found.probability.between(0.45, 0.55).all()


def test_a_column_that_knows_the_outcome_is_named_and_can_be_left_out(tmp_path):
    table = cases()
    table["refund"] = np.where(table.left == 1, 1.0, np.nan)
    report, _ = predicted(tmp_path, table)
    assert any(warning.startswith("'refund' predicts too well by itself") for warning in report.warnings)
    report, _ = predicted(tmp_path, table, dropped=("refund",))
    assert not report.warnings


def test_dates_after_the_row_s_own_are_named(tmp_path):
    table = cases()
    table["closed"] = (pd.to_datetime(table.when) + pd.Timedelta(days=9)).dt.strftime("%Y-%m-%d")
    report, _ = predicted(tmp_path, table, day="when")
    assert any("'closed' has dates after the row's own" in warning for warning in report.warnings)


def test_rows_of_one_id_are_never_apart(tmp_path):
    """Each id has five rows with one outcome by chance: who tells ids apart by their number learns by heart."""
    chance = np.random.default_rng(1)
    ids = np.repeat(np.arange(400), 5)
    own, outcome = chance.normal(size=400), chance.integers(0, 2, 400)
    table = pd.DataFrame({"case": ids, "own": own[ids] + chance.normal(0, 1e-6, 2000), "left": outcome[ids]})
    report, found = predicted(tmp_path, table)
    assert found.groupby("case").fold.nunique().max() == 1
    assert not report.has_signal
    assert any("'case' repeats" in note for note in report.notes)


def test_rows_without_an_outcome_are_predicted_too(tmp_path):
    table = cases()
    whole = table.left.copy()
    table["left"] = table.left.astype("Int64").mask(table.index % 4 == 0)
    _, found = predicted(tmp_path, table)
    unknown = table.left.isna().to_numpy()
    assert found.fold.isna().tolist() == unknown.tolist()
    assert measures.auc(whole[unknown].to_numpy(), found.probability[unknown].to_numpy()) > 0.72


def test_numbers_beyond_all_and_columns_without_values_do_no_harm(tmp_path):
    table = cases(600)
    table["ratio"] = np.where(table.index % 3 == 0, np.inf, table.number)
    table["nothing"] = None
    table['a "name", odd'] = 1e300 * table.noise
    report, found = predicted(tmp_path, table)
    assert found.probability.notna().all()
    assert report.left_out == {"nothing": "no value in any row"}


def test_words_are_outcomes_and_ids_no_features(tmp_path):
    table = cases()
    table["left"] = np.where(table.left == 1, "Yes", "No")
    report, _ = predicted(tmp_path, table, row_id=None)
    assert report.positive == "Yes"
    assert "case" in report.left_out


@pytest.mark.parametrize(
    ("change", "request_", "said"),
    [
        (lambda t: t, {"target": "lefd"}, "--target lefd: there is no such column; did you mean 'left'?"),
        (lambda t: t.assign(left=range(len(t))), {}, "two different values are needed"),
        (lambda t: t.assign(left=0), {}, "two different values are needed"),
        (lambda t: t.head(30), {}, "too little to learn from"),
        (lambda t: t.assign(left=(t.index < 500).astype(int)), {"day": "when"}, "the latest rows all have the same"),
        (lambda t: t.assign(when="soon"), {"day": "when"}, "data row 1: 'soon' in 'when' is no date"),
    ],
)
def test_wrong_input_says_what_to_do(tmp_path, change, request_, said):
    with pytest.raises(TableError) as told:
        predicted(tmp_path, change(cases()), **request_)
    assert said in str(told.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_column_that_was_empty_at_first_is_no_obstacle(tmp_path):
    """It was added later: the models of earlier rows have no value of it to learn from."""
    chance = np.random.default_rng(3)
    rows = 2_500
    day = np.arange(rows) // 10
    helps = chance.normal(size=rows)
    late = np.where(day > 200, chance.normal(size=rows), np.nan)
    when = pd.to_datetime("2024-01-01") + pd.to_timedelta(day, unit="D")
    outcome = (helps + chance.normal(size=rows) > 0.5).astype(int)
    table = pd.DataFrame({"left": outcome, "opened": when.strftime("%Y-%m-%d"), "helps": helps, "late": late})
    found, _ = predicted(tmp_path, table, row_id=None, day="opened")
    assert found.has_signal
    assert found.figures[found.method]["AUC"] > 0.7
