"""The audit, proved: what each system says of an order is laid side by side, and the differences are counted."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import UNKNOWN, Records, day_of, month

GRACE_DAYS, HISTORY_DAYS, TOLERANCE = 2, 45, 0.05
LATE = {"sales_oms": 60, "oms_tms": 24 * 60}
# Of what two systems can disagree on, what each check looks at.
ORPHANS = ("missing_in_second", "missing_in_first")
NOTHING = pl.lit(0.0)


def prove(records: Records) -> Iterator[Figures]:
    parts = [*_payments(records), *_orders(records), *_parcels(records), *_stock(records), *_references(records)]
    checked = pl.concat(parts, how="diagonal_relaxed").filter(pl.col("failed").is_not_null())
    checked = checked.with_columns(
        month("day"),
        pl.col("channel", "location").fill_null(UNKNOWN),
        *(pl.when("failed").then(risk).otherwise(NOTHING).fill_null(0).alias(risk) for risk in ("risk", "risk_ttc")),
    )
    faults = checked.filter(pl.col("check") != "coverage")
    failed = pl.col("failed").sum()
    yield Figures(
        faults,
        {
            "disagreements": failed,
            "agreement_checks": pl.len(),
            "disagreement_rate": share(failed, pl.len()),
            "sales_at_risk": pl.col("risk").sum(),
            "sales_at_risk_ttc": pl.col("risk_ttc").sum(),
            "orphan_rate": _rate(*ORPHANS),
            "amount_gap_rate": _rate("amount"),
            "duplicate_record_rate": _rate("duplicate"),
            "clock_fault_rate": _rate("clock"),
        },
    )
    yield Figures(checked.filter(pl.col("check") == "coverage"), {"coverage_rate": share((~pl.col("failed")).sum(), pl.len())})
    timed = pl.concat([part for part in parts if "lag" in part.columns], how="diagonal_relaxed")
    timed = timed.filter((pl.col("check") == "clock") & pl.col("lag").is_not_null()).with_columns(
        month("day"), pl.col("channel", "location").fill_null(UNKNOWN)
    )
    lags = {"p50": 0.5, "p90": 0.9}
    yield Figures(
        timed,
        {"handovers": pl.len()}
        | {f"handover_minutes_{name}": pl.col("lag").quantile(part, "linear") for name, part in lags.items()},
    )


def _rate(*checks: str) -> pl.Expr:
    mine = pl.col("check").is_in(checks)
    return share((pl.col("failed") & mine).sum(), mine.sum())


def _valid(records: Records) -> pl.DataFrame:
    return records.orders.select(
        "order", "_source", "order_id", "channel", "location", "mode", "ordered_at", "order_date", "sales", "sales_ttc", "rate",
        shipping=pl.col("shipping_amount").fill_null(0).cast(pl.Float64),
    )  # fmt: skip


def _check(rows: pl.DataFrame, pair: str, check: str, failed: pl.Expr, **more: pl.Expr) -> pl.DataFrame:
    risk = {"risk": more.pop("risk", NOTHING), "risk_ttc": more.pop("risk_ttc", NOTHING)}
    return rows.select(
        "day", "channel", "location", pair=pl.lit(pair), check=pl.lit(check), failed=failed.cast(pl.Boolean), **risk, **more
    )


def _payments(records: Records) -> Iterator[pl.DataFrame]:
    payments = records.newest("payments", "order_id", "payment_number")
    said = payments.group_by("_source", "order_id").agg(
        paid=pl.col("amount").cast(pl.Float64).sum(), copies=pl.len() - pl.struct("method", "amount").n_unique()
    )
    cards = records.lines.filter("is_gift_card").group_by("order").agg(cards=pl.col("sales_ttc").sum())
    ships = _line_shipping(records)
    due = _valid(records).filter(pl.col("_source").is_in(payments["_source"].unique().implode()))
    due = due.join(cards, on="order", how="left").join(ships, on="order", how="left")
    due = due.join(said, on=["_source", "order_id"], how="left").with_columns(
        day="order_date",
        gap=pl.col("paid") * pl.col("rate")
        - pl.col("sales_ttc")
        - pl.col("cards").fill_null(0)
        - pl.col("shipping") * pl.col("rate")
        - pl.col("line_shipping").fill_null(0),
    )
    known = due.filter(pl.col("paid").is_not_null())
    gap = pl.col("gap").abs()
    yield _check(
        due, "sales_payments", "missing_in_second", pl.col("paid").is_null(), risk=pl.col("sales"), risk_ttc=pl.col("sales_ttc")
    )
    yield _check(
        known, "sales_payments", "amount", gap > TOLERANCE, risk=gap * pl.col("sales") / pl.col("sales_ttc"), risk_ttc=gap
    )
    yield _check(known, "sales_payments", "duplicate", pl.col("copies") > 0)
    yield _check(known, "sales_payments", "missing_in_first", pl.lit(False))
    nobodys = said.join(records.placed, on=["_source", "order_id"], how="anti").with_columns(
        day=pl.lit(records.last_day), channel=pl.lit(UNKNOWN), location=pl.lit(UNKNOWN)
    )
    yield _check(nobodys, "sales_payments", "missing_in_first", pl.lit(True))


def _line_shipping(records: Records) -> pl.DataFrame:
    charged = records.lines.with_columns(pl.col("shipping_amount").fill_null(0).cast(pl.Float64) * pl.col("rate"))
    return charged.group_by("order").agg(line_shipping=pl.col("shipping_amount").sum())


def _work(records: Records) -> pl.DataFrame:
    work = records.newest("fulfilments", "fulfilment_id")
    return work.join(records.order_named_by(work), on=["_source", "order_id"], how="left").rename({"location_id": "place"})


def _orders(records: Records) -> Iterator[pl.DataFrame]:
    work = _work(records)
    live = pl.col("cancelled_at").is_null()
    received = work.filter(pl.col("order").is_not_null()).group_by("order").agg(
        created_at=pl.col("created_at").min(),
        asked=pl.when(live.any()).then(pl.col("lines_requested").filter(live).sum()),
        copies=live.sum() - pl.struct("place", "mode").filter(live).n_unique(),
    )  # fmt: skip
    lines = records.lines.filter(~pl.col("is_gift_card")).group_by("order").agg(ordered=pl.len())
    first, last = work["created_at"].min(), work["created_at"].max()
    rows = (
        _valid(records)
        .filter((pl.col("mode") != "in_store") & (pl.col("ordered_at") >= first))
        .join(received, on="order", how="left")
        .join(lines, on="order", how="left")
        .filter(pl.col("created_at").is_not_null() | (pl.col("ordered_at") <= last - pl.duration(days=GRACE_DAYS)))
        .with_columns(day="order_date", lag=(pl.col("created_at") - pl.col("ordered_at")).dt.total_seconds() / 60)
    )
    known = rows.filter(pl.col("created_at").is_not_null())
    part = (pl.col("ordered").cast(pl.Int64) - pl.col("asked").cast(pl.Int64)).abs() / pl.col("ordered")
    yield _check(
        rows, "sales_oms", "missing_in_second", pl.col("created_at").is_null(), risk=pl.col("sales"), risk_ttc=pl.col("sales_ttc")
    )
    yield _check(
        known,
        "sales_oms",
        "amount",
        pl.col("ordered") != pl.col("asked"),
        risk=part * pl.col("sales"),
        risk_ttc=part * pl.col("sales_ttc"),
    )
    yield _check(known, "sales_oms", "duplicate", pl.col("copies") > 0)
    yield _check(known, "sales_oms", "clock", (pl.col("lag") < 0) | (pl.col("lag") > LATE["sales_oms"]), lag=pl.col("lag"))
    named = _placed(records, work.with_columns(day=day_of("created_at", records.timezone), channel=pl.lit(UNKNOWN)))
    yield _check(_later(records, named), "sales_oms", "missing_in_first", pl.col("order").is_null())


def _placed(records: Records, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `location`, their `place` where anybody knows it."""
    places = records.locations.select(place="location_id", location="location_id")
    return rows.drop("location", strict=False).join(places, on="place", how="left")


