"""What services in stores truly brought: known of the orders that moved or came on top, not of the files."""

from pathlib import Path

import polars as pl

from demo import retailer
from demo.orders import valid
from demo.retailer import APP, START, WEB
from demo.rollout import ANYWAY, MOVED
from demo.truth import ht
from demo.world import World

DAY, MONTH = pl.col("day"), "month"


def write_rollout_truth(world: World, folder: Path) -> None:
    """Writes rollout_gains.csv: one row a store and month, with the net sales (euros, excluding VAT) gained in the store and on
    the web. What a moved order would have been worth on the web is what the web's own orders of that month were worth."""
    gains(world).write_csv(folder / "rollout_gains.csv")


def gains(world: World) -> pl.DataFrame:
    """The rows of rollout_gains.csv: location_id, month_start, store_gain, web_gain."""
    worth = world.sales.lines.filter(pl.col("product") >= 0).group_by("order").agg(sales=ht(pl.col("paid"), "vat").sum())
    back = world.sales.returns.group_by("order").agg(returned=ht(pl.col("refund"), "vat").sum())
    orders = world.sales.orders.filter(valid()).with_columns(
        month=(pl.lit(START) + pl.duration(days=DAY)).dt.truncate("1mo"),
        home=pl.lit(pl.Series(world.people.home)).gather(pl.col("person")),
    )
    orders = orders.join(worth, on="order").join(back, on="order", how="left", maintain_order="left")
    orders = orders.with_columns(net=(pl.col("sales") - pl.col("returned").fill_null(0)) / 10_000)
    is_web = pl.col("channel").is_in([WEB, APP]) & (pl.col("cause") == ANYWAY)
    usual = orders.filter(is_web).group_by(MONTH).agg(web=pl.col("net").mean())
    changed = orders.filter(pl.col("cause") != ANYWAY).join(usual, on=MONTH)
    is_moved = pl.col("cause") == MOVED
    places = dict(enumerate(retailer.stores().frame["location_id"]))
    return (
        changed.group_by(location=pl.when(is_moved).then("home").otherwise("store"), month_start=pl.col(MONTH))
        .agg(store_gain=pl.col("net").sum(), web_gain=-pl.col("web").filter(is_moved).sum())
        .select(
            location_id=pl.col("location").cast(pl.Int64).replace_strict(places, return_dtype=pl.String),
            month_start="month_start",
            store_gain=pl.col("store_gain").round(2),
            web_gain=pl.col("web_gain").round(2),
        )
        .sort("location_id", "month_start")
    )
