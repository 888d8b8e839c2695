"""What is true of promises: how many orders came complete and in time, what refused work and carriers cost."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from demo import retailer
from demo.back_office import hours
from demo.orders import RETURN_REASONS, valid
from demo.retailer import CHANNELS, COLLECT, DAYS, FROM_STORE, local, paris_day, wall_day
from demo.world import World

Tally = Callable[[pl.DataFrame, str, dict[str, tuple[pl.Expr, pl.Expr | None]]], pl.DataFrame]
# Days without a complaint after which an order is taken to be unharmed.
QUIET = 14


def promises(world: World, orders: pl.DataFrame, tally: Tally) -> Iterator[pl.DataFrame]:
    """The KPIs of promises kept, of refusals and of what fulfilment costs, each by `tally`'s cuts."""
    channel = pl.col("channel").cast(pl.Int64).replace_strict(dict(enumerate(CHANNELS)), return_dtype=pl.String)
    placed = orders.with_columns(
        channel=channel, is_valid=valid(), is_genuine=~pl.any_horizontal("is_test", "is_staff", "is_b2b")
    ).select("order", "day", "utc", "channel", "fate", "is_valid", "is_genuine")
    work = world.preparation.join(placed, on="order", how="left", maintain_order="left")
    yield _refusals(work, tally)
    yield _collections(work, tally)
    yield _pace(world, tally)
    each = work.group_by("order").agg(
        cost=pl.col("cost").sum(),
        from_store=((pl.col("mode") == FROM_STORE) & pl.col("cancelled").is_null()).any(),
    )
    live = work.filter(pl.col("cancelled").is_null())
    prepared = live.group_by("order").agg(
        collected=(pl.col("mode") == COLLECT).any(),
        store=pl.col("store").max(),
        promised=pl.col("promised").max(),
        first_promised=pl.col("first_promised").max(),
        ready=pl.col("ready").max(),
        delivered=pl.when(pl.col("delivered").is_not_null().all()).then(pl.col("delivered").max()),
        complete=pl.col("fulfilled").sum() >= pl.col("requested").sum(),
        parcels=(pl.col("mode") != COLLECT).sum(),
        has_left=pl.col("shipped").is_not_null().any(),
    )
    carried = world.journeys.shipments.group_by("order").agg(carrier_cost=pl.col("cost").sum())
    damaged = (
        world.sales.returns.filter(~pl.col("blind") & (pl.col("reason") == RETURN_REASONS.index("damaged")))
        .group_by("order")
        .agg(damaged=pl.col("return_day").min())
    )
    rows = placed.join(each, on="order", how="inner", maintain_order="left")
    for part in (prepared, carried, damaged):
        rows = rows.join(part, on="order", how="left", maintain_order="left")
    yield _kept(rows.filter(pl.col("promised").is_not_null()), tally)
    left = rows.filter(pl.col("has_left") & pl.col("is_valid"))
    several, from_store = (pl.col("parcels") > 1).sum(), pl.col("from_store").sum()
    yield tally(left, "day", {"split_rate": (several, pl.len()), "ship_from_store_share": (from_store, pl.len())})
    # of what never left no carrier took anything; what is still to leave has no cost yet
    no_carrier = pl.col("collected").fill_null(True) | (pl.col("fate") == "cancelled")
    known = pl.coalesce("carrier_cost", pl.when(no_carrier).then(0))
    costed = rows.filter("is_genuine").with_columns(spent=pl.col("cost") + known).drop_nulls("spent")
    yield tally(costed, "day", {"fulfilment_cost_per_order": (pl.col("spent").sum() / 100, pl.col("is_valid").sum())})


def _refusals(work: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """Lines refused of lines asked, once the work has ended and unless the customer stopped it."""
    ended = pl.any_horizontal(pl.col("ready", "collected", "shipped", "delivered", "cancelled", "expired").is_not_null())
    answered = work.filter(ended & pl.col("is_genuine") & (pl.col("reason") != "customer_request"))
    refused = (pl.col("requested") - pl.col("fulfilled")).sum()
    return tally(answered, "day", {"refused_lines": (refused, None), "rejection_rate": (refused, pl.col("requested").sum())})


def _collections(work: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """What became of goods once they were ready."""
    prepared = (pl.col("fate") == "cancelled") & pl.col("is_genuine")
    ready = work.filter((pl.col("mode") == COLLECT) & pl.col("ready").is_not_null() & (pl.col("is_valid") | prepared))
    dwell = (pl.col("collected") - pl.col("ready")).quantile(0.5, "linear") / 3600
    known = pl.any_horizontal(pl.col("collected", "expired", "cancelled").is_not_null())
    gone = pl.col("expired").is_not_null().sum()
    return tally(ready, "day", {"pickup_dwell_hours": (dwell, None), "uncollected_rate": (gone, known.sum())})


def _pace(world: World, tally: Tally) -> pl.DataFrame:
    """Lines prepared by hour of work; nobody works for a channel."""
    worked = hours(world).select(
        (pl.col("Jour").str.to_date("%d/%m/%Y") - pl.lit(retailer.START)).dt.total_days().alias("day"),
        "Lignes",
        # Whole hundredths: a sum of floats depends on the order it is taken in.
        hundredths=(pl.col("Heures") * 100).round().cast(pl.Int64),
        channel=pl.lit("all"),
    )
    measures: dict[str, tuple[pl.Expr, pl.Expr | None]] = {
        "lines_per_labour_hour": (pl.col("Lignes").sum(), pl.col("hundredths").sum() / 100)
    }
    return tally(worked, "day", measures).unique(["metric", "grain", "metric_time"])


def _kept(rows: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """Promises that came due, by the day they did: deliveries by the day, pick-ups by the second."""
    collected = rows["collected"].to_numpy()
    zone = np.where(collected, retailer.stores().timezone[np.maximum(rows["store"].to_numpy(), 0)], 0)
    promised, first = rows["promised"].to_numpy(), rows["first_promised"].to_numpy()
    done = np.where(collected, rows["ready"].fill_null(-1).to_numpy(), rows["delivered"].fill_null(-1).to_numpy())
    due = np.where(collected, wall_day(retailer.to_wall(promised, zone)), wall_day(local(promised)))
    by_day = paris_day(np.where(done >= 0, done, promised))

    def kept(promise: np.ndarray) -> np.ndarray:
        return (done >= 0) & np.where(collected, done <= promise, by_day <= wall_day(local(promise)))

    counted = pl.col("is_valid") | ((pl.col("fate") == "cancelled") & pl.col("ready").is_not_null() & pl.col("is_genuine"))
    rows = rows.with_columns(due=pl.Series(due), kept=pl.Series(kept(promised)), first_kept=pl.Series(kept(first)))
    rows = rows.filter(counted & (pl.col("due") < DAYS))
    quiet = pl.col("due") <= DAYS - 1 - QUIET
    unharmed = (pl.col("damaged") > pl.col("due") + QUIET).fill_null(True)
    perfect = quiet & pl.col("kept") & pl.col("complete") & unharmed
    return tally(
        rows,
        "due",
        {
            "otif_rate": ((pl.col("kept") & pl.col("complete")).sum(), pl.len()),
            "otif_rate_first_promise": ((pl.col("first_kept") & pl.col("complete")).sum(), pl.len()),
            "late_orders": ((~pl.col("kept")).sum(), None),
            "perfect_order_rate": (perfect.sum(), quiet.sum()),
            "perfect_order_coverage": (quiet.sum(), pl.len()),
        },
    )