def _later(records: Records, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows from the day on which whatever they name must be known."""
    days = (
        records.placed["order_date"].min(),
        records.newest("sessions", "session_id").select(day_of("started_at", records.timezone)).to_series().min(),
    )
    begun = min(day for day in days if day is not None)
    return rows.filter(pl.col("day") >= pl.lit(begun) + pl.duration(days=HISTORY_DAYS))


def _parcels(records: Records) -> Iterator[pl.DataFrame]:
    work = _work(records)
    parcels = records.newest("shipments", "shipment_id")
    # one fulfilment of the number the parcel names, or any of its order where it names none
    named = parcels.filter(pl.col("fulfilment_id").is_not_null()).join(
        work.select("order_id", "fulfilment_id", work_id="fulfilment_id"), on=["order_id", "fulfilment_id"], how="left"
    )
    unnamed = parcels.filter(pl.col("fulfilment_id").is_null()).join(
        work.select("order_id", work_id="fulfilment_id"), on="order_id", how="left"
    )
    matched = pl.concat([named, unnamed], how="diagonal_relaxed")
    carried = matched.filter(pl.col("work_id").is_not_null()).group_by(fulfilment_id="work_id").agg(
        carried_at=pl.col("shipped_at").min(), copies=pl.len() - pl.struct("carrier", "shipped_at").n_unique()
    )  # fmt: skip
    first, last = parcels["shipped_at"].min(), parcels["shipped_at"].max()
    told = records.placed.select("order", order_channel="channel")
    valid = _valid(records).select("order", "sales", "sales_ttc")
    lines = records.lines.filter(~pl.col("is_gift_card")).group_by("order").agg(ordered=pl.len())
    sent = (
        work.filter(
            ~pl.col("mode").is_in(["click_and_collect", "reserve_and_collect", "in_store"]) & pl.col("order").is_not_null()
        )
        .filter(pl.col("shipped_at") >= first)
        .join(carried, on="fulfilment_id", how="left")
        .filter(pl.col("carried_at").is_not_null() | (pl.col("shipped_at") <= last - pl.duration(days=GRACE_DAYS)))
        .join(told, on="order", how="left")
        .join(valid, on="order", how="left")
        .join(lines, on="order", how="left")
        .with_columns(
            day=day_of("shipped_at", records.timezone),
            channel="order_channel",
            lag=(pl.col("carried_at") - pl.col("shipped_at")).dt.total_seconds() / 60,
        )
    )
    sent = _placed(records, sent)
    known = sent.filter(pl.col("carried_at").is_not_null())
    part = pl.min_horizontal(pl.col("lines_requested") / pl.col("ordered"), pl.lit(1.0)).fill_null(1.0)
    yield _check(
        sent,
        "oms_tms",
        "missing_in_second",
        pl.col("carried_at").is_null(),
        risk=part * pl.col("sales"),
        risk_ttc=part * pl.col("sales_ttc"),
    )
    yield _check(known, "oms_tms", "duplicate", pl.col("copies") > 0)
    yield _check(known, "oms_tms", "clock", (pl.col("lag") < 0) | (pl.col("lag") > LATE["oms_tms"]), lag=pl.col("lag"))
    orders = records.order_named_by(parcels).join(told, on="order")
    strays = (
        matched.sort("work_id", nulls_last=True)
        .unique(["_source", "shipment_id"], keep="first")
        .join(orders, on=["_source", "order_id"], how="left")
        .with_columns(day=day_of("shipped_at", records.timezone), channel="order_channel", location=pl.lit(UNKNOWN))
    )
    yield _check(_later(records, strays), "oms_tms", "missing_in_first", pl.col("work_id").is_null())


def _stock(records: Records) -> Iterator[pl.DataFrame]:
    def in_month(instant: str) -> pl.Expr:
        return day_of(instant, records.timezone).dt.truncate("1mo")

    key = ["place", "sku", "day"]
    moves = records.newest("stock_movements", "movement_id").with_columns(place="location_id", day=in_month("moved_at"))
    booked = moves.group_by(key).agg(out=-pl.col("quantity").cast(pl.Float64).filter(pl.col("kind") == "sale").sum())
    gave_up = pl.col("cancelled_at").is_not_null() & pl.col("ready_at").is_null()
    sender = _work(records).filter(pl.col("order").is_not_null()).sort(gave_up, "fulfilment_id").unique("order", keep="first")
    gone = records.placed.filter(~pl.col("status").is_in(["cancelled", "voided", "fraud"]) & ~pl.col("is_test").fill_null(False))
    gone = gone.join(sender.select("order", sender="place"), on="order", how="left").select(
        "order", day=in_month("ordered_at"), place=pl.when("is_store").then("location_id").otherwise("sender")
    )
    sold = (
        records.lines.filter(~pl.col("is_gift_card"))
        .select("order", "sku", "quantity", "sales", "sales_ttc")
        .join(gone, on="order")
        .join(moves.select("place", "sku").unique(), on=["place", "sku"], how="semi")
        .group_by(key)
        .agg(pl.col("quantity", "sales", "sales_ttc").sum())
    )
    price = sold.group_by("sku").agg(
        price=pl.col("sales").sum() / pl.col("quantity").sum(), price_ttc=pl.col("sales_ttc").sum() / pl.col("quantity").sum()
    )
    both = booked.join(sold, on=key, how="full", coalesce=True).with_columns(pl.col("out", "quantity").fill_null(0.0))
    first, last = (getattr(moves["moved_at"], end)() for end in ("min", "max"))
    span = pl.DataFrame({"at": [first, last]}).select(day_of("at", records.timezone)).to_series()
    whole = (pl.col("day") >= pl.lit(span[0]).dt.offset_by("27d").dt.truncate("1mo")) & (pl.col("day") <= pl.lit(span[1]))
    rows = both.filter(((pl.col("out") != 0) | (pl.col("quantity") != 0)) & whole).join(price, on="sku", how="left")
    gap = (pl.col("out") - pl.col("quantity")).abs()
    rows = _placed(records, rows.with_columns(channel=pl.lit(UNKNOWN)))
    yield _check(rows, "sales_stock", "amount", gap > 0, risk=gap * pl.col("price"), risk_ttc=gap * pl.col("price_ttc"))


def _references(records: Records) -> Iterator[pl.DataFrame]:
    told = records.placed.select("order", "channel", "ordered_at", sold_at="location")
    places = records.locations.select("location_id", "timezone")
    for pair, entity, keys, instant, is_before in (
        ("sales_returns", "returns", ("return_id", "line_number"), "returned_at", False),
        ("sales_service", "contacts", ("contact_id",), "created_at", False),
        ("sales_analytics", "sessions", ("session_id",), "started_at", True),
    ):
        rows = records.newest(entity, *keys).filter(pl.col("order_id").is_not_null()).drop("channel", strict=False)
        rows = rows.join(records.order_named_by(rows), on=["_source", "order_id"], how="left").join(told, on="order", how="left")
        if entity == "returns":
            rows = rows.join(places, on="location_id", how="left").with_columns(
                location=pl.coalesce(pl.when(pl.col("timezone").is_not_null()).then("location_id"), "sold_at")
            )
            zones = rows["timezone"].drop_nulls().unique()
            local = pl.coalesce([pl.when(pl.col("timezone") == zone).then(day_of(instant, zone)) for zone in zones])
            rows = rows.with_columns(day=pl.coalesce(local, day_of(instant, records.timezone)))
        else:
            rows = rows.with_columns(day=day_of(instant, records.timezone), location="sold_at")
        later = (pl.col(instant) - pl.col("ordered_at")).dt.total_seconds()
        known = rows.filter(pl.col("order").is_not_null()).sort(instant, *keys)
        strangers = _later(records, rows.filter(pl.col("order").is_null()))
        yield _check(known, pair, "missing_in_first", pl.lit(False))
        yield _check(strangers, pair, "missing_in_first", pl.lit(True))
        yield _check(known, pair, "clock", later >= 60 if is_before else later <= -60)
        if is_before:
            again = pl.int_range(pl.len()).over("order") > 0
            yield _check(known, pair, "duplicate", again)
            measured = records.sessions.group_by("channel").agg(first=pl.col("started_at").min())
            orders = _valid(records).join(measured, on="channel").filter(pl.col("ordered_at") >= pl.col("first"))
            seen = known["order"].unique()
            yield _check(orders.with_columns(day="order_date"), pair, "coverage", ~pl.col("order").is_in(seen.implode()))
    callers = records.with_person(records.newest("contacts", "contact_id")).filter(pl.col("person").is_not_null())
    members = records.with_person(records.newest("customers", "customer_ref"))["person"].drop_nulls().unique()
    callers = callers.with_columns(day=day_of("created_at", records.timezone), channel=pl.lit(UNKNOWN), location=pl.lit(UNKNOWN))
    yield _check(callers, "crm_service", "coverage", ~pl.col("person").is_in(members.implode()))
