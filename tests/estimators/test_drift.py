"""Drift is told from chance: by simulation without any, with some, and by the fixed rule's failures."""

import numpy as np
import pytest

from estimators.drift import stability

SHARES = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.05, 0.04, 0.02, 0.01, 0.01])
TRIALS = 4000


def alarms(reference: int, current: int, shares: np.ndarray, drifted: np.ndarray, limit: float = 0.05) -> float:
    """The share of trials that alarm."""
    rng = np.random.default_rng([reference, current])
    before, after = rng.multinomial(reference, shares, TRIALS), rng.multinomial(current, drifted, TRIALS)
    return float(np.mean([stability(b, a, limit).is_alarm for b, a in zip(before, after, strict=True)]))


@pytest.mark.parametrize(("reference", "current"), [(200, 200), (2_000, 300), (20_000, 5_000), (400_000, 60_000)])
def test_without_drift_false_alarms_are_as_rare_as_asked_at_any_sample_size(reference: int, current: int) -> None:
    assert alarms(reference, current, SHARES, SHARES) == pytest.approx(0.05, abs=0.015)


def test_the_fixed_rule_of_a_tenth_would_alarm_on_nothing_in_small_samples() -> None:
    rng = np.random.default_rng(7)
    pairs = (rng.multinomial(120, SHARES, 2) for _ in range(500))
    small = [stability(before, now, 0.05) for before, now in pairs]
    fixed = np.mean([found.psi > 0.1 for found in small])
    assert fixed > 0.2 > 2 * np.mean([found.is_alarm for found in small])


def test_planted_drift_is_found_once_the_sample_is_large_enough() -> None:
    drifted = SHARES + np.array([-0.03, 0.03, *[0] * 8])
    assert alarms(300, 300, SHARES, drifted) < 0.3
    assert alarms(20_000, 20_000, SHARES, drifted) == 1.0


def test_psi_is_the_sum_worked_out_by_hand() -> None:
    """Half and half against three to one: (0.75 - 0.5) ln 1.5 + (0.25 - 0.5) ln 0.5 = 0.2747; the quantile is 3.841."""
    found = stability(np.array([50_000, 50_000]), np.array([75_000, 25_000]), 0.05)
    assert found.psi == pytest.approx(0.27465, abs=1e-4)
    assert found.limit == pytest.approx(3.8415 * (2 / 100_000), rel=1e-4)
    assert found.bins == 2


def test_bins_too_small_for_chance_to_be_known_are_merged() -> None:
    found = stability(np.array([500, 400, 3, 1]), np.array([50, 40, 0, 1]), 0.05)
    assert found.bins == 2


@pytest.mark.parametrize("counts", [([0, 0], [5, 5]), ([100], [100]), ([3, 1], [2, 2])])
def test_where_there_is_nothing_to_tell_there_is_no_alarm(counts: tuple[list[int], list[int]]) -> None:
    assert not stability(np.array(counts[0]), np.array(counts[1]), 0.05).is_alarm
