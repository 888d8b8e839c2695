"""The stock book of the tracked products: opening level + movements = level, to the unit, at every month's end."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from demo import retailer
from demo.journeys import Journeys
from demo.products import Products
from demo.retailer import COLLECT, DAY, DAYS, END, EPOCH_DAY, START, STORE, stores, to_utc
from demo.shortages import lowest, needed, shortages

TRACKED = 36  # permanent products counted and followed closely
SEASONAL = 2  # products of each season that are followed too
COUNT_MONTHS = (2, 8)  # stores count at the end of February and August, warehouses too
# How many units of a product a store has beyond what the month sells, 0 to 7; without any it runs out.
SPARE = (0.22, 0.17, 0.15, 0.14, 0.12, 0.09, 0.06, 0.05)
LOSS_REASONS = ("breakage", "proven_theft", "donation", "expiry")


@dataclass(frozen=True)
class Stock:
    levels: pl.DataFrame  # location, product, day, on_hand, reserved
    movements: pl.DataFrame  # location, product, utc, kind, quantity, reason, transfer
    counts: pl.DataFrame  # count, location, product, utc, book, counted
    assortment: pl.DataFrame  # location, product, first (day), last (day; null while carried)


def month_ends() -> list[int]:
    """Day index of the last day of each calendar month from START to END; the last one is END itself."""
    days = [retailer.day_of(i) for i in range(DAYS)]
    return [i for i, d in enumerate(days) if d == END or (date.fromordinal(d.toordinal() + 1).day == 1)]


def stock(
    products: Products, orders: pl.DataFrame, lines: pl.DataFrame, returns: pl.DataFrame, trips: Journeys,
    rng: np.random.Generator, range_rng: np.random.Generator, short_rng: np.random.Generator,
) -> Stock:  # fmt: skip
    """Movements caused by the sales and returns of the tracked products, replenishment that covers them, losses and counts."""
    s = stores()
    permanent = _favourites(products, "PERM", TRACKED)
    seasons = sorted(set(products.frame["season"]) - {"PERM"})
    tracked = np.sort(np.concatenate([permanent, *(_favourites(products, season, SEASONAL) for season in seasons)]))
    place = {p: i for i, p in enumerate(tracked.tolist())}
    locations = s.frame["location_id"].to_list() + retailer.WAREHOUSES["location_id"].to_list()
    shops = len(s.weight)
    zone = np.r_[s.timezone, [0, 0]]
    ends = np.array(month_ends())
    months = len(ends)

    goods = lines.filter(pl.col("product").is_in(tracked)).join(
        orders.filter(pl.col("fate") == "").select("order", "channel", "store", "pickup", "mode", "utc"), on="order", how="inner"
    )
    sent = trips.fulfilments.unique("order", keep="first", maintain_order=True).select("order", sender="location")
    goods = goods.join(sent, on="order", how="left", maintain_order="left")
    at = (
        pl.when(pl.col("channel") == STORE)
        .then(pl.col("store").cast(pl.Int64))
        .when(pl.col("mode") == COLLECT)
        .then(pl.col("pickup").cast(pl.Int64))
        .otherwise(pl.col("sender").replace_strict({n: i for i, n in enumerate(locations)}, default=shops, return_dtype=pl.Int64))
    )
    out = goods.select(
        at.alias("at"), "product", "utc", quantity=-pl.col("quantity").cast(pl.Int64), kind=pl.lit("sale"), reason=pl.lit("")
    )
    back = returns.filter(pl.col("product").is_in(tracked)).select(
        pl.when(pl.col("return_store") >= 0).then(pl.col("return_store").cast(pl.Int64)).otherwise(shops).alias("at"),
        "product", pl.col("return_utc").alias("utc"), pl.col("quantity").cast(pl.Int64), kind=pl.lit("return"), reason=pl.lit(""),
    )  # fmt: skip
    lost = _losses(rng, len(locations), permanent, s)
    moves = pl.concat([out, back, lost])

    where = moves["at"].to_numpy()
    which = moves["product"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    month = np.minimum(
        np.searchsorted(ends, retailer.wall_day(retailer.to_wall(moves["utc"].to_numpy(), zone[where]))), months - 1
    )
    flow = np.zeros((len(locations), len(tracked), months), np.int64)
    np.add.at(flow, (where, which, month), moves["quantity"].to_numpy())
    gone = np.zeros_like(flow)
    np.add.at(gone, (where, which, month), np.minimum(moves["quantity"].to_numpy(), 0))

    is_open = np.ones((len(locations), months), bool)
    is_open[:shops] = (s.first_day[:, None] <= ends[None, :]) & (s.last_day[:, None] >= np.r_[0, ends[:-1] + 1][None, :])
    # a product not yet or no longer on sale is not replenished
    on_sale = (products.first_day[tracked][:, None] <= ends) & (products.last_day[tracked][:, None] >= np.r_[0, ends[:-1] + 1])
    spare = rng.choice(8, (len(locations), len(tracked), months), p=SPARE) + np.r_[np.zeros(shops, int), [8, 8]][:, None, None]
    spare[shops:] *= (rng.random(len(tracked)) < 0.6)[:, None]  # of the other products suppliers send no more than is sold
    spare *= on_sale[None, :, :]
    is_short = shortages(short_rng, len(tracked), months)
    spare[:shops] //= 1 + is_short
    spare[shops:] *= ~(is_short | np.roll(is_short, -1, axis=1))
    scarce = moves.with_columns(which=which, month=month).filter(pl.Series((where >= shops) & is_short[which, month]))
    lack = lowest(scarce, flow.shape)
    began = np.zeros_like(flow)
    risk = 0.11 * np.exp(rng.normal(0, 0.45, len(locations))).clip(0.4, 2.5)[:, None, None]
    missing = rng.binomial(3, np.broadcast_to(risk, flow.shape)) - rng.binomial(1, 0.03, flow.shape)
    first_open = np.argmax(is_open, axis=1)
    level = np.where(first_open[:, None] == 0, -gone[:, :, 0] + spare[:, :, 0] + on_sale[:, 0], 0)
    levels = [(retailer.day_index(START) - 1, level.copy())]
    delivered, counts, adjustments = [], [], []
    for m in range(months):
        began[:, :, m] = level
        level = level + flow[:, :, m] + np.where(lack[:, :, m], (lack[:, :, m] - level).clip(0), 0)
        counted = level
        if is_count := retailer.day_of(int(ends[m])).month in COUNT_MONTHS:
            counted = np.maximum(level - missing[:, :, m], 0)
        # next month's goods reach the warehouses and leave the first one for the stores before this month ends
        if m + 1 < months:
            wanted = np.maximum(-gone[:, :, m + 1] + spare[:, :, m + 1] - counted, 0) * is_open[:, m + 1][:, None]
            wanted[shops:] *= ~is_short[:, m + 1]
        else:
            wanted = spare[:, :, m] * is_open[:, m][:, None]
        ahead = np.zeros_like(level)
        ahead[shops:] = wanted[shops:]
        delivered.append((m, wanted))
        if is_count:
            counts.append((m, level + ahead, counted + ahead))
            adjustments.append((m, counted - level))
        levels.append((int(ends[m]), counted + ahead))
        level = counted + wanted

    parts = [moves.with_columns(transfer=pl.lit(None, pl.String))]
    for m, wanted in delivered:
        parts += _replenishment(m, wanted, shops, ends, zone, tracked, range_rng)
    urgent = needed(scarce, began)
    at, day = urgent["at"].to_numpy(), retailer.paris_day(urgent["utc"].to_numpy())
    parts.append(_moves(at, urgent["product"].to_numpy(), _at(day, 6, zone[at]), urgent["units"].to_numpy(), "receipt"))
    for m, change in adjustments:
        i, k = np.nonzero(change)
        parts.append(_moves(i, tracked[k], _closing(ends[m], zone[i]), change[i, k], "adjustment", "stock_count"))
    movements = pl.concat(parts).sort("utc", "at", "product", "kind", "quantity", maintain_order=True).with_row_index("movement")
    names = np.array(locations)
    return Stock(
        levels=_levels(levels, is_open, names, tracked, s, range_rng),
        movements=movements.with_columns(location=pl.Series(names[movements["at"].to_numpy()])),
        counts=_counts(counts, is_open, ends, zone, names, tracked),
        assortment=_assortment(products, tracked, names, s, range_rng),
    )


def _favourites(products: Products, season: str, count: int) -> np.ndarray:
    """The best-selling products of a season."""
    mine = np.flatnonzero((products.frame["season"] == season).to_numpy())
    return mine[np.argsort(-products.popularity[mine], kind="stable")[:count]]


def _at(day: np.ndarray | int, hour: int, zone: np.ndarray) -> np.ndarray:
    return to_utc(np.broadcast_to((np.asarray(day) + EPOCH_DAY) * DAY + hour * 3600, zone.shape), zone)


def _closing(day: np.ndarray | int, zone: np.ndarray) -> np.ndarray:
    """The last second of a local day: what is counted then is the whole day's."""
    return _at(day, 24, zone) - 1


