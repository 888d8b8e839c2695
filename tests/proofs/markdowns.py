"""Markdowns, proved: what was given away from the original price, line by line."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import Records, month


def prove(records: Records) -> Iterator[Figures]:
    goods = records.lines.filter(~pl.col("is_gift_card")).join(records.orders.select("order"), on="order", how="semi")
    # a line that sold at its price has no kind of discount, whatever the export calls it
    lines = goods.with_columns(
        month("order_date"), discount_kind=pl.when(pl.col("gross") > pl.col("sales")).then("kind").otherwise(pl.lit("none"))
    )
    given = {"": pl.col("gross").sum() - pl.col("sales").sum(), "_ttc": pl.col("gross_ttc").sum() - pl.col("sales_ttc").sum()}
    for suffix, markdown in given.items():
        yield Figures(
            lines,
            {
                f"markdown{suffix}": markdown,
                f"markdown_rate{suffix}": share(markdown, pl.col(f"sales{suffix}").sum()),
                f"discount_depth{suffix}": share(markdown, pl.col(f"gross{suffix}").sum()),
            },
        )
