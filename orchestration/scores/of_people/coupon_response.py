"""Who will redeem a coupon of the next campaign that is sent to them.

A case is a campaign sent to a person; it is known once the campaign has ended. All that is told of a case lies before
the day it was sent.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scores import classifiers, measures
from orchestration.scores.features import Features
from orchestration.scores.of_people import coupon_cases
from orchestration.scores.of_people.drift import Reference
from orchestration.scores.of_people.learned import Learned, Measure, Tenth

NAME = "coupon_response"
TARGET = "coupon_probability"
WATCHED = (TARGET,)
BASELINES = ("share of all", "share of the kind", "own share")
# Campaigns sent after this share of all coupons came choose a method, and measure it: most campaigns bring few.
_CHOOSING, _MEASURING = 0.45, 0.7
_LEAST_CASES, _LEAST_REDEEMED = 200, 20
_MARGIN = 0.005
# An own share counts as much as this many campaigns at the share of all.
_PRIOR_CAMPAIGNS = 5


@dataclass(frozen=True)
class Shares:
    """What the plain rules know: the share of campaigns that were used, of all and of each kind."""

    everybody: float
    kinds: dict[str, float]

    def said(self, rule: str, cases: pd.DataFrame) -> np.ndarray:
        """The probability of each case by a plain rule."""
        if rule == "share of all":
            return np.full(len(cases), self.everybody)
        if rule == "share of the kind":
            return cases["kind"].map(self.kinds).fillna(self.everybody).to_numpy(dtype=float)
        used, ended = cases["redeemed_before"], cases["ended_before"]
        return ((used + _PRIOR_CAMPAIGNS * self.everybody) / (ended + _PRIOR_CAMPAIGNS)).to_numpy()


@dataclass(frozen=True)
class _Cases:
    """All cases, and the truth (0 or 1) of those that are known."""

    frame: pd.DataFrame
    truth: np.ndarray

    @property
    def features(self) -> Features:
        return Features(self.frame[[*coupon_cases.NUMBERS, "kind"]], list(coupon_cases.NUMBERS), ["kind"])

    def ended_before(self, moment: np.datetime64, rows: np.ndarray) -> np.ndarray:
        """Rows whose outcome was known at a moment."""
        return rows[self.frame["ended"].to_numpy()[rows] < moment]

    def shares(self, rows: np.ndarray) -> Shares:
        everybody = float(self.truth[rows].mean())
        seen = self.frame.iloc[rows].assign(truth=self.truth[rows]).groupby("kind")["truth"]
        kinds = (seen.sum() + _PRIOR_CAMPAIGNS * everybody) / (seen.count() + _PRIOR_CAMPAIGNS)
        return Shares(everybody, kinds.to_dict())

    def said(self, learn: np.ndarray, judge: np.ndarray) -> dict[str, np.ndarray]:
        """By method what it says of some rows, having learned from others."""
        shares = self.shares(learn)
        found = {rule: shares.said(rule, self.frame.iloc[judge]) for rule in BASELINES}
        for name in classifiers.METHODS:
            model = classifiers.fitted(name, self.features, learn, self.truth)
            found[name] = classifiers.said(model, self.features, judge)
        return found | {"blend": np.mean([found[name] for name in classifiers.METHODS], axis=0)}

    def can_judge(self, learn: np.ndarray, judge: np.ndarray) -> bool:
        """Whether both outcomes are on either side."""
        return all(0 < self.truth[rows].sum() < len(rows) for rows in (learn, judge))


def learn(con: duckdb.DuckDBPyConnection, as_of: date) -> Learned:
    """Choose, measure and learn from campaigns that have ended by a day."""
    frame = coupon_cases.sent(con, as_of)
    cases = _Cases(frame, frame["redeemed"].to_numpy().astype(int))
    rows = np.flatnonzero(frame["is_known"].to_numpy())
    redeemed = int(cases.truth[rows].sum())
    if len(rows) < _LEAST_CASES or redeemed < _LEAST_REDEEMED:
        why = f"{len(rows):,} campaigns sent to people have ended, {redeemed:,} of them were used"
        return Learned(None, as_of, notes=[f"too little to learn from: {why}"])
    sent = frame["sent"].to_numpy()[rows]
    came = np.cumsum(cases.truth[rows]) / redeemed
    choosing = sent[np.argmax(came > _CHOOSING)]
    later = (sent > choosing) & (came > _MEASURING)
    measuring = sent[np.argmax(later)] if later.any() else choosing
    picked, notes = _chosen(cases, cases.ended_before(choosing, rows), rows[(sent >= choosing) & (sent < measuring)])
    measured, tenths = _measured(cases, cases.ended_before(measuring, rows), rows[sent >= measuring], picked)
    names = list(classifiers.METHODS) if picked == "blend" else [picked] if picked in classifiers.METHODS else []
    models = [classifiers.fitted(name, cases.features, rows, cases.truth) for name in names]
    learned = Learned(
        pd.Timestamp(sent[0]).date(), as_of, len(rows), (picked, models, cases.shares(rows)), {TARGET: picked},
        measured, {TARGET: tenths} if tenths else {}, {}, notes,
    )  # fmt: skip
    reference = Reference.learned(said(con, learned, as_of)[TARGET].to_numpy())
    return Learned(**{**vars(learned), "reference": {TARGET: reference}})


def _chosen(cases: _Cases, learn: np.ndarray, judge: np.ndarray) -> tuple[str, list[str]]:
    """The method with the least log loss where it is not measured, the plainer of two that are as good."""
    if not cases.can_judge(learn, judge):
        return "logistic", ["too few campaigns to choose a method by"]
    losses = {name: measures.log_losses(cases.truth[judge], said) for name, said in cases.said(learn, judge).items()}
    picked = measures.plainest(losses, _MARGIN)
    return picked, [f"a plain rule was the best, and is used: {picked}"] if picked in BASELINES else []


def _measured(cases: _Cases, learn: np.ndarray, judge: np.ndarray, used: str) -> tuple[list[Measure], list[Tenth]]:
    if not cases.can_judge(learn, judge):
        return [], []
    day, came = cases.frame["sent"].iloc[judge].min().date(), cases.truth[judge].astype(float)
    scores = cases.said(learn, judge)
    found = [
        Measure(TARGET, name, name in BASELINES, name == used, figure, value, day, None, len(judge))
        for name, score in scores.items()
        for figure, value in {
            "AUC": measures.auc(came, score),
            "average precision": measures.average_precision(came, score),
            "Brier": measures.brier(came, score),
            "calibration error": measures.calibration_error(came, score),
            "capture@10%": measures.capture(came, score),
        }.items()
    ]
    return found, measures.deciles(came, scores[used])


def said(con: duckdb.DuckDBPyConnection, learned: Learned, as_of: date) -> pa.Table:
    """One row per person whom a campaign can reach: person_id, coupon_probability of a campaign sent the next day.

    Of which kind it will be is not known: the mean over kinds, as often as each was sent in the year before.
    """
    if learned.content is None:
        return pa.table({"person_id": pa.array([], pa.string()), TARGET: pa.array([], pa.float64())})
    rule, models, shares = learned.content
    cases = _Cases(coupon_cases.to_come(con, as_of), np.zeros(0))
    if models:
        rows = np.arange(len(cases.frame))
        score = np.mean([classifiers.said(model, cases.features, rows) for model in models], axis=0)
    else:
        score = shares.said(rule, cases.frame)
    weighed = pd.DataFrame({"person_id": cases.frame["person_id"], "score": score * cases.frame["weight"]})
    mean = weighed.groupby("person_id", sort=True)["score"].sum()
    people = pa.array(mean.index.astype(str), pa.string())
    return pa.table({"person_id": people, TARGET: mean.to_numpy(dtype=float)})
