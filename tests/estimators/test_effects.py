"""Staggered roll-outs: published results, planted effects, and the cases in which a plain regression misleads.

`county_teen_employment.csv` is the example of Callaway & Sant'Anna (2021) and of the R package `did` (`mpdta`): employed
teenagers of 500 counties, 2003 to 2007, and the year their state raised its minimum wage (0: never). The copy was made from
moderndid 0.2.0 (MIT licence, © 2025 Jordan Deklerk); its logarithms of employment are those of these whole numbers.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from estimators.effects import NEVER, Cells, by_age, estimate, group_time_effects, overall, trend_test

COUNTIES = Path(__file__).with_name("county_teen_employment.csv")
# Group, year, effect and standard error as `did` prints them: no covariates, never-treated controls, varying base.
PUBLISHED = """
2004 2004 -0.0105 0.0233
2004 2005 -0.0704 0.0310
2004 2006 -0.1373 0.0364
2004 2007 -0.1008 0.0344
2006 2004  0.0065 0.0233
2006 2005 -0.0028 0.0196
2006 2006 -0.0046 0.0178
2006 2007 -0.0412 0.0202
2007 2004  0.0305 0.0150
2007 2005 -0.0027 0.0164
2007 2006 -0.0311 0.0179
2007 2007 -0.0261 0.0167
"""


@pytest.fixture(scope="module")
def counties() -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of employment, and the number of the first year of the higher wage."""
    rows = pl.read_csv(COUNTIES)
    raised = rows["raised_in"].to_numpy()
    return np.log(rows.select("2003", "2004", "2005", "2006", "2007").to_numpy()), np.where(raised > 0, raised - 2003, NEVER)


@pytest.fixture(scope="module")
def published(counties: tuple[np.ndarray, np.ndarray]) -> Cells:
    return group_time_effects(*counties, controls="never_treated", base="varying", corrects_small_groups=False)


def test_group_time_effects_are_those_published_for_teen_employment(published: Cells) -> None:
    rows = np.array([line.split() for line in PUBLISHED.strip().splitlines()], float)
    error = np.sqrt((published.influence**2).sum(axis=0))
    found = np.stack([published.cohort + 2003, published.period + 2003, published.effect.round(4), error.round(4)], axis=1)
    assert np.array_equal(found, rows)


def test_the_joint_test_before_treatment_is_the_one_published(published: Cells) -> None:
    test = trend_test(published, np.eye(len(published.effect))[published.age < 0])
    assert test
    assert test.effects == 5
    assert chi2.sf(test.statistic, test.effects) == pytest.approx(0.16812, abs=5e-6)
    assert test.p_value == pytest.approx(0.168, abs=0.04)


def test_the_event_study_and_the_overall_effects_are_those_published(published: Cells) -> None:
    study = estimate(published, by_age(published, np.arange(-3, 4)))
    assert study.effect.round(4).tolist() == [0.0305, -0.0006, -0.0245, -0.0199, -0.0510, -0.1373, -0.1008]
    # the published errors of means over groups also count the chance in the groups' sizes, which add next to nothing
    assert study.error == pytest.approx([0.0150, 0.0133, 0.0142, 0.0118, 0.0169, 0.0364, 0.0344], abs=2e-4)
    assert study.effect[3:].mean().round(4) == -0.0772
    assert estimate(published, overall(published)).effect[0].round(4) == -0.0400


MONTHS = 26
# The month each of forty stores goes live, in six waves and a few never.
WAVES = np.repeat([5, 7, 11, 16, 19, NEVER], [8, 8, 8, 7, 4, 5])


def shops(seed: int, effect: np.ndarray, noise: float = 0.05) -> np.ndarray:
    """Sales by store and month: a level each, a season all share, chance with memory, and `effect` by months since live."""
    rng = np.random.default_rng(seed)
    season = 1 + 0.3 * np.sin(np.arange(MONTHS) * 2 * np.pi / 12)
    chance = rng.normal(0, noise, (len(WAVES), MONTHS))
    for month in range(1, MONTHS):
        chance[:, month] += 0.4 * chance[:, month - 1]
    return season + chance + planted(effect)


def planted(effect: np.ndarray) -> np.ndarray:
    age = np.arange(MONTHS) - WAVES[:, None].clip(max=MONTHS)
    return np.where(age >= 0, effect[np.clip(age, 0, len(effect) - 1)], 0.0)


