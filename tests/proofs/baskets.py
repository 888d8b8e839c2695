"""Sales, baskets and returns, proved."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import UNKNOWN, Records, month


def prove(records: Records) -> Iterator[Figures]:
    orders = records.orders.with_columns(
        month("order_date"), pl.col("location").fill_null(UNKNOWN), fulfilment_mode="mode", is_first=_is_first()
    )
    identified = pl.col("person").is_not_null()
    yield Figures(
        orders,
        {
            "gross_sales": pl.col("gross").sum(),
            "gross_sales_ttc": pl.col("gross_ttc").sum(),
            "sales": pl.col("sales").sum(),
            "sales_ttc": pl.col("sales_ttc").sum(),
            "orders": pl.len(),
            "units": pl.col("units").sum(),
            "average_order_value": share(pl.col("sales").sum(), pl.len()),
            "average_order_value_ttc": share(pl.col("sales_ttc").sum(), pl.len()),
            "units_per_transaction": share(pl.col("units").sum(), pl.len()),
            "average_selling_price": share(pl.col("sales").sum(), pl.col("units").sum()),
            "average_selling_price_ttc": share(pl.col("sales_ttc").sum(), pl.col("units").sum()),
            "attach_rate": share((pl.col("categories") >= 2).sum(), pl.len()),
            "first_orders": pl.col("is_first").sum(),
            "identified_sales_rate": share(pl.col("sales").filter(identified).sum(), pl.col("sales").sum()),
            "identified_sales_rate_ttc": share(pl.col("sales_ttc").filter(identified).sum(), pl.col("sales_ttc").sum()),
        },
    )
    # goods come off the location that took them back, where that is known
    came_back_to = pl.coalesce(pl.when(pl.col("kind").is_not_null()).then("location_id"), "sold_at", pl.lit(UNKNOWN))
    returns = records.returns.with_columns(
        month("return_date"), location=came_back_to, fulfilment_mode=pl.col("mode").fill_null(UNKNOWN)
    )
    yield Figures(
        returns,
        {
            "returned_sales": pl.col("returned").sum(),
            "returned_sales_ttc": pl.col("returned_ttc").sum(),
            "returned_units": pl.col("quantity").cast(pl.Float64).sum(),
        },
    )
    # net sales are one stream of movements: out with the sale, back on the day of the return
    keys = ["metric_time", "channel", "fulfilment_mode", "location"]
    sold = orders.select(*keys, "sales", "sales_ttc")
    back = returns.select(*keys, sales=-pl.col("returned"), sales_ttc=-pl.col("returned_ttc"))
    yield Figures(pl.concat([sold, back]), {"net_sales": pl.col("sales").sum(), "net_sales_ttc": pl.col("sales_ttc").sum()})


def _is_first() -> pl.Expr:
    """Whether no earlier order of that person counts."""
    earliest = pl.struct("ordered_at", "order").sort_by("ordered_at", "order").first().over("person")
    return pl.col("person").is_not_null() & (pl.struct("ordered_at", "order") == earliest)
