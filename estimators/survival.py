"""How long waits last when some are not over yet: Kaplan & Meier's estimator (1958).

A wait that is not over is censored: it lasts at least as long as it has so far. Leaving it out, or taking what it has lasted
for its end, would make waits look shorter than they are. Censoring must not depend on how long a wait will still be.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# A share reached but for rounding is reached.
HAIR = 1e-9


@dataclass(frozen=True)
class Curve:
    """The share still waiting after each time at which a wait ended, times ascending and distinct.

    `at_risk` counts the waits that had lasted at least so long, `events` those that ended then. `greenwood` is the sum
    Σ d ÷ (n (n − d)): the variance of `waiting` is its square times that (infinite once nobody waits any more).
    """

    times: Floats
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    waiting: Floats
    greenwood: Floats

    @property
    def standard_error(self) -> Floats:
        """Greenwood's (1926) standard error of `waiting`; 0 once nobody waits any more."""
        return np.where(self.waiting > 0, self.waiting * np.sqrt(np.where(self.waiting > 0, self.greenwood, 0)), 0.0)


@dataclass(frozen=True)
class Estimate:
    """A value with the limits of its pointwise confidence interval, one each asked; NaN where the waits do not tell."""

    value: Floats
    low: Floats
    high: Floats


def kaplan_meier(durations: ArrayLike, is_over: ArrayLike) -> Curve:
    """The curve of waits of these `durations`, each over or censored; a wait censored at a time is at risk at that time.

    Without any ended wait the curve has no times. Raises `ValueError` for durations that are negative or not finite.
    """
    lasted, over = np.asarray(durations, np.float64), np.asarray(is_over, np.bool_)
    if lasted.shape != over.shape or lasted.ndim != 1:
        raise ValueError("durations and is_over must be one-dimensional and of one length")
    if not np.all(np.isfinite(lasted) & (lasted >= 0)):
        raise ValueError("a duration must be finite and not negative")
    times, events = np.unique(lasted[over], return_counts=True)
    at_risk = len(lasted) - np.searchsorted(np.sort(lasted), times, side="left")
    left = at_risk - events
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.divide(events, at_risk * left.astype(np.float64)))
    return Curve(times, at_risk, events, np.cumprod(left / at_risk, dtype=np.float64), greenwood)


def share_within(curve: Curve, times: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The share of waits over within each time, with log-log limits, which never leave 0 to 1.

    Where nobody's wait or everybody's is over there is no variance: both limits are the value. Times are not limited to those
    the data reach: beyond the last wait that ended the value stays what it was.
    """
    low, high = _limits(curve, confidence)
    waiting, low, high = (_at(curve, steps, times) for steps in (curve.waiting, low, high))
    return Estimate(1 - waiting, 1 - high, 1 - low)


def time_of_share(curve: Curve, share: float, confidence: float = 0.95) -> Estimate:
    """The shortest time by which at least a `share` of waits is over, one value; 0.5 gives the median.

    Its limits are where the curve's own limits reach that share (Brookmeyer & Crowley 1982). NaN where the data do not reach it.
    """
    low, high = _limits(curve, confidence)
    return Estimate(*(_reached(curve, steps, share) for steps in (curve.waiting, low, high)))


def _limits(curve: Curve, confidence: float) -> tuple[Floats, Floats]:
    """Limits of `waiting` from the variance of log(−log waiting); the value itself where it is 0 or 1."""
    width = NormalDist().inv_cdf(0.5 + confidence / 2)
    inner = (curve.waiting > 0) & (curve.waiting < 1)
    waiting = np.where(inner, curve.waiting, 0.5)
    spread = width * np.sqrt(np.where(inner, curve.greenwood, 0.0)) / -np.log(waiting)
    low, high = waiting ** np.exp(spread), waiting ** np.exp(-spread)
    return np.where(inner, low, curve.waiting), np.where(inner, high, curve.waiting)


def _at(curve: Curve, steps: Floats, times: ArrayLike) -> Floats:
    """The steps' value at each time; 1 before the first."""
    return np.concatenate([[1.0], steps])[np.searchsorted(curve.times, np.asarray(times, np.float64), side="right")]


def _reached(curve: Curve, steps: Floats, share: float) -> Floats:
    found = np.flatnonzero(steps <= 1 - share + HAIR)
    return np.array([curve.times[found[0]] if len(found) else np.nan])
