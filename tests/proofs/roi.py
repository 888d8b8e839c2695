"""Return on investment, proved: catchments from raw rows, and every effect as a two-by-two table of sums, by hand.

Stores are summed, never averaged: what a wave of stores sold more than before, in shares of its usual sales, less the same of
the stores not live yet. The whole is then a weighted mean of such tables.
"""

from collections.abc import Iterator
from datetime import date

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import Records, day_of, money, month

BASE, BEFORE, AFTER, BUILD_LIFE, LEAST_TOLD = 3, 6, 15, 36, 0.8
FLOWS = ("sales", "margin", "logistics", "service")
GAINS = {"margin_gain": ("margin", 1), "logistics_savings": ("logistics", -1), "service_savings": ("service", -1)}
MONTH = "metric_time"


def prove(records: Records) -> Iterator[Figures]:
    panel = _panel(records)
    last = date(records.last_day.year, records.last_day.month, 1)
    studies = []
    for sold_in, amount in {
        "all": pl.col("store_sales") + pl.col("web_sales"),
        "store": "store_sales",
        "web": "web_sales",
    }.items():
        tables = _tables(panel.with_columns(amount=amount)).with_columns(age=_months("month", "wave"))
        by_age = tables.filter(pl.col("age").is_between(-BEFORE, AFTER)).group_by(event_month="age").agg(effect=_mean())
        whole = tables.filter(pl.col("age") >= 0).select(_mean()).item()
        studies.append(by_age.with_columns(sold_in=pl.lit(sold_in), whole=pl.lit(whole)))
    study = pl.concat(studies).with_columns(pl.lit(last).alias(MONTH), pl.col("event_month").cast(pl.Int32))
    yield Figures(study, {"rollout_effect": pl.col("effect").max()})
    yield Figures(study.filter(pl.col("sold_in") == "all").drop("sold_in"), {"causal_sales_effect": pl.col("whole").max()})

    ledger = _with_gains(_costs(records, panel), panel)
    gained = pl.sum_horizontal(*GAINS)
    ledger = ledger.with_columns(balance=(gained - pl.col("run") - pl.col("built")).cum_sum())
    at_the_end = pl.col("balance").sort_by(MONTH).last()
    yield Figures(ledger, {"cumulative_net_gain": at_the_end, "payback_months": _payback(ledger)})
    yield Figures(
        _by_service(records, panel, ledger),
        {
            "causal_margin_gain": pl.col("margin_gain").sum(),
            "logistics_savings": pl.col("logistics_savings").sum(),
            "service_savings": pl.col("service_savings").sum(),
            "run_cost": pl.col("run").sum(),
            "written_off_build_cost": pl.col("written_off").sum(),
            "counted_run_cost": pl.col("counted_run").sum(),
            "counted_build_cost": pl.col("counted_build").sum(),
            "omnichannel_net_gain": pl.col("net").sum(),
            "omnichannel_roi": share(pl.col("net").sum(), pl.col("counted_run").sum() + pl.col("counted_build").sum()),
        },
    )


def _with_gains(costs: pl.DataFrame, panel: pl.DataFrame, treated: pl.Expr | None = None) -> pl.DataFrame:
    """Months of costs with what the stores live brought in, or those of them that are `treated`, while enough can be told."""
    ledger = costs.sort(MONTH)
    for name, (flow, sign) in GAINS.items():
        tables = _tables(panel.with_columns(amount=pl.col(f"store_{flow}") + pl.col(f"web_{flow}")), treated)
        money_of = tables.filter(pl.col("month") >= pl.col("wave")).group_by(pl.col("month").alias(MONTH))
        gain = money_of.agg((sign * pl.col("effect") * pl.col("usual")).sum().alias(name), told=pl.col("usual").sum())
        ledger = ledger.join(gain, on=MONTH, how="left").with_columns(pl.col(name, "told").fill_null(0))
        ledger = ledger.filter((pl.col("told") >= LEAST_TOLD * pl.col("live")).cast(pl.Int32).cum_min() == 1).drop("told")
    return ledger