def _moves(
    at: np.ndarray, product: np.ndarray, utc: np.ndarray, quantity: np.ndarray, kind: str, reason: str = ""
) -> pl.DataFrame:
    frame = pl.DataFrame({"at": at, "product": product.astype(np.int32), "utc": utc, "quantity": quantity.astype(np.int64)})
    return frame.with_columns(kind=pl.lit(kind), reason=pl.lit(reason), transfer=pl.lit(None, pl.String))


def _losses(rng: np.random.Generator, places: int, tracked: np.ndarray, s: retailer.Stores) -> pl.DataFrame:
    n = places * 30
    at = rng.integers(0, places, n)
    day = rng.integers(0, DAYS, n)
    first, last = np.r_[s.first_day, 0, 0][at], np.r_[s.last_day, DAYS, DAYS][at]
    kept = (day >= first) & (day <= last)
    utc = to_utc((day + EPOCH_DAY) * DAY + 12 * 3600, np.r_[s.timezone, 0, 0][at])
    frame = pl.DataFrame(
        {"at": at, "product": rng.choice(tracked, n).astype(np.int32), "utc": utc, "quantity": np.full(n, -1),
         "kind": np.full(n, "loss"), "reason": rng.choice(LOSS_REASONS, n, p=[0.5, 0.3, 0.12, 0.08])}
    )  # fmt: skip
    return frame.filter(pl.Series(kept))


