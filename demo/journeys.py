"""What happens around an order: preparation, parcels, visits online and in store, reservations, calls to customer service."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from demo import retailer
from demo.orders import valid, web_seconds
from demo.people import People
from demo.retailer import (
    APP,
    COLLECT,
    DAY,
    DAYS,
    END_UTC,
    EPOCH_DAY,
    FROM_STORE,
    HOME,
    MARKETPLACE,
    STORE,
    WEB,
    add_working_days,
    day_index,
    draw,
    paris_day,
    stores,
    to_utc,
    to_wall,
    wall_day,
)

PICKUP_PROMISE = 15 * 60
# Stores whose pick-ups fell behind from this day on.
SLOW_STORES = ("0010", "0021", "0026", "0027", "0033", "0050")
SLOW_FROM = day_index(date(2026, 9, 14))
CARRIERS = ("Rapidis", "Colinéo", "Transalpes Express", "RelaisVert")
# The carrier that broke down in the peak of November 2026.
FAILING, FAILING_FROM = 1, day_index(date(2026, 11, 2))
SOURCES = (  # source, medium, share
    ("google", "organic", 0.27), ("google", "cpc", 0.17), ("direct", "none", 0.20), ("newsletter", "email", 0.12),
    ("instagram", "social", 0.08), ("facebook", "paid_social", 0.07), ("affilae", "affiliate", 0.04),
    ("pinterest", "social", 0.03), ("push", "app_push", 0.02),
)  # fmt: skip
CAMPAIGNS = {
    "Black Friday": "black_friday", "Soldes d'hiver": "soldes_hiver", "Soldes d'été": "soldes_ete", "Noël": "noel",
    "French Days": "french_days", "Fête des mères": "fete_des_meres", "Rentrée": "rentree", "Mi-saison": "mi_saison",
}  # fmt: skip
CONTACT_REASONS = ("where_is_my_order", "return_refund", "product_question", "order_change", "store_question", "complaint")
NOTHING = -1  # instants that did not happen, or not yet


@dataclass(frozen=True)
class Journeys:
    fulfilments: pl.DataFrame
    shipments: pl.DataFrame
    sessions: pl.DataFrame
    reservations: pl.DataFrame
    contacts: pl.DataFrame
    traffic: pl.DataFrame


def journeys(people: People, orders: pl.DataFrame, lines: pl.DataFrame, sessions: int, rng: np.random.Generator) -> Journeys:
    """Everything around the orders, known up to END; instants are UTC seconds, null when not (yet) happened."""
    fulfilments, shipments = _fulfilments(people, orders, lines, rng)
    return Journeys(
        fulfilments,
        shipments,
        _sessions(people, orders, sessions, rng),
        _reservations(people, orders, lines, rng),
        _contacts(people, orders, shipments, rng),
        _traffic(orders, rng),
    )


def _known(utc: np.ndarray) -> pl.Series:
    """Instants as nullable integers: null for NOTHING and for what lies after END."""
    return pl.Series(utc.astype(np.int64)).to_frame("t").select(pl.when(pl.col("t").is_between(0, END_UTC - 1)).then("t"))["t"]


def _fulfilments(
    people: People, orders: pl.DataFrame, lines: pl.DataFrame, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    s = stores()
    asked = lines.filter(pl.col("product") >= 0).group_by("order").len("asked")
    work = orders.filter((pl.col("channel") != STORE) & ~pl.col("is_test") & (pl.col("fate") != "fraud")).join(
        asked, on="order", how="inner", maintain_order="left"
    )
    # Some parcels leave from two places.
    twice = (work["mode"].to_numpy() == HOME) & (work["asked"].to_numpy() > 1) & (rng.random(len(work)) < 0.11)
    work = pl.concat([work.with_columns(part=pl.lit(1)), work.filter(pl.Series(twice)).with_columns(part=pl.lit(2))]).sort(
        "order", "part"
    )
    n = len(work)
    order, day, wall, utc = (work[c].to_numpy() for c in ("order", "day", "wall", "utc"))
    home = people.home[work["person"].to_numpy()]
    collects = work["mode"].to_numpy() == COLLECT
    cancelled = work["fate"].to_numpy() == "cancelled"
    split = np.isin(order, order[work["part"].to_numpy() == 2])
    u = rng.random((n, 12))
    live = (day >= s.ship_day[home]) & (day <= s.last_day[home])
    from_store = ~collects & live & (np.isin(work["channel"].to_numpy(), [WEB, APP])) & (u[:, 0] < 0.17)
    place = np.where(collects, work["pickup"].to_numpy(), np.where(from_store, home, -1)).astype(int)
    south = np.isin(s.frame["region"].to_numpy(), ["Sud-Est", "Sud-Ouest", "Espagne", "Italie"])[home]
    second = work["part"].to_numpy() == 2
    from_store &= ~second
    place = np.where(second, -1, place)
    warehouse = south ^ second
    created = utc + rng.integers(15, 100, n)
    at = np.maximum(place, 0)

    # Pick-up: opening seconds until ready; the slow stores take twice as long and worsen by the week.
    slow = np.isin(s.frame["location_id"].to_numpy(), SLOW_STORES)[at] & (day >= SLOW_FROM)
    peak = np.array([retailer.day_of(i).month == 12 for i in range(DAYS)])[day]
    typical = 480 * (0.85 + 0.3 * (at * 7 % 11) / 10) * np.where(peak, 1.3, 1) * np.where(slow, 1.9 + (day - SLOW_FROM) / 90, 1)
    lead = np.maximum(60, typical * np.exp(rng.normal(0, 0.6, n))).astype(np.int64)
    zone = s.timezone[at]
    here = to_wall(utc, zone)
    ready = np.full(n, NOTHING)
    collected, expired, stopped = ready.copy(), ready.copy(), ready.copy()
    c = np.flatnonzero(collects & ~cancelled)
    ready_wall = retailer.after_opening_seconds(at[c], here[c], lead[c])
    ready[c] = to_utc(ready_wall, zone[c])
    waited = np.exp(rng.normal(np.log(19 * 3600), 1.0, len(c)))
    collected_wall = retailer.after_opening_seconds(at[c], ready_wall, np.clip(waited * 0.42, 300, 60 * 3600).astype(np.int64))
    collected[c] = to_utc(collected_wall, zone[c])
    gone = u[c, 1] < 0.038
    expired[c] = np.where(gone, ready[c] + 7 * DAY, NOTHING)
    collected[c] = np.where(gone, NOTHING, collected[c])
    promised_wall = here.copy()
    promised_wall[collects] = retailer.after_opening_seconds(
        at[collects], here[collects], np.full(collects.sum(), PICKUP_PROMISE)
    )
    promised = to_utc(promised_wall, zone)

    # Parcels: prepared the same working day before 15:00, else the next; stores take a day more now and then.
    h = np.flatnonzero(~collects)
    early = (wall[h] % DAY < 15 * 3600) & retailer.working_days()[day[h]]
    ship_day = np.where(early, day[h], add_working_days(day[h], 1))
    late_start = (u[h, 2] < np.where(from_store[h], 0.16, 0.05)) | ((u[h, 2] < 0.2) & peak[h])
    ship_day = np.where(late_start, add_working_days(ship_day, 1), ship_day)
    shipped_wall = (ship_day + EPOCH_DAY) * DAY + 16 * 3600 + rng.integers(0, 3 * 3600, len(h))
    express = (u[h, 3] < 0.18) & (work["channel"].to_numpy()[h] != MARKETPLACE)
    abroad = work["country"].to_numpy()[h] != 0
    carrier = rng.choice(4, len(h), p=[0.36, 0.31, 0.15, 0.18])
    carrier = np.where(abroad, 2, np.where(express & (carrier == 3), 0, carrier))
    promise_days = np.where(express, 1, np.where(carrier == 3, 4, 3)) + abroad
    base = np.where(early, day[h], add_working_days(day[h], 1))
    promise_day = add_working_days(base, promise_days)
    quick = rng.random(len(h))
    transit = np.where(express, 1, np.where(quick < 0.58, 1, np.where(quick < 0.91, 2, 3)) + (carrier == 3)) + abroad
    month = np.array([retailer.day_of(i).month for i in range(DAYS + 80)])[ship_day]
    risk = np.array([0.030, 0.042, 0.050, 0.035])[carrier] * np.where(month == 12, 2.4, np.where(month == 11, 1.5, 1))
    risk = risk * np.where(south[h], 1.35, 1)
    risk = np.where((carrier == FAILING) & (ship_day >= FAILING_FROM), 0.34, risk)
    delay = np.where(rng.random(len(h)) < risk, 1 + rng.geometric(0.42, len(h)), 0) + (quick > 0.985)
    arrival_day = add_working_days(ship_day, transit + delay)
    arrival = (arrival_day + EPOCH_DAY) * DAY + 8 * 3600 + (rng.beta(2.2, 2.6, len(h)) * 11.5 * 3600).astype(np.int64)
    country_zone = np.where(np.array(retailer.COUNTRIES)[work["country"].to_numpy()[h]] == "PT", 1, 0)
    lost = u[h, 4] < 0.004
    failed = ~lost & (u[h, 4] > 0.992)
    stop = cancelled[h]
    ships = ~stop
    shipped = np.full(n, NOTHING)
    delivered = shipped.copy()
    shipped[h] = np.where(ships, to_utc(shipped_wall, 0), NOTHING)
    delivered[h] = np.where(ships & ~lost & ~failed, to_utc(arrival, country_zone), NOTHING)
    promised[h] = to_utc((promise_day + EPOCH_DAY) * DAY + 20 * 3600, country_zone)
    moved_promise = np.zeros(n, bool)
    moved_promise[h] = late_start & (u[h, 5] < 0.5)
    first_promised = promised.copy()
    promised[moved_promise] = to_utc(
        (add_working_days(wall_day(to_wall(promised[moved_promise], 0)), 1) + EPOCH_DAY) * DAY + 20 * 3600, 0
    )
    stopped[cancelled] = (created + 600 + (u[:, 6] * 5 * 3600).astype(np.int64))[cancelled]
    accepted = np.where(
        cancelled, NOTHING, np.where(collects, created + ((ready - created) * 0.35 * u[:, 7]).astype(np.int64), created + 900)
    )
    count = work["asked"].to_numpy()
    requested = np.where(split, np.where(second, count // 2, count - count // 2), count)
    reason = np.where(
        cancelled, np.where(collects, "out_of_stock", "customer_request"), np.where(_spread(n, h, late_start), "late_picking", "")
    )
    status_shipped = (shipped > 0) & (shipped < END_UTC)
    locations = s.frame["location_id"].to_numpy()
    location = np.where(place >= 0, locations[at], np.where(warehouse, "9002", "9001"))
    mode = np.where(collects, COLLECT, np.where(from_store, FROM_STORE, HOME))
    fulfilments = pl.DataFrame(
        {
            "fulfilment": np.arange(n),
            "order": order, "number": work["number"], "mode": mode.astype(np.int8), "store": place.astype(np.int16),
            "location": location, "created": _known(created), "promised": promised, "first_promised": first_promised,
            "accepted": _known(accepted), "ready": _known(ready), "collected": _known(collected), "shipped": _known(shipped),
            "delivered": _known(delivered), "cancelled": _known(stopped), "expired": _known(expired), "reason": reason,
            "requested": requested, "fulfilled": np.where(cancelled, 0, requested),
            "cost": np.round(np.where(collects, 160, np.where(from_store, 290, 210)) + 35 * requested + 40 * u[:, 8]).astype(int),
        }
    )  # fmt: skip
    gone_out = pl.Series(status_shipped[h])
    shipments = (
        pl.DataFrame(
            {
                "fulfilment": h, "order": order[h], "number": work["number"].gather(h), "channel": work["channel"].gather(h),
                "carrier": carrier.astype(np.int8), "express": express, "shipped": _known(shipped[h]), "promised": promised[h],
                "delivered": _known(delivered[h]), "zone": country_zone, "lost": lost, "failed": failed,
                "attempts": 1 + (delay > 0) + failed * 2, "region": s.frame["region"].gather(home[h]),
                "cost": (np.array([510, 455, 690, 395])[carrier] + 260 * express + 420 * abroad + 90 * u[h, 9]).astype(int),
            }
        )
        .filter(gone_out)
        .with_row_index("shipment")
        .with_columns(
            status=pl.when(pl.col("delivered").is_not_null())
            .then(pl.lit("delivered"))
            .when(pl.col("failed") & (pl.col("shipped") < END_UTC - 8 * DAY))
            .then(pl.lit("failed"))
            .when(pl.col("lost") & (pl.col("shipped") < END_UTC - 14 * DAY))
            .then(pl.lit("lost"))
            .otherwise(pl.lit("in_transit"))
        )
    )  # fmt: skip
    # Work on an order of the last seconds is not handed out yet.
    return fulfilments.filter(pl.col("created").is_not_null()), shipments


def _spread(size: int, positions: np.ndarray, values: np.ndarray) -> np.ndarray:
    spread = np.zeros(size, bool)
    spread[positions] = values
    return spread


def settle(orders: pl.DataFrame, fulfilments: pl.DataFrame) -> pl.DataFrame:
    """Orders with their standard `status` at END; an order nobody collected is cancelled, and then no longer valid."""
    last = fulfilments.group_by("order").agg(
        done=(pl.col("delivered").is_not_null() | pl.col("collected").is_not_null()).all(),
        left=pl.col("shipped").is_not_null().any(),
        expired=pl.col("expired").is_not_null().any(),
    )
    orders = orders.join(last, on="order", how="left", maintain_order="left")
    fate = pl.when((pl.col("fate") == "") & pl.col("expired").fill_null(False)).then(pl.lit("cancelled")).otherwise("fate")
    return (
        orders.with_columns(fate=fate)
        .with_columns(
            status=pl.when(pl.col("fate") != "")
            .then("fate")
            .when(pl.col("channel") == STORE)
            .then(pl.lit("completed"))
            .when(pl.col("done").fill_null(False))
            .then(pl.lit("delivered"))
            .when(pl.col("left").fill_null(False))
            .then(pl.lit("shipped"))
            .otherwise(pl.lit("paid"))
        )
        .drop("done", "left", "expired")
    )


def _sessions(people: People, orders: pl.DataFrame, target: int, rng: np.random.Generator) -> pl.DataFrame:
    """About `target` web and app sessions: before orders, before visits to a store, and all the others."""
    s = stores()
    person, channel, utc = (orders[c].to_numpy() for c in ("person", "channel", "utc"))
    day, store = orders["day"].to_numpy(), orders["store"].to_numpy().astype(int)
    online = (channel == WEB) | (channel == APP)

    bought = np.flatnonzero(online & (rng.random(len(orders)) < 0.64))  # the rest refused to be measured
    at_order = utc[bought] - rng.integers(180, 2400, len(bought))

    looked = np.flatnonzero(online)
    looked = np.repeat(looked, rng.poisson(1.0, len(looked)))
    before_order = utc[looked] - (3600 + rng.exponential(3.0 * DAY, len(looked))).astype(np.int64)

    # Looking online before a visit to the store: more once the store shows its stock and hands over orders.
    live = (channel == STORE) & (day >= s.collect_day[store])
    months = np.clip((day - s.collect_day[store]) / 30.4, 0, 12)
    wired = people.has_account[person]
    chance = np.where(live, 0.17 + 0.16 * (1 - np.exp(-months / 4)), 0.11) * np.where(wired, 1.25, 0.45)
    visits = np.flatnonzero((channel == STORE) & (rng.random(len(orders)) < chance))
    before_visit = utc[visits] - (1800 + rng.exponential(2.2 * DAY, len(visits))).astype(np.int64)

    # Everything else: known people browsing, and strangers.
    rest = max(target - len(bought) - len(looked) - len(visits), 0)
    level = retailer.trading()["web"]
    strangers = int(rest * 0.66)
    browsing = rng.choice(len(people), rest - strangers, p=_browsing(people))
    days = rng.choice(DAYS, rest, p=level / level.sum())
    at_random = to_utc(web_seconds(rng, days), 0)

    who = np.r_[person[bought], person[looked], person[visits], browsing, np.full(strangers, -1)].astype(np.int32)
    started = np.r_[at_order, before_order, before_visit, at_random]
    purpose = np.repeat(np.arange(4, dtype=np.int8), [len(bought), len(looked), len(visits), rest])
    order = np.r_[bought, np.full(len(started) - len(bought), -1)].astype(np.int32)
    n = len(started)
    known = who >= 0
    account = people.has_account[who] & known
    u = rng.random((5, n), dtype=np.float32)
    share = np.clip((paris_day(np.maximum(started, 0)) / DAYS), 0, 1)
    in_app = np.where(purpose == 0, channel[np.maximum(order, 0)] == APP, u[0] < np.where(account, 0.16 + 0.2 * share, 0.03))
    signed = account & (u[1] < np.where(in_app, 0.90, np.where(purpose == 0, 0.80, 0.46)))
    device = np.where(in_app | (u[2] < 0.58), 0, np.where(u[2] < 0.94, 1, 2))
    visitor = np.where(known, who * 4 + device + in_app, 10_000_000_000 + (u[3] ** 1.5 * strangers * 0.72).astype(np.int64))
    source = draw(rng, np.array([[x[2] for x in SOURCES], [0.02, 0, 0.5, 0.1, 0.03, 0.02, 0, 0, 0.33]]), in_app.astype(int))
    views = 1 + rng.negative_binomial(1, np.where(purpose == 3, 0.24, 0.11), n) * ~((purpose == 3) & (u[4] < 0.38))
    views = np.where(purpose == 0, views + 4, views)
    looks = rng.binomial(views, np.where(purpose == 3, 0.34, 0.45))
    carts = np.where(purpose == 0, 1 + rng.binomial(3, 0.3, n), rng.binomial(np.minimum(looks, 6), 0.075))
    checks = rng.binomial(np.minimum(looks, 4), np.where(purpose == 2, 0.34, 0.05))
    frame = pl.DataFrame(
        {
            "person": who, "utc": started, "order": order, "app": in_app, "signed": signed, "device": device.astype(np.int8),
            "visitor": visitor, "source": source.astype(np.int8), "views": views.astype(np.int16),
            "looks": looks.astype(np.int16), "carts": carts.astype(np.int8), "checks": checks.astype(np.int8),
        }
    )  # fmt: skip
    frame = frame.filter(pl.col("utc").is_between(start_utc(), END_UTC - 1)).sort("utc", maintain_order=True)
    return frame.with_row_index("session").with_columns(day=pl.Series(paris_day(frame["utc"].to_numpy())).cast(pl.Int32))


def start_utc() -> int:
    """The first instant of START in Paris, UTC seconds."""
    return int(to_utc(np.array([EPOCH_DAY * DAY]), 0)[0])


def _browsing(people: People) -> np.ndarray:
    weight = np.where(people.has_account, 3.0, 0.8)
    return weight / weight.sum()


def _reservations(people: People, orders: pl.DataFrame, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Holds of a product that ended in a ticket whose number the till scanned; `demo.reservations` adds all others."""
    s = stores()
    ids = s.collect_day
    ticket = orders.filter((pl.col("channel") == STORE) & valid()).select("order", "person", "store", "utc", "day", "number")
    first = lines.filter((pl.col("line") == 1) & (pl.col("product") >= 0)).select("order", "product")
    ticket = ticket.join(first, on="order", how="inner", maintain_order="left")
    chance = np.where(
        (ticket["day"].to_numpy() > ids[ticket["store"].to_numpy()] + 60) & people.has_account[ticket["person"].to_numpy()],
        0.028,
        0,
    )
    made = ticket.filter(pl.Series(rng.random(len(ticket)) < chance))
    n = len(made)
    reserved = made["utc"].to_numpy() - (2 * 3600 + rng.random(n) * 40 * 3600).astype(np.int64)
    return made.select(
        "person",
        "store",
        "product",
        "order",
        ticket="number",
        reserved=pl.Series(reserved),
        expires=pl.Series(reserved + 2 * DAY),
        status=pl.lit("bought"),
    ).filter(pl.Series(rng.random(n) < 0.71) & (pl.col("reserved") >= start_utc()))


