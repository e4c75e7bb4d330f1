"""Tone learned from the shop's own rated tickets, for languages without a word list: used only where it proved good.

A model of a month knows the ratings of earlier months, so that every run of the month, and a rebuild, says the same.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from orchestration.scores.threads import bounded

OWN_RATINGS = "own_ratings"
TABLE = "conformed.sentiment_models"
# A low score is as little as a complaint, a high one as good as praise; three says neither.
LOW, HIGH = 2, 4
LEAST_OF_EACH, LEAST_TEXTS_OF_EACH, MOST = 40, 20, 20_000
LEAST_AUC = 0.75
_FOLDS, _SEED, _VERSION = 5, 1, "1"
_COLUMNS = (
    "language varchar, count_messages bigint, count_low bigint, count_high bigint, auc double, is_used boolean, "
    "version varchar, until_date date"
)
# A low or high rating belongs to the ticket's own words and to those that came with the rating.
_RATED = f"""
    with last_ratings as (
        select subject_id, max_by(value, (occurred_at, interaction_id)) as score from conformed.interactions
        where interaction_type = 'rated' and event_date < $until group by subject_id
    )
    select readings.language, texts.text, texts.text_md5, score >= {HIGH} as is_high
    from last_ratings
    inner join message_texts as texts using (subject_id)
    inner join conformed.message_readings as readings using (message_id)
    where texts.channel = 'support' and texts.occurred_at < $until and readings.language is not null
        and readings.language <> 'en' and (score <= {LOW} or score >= {HIGH})
    qualify row_number() over (partition by readings.language order by texts.occurred_at desc, message_id) <= {MOST}
    order by readings.language, texts.text_md5, is_high
"""


@dataclass(frozen=True)
class Model:
    """What there is to learn of a language, and how well it can be learned; fitted when the model first speaks."""

    language: str
    texts: list[str]
    keys: list[str]
    is_high: list[bool]
    version: str
    auc: float | None

    @property
    def is_used(self) -> bool:
        return self.auc is not None and self.auc >= LEAST_AUC

    def tell(self, texts: list[str]) -> list[float]:
        """The tone of each text from -1 to 1."""
        with bounded(len(self.texts)):
            return [round(2 * float(chance) - 1, 4) for chance in self._fitted.predict_proba(texts)[:, 1]]

    @cached_property
    def _fitted(self) -> Any:
        return _unfitted().fit(self.texts, self.is_high)


def learn(con: duckdb.DuckDBPyConnection, as_of: date) -> list[Model]:
    """A model for each language with rated messages; measured anew only where the ratings changed."""
    until = as_of.replace(day=1)
    con.execute(f"create table if not exists {TABLE} ({_COLUMNS})")
    measured = dict(con.execute(f"select version, auc from {TABLE}").fetchall())
    rated = con.execute(_RATED, {"until": until}).to_arrow_table().to_pylist()
    models = []
    for language in sorted({row["language"] for row in rated}):
        rows = [row for row in rated if row["language"] == language]
        texts, keys, high = ([row[name] for row in rows] for name in ("text", "text_md5", "is_high"))
        version = hashlib.md5("".join([_VERSION, language, *keys, *map(str, high)]).encode()).hexdigest()[:8]
        auc = measured[version] if version in measured else _measured(texts, keys, high)
        models.append(Model(language, texts, keys, high, version, auc))
    con.execute(f"delete from {TABLE}")
    if models:
        con.executemany(f"insert into {TABLE} values (?, ?, ?, ?, ?, ?, ?, ?)", [_row(one, until) for one in models])
    return models


def _row(model: Model, until: date) -> tuple[Any, ...]:
    high = sum(model.is_high)
    count = len(model.is_high)
    return (model.language, count, count - high, high, model.auc, model.is_used, model.version, until)


def _measured(texts: list[str], keys: list[str], is_high: list[bool]) -> float | None:
    """AUC on texts that were not learned from; None where there are too few to say. Equal texts stay together."""
    for kind in (True, False):
        of_kind = [key for key, high in zip(keys, is_high, strict=True) if high is kind]
        if len(of_kind) < LEAST_OF_EACH or len(set(of_kind)) < LEAST_TEXTS_OF_EACH:
            return None
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    with bounded(len(texts)):
        told = cross_val_predict(_unfitted(), texts, is_high, groups=keys, cv=folds, method="predict_proba")
    return round(float(roc_auc_score(is_high, told[:, 1])), 4)


def _unfitted() -> Any:
    """Pieces of words instead of words, which not every language parts by spaces."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pieces = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=50_000)
    return make_pipeline(pieces, LogisticRegression(C=10, class_weight="balanced", max_iter=500))
