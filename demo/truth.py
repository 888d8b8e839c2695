"""What is true of the exports: who is who, and the exact value of every KPI, computed from what happened and not from the files.

`kpis.csv` has one row per metric, grain (`month` or `all`), period, channel (or `all`) and, where customers matter, per
`person_basis`: `true` counts real people, `deterministic` the persons that equal e-mails, phones, cards and account numbers
reveal. Shares are 0–1, money is in euros; sums are exact to the hundredth of a cent.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from demo import retailer
from demo.after_sale import after_sale
from demo.disagreements import known_disagreements
from demo.journeys import PICKUP_PROMISE
from demo.orders import valid
from demo.promises import promises
from demo.retailer import CHANNELS, COLLECT, DAYS, END, END_UTC, START, local, paris_day, wall_day
from demo.stock_truth import stock_kpis
from demo.visits import store_visits
from demo.world import World

HORIZONS = (30, 90, 180, 365, 730)
WINDOWS = {"_1d": 1, "": 7, "_30d": 30}
_LAST = DAYS - 1


def write_truth(world: World, folder: Path, faults: pl.DataFrame) -> None:
    """Writes people.csv, orders.csv (order → person), faults.csv, kpis.csv and disagreements.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    persons, people_persons, callers = resolved(world)
    people = world.people.frame.select(
        "person", "account", "crm_ref", "other_crm_ref", "email", "other_email", "crm_email", "phone", "card", "other_card"
    )
    people.with_columns(resolved_person=people_persons).write_csv(folder / "people.csv")
    orders = world.sales.orders.with_columns(resolved_person=persons)
    orders.select(
        order_number="number",
        channel=_channel(pl.col("channel")),
        person="person",
        resolved_person="resolved_person",
        status="status",
        is_valid=valid(),
    ).write_csv(folder / "orders.csv")
    faults.write_csv(folder / "faults.csv")
    kpis(world, orders, people_persons, callers).write_csv(folder / "kpis.csv")
    followed = world.stock.movements["product"].unique()
    known = known_disagreements(world.disagreements, world.sales, followed, world.products.frame["sku"].to_list())
    known.write_csv(folder / "disagreements.csv")


def _channel(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.Int64).replace_strict(dict(enumerate(CHANNELS)), return_dtype=pl.String)


def ht(cents: pl.Expr, vat: pl.Expr | str) -> pl.Expr:
    """Amounts without VAT in hundredths of a cent, each rounded half up; `cents` include VAT, `vat` is in thousandths."""
    rate = (pl.col(vat) if isinstance(vat, str) else vat).cast(pl.Int64) + 1000
    return (cents.cast(pl.Int64) * 200_000 + rate) // (2 * rate)


