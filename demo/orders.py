"""What people buy and bring back: orders, their lines, and returns, each a frame of numbers in time order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from demo import retailer
from demo.people import People
from demo.products import COUPON, STAFF, Products, category_weights, vat
from demo.retailer import (
    APP,
    COLLECT,
    DAY,
    DAYS,
    END_UTC,
    EPOCH_DAY,
    HOME,
    IN_STORE,
    MARKETPLACE,
    PHONE,
    STORE,
    WEB,
    draw,
    stores,
    to_utc,
    trading,
    wall_day,
)

# How the next purchase is shared between channels (store, web, app, marketplace, phone), by channel of acquisition.
_HABITS = np.array(
    [
        [0.900, 0.062, 0.026, 0.007, 0.005],
        [0.300, 0.545, 0.110, 0.035, 0.010],
        [0.280, 0.180, 0.520, 0.020, 0.000],
        [0.170, 0.150, 0.050, 0.625, 0.005],
        [0.400, 0.250, 0.030, 0.020, 0.300],
    ]
)
# By channel of acquisition: purchases in two years while active, and chance of never coming back after one.
_PACE = np.array([9.6, 7.6, 10.5, 4.0, 6.0])
_LEAVES = np.array([0.13, 0.20, 0.11, 0.42, 0.18])
_WEB_HOURS = np.array(
    [0.9, 0.4, 0.2, 0.1, 0.1, 0.2, 0.7, 1.6, 2.4, 2.9, 3.3, 3.5, 4.3, 4.4, 3.6, 3.3, 3.4, 3.8, 4.6, 5.2, 6.3, 7.3, 6.1, 2.9]
)
_BASKET = np.array([[0.46, 0.27, 0.14, 0.07, 0.04, 0.02], [0.38, 0.29, 0.17, 0.09, 0.05, 0.02]])
_RETURN_RATE = np.array([0.058, 0.165, 0.155, 0.120, 0.10])
_RETURN_TILT = np.array([1.5, 1.1, 1.3, 1.25, 1.0, 1.45, 0.6, 0.45, 0.4, 0.05])
RETURN_REASONS = ("size", "fit", "colour", "damaged", "changed_mind", "late")


@dataclass(frozen=True)
class Sales:
    orders: pl.DataFrame
    lines: pl.DataFrame
    returns: pl.DataFrame


def sales(people: People, products: Products, rng: np.random.Generator, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Sales:
    """All orders from START to END with their lines and returns; `order` is the row number in time order.

    `change` is what the retailer's own doing makes of the orders that would have been placed anyway.
    """
    orders = change(_orders(people, rng))
    orders = orders.sort("utc", "person", "channel", "wall", maintain_order=True).with_row_index("order")
    lines = order_lines(orders, products, rng)
    orders = _with_numbers(orders, people, rng)
    return Sales(orders, lines, _returns(orders, lines, people, rng))


def web_seconds(rng: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Wall-clock seconds of something done online on each day; never in the night a clock changes."""
    hour = rng.choice(24, len(day), p=_WEB_HOURS / _WEB_HOURS.sum())
    before = to_utc((day - 1 + EPOCH_DAY) * DAY, 0) - to_utc((day + EPOCH_DAY) * DAY, 0)
    hour = np.where((before != -DAY) & (hour < 4), hour + 8, hour)
    return (day + EPOCH_DAY) * DAY + hour * 3600 + rng.integers(0, 3600, len(day))


