"""Like-for-like growth, proved: every ticket stands on its own day, and once more on the same date a year later."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import Records, month

LATE, EARLY = pl.date(9999, 1, 1), pl.date(1, 1, 1)


def prove(records: Records) -> Iterator[Figures]:
    days = pl.concat([records.placed["order_date"], records.sessions["visit_date"]])
    first, last = days.min(), days.max()
    tickets = records.orders.join(
        records.locations.filter(pl.col("kind") == "store").select("location_id", "opened_on", "closed_on"),
        left_on="location",
        right_on="location_id",
    )
    now = tickets.with_columns(trade_date="order_date", is_now=True)
    before = tickets.with_columns(trade_date=pl.col("order_date").dt.offset_by("1y"), is_now=False)
    both = pl.concat([now, before]).with_columns(date_before=pl.col("trade_date").dt.offset_by("-1y"))
    same_stores = both.filter(
        pl.col("trade_date") <= last,
        pl.col("date_before") >= first,
        pl.col("date_before") >= pl.col("opened_on").fill_null(EARLY),
        pl.col("trade_date") <= pl.col("closed_on").fill_null(LATE),
    ).with_columns(month("trade_date"))
    yield Figures(same_stores, {f"like_for_like_growth{vat}": _growth(f"sales{vat}") for vat in ("", "_ttc")})


def _growth(amount: str) -> pl.Expr:
    return share(pl.col(amount).filter("is_now").sum(), pl.col(amount).filter(~pl.col("is_now")).sum()) - 1
