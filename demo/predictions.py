"""Exports of the systems that predict: forecasts of the planning system, and the log of the recommender."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from demo import retailer
from demo.files import MARKET, ZIPPED, Export, after, iso, periods, split
from demo.products import CATEGORIES, category_weights
from demo.retailer import DAYS, MARKETPLACE, START, STORE, WEB, WEB_LOCATION, day_index
from demo.world import World

WEEK = 7
# The models, the first week each forecast, how far it errs at random, and its lasting bias.
MODELS = (("planification", 26, 0.22, 0.04), ("apprentissage", 13, 0.10, -0.01))
# A warm autumn the planners did not see coming: too many coats.
WARM_FROM, WARM_CATEGORY, WARM_BIAS = day_index(date(2026, 9, 28)), CATEGORIES.index("Manteaux"), 0.35
# Share of the sessions a recommendation was made in, of those the share held out, and how much likelier the shown ones buy.
ASKED, HELD_OUT, LIFT, CLICKED = 0.5, 0.2, 1.15, 0.07
RECOMMENDED_FROM = DAYS - 26 * WEEK


def planning(world: World) -> Iterator[Export]:
    """Units by store (or the web shop), category and day, made every Sunday for the week that follows."""
    table = forecasts(world)
    for span, part in split(table, "made", periods()):
        rows = part.select(
            pl.col("model").alias("Modèle"),
            _date("made").alias("Calculé le"),
            pl.col("location").alias("Site"),
            pl.col("category").alias("Famille"),
            _date("day").alias("Jour"),
            pl.col("quantity").alias("Quantité"),
        )
        yield Export(f"planning/previsions_{span.label}.csv", rows, MARKET, after(span.last, 7))


def _date(day: str) -> pl.Expr:
    return (pl.lit(START) + pl.duration(days=day)).dt.strftime("%d/%m/%Y")


def forecasts(world: World) -> pl.DataFrame:
    """What each model forecast: model, made (day), location, category, day, quantity."""
    demand, places = _demand(world)
    rng = np.random.default_rng([world.seed, 62])
    level = _level(len(places))
    sunday = DAYS - 1 - (retailer.weekday(np.array([DAYS - 1]))[0] + 1) % WEEK
    parts = []
    for model, weeks, noise, bias in MODELS:
        first = int(sunday - weeks * WEEK + 1)
        days = np.arange(first, min(sunday + WEEK, DAYS - 1) + 1)
        expected = _usual(demand, level, first)[:, :, None] * level[:, :, days]
        wrong = np.exp(rng.normal(0, noise, expected.shape)) * (1 + bias)
        if model == MODELS[0][0]:
            wrong[:, WARM_CATEGORY, days >= WARM_FROM] *= 1 + WARM_BIAS
        quantity = np.round(expected * wrong, 2)
        place, category, day = np.indices(quantity.shape).reshape(3, -1)
        frame = pl.DataFrame(
            {
                "model": np.full(place.shape, model),
                "made": days[day] - 1 - (days[day] - first) % WEEK,
                "location": np.array(places)[place],
                "category": np.array(CATEGORIES)[category],
                "day": days[day],
                "quantity": quantity.ravel(),
            }
        )
        parts.append(frame.filter(pl.col("quantity") > 0))
    return pl.concat(parts)


def _demand(world: World) -> tuple[np.ndarray, list[str]]:
    """Units sold by place (the stores, then the web shop), category and day; and the places."""
    places = [*retailer.stores().frame["location_id"].to_list(), WEB_LOCATION]
    orders = world.sales.orders.filter(pl.col("channel") != MARKETPLACE).select("order", "channel", "store", "day")
    lines = world.sales.lines.filter(pl.col("product") >= 0).join(orders, on="order", how="inner")
    place = np.where(lines["channel"].to_numpy() == STORE, lines["store"].to_numpy(), len(places) - 1)
    demand = np.zeros((len(places), len(CATEGORIES), DAYS))
    np.add.at(demand, (place, lines["category"].to_numpy(), lines["day"].to_numpy()), lines["quantity"].to_numpy())
    return demand, places


def _level(places: int) -> np.ndarray:
    """How much each place may expect of a category on a day, [place, category, day]: the trade and its season."""
    month = np.array([retailer.day_of(i).month - 1 for i in range(DAYS)])
    season = category_weights()[month][:, [STORE, WEB]]
    season = (season / season.sum(axis=2, keepdims=True)).transpose(1, 2, 0)
    shops = retailer.trading()["store"][None, :] * season[0]
    return np.stack([shops] * (places - 1) + [retailer.trading()["web"][None, :] * season[1]])


def _usual(demand: np.ndarray, level: np.ndarray, first: int) -> np.ndarray:
    """Units per trading level of each place and category, over half a year before and the weeks forecast themselves."""
    span = slice(max(first - 26 * WEEK, 0), DAYS)
    return demand[:, :, span].sum(axis=2) / level[:, :, span].sum(axis=2)


def recommendations(world: World) -> pl.DataFrame:
    """One row per recommendation made in a session: session, order (-1: none), product, utc, clicked, held_out, day, app."""
    sessions = world.journeys.sessions.filter(pl.col("day") >= RECOMMENDED_FROM)
    rng = np.random.default_rng([world.seed, 63])
    u = rng.random((len(sessions), 4))
    buys = sessions["order"].to_numpy() >= 0
    # Shown and held-out sessions differ in nothing but how often they buy.
    share = np.where(buys, HELD_OUT / (HELD_OUT + (1 - HELD_OUT) * LIFT), HELD_OUT)
    held = u[:, 1] < share
    popular = world.products.popularity / world.products.popularity.sum()
    product = np.searchsorted(np.cumsum(popular), u[:, 3] * 0.999_999)
    utc = sessions["utc"].to_numpy() + 20
    clicked = ~held & (u[:, 2] < np.where(buys, 3 * CLICKED, CLICKED))
    made = sessions.select("session", "order", "day", "person", "signed", "app").with_columns(
        product=pl.Series(product),
        utc=pl.Series(utc),
        clicked=pl.Series(np.where(clicked, utc + 15, -1)),
        held_out=pl.Series(held),
    )
    return made.filter(pl.Series(u[:, 0] < ASKED))


def recommender(world: World, daily: int) -> Iterator[Export]:
    """The recommender's log by month, gzipped; what was held out was chosen and not shown."""
    account, numbers = world.people.frame["account"], world.sales.orders["number"]
    sku = np.array(world.products.frame["sku"])
    for span, part in split(recommendations(world), "day", periods(daily)):
        person, order = part["person"].to_numpy(), part["order"].to_numpy()
        table = part.with_columns(
            account=account.gather(np.maximum(person, 0)), number=numbers.gather(np.maximum(order, 0))
        ).select(
            (pl.col("session") + 60_000_000).alias("recommendation_id"),
            (pl.col("session") + 900_000_000).alias("session_id"),
            pl.when("signed").then("account").alias("user_id"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            iso("utc").alias("shown_at"),
            pl.when(pl.col("clicked") >= 0).then(iso("clicked")).alias("clicked_at"),
            pl.when(pl.col("order") >= 0).then("number").alias("order_id"),
            pl.col("held_out").alias("holdout"),
        )
        yield Export(f"recommender/recommendations_{span.label}.csv.gz", table, ZIPPED, after(span.last, 6.8))