def _replenishment(
    m: int, wanted: np.ndarray, shops: int, ends: np.ndarray, zone: np.ndarray, tracked: np.ndarray, rng: np.random.Generator
) -> list[pl.DataFrame]:
    """Suppliers fill the warehouses some days before a month ends; what the first sends reaches the stores as the next begins.

    What left for the last month's end is still on its way when the data end.
    """
    end = int(ends[m])
    days_ahead = rng.integers(1, 4, shops)
    i, k = np.nonzero(wanted)
    quantity = wanted[i, k]
    is_store = i < shops
    into_warehouses = wanted[shops:].copy()
    into_warehouses[0] += wanted[:shops].sum(axis=0)
    a, b = np.nonzero(into_warehouses)
    first = np.full(len(a), end - 4)
    received = _moves(a + shops, tracked[b], _at(first, 6, zone[a + shops]), into_warehouses[a, b], "receipt")
    i, k, quantity = i[is_store], k[is_store], quantity[is_store]
    numbers = [f"T{m + 1:02d}{a:03d}{b:04d}" for a, b in zip(i.tolist(), k.tolist(), strict=True)]
    transfer = pl.lit(pl.Series(numbers, dtype=pl.String))
    left = _at(end + 1 - days_ahead[i], 7, np.zeros(len(i), int))
    sent = _moves(np.full(len(i), shops), tracked[k], left, -quantity, "transfer_out").with_columns(transfer=transfer)
    if end == DAYS - 1:
        return [sent, received]
    arrived = _moves(i, tracked[k], _at(end + 1, 8, zone[i]), quantity, "transfer_in").with_columns(transfer=transfer)
    return [arrived, sent, received]


def _assortment(
    products: Products, tracked: np.ndarray, names: np.ndarray, s: retailer.Stores, rng: np.random.Generator
) -> pl.DataFrame:
    """The days each place carries each product; smaller stores give some up."""
    shops = len(s.weight)
    i, k = np.indices((len(names), len(tracked))).reshape(2, -1)
    opened, closed = np.r_[s.first_day, [0, 0]][i], np.r_[s.last_day, [retailer.NEVER] * 2][i]
    product = tracked[k]
    first = np.maximum(np.maximum(opened, products.first_day[product]), -1)
    last = np.minimum(closed, products.last_day[product])
    given_up = (rng.random(len(i)) < 0.12) & (np.r_[s.weight, [9, 9]][i] < 1) & (i < shops)
    last = np.where(given_up, np.minimum(last, rng.integers(100, DAYS, len(i))), last)
    carried = first <= np.minimum(last, DAYS - 1)
    frame = pl.DataFrame({"location": names[i], "product": product, "first": first, "last": last}).filter(pl.Series(carried))
    return frame.with_columns(last=pl.when(pl.col("last") < DAYS).then("last"))


def _levels(
    levels: list, is_open: np.ndarray, names: np.ndarray, tracked: np.ndarray, s: retailer.Stores, rng: np.random.Generator
) -> pl.DataFrame:
    """Stock at each close; some of it is reserved for orders, in stores once they hand orders over."""
    i, k = np.indices((len(names), len(tracked))).reshape(2, -1)
    hands_over = np.r_[s.collect_day, [0, 0]][i]
    parts = []
    for m, (day, level) in enumerate(levels):
        on_hand = level[i, k]
        reserved = rng.binomial(on_hand, 0.07) * (hands_over <= day)
        frame = pl.DataFrame({"location": names[i], "product": tracked[k], "on_hand": on_hand, "reserved": reserved})
        told = is_open[:, max(m - 1, 0)] & (np.r_[s.last_day, [retailer.NEVER] * 2] >= day)
        parts.append(frame.with_columns(day=pl.lit(day)).filter(pl.Series(told[i])))
    return pl.concat(parts)


def _counts(
    counts: list, is_open: np.ndarray, ends: np.ndarray, zone: np.ndarray, names: np.ndarray, tracked: np.ndarray
) -> pl.DataFrame:
    i, k = np.indices((len(names), len(tracked))).reshape(2, -1)
    parts = [pl.DataFrame(schema={"count": pl.String, "location": pl.String, "product": pl.Int64, "utc": pl.Int64,
                                  "book": pl.Int64, "counted": pl.Int64})]  # fmt: skip
    for m, book, counted in counts:
        day = retailer.day_of(int(ends[m]))
        frame = pl.DataFrame(
            {
                "location": names[i],
                "product": tracked[k],
                "utc": _closing(ends[m], zone[i]),
                "book": book[i, k],
                "counted": counted[i, k],
            }
        ).filter(pl.Series(is_open[:, m][i]))
        parts.append(frame.select(pl.concat_str(pl.lit(f"INV{day:%Y%m}-"), "location").alias("count"), *frame.columns))
    return pl.concat(parts)
