"""What is true of stock: what is there at each month's end, what was lost, how right the books were."""

from collections.abc import Iterator

import polars as pl

from demo.retailer import DAYS, START, paris_day
from demo.world import World


def stock_kpis(world: World) -> Iterator[pl.DataFrame]:
    """KPIs by month and over all: metric, grain, metric_time, channel (all), numerator, denominator, value."""
    book = world.stock
    levels = book.levels.with_columns(metric_time=_month(pl.col("day")))
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
