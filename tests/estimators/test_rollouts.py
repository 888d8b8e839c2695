"""What services brought in, taken apart: each first service by itself, and no gain in two of them."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from estimators.rollouts import Rules, rollout_gains

MONTHS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(14)]
AMOUNTS = [f"{side}_{amount}" for side in ("store", "web") for amount in ("sales", "margin", "logistics_cost", "service_cost")]
# Lockers bring 12 a month and store from July on, vans 5 from September; of the others nobody goes live.
LIVE = {
    **dict.fromkeys(("A1", "A2", "A3"), ("locker", date(2025, 7, 1), 12)),
    **dict.fromkeys(("B1", "B2"), ("van", date(2025, 9, 1), 5)),
}
OTHERS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7")


def months(noise: float = 0.3) -> pl.DataFrame:
    """A panel of twelve stores that sell 100 a month in a season, and what going live added."""
    draw = np.random.default_rng(5)
    rows = []
    for store in (*LIVE, *OTHERS):
        _, live_on, gain = LIVE.get(store, ("", date.max, 0))
        for place, month in enumerate(MONTHS):
            sales = 100 + 10 * np.sin(place) + noise * draw.normal() + gain * (month >= live_on)
            margin = sales / 2
            rows.append((store, month, sales, margin, *(0.0,) * (len(AMOUNTS) - 2)))
    columns = ["store_sales", "store_margin", *(name for name in AMOUNTS if name not in ("store_sales", "store_margin"))]
    return pl.DataFrame(rows, schema=["location_id", "month_start", *columns], orient="row")


def rollouts(*more: tuple[str, str, date]) -> pl.DataFrame:
    rows = [(store, capability, live_on, None) for store, (capability, live_on, _) in LIVE.items()]
    types = {"location_id": pl.String, "capability": pl.String, "live_on": pl.Date, "ended_on": pl.Date}
    return pl.DataFrame([*rows, *((*one, None) for one in more)], schema=types, orient="row")


def gained(gains: pl.DataFrame, capability: str, amount: str = "sales") -> float:
    return float(gains.filter((pl.col("capability") == capability) & (pl.col("amount") == amount))["gain"].sum())


def test_each_service_has_the_gain_of_the_stores_it_came_to_first_and_together_they_have_all() -> None:
    gains = rollout_gains(months(), rollouts(), Rules())
    assert gained(gains, "locker") == pytest.approx(3 * 12 * 8, rel=0.03)
    assert gained(gains, "van") == pytest.approx(2 * 5 * 6, rel=0.1)
    for amount in ("sales", "margin", "contribution"):
        parts = gained(gains, "locker", amount) + gained(gains, "van", amount)
        assert parts == pytest.approx(gained(gains, "any", amount), rel=1e-9)


def test_a_service_that_only_came_after_another_has_no_gain_of_its_own_and_changes_none() -> None:
    alone = rollout_gains(months(), rollouts(), Rules())
    both = rollout_gains(months(), rollouts(("A1", "kiosk", date(2025, 10, 1)), ("A2", "kiosk", date(2025, 10, 1))), Rules())
    assert both.equals(alone)


def test_stores_that_went_live_with_two_services_at_once_are_of_neither() -> None:
    twins = [(store, "kiosk", LIVE[store][1]) for store in ("B1", "B2")]
    gains = rollout_gains(months(), rollouts(*twins), Rules())
    assert set(gains["capability"]) == {"any", "locker"}
    assert gained(gains, "any") > gained(gains, "locker")


def test_a_service_of_one_store_cannot_be_told() -> None:
    one = rollouts().filter(pl.col("location_id") != "B2")
    van = rollout_gains(months(), one, Rules()).filter((pl.col("capability") == "van") & (pl.col("month") >= date(2025, 9, 1)))
    assert not van["is_assessed"].any()
    assert van["gain"].null_count() == len(van)
