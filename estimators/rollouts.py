"""What services rolled out store by store changed, from a panel of stores and months.

Every outcome is measured in shares of a store's usual monthly sales before anyone went live, over all channels together, and
stores count by that size. Sums then stay exact: the effect on the stores' tills and the one on the web add up to the whole, and
an effect times the usual sales of the stores live is money.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from estimators.effects import NEVER, Cells, TrendTest, by_age, estimate, group_time_effects, overall, trend_test

# The first service of a store, whichever it is.
ANY = "any"
# Outcomes by amount and channel; the contribution is what is left of the margin after what serving costs.
OUTCOMES = {
    ("sales", "all"): {"store_sales": 1, "web_sales": 1},
    ("sales", "store"): {"store_sales": 1},
    ("sales", "web"): {"web_sales": 1},
    ("margin", "all"): {"store_margin": 1, "web_margin": 1},
    ("margin", "store"): {"store_margin": 1},
    ("margin", "web"): {"web_margin": 1},
    ("logistics_cost", "all"): {"store_logistics_cost": 1, "web_logistics_cost": 1},
    ("service_cost", "all"): {"store_service_cost": 1, "web_service_cost": 1},
    ("contribution", "all"): {
        "store_margin": 1, "web_margin": 1, "store_logistics_cost": -1, "web_logistics_cost": -1, "store_service_cost": -1,
        "web_service_cost": -1,
    },
}  # fmt: skip
STUDY = {
    "capability": pl.String, "amount": pl.String, "sold_in": pl.String, "age": pl.Int32, "effect": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "cells": pl.Int32, "stores": pl.Int32, "controls": pl.Int32, "whole_effect": pl.Float64,
    "whole_low": pl.Float64, "whole_high": pl.Float64, "p_value": pl.Float64, "is_refused": pl.Boolean,
}  # fmt: skip
GAINS = {
    "capability": pl.String, "amount": pl.String, "month": pl.Date, "stores": pl.Int32, "is_assessed": pl.Boolean,
    "gain": pl.Float64, "cumulative_gain": pl.Float64, "cumulative_low": pl.Float64, "cumulative_high": pl.Float64,
    "p_value": pl.Float64, "is_refused": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """How a study is judged: the months before and after a roll-out it spans, and the p-value below which it is refused."""

    months_before: int = 6
    months_after: int = 15
    # Effects are measured from the mean of these last months before.
    base_months: int = 3
    refused_below: float = 0.05
    # A month's gain counts when it can be told of the live stores that make this share of usual sales.
    least_told: float = 0.8
    # Usual sales are a mean over at most a year, at least a quarter.
    longest_baseline: int = 12
    shortest_baseline: int = 3


@dataclass(frozen=True)
class _Panel:
    """The stores compared for one capability: [stores, months] amounts, the month each went live, its usual sales."""

    months: list[date]
    stores: np.ndarray
    amounts: dict[str, np.ndarray]
    live_from: np.ndarray
    usual: np.ndarray


def rollout_studies(store_months: pl.DataFrame, rollouts: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The event study of every capability, amount and channel: one row a month since going live.

    Effects and bounds are shares of usual sales; the bounds of the months hold for all of them together, those of the whole (the
    mean over all live stores and months, the same on every row) for itself. `controls` is the fewest of any cell. `is_refused`
    says that stores and their controls moved apart before, or that too few months or stores can tell.
    """
    rows: list[tuple] = []
    for capability, panel in _panels(store_months, rollouts, rules):
        for (amount, sold_in), columns in OUTCOMES.items():
            cells = _cells(panel, columns, rules)
            ages = np.arange(-rules.months_before, rules.months_after + 1)
            ages = ages[np.isin(ages, cells.age)]
            test = _trend_test(cells, rules)
            study = estimate(cells, by_age(cells, ages), is_simultaneous=True)
            whole = estimate(cells, overall(cells))
            sums = (float(whole.effect[0]), float(whole.low[0]), float(whole.high[0]))
            judged = (test and test.p_value, _is_refused(test, rules))
            for place, age in enumerate(ages):
                mine = cells.age == age
                counts = (
                    int(mine.sum()),
                    int(cells.treated[mine].sum()),
                    int(cells.controls[mine].min(initial=len(panel.usual))),
                )
                bounds = (float(study.effect[place]), float(study.low[place]), float(study.high[place]))
                rows.append((capability, amount, sold_in, int(age), *bounds, *counts, *sums, *judged))
    return pl.DataFrame(rows, schema=STUDY, orient="row")


