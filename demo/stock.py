"""The stock book of the tracked products: opening level + movements = level, to the unit, at every month's end."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from demo import retailer
from demo.products import Products
from demo.retailer import COLLECT, DAY, DAYS, END, EPOCH_DAY, START, STORE, stores, to_utc

TRACKED = 36  # products counted and followed closely
COUNT_MONTHS = (2, 8)  # stores count at the end of February and August, warehouses too
LOSS_REASONS = ("breakage", "proven_theft", "donation", "expiry")


@dataclass(frozen=True)
class Stock:
    levels: pl.DataFrame  # location, product, day, on_hand
    movements: pl.DataFrame  # location, product, utc, kind, quantity, reason, transfer
    counts: pl.DataFrame  # count, location, product, utc, book, counted


def month_ends() -> list[int]:
    """Day index of the last day of each calendar month from START to END; the last one is END itself."""
    days = [retailer.day_of(i) for i in range(DAYS)]
    return [i for i, d in enumerate(days) if d == END or (date.fromordinal(d.toordinal() + 1).day == 1)]


def stock(
    products: Products, orders: pl.DataFrame, lines: pl.DataFrame, returns: pl.DataFrame, fulfilments: pl.DataFrame,
    rng: np.random.Generator,
) -> Stock:  # fmt: skip
    """Movements caused by the sales and returns of the tracked products, replenishment that covers them, losses and counts."""
    s = stores()
    permanent = np.flatnonzero((products.frame["season"] == "PERM").to_numpy())
    tracked = np.sort(permanent[np.argsort(-products.popularity[permanent], kind="stable")[:TRACKED]])
    place = {p: i for i, p in enumerate(tracked.tolist())}
    locations = s.frame["location_id"].to_list() + retailer.WAREHOUSES["location_id"].to_list()
    shops = len(s.weight)
    zone = np.r_[s.timezone, [0, 0]]
    ends = np.array(month_ends())
    months = len(ends)

    goods = lines.filter(pl.col("product").is_in(tracked)).join(
        orders.filter(pl.col("fate") == "").select("order", "channel", "store", "pickup", "mode", "utc"), on="order", how="inner"
    )
    sent = fulfilments.unique("order", keep="first", maintain_order=True).select("order", sender="location")
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
    lost = _losses(rng, len(locations), tracked, s)
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
    spare = rng.integers(0, 4, (len(locations), len(tracked), months)) + np.r_[np.zeros(shops, int), [8, 8]][:, None, None]
    missing = rng.binomial(2, 0.06, flow.shape) - rng.binomial(1, 0.02, flow.shape)
    first_open = np.argmax(is_open, axis=1)
    level = np.where(first_open[:, None] == 0, -gone[:, :, 0] + spare[:, :, 0], 0)
    opening = level.copy()
    levels = [(retailer.day_index(START) - 1, opening)]
    delivered, counts, adjustments = [], [], []
    for m in range(months):
        if m:
            wanted = np.maximum(-gone[:, :, m] + spare[:, :, m] - level, 0) * is_open[:, m][:, None]
            wanted[shops] += wanted[:shops].sum(axis=0)  # what the stores receive comes out of the first warehouse
            level = level + wanted
            level[shops] -= wanted[:shops].sum(axis=0)
            delivered.append((m, wanted))
        level = level + flow[:, :, m]
        if retailer.day_of(int(ends[m])).month in COUNT_MONTHS:
            counted = np.maximum(level - missing[:, :, m], 0)
            counts.append((m, level.copy(), counted))
            adjustments.append((m, counted - level))
            level = counted
        levels.append((int(ends[m]), level.copy()))

    parts = [moves.with_columns(transfer=pl.lit(None, pl.String))]
    for m, wanted in delivered:
        parts += _replenishment(m, wanted, shops, ends, zone, tracked)
    for m, change in adjustments:
        i, k = np.nonzero(change)
        parts.append(_moves(i, tracked[k], _at(ends[m], 21, zone[i]) + 1800, change[i, k], "adjustment", "stock_count"))
    movements = pl.concat(parts).sort("utc", "at", "product", "kind", "quantity", maintain_order=True).with_row_index("movement")
    names = np.array(locations)
    return Stock(
        levels=_levels(levels, is_open, names, tracked),
        movements=movements.with_columns(location=pl.Series(names[movements["at"].to_numpy()])),
        counts=_counts(counts, is_open, ends, zone, names, tracked),
    )


def _at(day: np.ndarray | int, hour: int, zone: np.ndarray) -> np.ndarray:
    return to_utc(np.broadcast_to((np.asarray(day) + EPOCH_DAY) * DAY + hour * 3600, zone.shape), zone)


def _moves(
    at: np.ndarray, product: np.ndarray, utc: np.ndarray, quantity: np.ndarray, kind: str, reason: str = ""
) -> pl.DataFrame:
    frame = pl.DataFrame({"at": at, "product": product.astype(np.int32), "utc": utc, "quantity": quantity.astype(np.int64)})
    return frame.with_columns(kind=pl.lit(kind), reason=pl.lit(reason), transfer=pl.lit(None, pl.String))


def _losses(rng: np.random.Generator, places: int, tracked: np.ndarray, s: retailer.Stores) -> pl.DataFrame:
    n = places * 20
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
    m: int, wanted: np.ndarray, shops: int, ends: np.ndarray, zone: np.ndarray, tracked: np.ndarray
) -> list[pl.DataFrame]:
    """Suppliers fill the warehouses on the month's first day; transfers reach the stores two hours later."""
    day = int(ends[m - 1]) + 1
    i, k = np.nonzero(wanted)
    quantity = wanted[i, k]
    transfer = pl.Series([f"T{m:02d}{a:03d}{b:04d}" for a, b in zip(i.tolist(), k.tolist(), strict=True)], dtype=pl.String)
    to_store = pl.Series(i < shops)
    into = _moves(i, tracked[k], _at(day, 8, zone[i]), quantity, "transfer_in").with_columns(transfer=transfer)
    out = _moves(np.full(len(i), shops), tracked[k], _at(day, 6, np.zeros(len(i), int)), -quantity, "transfer_out")
    received = _moves(i, tracked[k], _at(day, 5, zone[i]), quantity, "receipt").filter(~to_store)
    return [into.filter(to_store), out.with_columns(transfer=transfer).filter(to_store), received]


def _levels(levels: list, is_open: np.ndarray, names: np.ndarray, tracked: np.ndarray) -> pl.DataFrame:
    i, k = np.indices((len(names), len(tracked))).reshape(2, -1)
    parts = []
    for m, (day, level) in enumerate(levels):
        frame = pl.DataFrame({"location": names[i], "product": tracked[k], "on_hand": level[i, k]}).with_columns(day=pl.lit(day))
        parts.append(frame.filter(pl.Series(is_open[:, max(m - 1, 0)][i])))
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
                "utc": _at(ends[m], 21, zone[i]),
                "book": book[i, k],
                "counted": counted[i, k],
            }
        ).filter(pl.Series(is_open[:, m][i]))
        parts.append(frame.select(pl.concat_str(pl.lit(f"INV{day:%Y%m}-"), "location").alias("count"), *frame.columns))
    return pl.concat(parts)