def _by_service(records: Records, panel: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """The ledger taken apart by the first service of each store; what no service has, gain or cost, is `shared`."""
    spent = ["run", "written_off"]
    counted = {"counted_run": pl.col("run"), "counted_build": pl.col("written_off")}
    parts = []
    firsts = panel["first_service"].drop_nulls().unique()
    for service in sorted({*firsts, *records.costs["capability"].drop_nulls()}):
        mine = pl.col("first_service") == service
        costs = _costs(records, panel.filter(mine), pl.col("capability") == service)
        costs = costs.join(ledger.select(MONTH), on=MONTH, how="semi")
        part = costs.select(MONTH, *spent, capability=pl.lit(service))
        if service in firsts:
            told = _with_gains(costs, panel, mine).with_columns(**counted)
            part = part.join(told.select(MONTH, *GAINS, *counted), on=MONTH, how="left")
        parts.append(part)
    # cents are cut before anything is left over
    amounts = money(pl.col(*spent, *GAINS, *counted))
    named = pl.concat(parts, how="diagonal").with_columns(amounts)
    whole = ledger.with_columns(**counted).select(MONTH, amounts)
    both = pl.concat([whole, named.drop("capability").select(MONTH, -pl.exclude(MONTH))], how="diagonal_relaxed")
    rest = both.group_by(MONTH).agg(pl.all().sum()).with_columns(capability=pl.lit("shared"))
    both = pl.concat([named, rest], how="diagonal_relaxed")
    return both.with_columns(net=pl.sum_horizontal(*GAINS) - pl.col("counted_run") - pl.col("counted_build"))


def _mean() -> pl.Expr:
    return ((pl.col("effect") * pl.col("usual")).sum() / pl.col("usual").sum()).alias("effect")


def _months(later: str, earlier: str) -> pl.Expr:
    def number(day: str) -> pl.Expr:
        return pl.col(day).dt.year() * 12 + pl.col(day).dt.month()

    return number(later) - number(earlier)


def _payback(ledger: pl.DataFrame) -> pl.Expr:
    """Months from the first spending to the first month from which the balance stays positive; the same for any rows."""
    owing = ledger.filter(pl.col("balance") < 0)[MONTH].max()
    spent = ledger.filter(pl.col("run") + pl.col("built") > 0)[MONTH].min()
    if not isinstance(owing, date) or not isinstance(spent, date) or owing == ledger[MONTH].max():
        return pl.lit(None, pl.Float64)
    return pl.lit((owing.year - spent.year) * 12 + owing.month - spent.month + 1)


def _tables(panel: pl.DataFrame, treated: pl.Expr | None = None) -> pl.DataFrame:
    """The effect on `amount` of each wave and month, in shares of usual sales, with the usual sales of the wave's stores then.

    Of a wave only the `treated` stores are looked at, where that is said.
    """
    treated = pl.lit(True) if treated is None else treated
    found = []
    for wave in panel["wave"].drop_nulls().unique().sort():
        since = pl.lit(wave).dt.offset_by(f"-{BASE}mo")
        base = panel.filter((pl.col("month") >= since) & (pl.col("month") < wave))
        base = base.group_by("location_id").agg(base=pl.col("amount").mean(), there=pl.len())
        whole = base.filter(pl.col("there") == base["there"].max())
        rows = panel.join(whole, on="location_id").with_columns(is_wave=pl.col("wave") == wave)
        free = pl.col("wave").is_null() | (pl.col("wave") > pl.max_horizontal("month", pl.lit(wave)))
        sides = (
            rows.filter((pl.col("is_wave").fill_null(False) & treated.fill_null(False)) | free)
            .group_by("month", pl.col("is_wave").fill_null(False))
            .agg(more=(pl.col("amount") - pl.col("base")).sum(), usual=pl.col("usual").sum(), stores=pl.len())
            .filter(pl.col("stores") > 1)
        )
        live, free_ones = (sides.filter(pl.col("is_wave") == side) for side in (True, False))
        both = live.join(free_ones, on="month", suffix="_free")
        found.append(
            both.select(
                "month", "usual", wave=pl.lit(wave), effect=_gain("") - _gain("_free")
            )
        )  # fmt: skip
    return pl.concat(found)


def _gain(side: str) -> pl.Expr:
    return pl.col(f"more{side}") / pl.col(f"usual{side}")


def _panel(records: Records) -> pl.DataFrame:
    """One row a compared store and whole month: its flows by side, the month it went live (`wave`), its usual sales."""
    first = records.rollouts.filter(pl.col("live_on") == pl.col("live_on").min().over("location_id"))
    first = first.group_by("location_id").agg(
        wave=pl.col("live_on").min().dt.truncate("1mo"), first_service=pl.when(pl.len() == 1).then(pl.col("capability").first())
    )
    months = _whole_months(records)
    stores = records.locations.filter(pl.col("kind") == "store").join(months, how="cross")
    is_there = pl.col("opened_on").fill_null(pl.lit(date.min)) <= pl.col("month")
    is_still = pl.col("closed_on").is_null() | (pl.col("closed_on") >= pl.col("month").dt.month_end())
    stores = stores.filter(is_there & is_still).join(first, on="location_id", how="left")
    panel = stores.join(_flows(records), on=["location_id", "month"], how="left")
    panel = panel.with_columns(pl.col([f"{side}_{flow}" for side in ("store", "web") for flow in FLOWS]).fill_null(0))
    start = panel["wave"].min()
    before = panel.filter(pl.col("month") < start).group_by("location_id")
    usual = before.agg(usual=(pl.col("store_sales") + pl.col("web_sales")).mean(), there=pl.len())
    usual = usual.filter((pl.col("there") == pl.col("there").max()) & (pl.col("usual") > 0)).drop("there")
    return panel.join(usual, on="location_id")


def _whole_months(records: Records) -> pl.DataFrame:
    days = pl.concat([records.placed["order_date"], records.sessions["visit_date"]])
    months = days.dt.truncate("1mo").unique().sort()
    last = date(records.last_day.year, records.last_day.month, 1)
    return pl.DataFrame({"month": months}).filter(pl.col("month") < last)


def _flows(records: Records) -> pl.DataFrame:
    """What each catchment sold and cost by month, in the store and elsewhere; what no registration places shared out."""
    nothing = {flow: pl.lit(0.0) for flow in FLOWS}
    is_store = pl.col("is_store").fill_null(pl.col("channel") == "store")
    orders = records.placed.select("order", "person", "location", "is_store", "order_date")
    named = orders.select("order", "order_date", known_store="is_store")
    sold = records.orders.select(
        "person", "location", "is_store", known_on="order_date", on="order_date",
        **(nothing | {"sales": pl.col("sales"), "margin": pl.col("sales") - pl.col("cost")}),
    )  # fmt: skip
    back = records.returns.join(named, on="order", how="left").with_columns(is_store="known_store")
    back = back.select(
        "person", pl.coalesce("sold_at", pl.when(pl.col("order").is_null()).then("location_id")).alias("location"),
        is_store, pl.coalesce("order_date", "return_date").alias("known_on"), pl.col("return_date").alias("on"),
        **(nothing | {"sales": -pl.col("returned"), "margin": _cost() - pl.col("returned")}),
    )  # fmt: skip
    parts = [sold, back]
    for entity, key, cost in (("shipments", "shipment_id", "cost"), ("fulfilments", "fulfilment_id", "preparation_cost")):
        rows = records.newest(entity, key).filter(pl.col(cost).is_not_null())
        rows = rows.join(records.order_named_by(rows), on=["_source", "order_id"]).join(orders, on="order")
        spent = nothing | {"logistics": pl.col(cost).cast(pl.Float64)}
        parts.append(rows.select("person", "location", "is_store", known_on="order_date", on="order_date", **spent))
    contacts = records.with_person(records.newest("contacts", "contact_id")).with_columns(
        on=day_of("created_at", records.timezone)
    )
    booked = records.costs.filter(pl.col("area") == "service").group_by(MONTH).agg(pl.col("amount").sum())
    contacts = contacts.with_columns(month("on")).join(booked, on=MONTH)
    share_of = (pl.col("amount") / pl.len().over(MONTH)).round(10)
    parts.append(
        contacts.select(
            "person", pl.lit(None, pl.String).alias("location"), pl.lit(False).alias("is_store"), known_on="on", on="on",
            **(nothing | {"service": share_of}),
        )
    )  # fmt: skip
    flows = pl.concat(parts, how="vertical_relaxed").join(_homes(records), on="person", how="left")
    at_home = pl.when(pl.col("known_on") >= pl.col("registered_on")).then("home")
    flows = flows.with_columns(
        place=pl.when("is_store").then("location").otherwise(at_home), month=pl.col("on").dt.truncate("1mo")
    )
    store = flows.filter("is_store").group_by("place", "month").agg(**{f"store_{flow}": pl.col(flow).sum() for flow in FLOWS})
    web = flows.filter(~pl.col("is_store"))
    every = web.group_by("month").agg(**{f"all_{flow}": pl.col(flow).sum() for flow in FLOWS})
    placed = web.filter(pl.col("place").is_not_null())
    known = placed.group_by("month").agg(**{f"known_{flow}": pl.col(flow).sum() for flow in FLOWS})
    placed = placed.group_by("place", "month").agg(pl.col(FLOWS).sum()).join(every, on="month").join(known, on="month")
    placed = placed.select(
        "place",
        "month",
        **{
            f"web_{flow}": money(share(pl.col(flow) * pl.col(f"all_{flow}"), pl.col(f"known_{flow}"))).fill_null(0)
            for flow in FLOWS
        },
    )
    both = store.join(placed, on=["place", "month"], how="full", coalesce=True)
    return both.filter(pl.col("place").is_not_null()).rename({"place": "location_id"})


def _cost() -> pl.Expr:
    return money(pl.col("quantity").cast(pl.Float64) * pl.col("unit_cost").cast(pl.Float64))


def _homes(records: Records) -> pl.DataFrame:
    """The store each person first registered with, and the day it is known from."""
    told = records.raw["customers"].filter(pl.col("home_location_id").is_not_null() & pl.col("created_at").is_not_null())
    first = told.sort("_file_id", "_line").unique(["_source", "customer_ref"], keep="first", maintain_order=True)
    stores = records.locations.filter(pl.col("kind") == "store")
    first = records.with_person(first).join(stores, left_on="home_location_id", right_on="location_id")
    first = first.with_columns(
        registered_on=pl.coalesce(
            *(
                pl.when(pl.col("timezone") == zone).then(day_of("created_at", zone))
                for zone in first["timezone"].unique().drop_nulls().sort()
            )
        )
    )
    first = first.sort("created_at", pl.concat_str("_source", pl.lit(":"), "customer_ref"))
    return first.unique("person", keep="first", maintain_order=True).select("person", "registered_on", home="home_location_id")


def _costs(records: Records, panel: pl.DataFrame, which: pl.Expr | None = None) -> pl.DataFrame:
    """One row a whole month: what running cost, what was built and written off, and the usual sales of the stores live."""
    months = _whole_months(records).rename({"month": MONTH})
    costs = records.costs if which is None else records.costs.filter(which)
    for name, area in (("run", "omnichannel_run"), ("built", "omnichannel_build")):
        booked = costs.filter(pl.col("area") == area).group_by(MONTH).agg(pl.col("amount").sum().alias(name))
        months = months.join(booked, on=MONTH, how="left").with_columns(pl.col(name).fill_null(0))
    built = costs.filter(pl.col("area") == "omnichannel_build").select("amount", booked=MONTH)
    aged = months.select(MONTH).join(built, how="cross").filter(_months(MONTH, "booked").is_between(0, BUILD_LIFE - 1))
    spread = aged.group_by(MONTH).agg(written_off=pl.col("amount").sum() / BUILD_LIFE)
    live = panel.filter(pl.col("month") >= pl.col("wave")).group_by(pl.col("month").alias(MONTH)).agg(live=pl.col("usual").sum())
    months = months.join(spread, on=MONTH, how="left").join(live, on=MONTH, how="left")
    return months.with_columns(pl.col("written_off", "live").fill_null(0))
