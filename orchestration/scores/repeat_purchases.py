"""BG/NBD: how often customers come back until they silently stop, from three numbers each.

Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), equations 6 and 10; while
active a customer buys at random at a rate of his own (gamma: r, alpha), and after each purchase he stops with a chance
of his own (beta: a, b). Time is in any unit, the same throughout; arrays are of one length, one value a customer.
"""

from dataclasses import dataclass

import numpy as np

# Parameters beyond these are the same model: nobody stops, or all are alike.
_LEAST, _MOST = 1e-5, 1e5
# Four parameters are as well known from so many.
_MOST_CUSTOMERS = 10_000
_SEED = 1


@dataclass(frozen=True)
class History:
    """`repeats`: purchases after the first; `last`: time from the first to the last; `age`: time since the first."""

    repeats: np.ndarray
    last: np.ndarray
    age: np.ndarray


@dataclass(frozen=True)
class RepeatPurchases:
    """A fitted model."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def active(self, seen: History) -> np.ndarray:
        """The probability that a customer has not stopped."""
        return 1 / (1 + self._stopped_odds(seen))

    def buys_within(self, seen: History, time: float) -> np.ndarray:
        """The probability of a purchase in the time to come: active, and not by chance silent all along."""
        silent = (self.r + seen.repeats) * (np.log(self.alpha + seen.age) - np.log(self.alpha + seen.age + time))
        return self.active(seen) * -np.expm1(silent)

    def expected(self, seen: History, time: float) -> np.ndarray:
        """Purchases to expect in the time to come."""
        from scipy.special import hyp2f1

        x, whole = seen.repeats, self.alpha + seen.age
        a = self.a if abs(self.a - 1) > 1e-3 else 1.001
        with np.errstate(all="ignore"):
            share = hyp2f1(self.r + x, self.b + x, a + self.b + x - 1, time / (whole + time))
            faded = np.exp((self.r + x) * (np.log(whole) - np.log(whole + time)))
            found = (a + self.b + x - 1) / (a - 1) * (1 - faded * share) * self.active(seen)
        # Where the series gives up, with hundreds of purchases, the rate so far is as good.
        straight = (self.r + x) / whole * time
        sane = np.isfinite(found) & (found >= 0) & (found <= straight * 1.01 + 1e-9)
        return np.where(sane, found, straight * self.active(seen))

    def _stopped_odds(self, seen: History) -> np.ndarray:
        x = seen.repeats
        odds = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1)
        odds = odds + (self.r + x) * (np.log(self.alpha + seen.age) - np.log(self.alpha + seen.last))
        return np.where(x > 0, np.exp(np.minimum(odds, 700)), 0.0)


def fit(seen: History) -> RepeatPurchases:
    """The parameters that make what was seen likeliest. Raises ValueError where nobody came back."""
    from scipy.optimize import minimize

    if not (seen.repeats > 0).any():
        raise ValueError("nobody bought a second time: there is nothing to learn repeat purchases from")
    rows, count = np.unique(_drawn(np.column_stack([seen.repeats, seen.last, seen.age])), axis=0, return_counts=True)
    x, last, age = rows.T
    # Near one whatever the unit: the search has the same steps in every direction.
    unit = age.mean() or 1.0
    best = None
    for start in ((0.0, 0.0, 0.0, 0.0), (-1.0, 0.0, -1.0, 1.0)):
        found = minimize(
            lambda logs: -_log_likelihood(logs, x, last / unit, age / unit, count) / count.sum(),
            np.array(start),
            method="L-BFGS-B",
            bounds=[(np.log(_LEAST), np.log(_MOST))] * 4,
            options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9},
        )
        best = found if best is None or found.fun < best.fun else best
    r, alpha, a, b = np.exp(best.x)
    # A density of times: in another unit it is another number.
    shift = float(np.log(unit) * (x * count).sum())
    return RepeatPurchases(
        float(r), float(alpha * unit), float(a), float(b), -float(best.fun) * float(count.sum()) - shift
    )


def _drawn(rows: np.ndarray) -> np.ndarray:
    if len(rows) <= _MOST_CUSTOMERS:
        return rows
    return rows[np.random.default_rng(_SEED).choice(len(rows), _MOST_CUSTOMERS, replace=False)]


def _log_likelihood(logs: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray, count: np.ndarray) -> float:
    from scipy.special import betaln, gammaln

    r, alpha, a, b = np.exp(logs)
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    went_on = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    stopped = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + last)
    both = np.where(x > 0, np.logaddexp(went_on, stopped), went_on)
    return float(((rate + both) * count).sum())