def _contacts(people: People, orders: pl.DataFrame, shipments: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Calls, mails and chats: parcels that are late or lost cause them, some come again."""
    known = orders.filter((pl.col("channel") != STORE) & ~pl.col("is_test")).select("order", "person", "utc", "number", "mode")
    fate = shipments.group_by("order").agg(
        due=pl.col("promised").min(),
        late=(pl.col("delivered").fill_null(END_UTC) > pl.col("promised")).any(),
        lost=pl.col("lost").any() | pl.col("failed").any(),
    )
    known = known.join(fate, on="order", how="left", maintain_order="left").with_columns(
        pl.col("late", "lost").fill_null(False), pl.col("due").fill_null(pl.col("utc") + 2 * DAY)
    )
    late, lost = known["late"].to_numpy(), known["lost"].to_numpy()
    chance = np.where(lost, 0.88, np.where(late, 0.42, 0.085))
    call = known.filter(pl.Series(rng.random(len(known)) < chance))
    late = call["late"].to_numpy() | call["lost"].to_numpy()
    n = len(call)
    reason = np.where(late & (rng.random(n) < 0.86), 0, rng.choice(6, n, p=[0.22, 0.32, 0.16, 0.14, 0.08, 0.08]))
    start = np.where(
        reason == 0, call["due"].to_numpy() + rng.integers(0, 3, n) * DAY, call["utc"].to_numpy() + rng.integers(1, 12, n) * DAY
    )
    general = rng.integers(0, len(people), n // 5)
    general_days = rng.integers(0, DAYS, len(general))
    person = np.r_[call["person"].to_numpy(), general]
    order = np.r_[call["order"].to_numpy().astype(np.int64), np.full(len(general), -1)]
    reason = np.r_[reason, rng.choice([2, 4], len(general))]
    day = np.r_[wall_day(start), general_days]
    again = np.flatnonzero(rng.random(len(person)) < np.where(reason == 0, 0.27, 0.12))
    person, order, reason = (np.r_[x, x[again]] for x in (person, order, reason))
    day = np.r_[day, day[again] + rng.integers(1, 7, len(again))]
    n = len(person)
    day = day + (retailer.weekday(day) == 6)
    wall = (day + EPOCH_DAY) * DAY + 9 * 3600 + (rng.beta(1.4, 1.6, n) * 9.5 * 3600).astype(np.int64) // 60 * 60
    by = rng.choice(4, n, p=[0.41, 0.31, 0.19, 0.09])
    minutes = np.round(rng.gamma(3, np.array([2.6, 3.1, 2.2, 0.3])[by], n), 1)
    solved = wall + np.where(by == 1, rng.exponential(20 * 3600, n), rng.exponential(3600, n)).astype(np.int64) // 60 * 60 + 300
    satisfied = rng.random(n) < 0.3
    score = np.clip(np.round(rng.normal(np.where(reason == 0, 2.9, 4.0), 1.0, n)), 1, 5)
    numbers = orders["number"]
    frame = pl.DataFrame(
        {
            "person": person, "order": order, "reason": reason.astype(np.int8), "wall": wall, "utc": to_utc(wall, 0),
            "by": by.astype(np.int8), "minutes": minutes, "solved": _known(to_utc(solved, 0)), "score": score.astype(int),
            "scored": satisfied, "transfer": rng.random(n) < 0.05, "outbound": rng.random(n) < 0.04,
            "says": rng.integers(0, 3, n).astype(np.int8),
        }
    ).with_columns(
        number=pl.when(pl.col("order") >= 0).then(numbers.gather(np.maximum(order, 0))),
    )  # fmt: skip
    keep = pl.col("utc").is_between(start_utc(), END_UTC - 1) & (pl.col("wall") >= EPOCH_DAY * DAY)
    return frame.filter(keep).sort("utc", "person", "reason", maintain_order=True).with_row_index("contact")


def _traffic(orders: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """People counted in by hour, in the stores that have a counter; some hours are missing."""
    s = stores()
    counted = np.flatnonzero(np.arange(len(s.weight)) % 4 != 3)
    hours = pl.concat(
        [
            pl.DataFrame(
                {"store": np.repeat(i, DAYS * 24), "day": np.repeat(np.arange(DAYS), 24), "hour": np.tile(np.arange(24), DAYS)}
            )
            for i in counted
        ]
    )
    store, day, hour = (hours[c].to_numpy() for c in ("store", "day", "hour"))
    opens, closes = s.opens[store, day], s.closes[store, day]
    shut = np.array([retailer.day_of(i) in retailer.SHUT for i in range(DAYS)])[day]
    trading = (hour * 3600 >= opens // 3600 * 3600) & (hour * 3600 < closes) & ~shut
    trading &= (day >= s.first_day[store]) & (day <= s.last_day[store])
    hours = hours.filter(pl.Series(trading))
    tickets = (
        orders.filter(pl.col("channel") == STORE)
        .select(pl.col("store").cast(pl.Int64), pl.col("day").cast(pl.Int64), hour=(pl.col("wall") % DAY) // 3600)
        .group_by("store", "day", "hour")
        .len("tickets")
    )
    hours = hours.join(tickets, on=["store", "day", "hour"], how="left", maintain_order="left").with_columns(
        pl.col("tickets").fill_null(0)
    )
    level = retailer.trading()["store"]
    store, day, hour = (hours[c].to_numpy() for c in ("store", "day", "hour"))
    opens, closes = s.opens[store, day], s.closes[store, day]
    at = (hour * 3600 + 1800 - opens) / np.maximum(closes - opens, 3600)
    # Those who only look come when buyers come (see `orders.store_seconds`), and at the busiest hours all the more.
    busy = (1.31 * np.exp(-(((at - 0.25) / 0.11) ** 2) / 2) + 1.70 * np.exp(-(((at - 0.66) / 0.15) ** 2) / 2) + 0.2) * level[day]
    mean = len(orders) * 0.7 / DAYS / s.weight.sum() * s.weight[store] / 10 * (busy / level.mean()) ** 1.2
    entries = hours["tickets"].to_numpy() + rng.poisson(mean * 2.7)
    wall = (day + EPOCH_DAY) * DAY + hour * 3600
    return hours.with_columns(
        entries=pl.Series(entries), wall=pl.Series(wall), utc=pl.Series(to_utc(wall, s.timezone[store]))
    ).filter(pl.Series(rng.random(len(hours)) > 0.004))
