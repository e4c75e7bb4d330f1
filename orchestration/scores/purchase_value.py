"""Gamma-Gamma: what a purchase of a customer is worth on average, drawn towards everybody's the fewer there are.

Fader, Hardie and Lee, RFM and CLV, Journal of Marketing Research 42 (2005), and their note "The Gamma-Gamma Model of
Monetary Value" (2013); p, q and v as there.
"""

from dataclasses import dataclass

import numpy as np

_LEAST, _MOST = 1e-3, 1e6
# Three parameters are as well known from so many.
_MOST_CUSTOMERS = 10_000
_SEED = 1


@dataclass(frozen=True)
class PurchaseValue:
    """A fitted model; values are in the currency that it was fitted in."""

    p: float
    q: float
    v: float

    def mean(self) -> float:
        """What a purchase of somebody of whom nothing is known is worth."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("nan")

    def expected(self, count: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """What a purchase to come is worth, from the number of purchases so far and their mean; 0 of each is fine."""
        return self.p * (self.v + np.nan_to_num(mean) * count) / (self.p * count + self.q - 1)


def fit(count: np.ndarray, mean: np.ndarray) -> PurchaseValue:
    """The likeliest parameters, from purchases and their mean value (above 0) by customer.

    Raises ValueError where no customer has a purchase of value.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    known = np.flatnonzero((count > 0) & (mean > 0))
    if len(known) > _MOST_CUSTOMERS:
        known = np.random.default_rng(_SEED).choice(known, _MOST_CUSTOMERS, replace=False)
    if not len(known):
        raise ValueError("no purchase has a value above 0: there is nothing to learn values from")
    x, m = count[known].astype(float), mean[known].astype(float)
    # Near one whatever the currency.
    unit = float(np.median(m))
    m = m / unit

    def against(logs: np.ndarray) -> float:
        p, above, v = np.exp(logs)
        q = 1 + above
        each = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + (p * x - 1) * np.log(m)
        return -float((each + p * x * np.log(x) - (p * x + q) * np.log(v + m * x)).mean())

    bounds = [(np.log(_LEAST), np.log(_MOST))] * 3
    found = minimize(against, np.log([2.0, 1.0, 2.0]), method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9})  # fmt: skip
    p, above, v = np.exp(found.x)
    return PurchaseValue(float(p), float(1 + above), float(v * unit))