def store_seconds(rng: np.random.Generator, store: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Wall-clock seconds, to the minute, of a visit while the store is open: late morning and late afternoon are busiest."""
    s = stores()
    opens, closes = s.opens[store, day], s.closes[store, day]
    opens, closes = np.where(closes > opens, opens, 10 * 3600), np.where(closes > opens, closes, 19 * 3600)
    morning = rng.random(len(day)) < 0.36
    share = np.where(morning, rng.normal(0.25, 0.11, len(day)), rng.normal(0.66, 0.15, len(day)))
    second = opens + (closes - opens) * np.clip(share, 0.005, 0.985)
    return (day + EPOCH_DAY) * DAY + second.astype(np.int64) // 60 * 60


def _purchases(people: People, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Person, moment and rank of every purchase. Moments run from 0 to 1 in *trading* time, so seasons come by themselves.

    Each person buys at a steady pace of their own and, after any purchase, may leave for good (the BG/NBD model), so
    retention decays as it does in life and customers won by different channels differ.
    """
    n = len(people)
    pace = rng.gamma(1.4, _PACE[people.acquired] / 1.4, n) + 0.15
    leaves = np.clip(rng.beta(1.2, 1.2 / _LEAVES[people.acquired] - 1.2, n), 0.015, 1.0)
    pace = np.where(people.existing, pace * 1.25, pace)
    leaves = np.where(people.existing, leaves * 0.75, leaves)
    count = np.minimum(rng.geometric(leaves), 90)
    person = np.repeat(np.arange(n, dtype=np.int32), count)
    gaps = rng.exponential(1 / pace[person])
    first = np.cumsum(count) - count
    gaps[first] = np.where(people.existing, gaps[first], rng.random(n))
    total = np.cumsum(gaps)
    moment = total - (total[first] - gaps[first])[person]
    rank = np.arange(len(person)) - first[person]
    kept = moment < 1
    return person[kept], moment[kept], rank[kept]


def _orders(people: People, rng: np.random.Generator) -> pl.DataFrame:
    s = stores()
    person, moment, rank = _purchases(people, rng)
    n = len(person)
    level = trading()
    rough = np.searchsorted(np.cumsum(level["web"]) / level["web"].sum(), moment)
    home = people.home[person]
    overseas = s.timezone[home] >= 2

    # Channel: habit, drifting online.
    weights = _HABITS[people.acquired[person]] * np.stack(
        [np.ones(n), 1 + 0.5 * moment, 0.75 + 1.25 * moment, np.ones(n), 1 - 0.4 * moment], axis=1
    )
    weights[:, APP] *= people.has_account[person]
    weights[:, MARKETPLACE] *= s.country[home] == 0
    channel = np.where(rank == 0, people.acquired[person], draw(rng, weights, np.arange(n)))
    channel = np.where(overseas & (channel != STORE) & (rough < s.collect_day[home]), STORE, channel)

    # Store: nearly always the home store; the neighbour's when it is not open yet or any more.
    store = np.where(rng.random(n) < 0.88, home, rng.choice(len(s.weight), n, p=s.weight / s.weight.sum()))
    store = np.where(overseas, home, store)

    day = np.empty(n, np.int64)
    for number, name in enumerate(retailer.CHANNELS):
        if number == STORE:
            for shut, key in ((True, "store_shut_sundays"), (False, "store")):
                mine = (channel == STORE) & (s.shuts_sundays[store] == shut)
                day[mine] = np.searchsorted(np.cumsum(level[key]) / level[key].sum(), moment[mine])
        else:
            mine = channel == number
            day[mine] = np.searchsorted(np.cumsum(level[name]) / level[name].sum(), moment[mine])
    day = np.minimum(day, DAYS - 1)
    open_now = (day >= s.first_day[store]) & (day <= s.last_day[store])
    moved = np.where(open_now, store, s.fallback[store])
    # The neighbour may rest on Sunday.
    rests = s.shuts_sundays[moved] & (retailer.weekday(day) == 6)
    day = np.where((channel == STORE) & ~open_now & rests, np.maximum(day - 1, 0), day)
    store = moved

    wall = web_seconds(rng, day)
    wall = np.where(channel == STORE, store_seconds(rng, store, day), wall)
    office = (channel == PHONE) | (channel == MARKETPLACE)
    wall = np.where(office, wall // 60 * 60, wall)
    wall = np.where(channel == PHONE, (day + EPOCH_DAY) * DAY + 9 * 3600 + (wall % (9 * 3600)) // 60 * 60, wall)
    timezone = np.where(channel == STORE, s.timezone[store], 0)
    utc = to_utc(wall, timezone)

    # Click & collect: adopted step by step after the store's go-live; the app's customers are keener.
    open_now = (day >= s.first_day[home]) & (day <= s.last_day[home])
    months = (day - s.collect_day[home]) / 30.4
    adoption = np.where(months >= 0, 0.14 + 0.34 * (1 - np.exp(-np.maximum(months, 0) / 5)), 0) * open_now
    adoption = np.where(channel == APP, adoption * 1.25, adoption)
    online = (channel == WEB) | (channel == APP)
    collects = online & ((rng.random(n) < adoption) | overseas)
    mode = np.where(channel == STORE, IN_STORE, np.where(collects, COLLECT, HOME))

    u = rng.random((n, 4))
    in_store = channel == STORE
    is_staff = in_store & (u[:, 0] < 0.006)
    is_b2b = ~is_staff & (in_store | (channel == WEB)) & (u[:, 0] > 0.997)
    is_test = (channel == WEB) & (u[:, 1] < 0.0012)
    fate = np.full(n, "", dtype=object)
    plain = ~(is_staff | is_b2b | is_test)
    fate[plain & in_store & (u[:, 2] < 0.005)] = "voided"
    fate[plain & ~in_store & (u[:, 2] < 0.0015)] = "fraud"
    fate[plain & ~in_store & (u[:, 2] > 0.983)] = "cancelled"
    is_free = plain & in_store & (fate == "") & (u[:, 3] < 0.0008)
    coupon = plain & ~is_free & (u[:, 3] > np.array([0.955, 0.885, 0.86, 1.0, 0.97])[channel])
    country = np.where(channel == STORE, s.country[store], people.country[person])

    return pl.DataFrame(
        {
            "person": person, "channel": channel.astype(np.int8), "store": np.where(in_store, store, -1).astype(np.int16),
            "pickup": np.where(collects, home, -1).astype(np.int16), "day": day.astype(np.int32), "wall": wall, "utc": utc,
            "country": country.astype(np.int8), "mode": mode.astype(np.int8), "fate": fate.astype(str),
            "is_test": is_test, "is_staff": is_staff, "is_b2b": is_b2b, "is_free": is_free, "coupon": coupon,
        }
    )  # fmt: skip


def till_tickets(
    people: People, person: np.ndarray, store: np.ndarray, wall: np.ndarray, number: pl.Series, shows: np.ndarray
) -> pl.DataFrame:
    """Plain tickets of people in stores, by the till's clock; `shows`, in [0, 1), says what of card and e-mail it saw."""
    s = stores()
    shown = people.frame.select("person", "card", "email")[person]
    return pl.DataFrame(
        {
            "person": person, "channel": STORE, "store": store, "pickup": -1, "day": wall_day(wall), "wall": wall,
            "utc": to_utc(wall, s.timezone[store]), "country": s.country[store], "mode": IN_STORE, "fate": "",
            "status": "completed", "is_test": False, "is_staff": False, "is_b2b": False, "is_free": False, "coupon": False,
            "number": number,
            "shown_card": pl.select(pl.when(pl.Series(shows < 0.9)).then(shown["card"])).to_series(),
            "shown_email": pl.select(pl.when(pl.Series(shows > 0.25)).then(shown["email"])).to_series(),
        }
    )  # fmt: skip


def appended(orders: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """Tickets as rows to stand after all `orders`: numbered on, and of the same types."""
    tickets = tickets.with_row_index("order", offset=len(orders))
    return tickets.cast({c: orders.schema[c] for c in tickets.columns})


def order_lines(orders: pl.DataFrame, products: Products, rng: np.random.Generator) -> pl.DataFrame:
    """What each order holds; `order` is the row number in `orders`."""
    n = len(orders)
    channel, day = orders["channel"].to_numpy(), orders["day"].to_numpy()
    count = 1 + draw(rng, _BASKET, ((channel == WEB) | (channel == APP)).astype(int))
    order = np.repeat(np.arange(n, dtype=np.int32), count)
    first = np.cumsum(count) - count
    month = np.array([retailer.day_of(i).month - 1 for i in range(DAYS)])[day]
    categories = category_weights()
    width = categories.shape[2]
    category = draw(rng, categories.reshape(-1, width), (month * 5 + channel)[order]).astype(np.int16)
    same = rng.random(len(order)) < 0.38
    category = np.where(same, category[first][order], category)

    # A product of the category that is on sale that week, by popularity; the matrix is [week × category, product].
    weeks = DAYS // 7 + 1
    starts = np.arange(weeks) * 7
    sold = (products.first_day[None, :] <= starts[:, None]) & (products.last_day[None, :] >= starts[:, None] + 6)
    marked = 1 + 2.2 * (products.kind[:, np.minimum(starts + 2, DAYS - 1)].T > 0)
    weight = (products.popularity[None, :] * sold * marked)[:, None, :] * (
        products.category[None, None, :] == np.arange(width)[None, :, None]
    )
    product = draw(rng, weight.reshape(weeks * width, -1), (day[order] // 7) * width + category).astype(np.int32)

    gift = np.flatnonzero((rng.random(n) < 0.007) & np.isin(channel, [STORE, WEB]) & ~orders["is_free"].to_numpy())
    frame = pl.DataFrame(
        {"order": np.r_[order, gift.astype(np.int32)], "product": np.r_[product, np.full(len(gift), -1, np.int32)]}
    )
    frame = frame.unique(maintain_order=True).sort("order", maintain_order=True)
    order, product = frame["order"].to_numpy(), frame["product"].to_numpy()
    m = len(order)
    is_gift = product < 0
    listed = np.where(is_gift, rng.choice([2000, 3000, 5000, 10000], m), products.list_price[product])
    price = np.where(is_gift, listed, products.price[product, day[order]])
    kind = np.where(is_gift, 0, products.kind[product, day[order]])
    u = rng.random(m)
    quantity = np.where(is_gift, 1, 1 + (u < 0.035) + (u < 0.006))
    category = np.where(is_gift, -1, products.category[product])
    quantity = np.where((category >= 6) & (u > 0.93), quantity + 1, quantity)
    staff, free = orders["is_staff"].to_numpy()[order], orders["is_free"].to_numpy()[order]
    couponed = orders["coupon"].to_numpy()[order] & (kind == 0) & ~is_gift
    percent = np.where(free, 100, np.where(staff & ~is_gift, 25, np.where(couponed, 10, 0)))
    discount = (quantity * price * percent + 50) // 100
    kind = np.where(staff & ~is_gift, STAFF, np.where((couponed | free) & (kind == 0), COUPON, kind))
    return frame.select(
        pl.col("order").cast(pl.UInt32),
        pl.Series("line", _position(order).astype(np.int8)),
        pl.col("product").cast(pl.Int32),
        pl.Series("category", category.astype(np.int8)),
        pl.Series("quantity", quantity.astype(np.int32)),
        pl.Series("price", price.astype(np.int32)),
        pl.Series("listed", listed.astype(np.int32)),
        pl.Series("discount", discount.astype(np.int32)),
        pl.Series("kind", kind.astype(np.int8)),
        pl.Series("vat", vat(orders["country"].to_numpy()[order], category).astype(np.int16)),
    ).with_columns(paid=pl.col("quantity") * pl.col("price") - pl.col("discount"))


def _position(group: np.ndarray) -> np.ndarray:
    """1, 2, 3 … within each run of equal values."""
    starts = np.r_[True, group[1:] != group[:-1]]
    index = np.arange(len(group))
    return index - np.maximum.accumulate(np.where(starts, index, 0)) + 1


def _with_numbers(orders: pl.DataFrame, people: People, rng: np.random.Generator) -> pl.DataFrame:
    """Orders with the number their system gave them and what the customer showed of themselves."""
    s = stores()
    ids = s.frame["location_id"].to_list()
    known = people.frame.select("person", "card", "other_card", "account", "email", "other_email", "phone")
    u = rng.random((len(orders), 4))
    orders = orders.with_columns(
        store_id=pl.col("store").cast(pl.Int64).replace_strict(dict(enumerate(ids)), default=None, return_dtype=pl.String),
        till=pl.Series(rng.integers(1, 4, len(orders))),
        u0=pl.Series(u[:, 0]),
        u1=pl.Series(u[:, 1]),
        u2=pl.Series(u[:, 2]),
        channel_rank=pl.int_range(pl.len()).over(pl.col("channel").replace({APP: WEB, PHONE: WEB})),
        store_rank=pl.int_range(pl.len()).over("store"),
    ).join(known, on="person", how="left", maintain_order="left")
    ticket = pl.concat_str(
        "store_id", pl.col("till").cast(pl.String).str.zfill(2), (pl.col("store_rank") + 1).cast(pl.String).str.zfill(6)
    )
    shop = (pl.col("channel_rank") + 20_410_001).cast(pl.String)
    market = pl.concat_str(pl.lit("VM-"), (pl.col("channel_rank") * 37 + 5_103_311).cast(pl.String))
    is_store, is_market = pl.col("channel") == STORE, pl.col("channel") == MARKETPLACE
    in_shop = ~(is_store | is_market)
    signs_in = in_shop & pl.col("account").is_not_null() & ((pl.col("u0") < 0.86) | (pl.col("channel") == APP))
    guest = in_shop & ~signs_in
    alias = pl.concat_str(pl.lit("buyer-"), (pl.col("person") * 17 + 4_001).cast(pl.String), pl.lit("@marketplace.example"))
    return orders.with_columns(
        number=pl.when(is_store).then(ticket).when(is_market).then(market).otherwise(shop),
        shown_card=pl.when(is_store & (pl.col("u0") < 0.80)).then(
            pl.when(pl.col("u1") < 0.4).then(pl.coalesce("other_card", "card")).otherwise(pl.col("card"))
        ),
        shown_ref=pl.when(signs_in).then("account"),
        shown_email=pl.when(signs_in | (guest & (pl.col("u1") < 0.97)))
        .then(pl.when(guest & (pl.col("u2") < 0.3)).then(pl.coalesce("other_email", "email")).otherwise(pl.col("email")))
        .when(is_market & (pl.col("u0") < 0.72))
        .then(pl.col("email"))
        .when(is_market & (pl.col("u0") < 0.95))
        .then(alias)
        .when(is_store & (pl.col("u0") > 0.93))
        .then(pl.col("email")),
        shown_phone=pl.when((in_shop & (pl.col("u2") < 0.55)) | (is_market & (pl.col("u2") < 0.2))).then(pl.col("phone")),
    ).drop("u0", "u1", "u2", "till", "channel_rank", "store_rank", "store_id", *known.columns[1:])


def valid() -> pl.Expr:
    """Whether an order counts: not a test, cancelled, voided, fraud, staff, business or free one."""
    return (pl.col("fate") == "") & ~pl.any_horizontal("is_test", "is_staff", "is_b2b", "is_free")


def _returns(orders: pl.DataFrame, lines: pl.DataFrame, people: People, rng: np.random.Generator) -> pl.DataFrame:
    """Whole lines that come back, to a store or by post; only what is back by END."""
    s = stores()
    by_order = orders.select("order", "person", "channel", "store", "day", "country", "mode", "pickup", ok=valid())
    frame = lines.filter(pl.col("product") >= 0).join(by_order, on="order", how="left", maintain_order="left")
    channel, category = frame["channel"].to_numpy(), frame["category"].to_numpy()
    chance = _RETURN_RATE[channel] * _RETURN_TILT[category] * frame["ok"].to_numpy()
    frame = frame.filter(pl.Series(rng.random(len(frame)) < chance))
    n = len(frame)
    channel, home = frame["channel"].to_numpy(), people.home[frame["person"].to_numpy()]
    u = rng.random((n, 5))
    overseas = s.timezone[home] >= 2
    to_store = (channel == STORE) | ((u[:, 0] < 0.42) & (channel != MARKETPLACE)) | overseas
    store = np.where(channel == STORE, frame["store"].to_numpy(), home).astype(int)
    lag = np.where(channel == STORE, 1 + rng.gamma(1.6, 6, n), 5 + rng.gamma(2.0, 6, n)).astype(int)
    day = frame["day"].to_numpy() + lag
    store = np.where((day >= s.first_day[store]) & (day <= s.last_day[store]), store, s.fallback[store])
    closed = np.array([retailer.day_of(i) in retailer.SHUT for i in range(DAYS + 200)])
    for _ in range(3):  # wait for a day on which the store, or the warehouse, works
        sunday = retailer.weekday(day) == 6
        day = day + (closed[np.minimum(day, DAYS + 199)] | (sunday & (s.shuts_sundays[store] | ~to_store)))
    kept = np.flatnonzero(day < DAYS)
    frame, n = frame[kept], len(kept)
    channel, store, day, u, to_store = channel[kept], store[kept], day[kept], u[kept], to_store[kept]
    wall = np.where(to_store, store_seconds(rng, store, day), (day + EPOCH_DAY) * DAY + 8 * 3600 + rng.integers(0, 540, n) * 60)
    utc = to_utc(wall, np.where(to_store, s.timezone[store], 0))
    # Without the ticket only in mainland France, where the product's own VAT rate is the till's.
    blind = to_store & (channel == STORE) & (frame["country"].to_numpy() == 0) & (s.country[store] == 0) & (u[:, 1] < 0.07)
    resolution = np.where(u[:, 2] < 0.74, 0, np.where(to_store & (u[:, 2] < 0.90), 1, 2))
    reason = rng.choice(len(RETURN_REASONS), n, p=[0.36, 0.2, 0.09, 0.06, 0.25, 0.04])
    frame = frame.with_columns(
        return_store=pl.Series(np.where(to_store, store, -1)).cast(pl.Int16),
        return_day=pl.Series(day),
        return_wall=pl.Series(wall),
        return_utc=pl.Series(utc),
        blind=pl.Series(blind),
        resolution=pl.Series(resolution),
        reason=pl.Series(reason),
        refund=pl.col("paid"),
    ).filter((pl.col("return_utc") < END_UTC) & (pl.col("refund") > 0))
    frame = frame.sort("return_utc", "order", "line", maintain_order=True)
    # One return per order, place and minute; its lines are numbered. In stores it is a till's refund ticket.
    key = ["return_utc", "order", "return_store"]
    frame = frame.with_columns(batch=pl.struct(key).rank("dense"), return_line=pl.int_range(1, pl.len() + 1).over(key))
    ids = dict(enumerate(s.frame["location_id"].to_list()))
    sequence = pl.col("batch").cast(pl.String).str.zfill(7)
    place = pl.col("return_store").cast(pl.Int64).replace_strict(ids, default=None, return_dtype=pl.String)
    return frame.with_columns(
        return_number=pl.when(pl.col("return_store") >= 0)
        .then(pl.concat_str(place, pl.lit("9"), sequence))
        .otherwise(pl.concat_str(pl.lit("RMA-"), sequence))
    )