def rollout_gains(store_months: pl.DataFrame, rollouts: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What services brought in money, month by month, all channels together: one row a capability, amount and month.

    `any` is the whole. The capabilities are its parts: each has the stores whose first service it was, held against the same
    stores not live yet, so that no gain is in two of them. `is_assessed` is false from the first month in which too few live
    stores have others left to compare with: gains are then null. The bounds are those of the sum up to the month.
    """
    rows: list[tuple] = []
    for capability, panel in _parts(store_months, rollouts, rules):
        for (amount, sold_in), columns in OUTCOMES.items():
            if sold_in != "all":
                continue
            cells = _cells(panel, columns, rules)
            test = _trend_test(cells, rules)
            judged = (test and test.p_value, _is_refused(test, rules))
            months = np.arange(len(panel.months))
            money = ((cells.period == months[:, None]) & (cells.age >= 0)) * cells.weight
            sums = estimate(cells, money.cumsum(axis=0))
            gains = money @ cells.effect
            is_known = np.isfinite(_outcome(panel, columns))
            is_live = (panel.live_from[:, None] <= months) & (panel.live_from[:, None] > 0) & is_known
            is_told = money.sum(axis=1) >= rules.least_told * (is_live * panel.usual[:, None]).sum(axis=0)
            is_assessed = np.logical_and.accumulate(is_told)
            for place, month in enumerate(panel.months):
                told = (float(gains[place]), float(sums.effect[place]), float(sums.low[place]), float(sums.high[place]))
                told = told if is_assessed[place] else (None,) * 4
                counted = (int(is_live[:, place].sum()), bool(is_assessed[place]))
                rows.append((capability, amount, month, *counted, *told, *judged))
    return pl.DataFrame(rows, schema=GAINS, orient="row")


def _panels(store_months: pl.DataFrame, rollouts: pl.DataFrame, rules: Rules) -> Iterator[tuple[str, _Panel]]:
    """The panel of every capability that enough months precede, by name; first that of any capability."""
    named = rollouts.select("capability", "location_id", "live_on", "ended_on")
    every = pl.concat([_first(rollouts).select(pl.lit(ANY).alias("capability"), *named.columns[1:]), named])
    for (capability,), live in every.sort("capability").group_by("capability", maintain_order=True):
        panel = _panel(store_months, live, rules)
        if panel:
            yield str(capability), panel


def _first(rollouts: pl.DataFrame) -> pl.DataFrame:
    """When each location went live with whatever it was, and with what; several on one day are none of them."""
    first = rollouts.filter(pl.col("live_on") == pl.col("live_on").min().over("location_id"))
    return first.group_by("location_id", maintain_order=True).agg(
        pl.col("live_on").first(),
        ended_on=pl.lit(None, pl.Date),
        capability=pl.when(pl.len() == 1).then(pl.col("capability").first()),
    )


def _parts(store_months: pl.DataFrame, rollouts: pl.DataFrame, rules: Rules) -> Iterator[tuple[str, _Panel]]:
    """The panel of any capability, and the same for each first service alone: the stores of others leave it when they go live."""
    first = _first(rollouts)
    panel = _panel(store_months, first, rules)
    if panel is None:
        return
    yield ANY, panel
    capabilities = dict(first.select("location_id", "capability").iter_rows())
    mine = np.array([capabilities.get(store) or "" for store in panel.stores])
    for capability in sorted({*mine} - {""}):
        is_other = mine != capability
        is_gone = is_other[:, None] & (panel.live_from[:, None] <= np.arange(len(panel.months)))
        amounts = {name: np.where(is_gone, np.nan, amount) for name, amount in panel.amounts.items()}
        yield capability, replace(panel, amounts=amounts, live_from=np.where(is_other, NEVER, panel.live_from))


def _panel(store_months: pl.DataFrame, live: pl.DataFrame, rules: Rules) -> _Panel | None:
    months: list[date] = store_months["month_start"].unique().sort().to_list()
    stores: list[str] = store_months["location_id"].unique().sort().to_list()
    dates = {row["location_id"]: row for row in live.iter_rows(named=True)}

    def place(day: date | None) -> int:
        return NEVER if day is None else (day.year - months[0].year) * 12 + day.month - months[0].month

    live_from = np.array([place(dates.get(store, {}).get("live_on")) for store in stores], np.int64)
    ended = np.array([place(dates.get(store, {}).get("ended_on")) for store in stores], np.int64)
    observed = live_from[(live_from > 0) & (live_from < len(months))]
    first = int(observed.min()) if len(observed) else 0
    if first < rules.shortest_baseline:
        return None
    at = {store: row for row, store in enumerate(stores)}
    rows = np.array([at[store] for store in store_months["location_id"]])
    columns = np.array([place(month) for month in store_months["month_start"]])
    amounts = {}
    for name in {name for outcome in OUTCOMES.values() for name in outcome}:
        amounts[name] = np.full((len(stores), len(months)), np.nan)
        amounts[name][rows, columns] = store_months[name].cast(pl.Float64).to_numpy()
        amounts[name][np.arange(len(months)) > ended[:, None]] = np.nan
    before = slice(max(first - rules.longest_baseline, 0), first)
    usual = (amounts["store_sales"] + amounts["web_sales"])[:, before].mean(axis=1)
    kept = usual > 0
    if not kept.any():
        return None
    amounts = {name: amount[kept] for name, amount in amounts.items()}
    return _Panel(months, np.array(stores)[kept], amounts, live_from[kept], usual[kept])


def _outcome(panel: _Panel, columns: dict[str, int]) -> np.ndarray:
    return sum(sign * panel.amounts[name] for name, sign in columns.items()) / panel.usual[:, None]


def _cells(panel: _Panel, columns: dict[str, int], rules: Rules) -> Cells:
    return group_time_effects(_outcome(panel, columns), panel.live_from, weights=panel.usual, base_periods=rules.base_months)


def _trend_test(cells: Cells, rules: Rules) -> TrendTest | None:
    ages = np.arange(-rules.months_before, -1)
    return trend_test(cells, by_age(cells, ages[np.isin(ages, cells.age)]))


def _is_refused(test: TrendTest | None, rules: Rules) -> bool:
    return test is None or test.p_value < rules.refused_below