def resolved(world: World) -> tuple[pl.Series, pl.Series, pl.Series]:
    """The person that equal identifiers give to each order, to each true person's own records, and to each contact (null: nobody
    known)."""
    orders, people, contacts = world.sales.orders, world.people.frame, world.journeys.contacts
    told = contacts.join(people.select("person", "email", "phone", "account"), on="person", how="left", maintain_order="left")
    records = [
        orders.select(ref="shown_ref", email="shown_email", phone="shown_phone", card="shown_card"),
        people.filter(pl.col("account").is_not_null()).select(
            ref="account", email="email", phone="phone", card=pl.when("knows_card").then("card")
        ),
        _members(people, "crm_ref", "card"),
        _members(people, "other_crm_ref", "other_card"),
        told.select(
            ref=pl.when((pl.col("by") > 1) & (pl.col("says") > 0)).then("account"),
            email=pl.when((pl.col("by") == 1) | (pl.col("says") == 0)).then("email"),
            phone=pl.when(pl.col("by") == 0).then("phone"),
            card=pl.lit(None, pl.String),
        ),
    ]
    known = pl.concat(records).with_columns(pl.col("email").str.to_lowercase())
    # Identifiers of different kinds never look alike: accounts begin with W, cards with 29, phones with +; e-mails have an @.
    values = pl.concat([known[c] for c in known.columns]).drop_nulls().unique().sort()
    number = pl.DataFrame({"value": values, "node": pl.int_range(len(values), eager=True)})
    nodes = [known.select(value=c).join(number, on="value", how="left", maintain_order="left")["node"] for c in known.columns]
    links = [pl.DataFrame({"a": a, "b": b}).drop_nulls().unique() for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    link = pl.concat(links)
    graph = coo_array((np.ones(len(link), np.int8), (link["a"].to_numpy(), link["b"].to_numpy())), shape=(len(values),) * 2)
    _, component = connected_components(graph.tocsr(), directed=False)
    label = pl.Series(component.astype(np.int64))
    first = pl.select(pl.coalesce(nodes))[nodes[0].name]
    by_order = label.gather(first[: len(orders)])
    own = people.select(value=pl.coalesce("account", "crm_ref")).join(number, on="value", how="left", maintain_order="left")
    callers = label.gather(first[len(first) - len(told) :])
    return by_order.alias("resolved_person"), label.gather(own["node"]).alias("resolved_person"), callers


def _members(people: pl.DataFrame, ref: str, card: str) -> pl.DataFrame:
    rows = people.filter(pl.col(ref).is_not_null())
    return rows.select(
        ref=pl.concat_str(pl.lit("crm "), ref), email="crm_email", phone=pl.when("crm_phone").then("phone"), card=card
    )


def kpis(world: World, orders: pl.DataFrame, accounts: pl.Series, callers: pl.Series) -> pl.DataFrame:
    """Every KPI; `orders` carry `resolved_person`, `accounts` the one of each true person's account, `callers` of each contact.

    Columns: metric, grain, metric_time, channel, period, person_basis, value, numerator, denominator.
    """
    lines = _sale_lines(world, orders)
    sold = _sold(orders, lines)
    returns = _returned(world, orders)
    parts = [*_baskets(sold, returns), *_visits(world, sold), *_pickups(world, orders), *_deliveries(world, orders)]
    parts += after_sale(world, orders, callers, sold, _tally)
    parts += promises(world, orders, _tally)
    parts += stock_kpis(world)
    for basis in ("true", "deterministic"):
        who = pl.col("person") if basis == "true" else pl.col("resolved_person")
        mine = sold.with_columns(who=who).filter(pl.col("who").is_not_null())
        back = returns.with_columns(who=who).filter(pl.col("who").is_not_null())
        found = [
            *_cross_channel(world, mine, None if basis == "true" else accounts),
            *_activity(mine),
            *_cohorts(mine),
            *_lifetime(mine, back),
            *(store_visits(world, sold, mine, accounts, _tally) if basis == "deterministic" else ()),
        ]
        parts += [part.with_columns(person_basis=pl.lit(basis)) for part in found]
    table = pl.concat(parts, how="diagonal_relaxed")
    order = ["metric", "grain", "metric_time", "channel", "period", "person_basis", "value", "numerator", "denominator"]
    return table.select(order).sort(order[:6], nulls_last=False)


def _month(day: str) -> pl.Expr:
    return (pl.lit(START) + pl.duration(days=pl.col(day))).dt.truncate("1mo")


def _tally(frame: pl.DataFrame, day: str, measures: dict[str, tuple[pl.Expr, pl.Expr | None]]) -> pl.DataFrame:
    """Each measure (numerator, denominator or None) by month and channel, by month, by channel, and over all."""
    frame = frame.with_columns(month=_month(day))
    values = {f"{name}/n": n for name, (n, _) in measures.items()} | {
        f"{name}/d": d for name, (_, d) in measures.items() if d is not None
    }
    cuts = []
    for keys in (["month", "channel"], ["month"], ["channel"], []):
        cut = frame.group_by(keys).agg(**values) if keys else frame.select(**values)
        for name, (_, below) in measures.items():
            n = pl.col(f"{name}/n").cast(pl.Float64)
            d = pl.col(f"{name}/d").cast(pl.Float64) if below is not None else pl.lit(None, pl.Float64)
            cuts.append(
                cut.select(
                    metric=pl.lit(name),
                    grain=pl.lit("month" if "month" in keys else "all"),
                    metric_time=pl.col("month") if "month" in keys else pl.lit(None, pl.Date),
                    channel=pl.col("channel") if "channel" in keys else pl.lit("all"),
                    numerator=n,
                    denominator=d,
                    value=pl.when(d.is_null()).then(n).when(d > 0).then(n / d) if below is not None else n,
                )
            )
    return pl.concat(cuts)


def _sale_lines(world: World, orders: pl.DataFrame) -> pl.DataFrame:
    """Lines of valid orders, gift cards left out, with amounts in hundredths of a cent."""
    good = orders.filter(valid()).select("order")
    lines = world.sales.lines.filter(pl.col("product") >= 0).join(good, on="order", how="semi")
    gross = pl.col("quantity") * pl.col("listed")
    return lines.with_columns(
        sales=ht(pl.col("paid"), "vat"),
        gross=ht(gross, "vat"),
        sales_ttc=pl.col("paid").cast(pl.Int64) * 100,
        gross_ttc=gross.cast(pl.Int64) * 100,
    )


def _sold(orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """One row per valid order with its sums."""
    sums = lines.group_by("order").agg(
        pl.col("sales", "gross", "sales_ttc", "gross_ttc").sum(),
        units=pl.col("quantity").cast(pl.Int64).sum(),
        categories=pl.col("category").n_unique(),
    )
    kept = orders.filter(valid()).select(
        "order", "person", "resolved_person", "store", "day", "utc", "mode", channel=_channel(pl.col("channel"))
    )
    return kept.join(sums, on="order", how="inner", maintain_order="left")


def _returned(world: World, orders: pl.DataFrame) -> pl.DataFrame:
    """Returned lines by day of return, in the channel that sold them; without the ticket nobody knows whose they were."""
    whose = orders.select("order", "resolved_person")
    returns = world.sales.returns.join(whose, on="order", how="left", maintain_order="left")
    unknown = pl.col("blind")
    return returns.select(
        "person",
        resolved_person=pl.when(~unknown).then("resolved_person"),
        day=pl.col("return_day").cast(pl.Int32),
        channel=_channel(pl.col("channel")),
        returned=ht(pl.col("refund"), "vat"),
        returned_ttc=pl.col("refund").cast(pl.Int64) * 100,
    )


def _money(column: str) -> pl.Expr:
    return pl.col(column).sum() / 10_000


def _baskets(sold: pl.DataFrame, returns: pl.DataFrame) -> Iterator[pl.DataFrame]:
    orders, units = pl.len(), pl.col("units").sum()
    measures: dict[str, tuple[pl.Expr, pl.Expr | None]] = {
        "orders": (orders, None),
        "units": (units, None),
        "units_per_transaction": (units, orders),
        "attach_rate": ((pl.col("categories") > 1).sum(), orders),
    }
    for suffix in ("", "_ttc"):
        sales, gross = _money(f"sales{suffix}"), _money(f"gross{suffix}")
        markdown = (pl.col(f"gross{suffix}").sum() - pl.col(f"sales{suffix}").sum()) / 10_000
        measures |= {
            f"sales{suffix}": (sales, None),
            f"gross_sales{suffix}": (gross, None),
            f"average_order_value{suffix}": (sales, orders),
            f"average_selling_price{suffix}": (sales, units),
            f"markdown_rate{suffix}": (markdown, sales),
            f"discount_depth{suffix}": (markdown, gross),
        }
    yield _tally(sold, "day", measures)
    for suffix in ("", "_ttc"):
        flows = pl.concat(
            [
                sold.select("day", "channel", amount=f"sales{suffix}"),
                returns.select("day", "channel", amount=-pl.col(f"returned{suffix}")),
            ]
        )
        yield _tally(flows, "day", {f"net_sales{suffix}": (_money("amount"), None)})


def _visits(world: World, sold: pl.DataFrame) -> Iterator[pl.DataFrame]:
    counted = sold.select(order=pl.col("order").cast(pl.Int64), counts=pl.lit(True))
    sessions = world.journeys.sessions.select("day", "app", order=pl.col("order").cast(pl.Int64))
    sessions = sessions.join(counted, on="order", how="left").with_columns(
        pl.col("counts").fill_null(False), channel=pl.when("app").then(pl.lit("app")).otherwise(pl.lit("web"))
    )
    yield _tally(sessions, "day", {"session_conversion_rate": (pl.col("counts").sum(), pl.len()), "sessions": (pl.len(), None)})
    ordered = sold.filter(pl.col("channel").is_in(("web", "app"))).select("day", "channel", ordered=1)
    both = pl.concat([sessions.select("day", "channel", visit=1), ordered], how="diagonal_relaxed")
    visits, orders = pl.col("visit").sum(), pl.col("ordered").sum()
    yield _tally(both, "day", {"web_visits": (visits, None), "web_conversion_rate": (orders, visits)})


def _pickups(world: World, orders: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Opening minutes from order to goods ready; an order still waiting beyond the promise counts with its wait so far."""
    s = retailer.stores()
    rows = world.journeys.fulfilments.filter(pl.col("mode") == COLLECT).join(
        orders.select(
            "order", "day", "utc", "fate", "is_test", "is_staff", "is_b2b", "is_free", channel=_channel(pl.col("channel"))
        ),
        on="order", how="left", maintain_order="left",
    )  # fmt: skip
    late_cancel = (
        (pl.col("fate") == "cancelled") & pl.col("ready").is_not_null() & ~pl.any_horizontal("is_test", "is_staff", "is_b2b")
    )
    rows = rows.filter(valid() | late_cancel)
    store = rows["store"].to_numpy().astype(int)
    zone = s.timezone[store]

    def opened(utc: np.ndarray) -> np.ndarray:
        return retailer.opening_seconds(store, retailer.to_wall(utc, zone))

    asked = opened(rows["utc"].to_numpy())
    until_ready = opened(rows["ready"].fill_null(END_UTC - 1).to_numpy()) - asked
    until_end = opened(np.full(len(rows), END_UTC)) - asked
    is_ready = rows["ready"].is_not_null().to_numpy()
    waits = (
        ~is_ready & rows.select(pl.all_horizontal(pl.col("cancelled", "collected", "expired").is_null())).to_series().to_numpy()
    )
    overdue = waits & (until_end > PICKUP_PROMISE)
    seconds = np.where(is_ready, until_ready, until_end)
    measured = rows.with_columns(
        minutes=pl.Series(seconds / 60), in_time=pl.Series(is_ready & (until_ready <= PICKUP_PROMISE))
    ).filter(pl.Series(is_ready | overdue))
    yield _tally(
        measured,
        "day",
        {
            "pickup_ready_minutes_p50": (pl.col("minutes").quantile(0.5, "equiprobable"), None),
            "pickup_ready_minutes_p90": (pl.col("minutes").quantile(0.9, "equiprobable"), None),
            "pickup_within_promise_rate": (pl.col("in_time").sum(), pl.len()),
            "late_pickups": ((~pl.col("in_time")).sum(), None),
        },
    )


def _deliveries(world: World, orders: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Orders delivered whole, by the local day of their last parcel."""
    parcels = (
        world.journeys.fulfilments.filter(pl.col("mode") != COLLECT)
        .group_by("order")
        .agg(
            whole=pl.col("delivered").is_not_null().all(), delivered=pl.col("delivered").max(), promised=pl.col("promised").max()
        )
    )
    rows = (
        orders.filter(valid())
        .select("order", "utc", order_day="day", channel=_channel(pl.col("channel")))
        .join(parcels.filter("whole"), on="order", how="inner", maintain_order="left")
    )
    delivered = rows["delivered"].to_numpy()
    day = paris_day(delivered)
    promise_day = wall_day(local(rows["promised"].to_numpy()))
    next_day = retailer.add_working_days(rows["order_day"].to_numpy(), 1)
    rows = rows.with_columns(
        day=pl.Series(day),
        seconds=pl.col("delivered") - pl.col("utc"),
        late=pl.Series(day > promise_day),
        next_day=pl.Series(day <= next_day),
    )
    yield _tally(
        rows,
        "day",
        {
            "order_to_delivery_hours_p50": (pl.col("seconds").quantile(0.5, "linear") / 3600, None),
            "order_to_delivery_hours_p90": (pl.col("seconds").quantile(0.9, "linear") / 3600, None),
            "order_to_delivery_hours_mean": (pl.col("seconds").sum() / 3600, pl.len()),
            "late_rate": (pl.col("late").sum(), pl.len()),
            "next_day_rate": (pl.col("next_day").sum(), pl.len()),
        },
    )


def _cross_channel(world: World, sold: pl.DataFrame, accounts: pl.Series | None) -> Iterator[pl.DataFrame]:
    """Visits online that end in a store, and store sales that began online."""
    visits = world.journeys.sessions.filter("signed").select(
        "day", "utc", "person", channel=pl.when("app").then(pl.lit("app")).otherwise(pl.lit("web"))
    )
    who = visits["person"] if accounts is None else accounts.gather(visits["person"])
    visits = visits.with_columns(who=who)
    visits = visits.sort("utc")
    bought = (
        sold.filter(pl.col("channel") == "store")
        .select("who", "utc", "sales", "sales_ttc", "channel", purchase_day="day", day="day")
        .sort("utc")
    )
    ahead = visits.with_columns(pl.col("who").cast(pl.Int64)).join_asof(
        bought.select(pl.col("who").cast(pl.Int64), "utc", "purchase_day"), on="utc", by="who", strategy="forward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    measures: dict[str, tuple[pl.Expr, pl.Expr | None]] = {}
    for suffix, days in WINDOWS.items():
        mature = pl.col("day") + days <= _LAST
        converted = mature & (pl.col("purchase_day") <= pl.col("day") + days)
        measures[f"web_to_store_conversion_rate{suffix}"] = (
            pl.col("who").filter(converted).n_unique(),
            pl.col("who").filter(mature).n_unique(),
        )
    yield _tally(ahead, "day", measures)
    behind = bought.with_columns(pl.col("who").cast(pl.Int64)).join_asof(
        visits.select(pl.col("who").cast(pl.Int64), "utc", visit_day="day"), on="utc", by="who", strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    shares: dict[str, tuple[pl.Expr, pl.Expr | None]] = {}
    for suffix, days in WINDOWS.items():
        seen = pl.col("day") <= pl.col("visit_day") + days
        for tax in ("", "_ttc"):
            sales = pl.col(f"sales{tax}")
            shares[f"ropo_share_of_store_sales{suffix}{tax}"] = (sales.filter(seen).sum() / 10_000, sales.sum() / 10_000)
    yield _tally(behind, "day", shares)


def _activity(sold: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Customers of the twelve months up to each month's last day (and up to END): in two channels, on two days."""
    seen = sold.select("who", "channel", "day").unique()
    rows = []
    for end in [*_month_ends(), None]:
        last = end or END
        first = retailer.day_index(last.replace(year=last.year - 1)) + 1
        if first < 0:
            continue
        year = seen.filter(pl.col("day").is_between(first, retailer.day_index(last)))
        each = year.group_by("who").agg(channels=pl.col("channel").n_unique(), days=pl.col("day").n_unique())
        for metric, count in (("omnichannel_customer_rate", each["channels"] > 1), ("repeat_purchase_rate", each["days"] > 1)):
            rows.append(
                (
                    metric,
                    "month" if end else "all",
                    last.replace(day=1) if end else None,
                    "all",
                    float(count.sum()),
                    float(len(each)),
                )
            )
    names = ["metric", "grain", "metric_time", "channel", "numerator", "denominator"]
    types = dict.fromkeys(names, pl.String) | {"metric_time": pl.Date, "numerator": pl.Float64, "denominator": pl.Float64}
    yield pl.DataFrame(rows, schema=types, orient="row").with_columns(value=pl.col("numerator") / pl.col("denominator"))


def _month_ends() -> list[date]:
    days = [retailer.day_of(i) for i in range(DAYS)]
    return [d for d in days if d == END or retailer.day_of(retailer.day_index(d) + 1).day == 1]


def _firsts(sold: pl.DataFrame) -> pl.DataFrame:
    first = sold.sort("utc", "order").unique("who", keep="first", maintain_order=True)
    return first.select("who", first_day="day", acquired="channel")


def _cohorts(sold: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Share of each first-purchase month's customers who buy in the months after; the open month is left out."""
    firsts = _firsts(sold).with_columns(cohort=_month("first_day"))
    active = sold.select("who", month=_month("day")).unique().join(firsts, on="who")
    for keys in (["cohort"], ["cohort", "acquired"]):
        size = firsts.group_by(keys).agg(denominator=pl.len().cast(pl.Float64))
        months = active.select("month").unique().filter(pl.col("month") < END.replace(day=1))
        grid = size.join(months, how="cross").filter(pl.col("month") >= pl.col("cohort"))
        alive = active.group_by([*keys, "month"]).agg(numerator=pl.len().cast(pl.Float64))
        period = (
            (pl.col("month").dt.year() - pl.col("cohort").dt.year()) * 12
            + pl.col("month").dt.month()
            - pl.col("cohort").dt.month()
        )
        yield (
            grid.join(alive, on=[*keys, "month"], how="left")
            .with_columns(pl.col("numerator").fill_null(0.0))
            .select(
                metric=pl.lit("cohort_retention_rate"),
                grain=pl.lit("month"),
                metric_time="cohort",
                channel=pl.col("acquired") if "acquired" in keys else pl.lit("all"),
                period=period.cast(pl.Int64),
                numerator="numerator",
                denominator="denominator",
                value=pl.col("numerator") / pl.col("denominator"),
            )
        )


def _lifetime(sold: pl.DataFrame, returns: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Net sales to day n after the first purchase, over the cohorts whose last possible day has had its n days."""
    firsts = _firsts(sold).rename({"acquired": "channel"})
    closing = pl.lit(START) + pl.duration(days=pl.col("first_day"))
    reached = (closing.dt.month_end() - pl.lit(START)).dt.total_days()
    for suffix in ("", "_ttc"):
        flows = pl.concat(
            [
                sold.select("who", pl.col("day").cast(pl.Int32), amount=f"sales{suffix}"),
                returns.select("who", pl.col("day").cast(pl.Int32), amount=-pl.col(f"returned{suffix}")),
            ]
        )
        flows = flows.join(firsts.select("who", "first_day"), on="who").with_columns(age=pl.col("day") - pl.col("first_day"))
        for n in HORIZONS:
            spent = flows.filter(pl.col("age").is_between(0, n)).group_by("who").agg(amount=pl.col("amount").sum())
            cohort = (
                firsts.filter(reached + n <= _LAST).join(spent, on="who", how="left").with_columns(pl.col("amount").fill_null(0))
            )
            yield _tally(cohort, "first_day", {f"ltv_{n}d{suffix}": (_money("amount"), pl.len())})
