"""Two ways to a probability from features: a logistic regression and gradient-boosted trees; and what one column says.

Missing values say something too: trees take them as they are, the regression gets a mark for each.
"""

from typing import Any

import numpy as np
import pandas as pd

from orchestration.scores import measures
from orchestration.scores.features import Features
from orchestration.scores.threads import bounded

_SEED = 1
_MOST_CATEGORIES = 30
# A regression learns no more from more rows.
_MOST_ROWS = 200_000
_FEW_ROWS = 2_000
_LEAST_VALUES = 20


def logistic(features: Features, rows: int) -> Any:
    """An unfitted regression over scaled numbers and categories as marks."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

    ranks = QuantileTransformer(
        n_quantiles=min(200, max(rows // 2, 2)), output_distribution="normal", random_state=_SEED
    )
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), ranks)
    kinds = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES, min_frequency=5)
    return make_pipeline(
        ColumnTransformer([("numbers", numbers, features.numeric), ("kinds", kinds, features.categories)]),
        LogisticRegression(C=0.3, max_iter=500),
    )


def boosted(features: Features, rows: int) -> Any:
    """Unfitted trees; fewer and smaller where there is little to learn from."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan,
        max_categories=_MOST_CATEGORIES * 2,
    )  # fmt: skip
    is_kind = [False] * len(features.numeric) + [True] * len(features.categories)
    is_small = rows < _FEW_ROWS
    return make_pipeline(
        ColumnTransformer([("numbers", "passthrough", features.numeric), ("kinds", codes, features.categories)]),
        HistGradientBoostingClassifier(
            categorical_features=is_kind if features.categories else None, learning_rate=0.05,
            max_iter=80 if is_small else 400, max_leaf_nodes=6 if is_small else 16,
            min_samples_leaf=max(20, min(rows // 200, 200)), l2_regularization=1.0, random_state=_SEED,
            early_stopping=not is_small, validation_fraction=0.15, n_iter_no_change=15,
        ),
    )  # fmt: skip


METHODS = {"logistic": logistic, "boosted": boosted}


def fitted(method: str, features: Features, rows: np.ndarray, truth: np.ndarray) -> Any:
    """The method learned from some rows (numbers) of the features."""
    if method == "logistic" and len(rows) > _MOST_ROWS:
        rows = np.random.default_rng(_SEED).choice(rows, _MOST_ROWS, replace=False)
    known = features.frame.iloc[rows]
    # Of so few values nothing is learned, and a part of the rows may have none, which trees refuse.
    rare = [name for name in features.numeric if known[name].count() < _LEAST_VALUES]
    with bounded(len(rows)):
        return METHODS[method](features, len(rows)).fit(known.assign(**dict.fromkeys(rare, 0.0)), truth[rows])


def said(model: Any, features: Features, rows: np.ndarray) -> np.ndarray:
    """Probabilities for some rows."""
    with bounded(len(rows)):
        return model.predict_proba(features.frame.iloc[rows])[:, 1]


def by_one_column(values: pd.Series, truth: np.ndarray, learn: np.ndarray, judge: np.ndarray) -> np.ndarray:
    """The share of rows to judge, by what became of rows with a like value of one column: tenths, or the category."""
    if values.dtype.kind == "f":
        known = values.iloc[learn].dropna()
        edges = np.unique(np.quantile(known, np.linspace(0.1, 0.9, 9))) if len(known) else np.zeros(1)
        group = pd.Series(np.where(values.isna(), -1, np.searchsorted(edges, values.fillna(0), side="right")))
    else:
        group = values.reset_index(drop=True).fillna("")
    base = truth[learn].mean()
    seen = pd.DataFrame({"group": group.iloc[learn], "truth": truth[learn]}).groupby("group")["truth"]
    # Ten rows at the mean of all: a value seen once knows little.
    share = (seen.sum() + 10 * base) / (seen.count() + 10)
    return group.iloc[judge].map(share).fillna(base).to_numpy(dtype=float)


def alone(values: pd.Series, truth: np.ndarray, learn: np.ndarray, judge: np.ndarray) -> float:
    """The AUC of one column alone, learned from some rows and judged on others."""
    return measures.auc(truth[judge], by_one_column(values, truth, learn, judge))
