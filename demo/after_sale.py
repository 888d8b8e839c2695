"""What is true of what follows a sale: contacts with customer service, what they cost, and returns."""

from collections.abc import Callable, Iterator

import polars as pl

from demo.back_office import costs
from demo.retailer import CHANNELS, COLLECT, DAYS, END_UTC, START, STORE, paris_day
from demo.world import World

Measures = dict[str, tuple[pl.Expr, pl.Expr | None]]
Tally = Callable[[pl.DataFrame, str, Measures], pl.DataFrame]

REPEAT_DAYS = {"": 7, "_1d": 1, "_30d": 30}
RETURN_DAYS, VISIT = 60, 60 * 60
BOT, PRE_SALE = 3, (2, 4)  # of the desks, and of the reasons
EXCHANGE, CREDIT = 1, 2
_LAST = DAYS - 1


def after_sale(
    world: World, orders: pl.DataFrame, callers: pl.Series, sold: pl.DataFrame, tally: Tally
) -> Iterator[pl.DataFrame]:
    """Every KPI of service and returns.

    `orders` carry `resolved_person`, `callers` is that of each contact, `sold` holds the valid orders with their sums.
    """
    contacts = _contacts(world, orders, callers)
    yield from _service(contacts, sold, tally)
    yield from _costs(world, contacts)
    yield from _returns(world, orders, sold, tally)


def _channel(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.Int64).replace_strict(dict(enumerate(CHANNELS)), default="unknown", return_dtype=pl.String)


def _contacts(world: World, orders: pl.DataFrame, callers: pl.Series) -> pl.DataFrame:
    """One row per contact a person handled: its day, its order's channel, whether it was late, and the days to its neighbours."""
    rows = world.journeys.contacts.with_columns(
        day=pl.Series(paris_day(world.journeys.contacts["utc"].to_numpy())), caller=callers
    )
    told = orders.select("channel", pl.col("order").cast(pl.Int64), buyer="resolved_person")
    rows = rows.join(told, on="order", how="left", maintain_order="left").with_columns(
        who=pl.coalesce("caller", "buyer"), named=pl.when(pl.col("order") >= 0).then("order"), channel=_channel(pl.col("channel"))
    )
    due = _late_parcels(world).group_by("order").agg(due=pl.col("due").min())
    rows = rows.join(due, on="order", how="left", maintain_order="left").with_columns(
        is_counted=(pl.col("by") != BOT) & ~pl.col("transfer") & ~pl.col("outbound"),
        is_late=(pl.col("due") <= pl.col("day")).fill_null(False),
        is_pre_sale=pl.col("named").is_null() & pl.col("reason").is_in(PRE_SALE),
        is_known=pl.coalesce("who", "named").is_not_null(),
    )
    counted = rows.filter("is_counted").sort("utc", "contact")
    matters = ((pl.col("who").is_not_null(), ["who", "reason"]), (pl.col("named").is_not_null(), ["named"]))

    def gap(step: int) -> pl.Expr:
        days = (pl.col("day") - pl.col("day").shift(step)).abs()
        return pl.min_horizontal(pl.when(is_known).then(days.over(key)) for is_known, key in matters)

    return counted.with_columns(since=gap(1), until=gap(-1))


def _late_parcels(world: World) -> pl.DataFrame:
    """Parcels late or failed: `order`, and the day they were `due`."""
    sent = world.journeys.fulfilments.filter((pl.col("mode") != COLLECT) & pl.col("cancelled").is_null())
    sent = sent.join(world.journeys.shipments.select("fulfilment", "status"), on="fulfilment", how="left", maintain_order="left")
    # What has not arrived is as late as the data tell.
    arrived = pl.Series(paris_day(sent["delivered"].fill_null(END_UTC - 1).to_numpy()))
    late = sent.select(
        pl.col("order").cast(pl.Int64),
        "status",
        due=pl.Series(paris_day(sent["promised"].to_numpy())),
        arrived=arrived,
    )
    return late.filter((pl.col("due") < pl.col("arrived")) | pl.col("status").is_in(["failed", "lost"]).fill_null(False))


def _service(contacts: pl.DataFrame, sold: pl.DataFrame, tally: Tally) -> Iterator[pl.DataFrame]:
    known = pl.col("is_known")
    measures: Measures = {
        "contacts": (pl.len(), None),
        "late_order_contact_share": (pl.col("is_late").sum(), pl.len()),
    }
    for suffix, days in REPEAT_DAYS.items():
        again = (pl.col("since") <= days).fill_null(False)
        first = known & ~again & (pl.col("day") + days <= _LAST)
        settled = first & ~(pl.col("until") <= days).fill_null(False)
        measures[f"repeat_contact_rate{suffix}"] = ((known & again).sum(), known.sum())
        measures[f"first_contact_resolution_rate{suffix}"] = (settled.sum(), first.sum())
    yield tally(contacts, "day", measures)
    yield tally(contacts.filter("is_pre_sale"), "day", {"pre_sale_contacts": (pl.len(), None)})
    after = contacts.filter(~pl.col("is_pre_sale")).select(
        "channel", pl.col("day").cast(pl.Int32), contact=pl.lit(1, pl.Int32), order=0
    )
    flows = pl.concat([after, sold.select("channel", pl.col("day").cast(pl.Int32), contact=pl.lit(None, pl.Int32), order=1)])
    # Orders nobody asked about have no contacts, rather than nought of them.
    asked = pl.when(pl.col("contact").count() > 0).then(pl.col("contact").sum())
    yield tally(flows, "day", {"contact_rate": (asked, pl.col("order").sum())})


