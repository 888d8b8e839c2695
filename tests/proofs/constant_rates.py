"""Amounts at constant rates, proved: what was paid in its own currency times the rate of one day."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from tests.proofs.figures import Figures
from tests.proofs.records import EXCHANGE_RATE_DAYS, UNKNOWN, Records, money, month

RATE_DAY = date(2025, 1, 2)


def prove(records: Records) -> Iterator[Figures]:
    rates = _rates(records)
    counted = records.orders.select("order", currency="currency")
    sold = records.lines.filter(~pl.col("is_gift_card")).join(counted, on="order").join(rates, on="currency", how="left")
    own_sales = pl.col("quantity") * pl.col("paid") - pl.col("discount_amount")
    with_vat, without = _priced(own_sales * pl.col("constant"), "includes_vat")
    sold = sold.select("channel", "location", day="order_date", sold=without, sold_ttc=with_vat, returned=0.0, returned_ttc=0.0)
    back_at = pl.coalesce(pl.when(pl.col("kind").is_not_null()).then("location_id"), "sold_at")
    back = records.returns.join(rates, on="currency", how="left").with_columns(is_gross=True)
    with_vat, without = _priced(pl.col("refund_amount").cast(pl.Float64) * pl.col("constant"), "is_gross")
    back = back.select(
        "channel", back_at.alias("location"), day="return_date", sold=0.0, sold_ttc=0.0,
        returned=without, returned_ttc=with_vat,
    )  # fmt: skip
    for vat in ("", "_ttc"):
        yield Figures(_by_place(sold), {f"sales_constant_rate{vat}": pl.col(f"sold{vat}").sum()})
        yield Figures(_by_place(back), {f"returned_sales_constant_rate{vat}": pl.col(f"returned{vat}").sum()})
        net = pl.col(f"sold{vat}").sum() - pl.col(f"returned{vat}").sum()
        yield Figures(_by_place(pl.concat([sold, back])), {f"net_sales_constant_rate{vat}": net})


def _rates(records: Records) -> pl.DataFrame:
    """The last rate of each currency up to the day, none when it was too old by then; the retailer's own is 1."""
    told = records.newest("fx_rates", "currency", "rate_date", across_systems=True).filter(
        pl.col("rate_date").is_between(RATE_DAY - timedelta(days=EXCHANGE_RATE_DAYS - 1), RATE_DAY)
    )
    told = told.sort("rate_date").group_by(pl.col("currency").str.to_uppercase()).agg(pl.col("rate").last().cast(pl.Float64))
    own = pl.DataFrame({"currency": [records.currency], "constant": [1.0]})
    return pl.concat([told.filter(pl.col("currency") != records.currency).rename({"rate": "constant"}), own])


def _priced(amount: pl.Expr, includes_vat: str) -> tuple[pl.Expr, pl.Expr]:
    """An amount with VAT and without it."""
    rate = 1 + pl.col("vat")
    return (
        money(pl.when(includes_vat).then(amount).otherwise(amount * rate)),
        money(pl.when(includes_vat).then(amount / rate).otherwise(amount)),
    )


def _by_place(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(month("day"), pl.col("location").fill_null(UNKNOWN))
