"""Returns, proved: what came back, what became of it, and what it led to."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import UNKNOWN, Records, month

WINDOW = pl.duration(days=60)
VISIT = pl.duration(minutes=60)
KEPT = ("exchange", "credit")


def prove(records: Records) -> Iterator[Figures]:
    came_back_to = pl.coalesce(pl.when(pl.col("kind").is_not_null()).then("location_id"), "sold_at", pl.lit(UNKNOWN))
    back = records.returns.with_columns(
        month("return_date"),
        location=came_back_to,
        fulfilment_mode=pl.col("mode").fill_null(UNKNOWN),
        category=pl.col("category").fill_null(UNKNOWN),
        quantity=pl.col("quantity").cast(pl.Float64),
        ticket=pl.concat_str("_source", pl.lit(":"), "return_id"),
    )
    is_exchange = pl.col("resolution") == "exchange"
    yield Figures(
        back,
        {
            "exchange_rate": share(pl.col("quantity").filter(is_exchange).sum(), pl.col("quantity").sum()),
            **{
                f"retained_revenue_rate{tax}": share(
                    pl.col(f"returned{tax}").filter(pl.col("resolution").is_in(KEPT)).sum(), pl.col(f"returned{tax}").sum()
                )
                for tax in ("", "_ttc")
            },
        },
    )
    yield from _rates(records, back)
    yield from _cohorts(records, back)
    yield from _visits(records, back)


def _rates(records: Records, back: pl.DataFrame) -> Iterator[Figures]:
    """What came back over what went out, each on its own day."""
    told = records.orders.select("order", fulfilment_mode="mode")
    sold = records.lines.filter(~pl.col("is_gift_card")).join(told, on="order")
    sold = sold.with_columns(month("order_date"), pl.col("location").fill_null(UNKNOWN), pl.col("category").fill_null(UNKNOWN))
    keys = ["metric_time", "channel", "location", "fulfilment_mode", "category"]
    out = sold.select(*keys, "sales", "sales_ttc")
    flows = pl.concat([out, back.select(*keys, "returned", "returned_ttc")], how="diagonal")
    # where nothing ever comes back there is no rate, rather than one of nought
    came = {tax: pl.when(pl.col(f"returned{tax}").count() > 0).then(pl.col(f"returned{tax}").sum()) for tax in ("", "_ttc")}
    yield Figures(flows, {f"return_rate{tax}": share(came[tax], pl.col(f"sales{tax}").sum()) for tax in came})


def _cohorts(records: Records, back: pl.DataFrame) -> Iterator[Figures]:
    """Order by order: what came back of it within the window, once that is over."""
    orders = records.orders.filter(pl.col("order_date") + WINDOW <= records.last_day)
    came = back.join(orders.select("order", "order_date"), on="order").filter(
        pl.col("return_date") <= pl.col("order_date") + WINDOW
    )
    lost = came.group_by("order").agg(pl.col("returned", "returned_ttc").sum())
    cohorts = orders.join(lost, on="order", how="left").with_columns(
        month("order_date"), pl.col("location").fill_null(UNKNOWN), fulfilment_mode="mode"
    )
    yield Figures(
        cohorts,
        {
            f"return_rate_by_order_date{tax}": share(pl.col(f"returned{tax}").sum(), pl.col(f"sales{tax}").sum())
            for tax in ("", "_ttc")
        },
    )


def _visits(records: Records, back: pl.DataFrame) -> Iterator[Figures]:
    """Goods ordered elsewhere and brought to a store, with the buyer's first ticket there in the hour."""
    visits = back.filter(
        pl.col("order").is_not_null()
        & (pl.col("channel") != "store")
        & (pl.col("kind") == "store")
        & pl.col("person").is_not_null()
    ).with_row_index("visit")
    tickets = records.orders.filter("is_store").select(
        "person", "location", "ordered_at", bought="order", sold="sales", sold_ttc="sales_ttc"
    )
    pairs = visits.select("visit", "person", "location", "returned_at", "ticket", "line_number").join(
        tickets, on=["person", "location"]
    )
    near = pairs.filter(pl.col("ordered_at").is_between(pl.col("returned_at"), pl.col("returned_at") + VISIT))
    first = near.sort("ordered_at", "bought").unique("visit", keep="first")
    # a ticket is one sale, whatever came back before it
    bearing = first.sort("returned_at", "ticket", "line_number").unique("bought", keep="last").select("visit", "sold", "sold_ttc")
    followed = first.select("visit", is_followed=True)
    visits = visits.join(followed, on="visit", how="left").join(bearing, on="visit", how="left")
    is_followed = pl.col("is_followed").fill_null(False)
    yield Figures(
        visits,
        {
            "cross_channel_returns": pl.col("ticket").n_unique(),
            "return_to_sale_rate": share(pl.col("ticket").filter(is_followed).n_unique(), pl.col("ticket").n_unique()),
            **{
                f"return_to_sale_uplift{tax}": pl.col(f"sold{tax}").sum() - pl.col(f"returned{tax}").filter(is_followed).sum()
                for tax in ("", "_ttc")
            },
        },
    )