def _costs(world: World, contacts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What the ledger books on service, over the contacts of its months."""
    booked = costs(world).filter(pl.col("Nature") == "service")
    booked = booked.select(metric_time=pl.col("Mois").str.to_date("%d/%m/%Y"), numerator="Montant HT")
    month = (pl.lit(START) + pl.duration(days="day")).dt.truncate("1mo")
    handled = contacts.group_by(metric_time=month).agg(denominator=pl.len().cast(pl.Float64))
    by_month = booked.join(handled, on="metric_time", maintain_order="left").with_columns(grain=pl.lit("month"))
    whole = by_month.select(pl.col("numerator", "denominator").sum(), grain=pl.lit("all"), metric_time=pl.lit(None, pl.Date))
    both = pl.concat([by_month, whole], how="diagonal").with_columns(channel=pl.lit("all"))
    yield both.with_columns(metric=pl.lit("service_cost"), value="numerator", denominator=pl.lit(None, pl.Float64))
    yield both.with_columns(metric=pl.lit("cost_per_contact"), value=pl.col("numerator") / pl.col("denominator"))


def _returns(world: World, orders: pl.DataFrame, sold: pl.DataFrame, tally: Tally) -> Iterator[pl.DataFrame]:
    rate = pl.col("vat").cast(pl.Int64) + 1000
    back = world.sales.returns.join(orders.select("order", "resolved_person"), on="order", how="left", maintain_order="left")
    back = back.with_columns(
        returned=(pl.col("refund").cast(pl.Int64) * 200_000 + rate) // (2 * rate),
        returned_ttc=pl.col("refund").cast(pl.Int64) * 100,
        order_day="day",
        day=pl.col("return_day").cast(pl.Int32),
        channel=_channel(pl.col("channel")),
        is_visit=(pl.col("channel") != STORE) & (pl.col("return_store") >= 0) & pl.col("resolved_person").is_not_null(),
    )
    kept, exchanged = pl.col("resolution").is_in([EXCHANGE, CREDIT]), pl.col("resolution") == EXCHANGE
    measures: Measures = {"exchange_rate": (pl.col("quantity").filter(exchanged).sum(), pl.col("quantity").sum())}
    aged = sold.filter(pl.col("day") + RETURN_DAYS <= _LAST)
    in_time = back.filter(~pl.col("blind") & (pl.col("day") <= pl.col("order_day") + RETURN_DAYS)).with_columns(day="order_day")
    in_time = in_time.join(aged.select("order"), on="order", how="semi")
    for suffix in ("", "_ttc"):
        returned, sales = pl.col(f"returned{suffix}"), pl.col(f"sales{suffix}")
        measures[f"retained_revenue_rate{suffix}"] = (returned.filter(kept).sum(), returned.sum())
        for metric, out, came in (("return_rate", sold, back), ("return_rate_by_order_date", aged, in_time)):
            day = pl.col("day").cast(pl.Int32)
            flows = pl.concat([out.select("channel", day, sales), came.select("channel", day, returned)], how="diagonal")
            yield tally(flows, "day", {f"{metric}{suffix}": (returned.sum() / 10_000, sales.sum() / 10_000)})
    yield tally(back, "day", measures)
    yield from _visits(back, sold, tally)


def _visits(back: pl.DataFrame, sold: pl.DataFrame, tally: Tally) -> Iterator[pl.DataFrame]:
    """Returns brought to a store and the ticket that followed; of several returns before one ticket the last holds its value."""
    tickets = sold.filter((pl.col("channel") == "store") & pl.col("resolved_person").is_not_null())
    tickets = tickets.select("resolved_person", "store", "order", "utc", "sales", "sales_ttc").sort("utc", "order")
    brought = back.filter("is_visit").drop("store", "order", strict=False)
    brought = brought.rename({"return_store": "store", "return_utc": "utc"})
    lines = brought.sort("utc").join_asof(
        tickets.rename({"utc": "ticket_utc", "order": "ticket"}), left_on="utc", right_on="ticket_utc",
        by=["resolved_person", "store"], strategy="forward", tolerance=VISIT, check_sortedness=False,
    )  # fmt: skip
    visits: Measures = {
        "cross_channel_returns": (pl.col("return_number").n_unique(), None),
        "return_to_sale_rate": (
            pl.col("return_number").filter(pl.col("ticket").is_not_null()).n_unique(),
            pl.col("return_number").n_unique(),
        ),
    }
    yield tally(lines, "day", visits)
    followed = lines.filter(pl.col("ticket").is_not_null()).sort("utc", "return_number", "return_line")
    followed = followed.with_columns(holds=pl.col("ticket").is_last_distinct())
    gains: Measures = {}
    for suffix in ("", "_ttc"):
        gain = pl.col(f"sales{suffix}").filter("holds").sum() - pl.col(f"returned{suffix}").sum()
        gains[f"return_to_sale_uplift{suffix}"] = (gain / 10_000, None)
    yield tally(followed, "day", gains)
