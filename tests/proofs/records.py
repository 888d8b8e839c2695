"""The retailer's records, read by another route than the models: from raw rows and the ledger, in Polars alone.

What counts, whose it is, on which local day and for how much is worked out here once; each family proves its figures on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

PROJECT = Path(__file__).parents[2]
UNKNOWN = "unknown"
COLLECTED = ("click_and_collect", "reserve_and_collect")
NOT_AN_ORDER = ("cancelled", "voided", "fraud")
DEFAULT_VAT = 0.20
EXCHANGE_RATE_DAYS = 7


def day_of(instant: str, timezone: str) -> pl.Expr:
    """The local day of a UTC instant, where one time zone holds for all."""
    return pl.col(instant).dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.date()


def with_local_day(rows: pl.DataFrame, instant: str, name: str) -> pl.DataFrame:
    """Rows with the local day of an instant, each by its own column `timezone`."""
    days = [
        pl.when(pl.col("timezone") == zone).then(day_of(instant, zone)) for zone in rows["timezone"].unique().drop_nulls().sort()
    ]
    return rows.with_columns(pl.coalesce(*days, pl.lit(None, pl.Date)).alias(name))


def money(amount: pl.Expr) -> pl.Expr:
    """An amount as it is kept: to the hundredth of a cent."""
    return amount.round(4)


def month(day: str) -> pl.Expr:
    return pl.col(day).dt.truncate("1mo").alias("metric_time")


@dataclass(frozen=True)
class Records:
    """Raw tables by name, and the retailer's settings; what is derived from them is computed once."""

    raw: Mapping[str, pl.DataFrame]
    persons: pl.DataFrame
    currency: str
    timezone: str

    def newest(self, entity: str, *key: str, across_systems: bool = False) -> pl.DataFrame:
        """The last delivered version of each key; master data is one, whichever system tells it."""
        names = [*key] if across_systems else ["_source", *key]
        return self.raw[entity].sort("_file_id", "_line").unique(names, keep="last", maintain_order=True)

    def with_person(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with `person`, null where nobody could be identified."""
        return rows.join(self.persons, on="identity_key", how="left")

    @cached_property
    def locations(self) -> pl.DataFrame:
        return self.newest("locations", "location_id", across_systems=True).select(
            "location_id", "kind", "country", "timezone", "opened_on", "closed_on"
        )

    @cached_property
    def products(self) -> pl.DataFrame:
        return self.newest("products", "sku", across_systems=True).select(
            "sku", "category", "unit_cost", list_price="original_unit_price", product_vat="vat_rate"
        )

    @cached_property
    def placed(self) -> pl.DataFrame:
        """One row per order that any system exported, without its lines: who, where, when, and whether it may count."""
        orders = self.with_person(self.newest("orders", "order_id")).join(self.locations, on="location_id", how="left")
        orders = orders.with_columns(
            order=pl.concat_str("_source", pl.lit("/"), "order_id"),
            location=pl.when(pl.col("kind").is_not_null()).then("location_id"),
            currency=pl.col("currency").str.to_uppercase(),
            timezone=pl.col("timezone").fill_null(self.timezone),
            is_store=pl.col("channel") == "store",
            mode=pl.coalesce("fulfilment_mode", pl.when(pl.col("channel") == "store").then(pl.lit("in_store")), pl.lit(UNKNOWN)),
        )
        orders = self._with_rate(with_local_day(orders, "ordered_at", "order_date"), "order_date")
        # a flag nobody filled in is no flag
        flags = [pl.col(flag).fill_null(False) for flag in ("is_test", "is_staff", "is_b2b")]
        return orders.with_columns(
            is_genuine=~pl.any_horizontal(flags),
            may_count=~pl.any_horizontal(flags) & ~pl.col("status").is_in(NOT_AN_ORDER) & pl.col("rate").is_not_null(),
        )

    def _with_rate(self, rows: pl.DataFrame, day: str) -> pl.DataFrame:
        """Rows with `rate`, the value of their `currency` that day; null when the last one known is too old."""
        rates = self.newest("fx_rates", "currency", "rate_date", across_systems=True).select(
            pl.col("currency").str.to_uppercase(), "rate_date", pl.col("rate").cast(pl.Float64)
        )
        found = rows.sort(day).join_asof(
            rates.sort("rate_date"),
            left_on=day,
            right_on="rate_date",
            by="currency",
            tolerance=f"{EXCHANGE_RATE_DAYS - 1}d",
            check_sortedness=False,
        )
        own = pl.when(pl.col("currency") == self.currency).then(1.0).otherwise("rate")
        return found.with_columns(rate=own).drop("rate_date")

    @cached_property
    def lines(self) -> pl.DataFrame:
        """One row per order line with its amounts in the reporting currency, with VAT (`_ttc`) and without."""
        lines = (
            self.newest("order_lines", "order_id", "line_number")
            .with_columns(order=pl.concat_str("_source", pl.lit("/"), "order_id"))
            .join(self.placed.select("order", "channel", "location", "order_date", "person", "rate", "may_count"), on="order")
            .join(self.products, on="sku", how="left")
            .with_columns(
                pl.col("is_gift_card").fill_null(False),
                pl.col("discount_amount").fill_null(0).cast(pl.Float64),
                vat=pl.coalesce("vat_rate", "product_vat", pl.lit(DEFAULT_VAT)).cast(pl.Float64),
                quantity=pl.col("quantity").cast(pl.Float64),
                paid=pl.col("unit_price").cast(pl.Float64),
            )
        )
        lines = lines.join(self._price_file(lines), on=["sku", "location", "order_date"], how="left", nulls_equal=True)
        # price lists are in the reporting currency and include VAT: brought to the terms of the line
        listed = pl.coalesce("filed_price", "list_price").cast(pl.Float64) / pl.col("rate")
        listed = pl.when("includes_vat").then(listed).otherwise(listed / (1 + pl.col("vat")))
        listed = pl.when(pl.col("rate") == 1).then(money(listed)).otherwise(listed.round(2, mode="half_away_from_zero"))
        original = pl.coalesce(pl.col("original_unit_price").cast(pl.Float64), listed, "paid")
        before = pl.col("quantity") * pl.max_horizontal("paid", original) * pl.col("rate")
        after = (pl.col("quantity") * pl.col("paid") - pl.col("discount_amount")) * pl.col("rate")
        return lines.with_columns(
            kind=pl.coalesce("discount_kind", "filed_kind", pl.lit(UNKNOWN)),
            gross=money(pl.when("includes_vat").then(before / (1 + pl.col("vat"))).otherwise(before)),
            gross_ttc=money(pl.when("includes_vat").then(before).otherwise(before * (1 + pl.col("vat")))),
            sales=money(pl.when("includes_vat").then(after / (1 + pl.col("vat"))).otherwise(after)),
            sales_ttc=money(pl.when("includes_vat").then(after).otherwise(after * (1 + pl.col("vat")))),
            cost=money(pl.col("quantity") * pl.col("unit_cost").cast(pl.Float64)),
        )

    def _price_file(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The price file's word on each product, place and day that lines without an original price ask for.

        Every price is laid out over its days and the latest wins; a store's own price goes before the one for all.
        """
        asked = (
            lines.filter(pl.col("original_unit_price").is_null())
            .select("sku", "location", "order_date")
            .unique(maintain_order=True)
        )
        prices = self.newest("price_changes", "sku", "location_id", "valid_from", across_systems=True)
        laid_out = (
            prices.filter(pl.col("sku").is_in(asked["sku"].unique().implode()))
            .with_columns(pl.col("valid_to").fill_null(self.last_day))
            .filter(pl.col("valid_from") <= pl.col("valid_to"))
            .with_columns(order_date=pl.date_ranges("valid_from", "valid_to"))
            .explode("order_date")
            .sort("valid_from")
            .unique(["sku", "location_id", "order_date"], keep="last")
        )
        own = laid_out.filter(pl.col("location_id").is_not_null()).select(
            "sku", "order_date", location="location_id", own_price="original_price", own_kind="kind"
        )
        for_all = laid_out.filter(pl.col("location_id").is_null()).select("sku", "order_date", "original_price", "kind")
        return (
            asked.join(own, on=["sku", "location", "order_date"], how="left")
            .join(for_all, on=["sku", "order_date"], how="left")
            .select(
                "sku",
                "location",
                "order_date",
                filed_price=pl.coalesce("own_price", "original_price"),
                filed_kind=pl.coalesce("own_kind", "kind"),
            )
        )

    @cached_property
    def orders(self) -> pl.DataFrame:
        """One row per valid order with its goods; gift cards are money changing its form, not sales."""
        goods = (
            self.lines.filter(~pl.col("is_gift_card"))
            .group_by("order")
            .agg(
                pl.col("gross", "gross_ttc", "sales", "sales_ttc").sum(),
                units=pl.col("quantity").sum(),
                categories=pl.col("category").fill_null(UNKNOWN).n_unique(),
                cost=pl.when(pl.col("cost").null_count() == 0).then(pl.col("cost").sum()),
            )
        )
        return self.placed.filter("may_count").join(goods, on="order").filter(pl.col("sales") > 0.00005)

    @cached_property
    def returns(self) -> pl.DataFrame:
        """One row per line given back that counts: its value leaves the channel that sold it, on the day it came back."""
        returns = self.with_person(self.newest("returns", "return_id", "line_number"))
        returns = returns.join(self.order_named_by(returns), on=["_source", "order_id"], how="left")
        sold_by = self.placed.select("order", "channel", "mode", "currency", "may_count", buyer="person", sold_at="location")
        rates = self.lines.group_by("order", "sku").agg(sold_vat=pl.col("vat").max(), was_card=pl.col("is_gift_card").all())
        returns = (
            returns.join(sold_by, on="order", how="left")
            .join(rates, on=["order", "sku"], how="left")
            .join(self.products, on="sku", how="left")
            .join(self.locations, on="location_id", how="left")
            .with_columns(
                pl.col("currency").fill_null(self.currency),
                pl.col("timezone").fill_null(self.timezone),
                channel=pl.coalesce("channel", pl.when(pl.col("kind") == "store").then(pl.lit("store")), pl.lit(UNKNOWN)),
                person=pl.coalesce("buyer", "person"),
                vat=pl.coalesce("sold_vat", "product_vat", pl.lit(DEFAULT_VAT)).cast(pl.Float64),
            )
        )
        refund = pl.col("refund_amount").cast(pl.Float64) * pl.col("rate")
        return (
            self._with_rate(with_local_day(returns, "returned_at", "return_date"), "return_date")
            .filter(pl.col("may_count").fill_null(True) & pl.col("rate").is_not_null() & ~pl.col("was_card").fill_null(False))
            .with_columns(returned_ttc=money(refund), returned=money(refund / (1 + pl.col("vat"))))
        )

    def order_named_by(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The order each (system, number) of `rows` means: that system's own, else the only one of that number anywhere."""
        asked = rows.select("_source", "order_id").drop_nulls().unique(maintain_order=True)
        numbers = self.placed.select("_source", "order_id", "order")
        own = asked.join(numbers, on=["_source", "order_id"])
        alone = numbers.filter(pl.len().over("order_id") == 1).select("order_id", "order")
        elsewhere = asked.join(own, on=["_source", "order_id"], how="anti").join(alone, on="order_id")
        return pl.concat([own, elsewhere])

    @cached_property
    def rollouts(self) -> pl.DataFrame:
        """One row per store and service, with the day it went live."""
        return self.newest("rollouts", "location_id", "capability").select("location_id", "capability", "live_on")

    @cached_property
    def costs(self) -> pl.DataFrame:
        """One row per booking, on its month."""
        booked = self.newest("costs", "cost_id").with_columns(month("month"), pl.col("amount").cast(pl.Float64))
        return booked.select("metric_time", "area", "capability", "amount")

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """One row per session with its person and its day in the reporting time zone."""
        return self.with_person(self.newest("sessions", "session_id")).with_columns(
            visit_date=day_of("started_at", self.timezone)
        )

    @cached_property
    def last_day(self) -> date:
        """The last local day with an order or a session: the end of the data, whatever today is."""
        visits = self.newest("sessions", "session_id").select(day_of("started_at", self.timezone))
        days = [self.placed["order_date"].max(), visits.to_series().max()]
        return max(day for day in days if isinstance(day, date))


def read(data: Path, currency: str, timezone: str) -> Records:
    """Every record of the warehouse in a data folder."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        raw = {table: connection.sql(f"select * from raw.{table}").pl() for (table,) in tables}
        raw["files"] = connection.sql("select * from ledger.files").pl()
        persons = connection.sql("select identity_key, person_id as person from ledger.identities").pl()
    return Records(raw, persons, currency, timezone)
