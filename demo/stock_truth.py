"""What is true of stock: what is there at each month's end, where it ran out, what was lost, how right the books were."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo.retailer import DAYS, START, WAREHOUSES, paris_day, stores, to_wall, wall_day
from demo.world import World


def stock_kpis(world: World) -> Iterator[pl.DataFrame]:
    """KPIs by month and over all: metric, grain, metric_time, channel (all), numerator, denominator, value."""
    book = world.stock
    levels = book.levels.with_columns(metric_time=_month(pl.col("day")))
    yield from _state("stock_on_hand", levels.group_by("metric_time").agg(n=pl.col("on_hand").sum()))
    yield from _state("stock_reserved", levels.group_by("metric_time").agg(n=pl.col("reserved").sum()))
    moves = book.movements.with_columns(day=pl.Series(paris_day(book.movements["utc"].to_numpy())))
    between = moves.filter(pl.col("kind").is_in(["transfer_out", "transfer_in"])).sort("day")
    ends = levels.select("day", "metric_time").unique().sort("day")
    away = between.select(pl.col("day").cast(pl.Int32), n=-pl.col("quantity").cum_sum())
    left = ends.with_columns(pl.col("day").cast(pl.Int32)).join_asof(away, on="day").with_columns(pl.col("n").fill_null(0))
    yield from _state("stock_in_transit", left.select("metric_time", "n"))
    cents = pl.DataFrame({"product": range(len(world.products.cost)), "cents": world.products.cost})
    lost = moves.filter(pl.col("kind") == "loss").join(cents.cast({"product": pl.Int32}), on="product")
    worth = -pl.col("quantity") * pl.col("cents") / 100
    yield from _flow("known_shrink", lost.with_columns(metric_time=_month(pl.col("day")), n=worth))
    counted = book.counts.with_columns(metric_time=(pl.col("count").str.slice(3, 6) + "01").str.to_date("%Y%m%d"))
    is_right = (pl.col("book") == pl.col("counted")).cast(pl.Int64)
    yield from _flow("stock_accuracy_rate", counted.with_columns(n=is_right, d=pl.lit(1)))
    yield from _flow("stock_count_error_rate", counted.with_columns(n=pl.col("counted") - pl.col("book"), d="book"))
    yield from _stock_outs(world)


def _stock_outs(world: World) -> Iterator[pl.DataFrame]:
    """Days without a product among the days a place carried it and its level was known; and those that a warehouse could help."""
    book, shops = world.stock, stores()
    places = [*shops.frame["location_id"], *WAREHOUSES["location_id"]]
    products = book.levels["product"].unique().sort().to_list()
    zone, last_day = np.r_[shops.timezone, 0, 0], np.r_[shops.last_day, DAYS, DAYS]

    def cells(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        at, which = ({name: i for i, name in enumerate(names)} for names in (places, products))
        return rows["location"].replace_strict(at).to_numpy(), rows["product"].replace_strict(which).to_numpy()

    # the first place of the last axis is the day before START, on which the book opens
    held = np.zeros((len(places), len(products), DAYS + 1), np.int64)
    opening = book.levels.sort("day").unique(["location", "product"], keep="first", maintain_order=True)
    at, which = cells(opening)
    opened = np.full(held.shape[:2], DAYS)
    opened[at, which] = opening["day"].to_numpy()
    held[at, which, opened[at, which] + 1] = opening["on_hand"].to_numpy()
    at, which = cells(book.movements)
    day = wall_day(to_wall(book.movements["utc"].to_numpy(), zone[at]))
    later = (day > opened[at, which]) & (day < DAYS)
    np.add.at(held, (at[later], which[later], day[later] + 1), book.movements["quantity"].to_numpy()[later])
    held = held.cumsum(axis=2)
    days = np.arange(-1, DAYS)
    carried = np.zeros(held.shape, bool)
    at, which = cells(book.assortment)
    first, last = book.assortment["first"].to_numpy(), book.assortment["last"].fill_null(DAYS).to_numpy()
    carried[at, which] = (days >= first[:, None]) & (days <= last[:, None])
    carried &= (days >= opened[:, :, None]) & (days <= last_day[:, None, None])
    out = carried & (held <= 0)
    is_behind = (held[len(places) - len(WAREHOUSES) :] > 0).any(axis=0)
    by_day = pl.DataFrame(
        {"day": days, "out": out.sum((0, 1)), "actionable": (out & is_behind).sum((0, 1)), "d": carried.sum((0, 1))}
    ).with_columns(metric_time=_month(pl.col("day")))
    yield from _flow("stock_out_rate", by_day.with_columns(n="out"))
    yield from _flow("actionable_stock_out_rate", by_day.with_columns(n="actionable"))


def _month(day: pl.Expr) -> pl.Expr:
    return (pl.lit(START) + pl.duration(days=day)).dt.truncate("1mo")


def _state(metric: str, by_month: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A state at each month's end; over all the data it is that of the last day."""
    last = by_month.filter(pl.col("metric_time") == _month(pl.lit(DAYS - 1)))
    for grain, rows in (("month", by_month), ("all", last)):
        yield _rows(metric, grain, rows.with_columns(d=pl.lit(None, pl.Float64)))


def _flow(metric: str, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Sums of `n` (over those of `d`, where there is one) by month and over all."""
    sums = [pl.col("n").sum(), pl.col("d").sum() if "d" in rows.columns else pl.lit(None, pl.Float64).alias("d")]
    yield _rows(metric, "month", rows.group_by("metric_time").agg(sums))
    yield _rows(metric, "all", rows.select(sums))


def _rows(metric: str, grain: str, sums: pl.DataFrame) -> pl.DataFrame:
    n, d = pl.col("n").cast(pl.Float64), pl.col("d").cast(pl.Float64)
    return sums.select(
        metric=pl.lit(metric),
        grain=pl.lit(grain),
        metric_time=pl.col("metric_time") if grain == "month" else pl.lit(None, pl.Date),
        channel=pl.lit("all"),
        numerator=n,
        denominator=d,
        value=pl.when(d.is_null()).then(n).otherwise(n / d),
    )
