"""How good a score is: the figures of its report. Truth and scores are arrays of one length, one value a person."""

import numpy as np

_TOP = 0.1
DECILES = 10


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: how often who did it has the higher score; nan where all or none did."""
    from scipy.stats import rankdata

    positive = truth > 0
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return float("nan")
    return float((rankdata(score)[positive].sum() - count * (count + 1) / 2) / (count * others))


def auc_error(truth: np.ndarray, value: float) -> float:
    """The standard error of an AUC (Hanley and McNeil, Radiology 143, 1982)."""
    count, others = int((truth > 0).sum()), int((truth <= 0).sum())
    above, below = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (count - 1) * (above - value**2) + (others - 1) * (below - value**2)
    return float(np.sqrt(max(spread, 0.0) / max(count * others, 1)))


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Mean precision at each who did it, best score first."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth > 0, score)) if (truth > 0).any() else float("nan")


def brier(truth: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared distance of a probability from what came."""
    return float(np.mean((probability - (truth > 0)) ** 2))


def log_loss(truth: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log of the probability that was given to what came."""
    return float(np.mean(log_losses(truth, probability)))


def log_losses(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """The same of each case."""
    kept = np.clip(probability, 1e-4, 1 - 1e-4)
    return -np.where(truth > 0, np.log(kept), np.log1p(-kept))


def plainest(losses: dict[str, np.ndarray], margin: float) -> str:
    """The first of methods, the plainer before, whose loss is as good as the least: within a share of it, or within
    one standard error of the difference case by case (Breiman and others, Classification and Regression Trees, 1984).
    """
    best = min(losses, key=lambda name: losses[name].mean())
    for name, loss in losses.items():
        worse = loss - losses[best]
        if worse.mean() <= max(margin * losses[best].mean(), worse.std() / np.sqrt(len(worse))):
            return name
    return best


def mean_absolute_error(truth: np.ndarray, score: np.ndarray) -> float:
    return float(np.mean(np.abs(truth - score)))


def root_mean_square_error(truth: np.ndarray, score: np.ndarray) -> float:
    return float(np.sqrt(np.mean((truth - score) ** 2)))


def spearman(truth: np.ndarray, score: np.ndarray) -> float:
    """Correlation of ranks; nan where one side is all the same."""
    from scipy.stats import rankdata

    left, right = rankdata(truth), rankdata(score)
    return float(np.corrcoef(left, right)[0, 1]) if left.std() and right.std() else float("nan")


def capture(truth: np.ndarray, score: np.ndarray, share: float = _TOP) -> float:
    """The share of all that came (purchases, spend) that the best-scored tenth brought."""
    total = truth.sum()
    best = np.argsort(-score, kind="stable")[: max(round(len(score) * share), 1)]
    return float(truth[best].sum() / total) if total > 0 else float("nan")


def deciles(truth: np.ndarray, score: np.ndarray) -> list[tuple[int, int, float, float, float]]:
    """By tenth of the score, best first: place, people, mean score, mean truth, lift over everybody's mean."""
    order = np.argsort(-score, kind="stable")
    everybody = truth.mean() or float("nan")
    return [
        (place, len(part), float(score[part].mean()), float(truth[part].mean()), float(truth[part].mean() / everybody))
        for place, part in enumerate(np.array_split(order, min(DECILES, len(order))), start=1)
    ]


def calibration_error(truth: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error over tenths of people."""
    rows = deciles((truth > 0).astype(float), probability)
    people = sum(row[1] for row in rows)
    return sum(row[1] * abs(row[2] - row[3]) for row in rows) / people
