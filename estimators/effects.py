"""What a staggered roll-out changed: differences-in-differences after Callaway & Sant'Anna (2021, J. Econometrics 225).

Units (stores) go live at different periods (months). A *cell* compares, from the period before a cohort went live to some other
period, the change of that cohort with the change of units not live yet at either: no unit that is live already ever serves as
a control, which is what goes wrong in a regression with two-way fixed effects. Anything of interest is a weighted sum of cells,
and one matrix of influences, a row a unit, gives the uncertainty of every such sum, clustered by unit.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

NEVER = np.iinfo(np.int64).max
# A cell needs as many units on either side: the spread of one alone is unknown.
FEWEST = 2


@dataclass(frozen=True)
class Cells:
    """Effects by cohort (the period its units went live) and period, in the outcome's own terms.

    All but the last two are [cells]: `weight` is the treated units' total weight, `treated` and `controls` count units.
    `influence` [units, cells] holds what each unit contributes to an effect's error: the squared error is the sum of squares.
    `groups` [units] numbers the cohort of each unit, those never live being one.
    """

    cohort: np.ndarray
    period: np.ndarray
    effect: np.ndarray
    weight: np.ndarray
    treated: np.ndarray
    controls: np.ndarray
    influence: np.ndarray
    groups: np.ndarray

    @property
    def age(self) -> np.ndarray:
        """Periods since the cohort went live; negative before."""
        return self.period - self.cohort


@dataclass(frozen=True)
class Estimates:
    """Weighted sums of cells, each [estimates], with the bounds of their intervals."""

    effect: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class TrendTest:
    """Whether cohorts and their controls moved alike before going live: a joint Wald test, and over how many effects."""

    statistic: float
    effects: int
    p_value: float


def group_time_effects(
    outcomes: np.ndarray,
    live_from: np.ndarray,
    weights: np.ndarray | None = None,
    controls: Literal["not_yet_treated", "never_treated"] = "not_yet_treated",
    base: Literal["universal", "varying"] = "universal",
    base_periods: int = 1,
    corrects_small_groups: bool = True,
) -> Cells:
    """Every cell that at least two treated and two control units can tell, by cohort and period.

    `outcomes` [units, periods] may hold nan where a unit was not there: it stays out of the cells that touch it. `live_from`
    [units] is the number of the first period live, `NEVER` for none; units live from period 0 on have no before and are left
    out. `weights` [units] make every mean a weighted one. Effects are measured from the mean of the last `base_periods` before
    going live («universal», as event studies are drawn); more than one lets chance weigh less. «varying» measures those before
    from one period to the next. Small groups show too little of their spread; the correction (HC2) gives it back.
    """
    outcomes = np.asarray(outcomes, float)
    live_from = np.asarray(live_from, np.int64)
    weights = np.ones(len(outcomes)) if weights is None else np.asarray(weights, float)
    _, groups = np.unique(live_from, return_inverse=True)
    found: list[tuple] = []
    influences: list[np.ndarray] = []
    periods = outcomes.shape[1]
    for cohort in np.unique(live_from[(live_from > 0) & (live_from < periods)]):
        for period in range(periods):
            until = period if period < cohort and base == "varying" else cohort
            since = max(until - base_periods, 0)
            if until == 0 or (since, until) == (period, period + 1):
                continue
            change = outcomes[:, period] - outcomes[:, since:until].mean(axis=1)
            is_known = np.isfinite(change)
            is_treated = is_known & (live_from == cohort)
            is_free = live_from > max(period, until - 1) if controls == "not_yet_treated" else live_from == NEVER
            is_control = is_known & is_free & (live_from != cohort)
            if min(is_treated.sum(), is_control.sum()) < FEWEST:
                continue
            effect, influence = 0.0, np.zeros(len(outcomes))
            for sign, side in ((1, is_treated), (-1, is_control)):
                share = weights[side] / weights[side].sum()
                mean = share @ change[side]
                spread = np.sqrt(1 - share) if corrects_small_groups else 1.0
                influence[side] = sign * share * (change[side] - mean) / spread
                effect += sign * mean
            found.append((cohort, period, effect, weights[is_treated].sum(), is_treated.sum(), is_control.sum()))
            influences.append(influence)
    columns = np.array(found, float).reshape(-1, 6).T
    return Cells(
        cohort=columns[0].astype(np.int64),
        period=columns[1].astype(np.int64),
        effect=columns[2],
        weight=columns[3],
        treated=columns[4].astype(np.int64),
        controls=columns[5].astype(np.int64),
        influence=np.array(influences).reshape(-1, len(outcomes)).T,
        groups=groups,
    )


def by_age(cells: Cells, ages: np.ndarray) -> np.ndarray:
    """Weights [ages, cells] of an event study: at each age the mean over cohorts by their weight; all 0 where none has it."""
    sums = (cells.age == np.asarray(ages)[:, None]) * cells.weight
    totals = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)


def overall(cells: Cells) -> np.ndarray:
    """Weights [1, cells] of the mean effect over all live units and periods."""
    live = (cells.age >= 0) * cells.weight
    return (live / max(live.sum(), 1e-300))[None, :]


def estimate(
    cells: Cells,
    weights: np.ndarray,
    confidence: float = 0.95,
    is_simultaneous: bool = False,
    draws: int = 999,
    seed: int = 0,
) -> Estimates:
    """Weighted sums of cells (`weights` [estimates, cells]) with intervals from a studentised multiplier bootstrap by unit.

    Each interval covers its effect with the given confidence; simultaneous ones cover all the effects together. Every draw
    multiplies each unit's influence by a standard normal number and is judged by its own spread within cohorts, so that few units
    make wide intervals. The same seed gives the same bounds.
    """
    effect, psi = weights @ cells.effect, cells.influence @ weights.T
    error = np.sqrt((psi**2).sum(axis=0))
    multipliers, drawn = _draw(cells, psi, draws, seed)
    ratio = np.abs(drawn) / np.sqrt(np.maximum(_variances(cells.groups, multipliers, psi), 1e-300))
    if is_simultaneous and ratio.shape[1]:
        ratio = ratio.max(axis=1, keepdims=True)
    critical = np.quantile(ratio, confidence, axis=0)
    return Estimates(effect, error, effect - critical * error, effect + critical * error)


def trend_test(cells: Cells, weights: np.ndarray, draws: int = 999, seed: int = 0) -> TrendTest | None:
    """The joint test that all the weighted sums are 0; None where there is none, or fewer units than it takes to tell.

    The p-value is the share of the bootstrap's draws with a larger Wald statistic, each by its own covariance: the usual
    chi-square refuses far too often with the forty stores of a retailer.
    """
    effect, psi = weights @ cells.effect, cells.influence @ weights.T
    count = len(effect)
    if count == 0 or np.linalg.matrix_rank(psi) < count or len(psi) - cells.groups.max() - 1 <= count:
        return None
    statistic = float(effect @ np.linalg.solve(psi.T @ psi, effect))
    multipliers, drawn = _draw(cells, psi, draws, seed)
    pairs = (psi[:, :, None] * psi[:, None, :]).reshape(len(psi), -1)
    spread = (multipliers**2 * _inflation(cells.groups)) @ pairs
    covariance = spread.reshape(draws, count, count)
    for group in range(cells.groups.max() + 1):
        mine = cells.groups == group
        size = mine.sum()
        if size > 1:
            part = multipliers[:, mine] @ psi[mine]
            covariance -= part[:, :, None] * part[:, None, :] / (size - 1)
    walds = np.einsum("bk,bk->b", drawn, np.linalg.solve(covariance, drawn[:, :, None])[:, :, 0])
    return TrendTest(statistic, count, float((1 + (walds >= statistic).sum()) / (draws + 1)))


def _draw(cells: Cells, psi: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers [draws, units], and the errors [draws, estimates] they make."""
    multipliers = np.random.default_rng(seed).standard_normal((draws, len(cells.groups)))
    return multipliers, multipliers @ psi


def _inflation(groups: np.ndarray) -> np.ndarray:
    """What a spread about a group's own mean falls short by, [units]."""
    sizes = np.bincount(groups)[groups]
    return np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)


def _variances(groups: np.ndarray, multipliers: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """The squared error of each draw by its own spread within groups, [draws, estimates]."""
    found = (multipliers**2 * _inflation(groups)) @ psi**2
    for group in range(groups.max() + 1):
        mine = groups == group
        size = mine.sum()
        if size > 1:
            found -= (multipliers[:, mine] @ psi[mine]) ** 2 / (size - 1)
    return found
