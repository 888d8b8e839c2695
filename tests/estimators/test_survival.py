"""The survival estimators give what the literature prints, and what can be worked out by hand."""

import numpy as np
import pytest

from estimators.survival import kaplan_meier, share_within, time_of_share

# Weeks in remission of 21 leukaemia patients on 6-mercaptopurine: Freireich et al., Blood 21 (1963); the curve and its
# standard errors are printed in Cox & Oakes, Analysis of Survival Data (1984), and Kleinbaum & Klein, Survival Analysis (2012).
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
WEEKS = [*RELAPSED, *IN_REMISSION]
HAS_RELAPSED = [True] * len(RELAPSED) + [False] * len(IN_REMISSION)
# Their 21 controls on placebo, none censored.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_the_leukaemia_trial_gives_the_printed_curve_and_standard_errors() -> None:
    curve = kaplan_meier(WEEKS, HAS_RELAPSED)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.events.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert curve.waiting == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)
    assert curve.standard_error == pytest.approx([0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], abs=5e-5)


def test_the_leukaemia_trial_gives_the_printed_median_and_log_log_limits() -> None:
    curve = kaplan_meier(WEEKS, HAS_RELAPSED)
    median = time_of_share(curve, 0.5)
    # R's survfit(conf.type = "log-log") prints 23 (13, NA)
    assert (median.value[0], median.low[0]) == (23, 13)
    assert np.isnan(median.high[0])
    within = share_within(curve, [6, 10])
    assert 1 - within.high == pytest.approx([0.620, 0.503], abs=5e-4)
    assert 1 - within.low == pytest.approx([0.952, 0.889], abs=5e-4)


def test_without_censoring_the_curve_is_the_plain_share_and_the_plain_percentile() -> None:
    curve = kaplan_meier(PLACEBO, [True] * len(PLACEBO))
    ordered = np.sort(PLACEBO)
    for weeks in range(25):
        assert share_within(curve, [weeks]).value[0] == pytest.approx(np.mean(ordered <= weeks), abs=1e-12)
    for share in (0.1, 0.5, 0.9):
        expected = np.quantile(ordered, share, method="inverted_cdf")
        assert time_of_share(curve, share).value[0] == expected


def test_a_wait_censored_when_another_ends_is_still_at_risk() -> None:
    # at 2 both wait: half of the two end; at 3 nobody is left to end
    curve = kaplan_meier([2, 2], [True, False])
    assert curve.at_risk.tolist() == [2]
    assert curve.waiting.tolist() == [0.5]


def test_waits_none_of_which_is_over_tell_nothing_but_that() -> None:
    curve = kaplan_meier([3.0, 4.0], [False, False])
    assert len(curve.times) == 0
    assert share_within(curve, [0, 10]).value.tolist() == [0, 0]
    assert np.isnan(time_of_share(curve, 0.5).value[0])


def test_nobody_waiting_any_more_leaves_no_doubt_of_the_last_step() -> None:
    curve = kaplan_meier([1.0, 2.0], [True, True])
    last = share_within(curve, [2])
    assert (last.value[0], last.low[0], last.high[0]) == (1, 1, 1)
    assert curve.standard_error[-1] == 0


def test_limits_hold_the_value_and_stay_between_none_and_all() -> None:
    random = np.random.default_rng(1)
    lasted = np.round(random.exponential(10, 200), 1)
    within = share_within(kaplan_meier(lasted, random.random(200) < 0.7), np.linspace(0, 60, 121))
    assert np.all((within.low >= 0) & (within.low <= within.value) & (within.value <= within.high) & (within.high <= 1))
    assert np.all(np.diff(within.value) >= 0)


def test_durations_that_cannot_be_are_refused() -> None:
    for wrong in ([-1.0], [np.nan], [np.inf]):
        with pytest.raises(ValueError, match="finite and not negative"):
            kaplan_meier(wrong, [True])
    with pytest.raises(ValueError, match="of one length"):
        kaplan_meier([1.0, 2.0], [True])


def test_half_of_two_hundred_waits_are_over_within_the_intervals_nineteen_times_in_twenty() -> None:
    """The intervals keep their promise: 95 in 100 hold the true share, with waits exponential and censored at random."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        lasted, seen = random.exponential(1.0, 80), random.exponential(2.0, 80)
        within = share_within(kaplan_meier(np.minimum(lasted, seen), lasted <= seen), [np.log(2)])
        held += bool(within.low[0] <= 0.5 <= within.high[0])
    assert 0.92 <= held / 400 <= 0.98