def truth(cells: Cells, effect: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ np.where(cells.age >= 0, effect[np.clip(cells.age, 0, len(effect) - 1)], 0.0)


GROWING = 0.08 * (1 - np.exp(-np.arange(1, MONTHS + 1) / 4))


def coverage(seeds: int) -> np.ndarray:
    """How often the interval holds the planted effect: overall, 3 months after, 9 months after, and all ages together."""
    hits = np.zeros(4)
    for seed in range(seeds):
        cells = group_time_effects(shops(seed, GROWING), WAVES)
        single = np.concatenate([overall(cells), by_age(cells, np.array([3, 9]))])
        study = by_age(cells, np.arange(0, 13))
        for place, (weights, together) in enumerate(((single, False), (study, True))):
            found = estimate(cells, weights, is_simultaneous=together, seed=seed, draws=499)
            real = truth(cells, GROWING, weights)
            inside = (found.low <= real) & (real <= found.high)
            hits[3 * place :][: 1 if together else 3] += inside.all() if together else inside
    return hits / seeds


def test_planted_effects_lie_in_their_intervals() -> None:
    assert (coverage(40) >= 0.90).all()


@pytest.mark.proof
def test_planted_effects_lie_in_their_intervals_in_at_least_93_of_100_worlds() -> None:
    found = coverage(1000)
    assert (found >= 0.93).all(), found


def two_way_fixed_effects(outcomes: np.ndarray, live_from: np.ndarray) -> float:
    """The coefficient of «is live» in a regression with an effect a unit and an effect a period, by demeaning both ways."""
    live = (np.arange(outcomes.shape[1]) >= live_from[:, None]).astype(float)

    def rest(x: np.ndarray) -> np.ndarray:
        return x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()

    return float((rest(live) * rest(outcomes)).sum() / (rest(live) ** 2).sum())


def test_a_regression_with_two_way_fixed_effects_gets_the_sign_wrong_and_this_does_not() -> None:
    # Every store gains, early ones more each month: as controls of the late ones they make the gain look like a loss.
    live_from = np.repeat([2, 8, NEVER], [12, 12, 2])
    age = np.arange(12) - live_from[:, None].clip(max=99)
    gain = np.where(age >= 0, np.where(live_from[:, None] == 2, 0.10 * (age + 1), 0.02), 0.0)
    outcomes = np.random.default_rng(1).normal(0, 0.01, gain.shape) + gain
    cells = group_time_effects(outcomes, live_from)
    assert (gain >= 0).all()
    assert two_way_fixed_effects(outcomes, live_from) < 0
    found = estimate(cells, overall(cells))
    assert found.low[0] > 0
    assert found.effect[0] == pytest.approx(truth_of(cells, gain, live_from), abs=0.02)


def truth_of(cells: Cells, gain: np.ndarray, live_from: np.ndarray) -> float:
    cohorts = {cohort: gain[live_from == cohort][0] for cohort in np.unique(cells.cohort)}
    every = np.array([cohorts[cohort][period] for cohort, period in zip(cells.cohort, cells.period, strict=True)])
    return float((overall(cells) @ every)[0])


def test_placebo_dates_give_no_effect() -> None:
    found = [
        estimate(cells := group_time_effects(shops(seed, np.zeros(1)), WAVES), overall(cells), seed=seed, draws=299)
        for seed in range(60)
    ]
    assert np.mean([one.low[0] <= 0 <= one.high[0] for one in found]) >= 0.9
    assert abs(np.mean([one.effect[0] for one in found])) < 0.004


def test_all_channels_together_are_the_net_of_a_falling_web_and_rising_stores() -> None:
    store, web = shops(1, 1.5 * GROWING), shops(2, -0.5 * GROWING)
    found = {}
    for name, outcomes in (("store", store), ("web", web), ("all", store + web)):
        cells = group_time_effects(outcomes, WAVES)
        found[name] = estimate(cells, overall(cells))
    assert found["web"].high[0] < 0 < found["store"].low[0]
    assert found["all"].effect[0] == pytest.approx(found["store"].effect[0] + found["web"].effect[0])
    cells = group_time_effects(store + web, WAVES)
    assert found["all"].low[0] <= truth(cells, GROWING, overall(cells))[0] <= found["all"].high[0]


def refused(drift: float, seeds: int) -> float:
    """How often the trends before are called different, at 5 %, when live stores drift away from the others."""
    count = 0
    for seed in range(seeds):
        drifting = drift * np.arange(MONTHS) * (WAVES < 12)[:, None]
        cells = group_time_effects(shops(seed, GROWING) + drifting, WAVES)
        test = trend_test(cells, by_age(cells, np.arange(-6, -1)), seed=seed, draws=299)
        assert test
        count += test.p_value < 0.05
    return count / seeds


def test_the_trend_test_refuses_diverging_stores_and_seldom_others() -> None:
    assert refused(0.0, 40) <= 0.15
    assert refused(0.04, 20) >= 0.9


@pytest.mark.proof
def test_the_trend_test_refuses_no_more_than_about_one_in_twenty_when_all_is_well() -> None:
    assert refused(0.0, 400) <= 0.08


def test_weights_make_large_units_count_more() -> None:
    # Two large stores gain 10, two small ones nothing: by size nine tenths of 10.
    outcomes = np.array([[0.0, 10.0], [0, 10], [0, 0], [0, 0], [0, 0], [0, 0]])
    live_from = np.array([1, 1, 1, 1, NEVER, NEVER])
    cells = group_time_effects(outcomes, live_from, weights=np.array([9.0, 9, 1, 1, 5, 5]))
    assert cells.effect.tolist() == pytest.approx([9.0])
    assert cells.weight.tolist() == [20.0]


def test_a_unit_that_was_not_there_stays_out_of_its_cells_only() -> None:
    outcomes = np.array([[0.0, 1, 2], [0, 1, np.nan], [0, 1, 2], [0, 0, 0], [0, 0, 0]])
    cells = group_time_effects(outcomes, np.array([1, 1, 1, NEVER, NEVER]))
    assert cells.treated.tolist() == [3, 2]
    assert cells.effect.tolist() == [1.0, 2.0]


def test_cells_that_one_unit_alone_would_tell_are_left_out() -> None:
    cells = group_time_effects(np.zeros((4, 3)), np.array([1, 2, 2, NEVER]))
    assert cells.effect.size == 0
    assert overall(cells).shape == (1, 0)
    assert trend_test(cells, by_age(cells, np.array([-2]))) is None


def test_the_same_seed_gives_the_same_bounds() -> None:
    cells = group_time_effects(shops(3, GROWING), WAVES)
    first, second = (estimate(cells, overall(cells), seed=7) for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low != estimate(cells, overall(cells), seed=8).low
