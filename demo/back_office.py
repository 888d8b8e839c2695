"""Exports of the back office: ERP, store master, planning."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo import endless_aisle, retailer
from demo.currencies import FORINT
from demo.files import ENGLISH, FRENCH, MARKET, Export, after, empty, euros, named, periods, split
from demo.products import GIFT_CARD, Products, vat
from demo.retailer import DAYS, START, paris_day, working_days
from demo.world import World

_PRICE_KINDS = ("", "D", "P", "F", "S")
AREAS = (
    ("service", 4_200),
    ("preparation", 6_200),
    ("carrier", 11_500),
    ("omnichannel_run", 7_000),
    ("omnichannel_build", 24_000),
)
# Of what is booked on omnichannel services, the hundredths that name one, from a month on; the platform is nobody's.
_SERVICES = {
    "omnichannel_run": (
        ("click_and_collect", "2025-03", 48),
        ("ship_from_store", "2025-09", 24),
        (endless_aisle.CAPABILITY, "2026-01", 3),
    ),
    "omnichannel_build": (
        ("click_and_collect", "2024-10", 42),
        ("ship_from_store", "2025-04", 22),
        (endless_aisle.CAPABILITY, "2025-09", 4),
    ),
}


def erp(world: World) -> Iterator[Export]:
    """Products, price changes, costs and hours; semicolons, Windows-1252, decimal commas."""
    products = world.products
    sheet = products.frame.select(
        pl.col("sku").alias("Article"),
        pl.col("name").alias("Désignation"),
        pl.col("category").alias("Famille"),
        pl.col("subcategory").alias("Sous-famille"),
        pl.col("brand").alias("Marque"),
        euros(pl.lit(pl.Series(products.cost))).alias("Coût HT"),
        euros(pl.lit(pl.Series(products.list_price))).alias("Prix de vente TTC"),
        (pl.lit(pl.Series(vat(np.zeros(len(products.category), int), products.category))) / 10).alias("TVA %"),
        pl.col("season").alias("Saison"),
        pl.col("launched_on").str.to_date().dt.strftime("%d/%m/%Y").alias("Date de mise en vente"),
        empty("discontinued_on").str.to_date().dt.strftime("%d/%m/%Y").alias("Date de retrait"),
    )
    gift = {"Article": GIFT_CARD, "Désignation": "Carte cadeau", "Famille": "Cartes cadeaux", "Sous-famille": None,
            "Marque": None, "Coût HT": 0.0, "Prix de vente TTC": 0.0, "TVA %": 0.0, "Saison": "PERM",
            "Date de mise en vente": "01/01/2019", "Date de retrait": None}  # fmt: skip
    sheet = pl.concat([sheet, pl.DataFrame([gift], schema=sheet.schema)])
    yield Export("erp/articles.csv", sheet, FRENCH, after(-2, 5))
    carried = world.stock.assortment
    day = {c: (pl.lit(START) + pl.duration(days=c)).dt.strftime("%d/%m/%Y") for c in ("first", "last")}
    carried = carried.select(
        pl.col("location").alias("Site"),
        pl.Series("Article", np.array(products.frame["sku"])[carried["product"].to_numpy()]),
        day["first"].alias("Du"),
        day["last"].alias("Au"),
    )
    yield Export("erp/assortiment.csv", carried, FRENCH, after(-2, 5.5))
    changes = price_changes(products)
    for span, part in split(changes, "first", periods(months=3)):
        table = part.select(
            pl.col("sku").alias("Article"),
            pl.col("from").dt.strftime("%d/%m/%Y").alias("Date début"),
            pl.col("to").dt.strftime("%d/%m/%Y").alias("Date fin"),
            euros("price").alias("Prix TTC"),
            euros("listed").alias("Prix d'origine TTC"),
            named("kind", list(_PRICE_KINDS)).alias("Nature"),
        )
        yield Export(f"erp/tarifs_{span.label}.csv", table, FRENCH, after(span.first - 2, 6))
    yield Export("erp/charges_2024_2026.csv", costs(world), FRENCH, after(DAYS - 1, 6))
    yield Export("erp/temps_preparation.csv", hours(world), FRENCH, after(DAYS - 1, 6.2))


def treasury(world: World, daily: int) -> Iterator[Export]:
    """The rate of the forint on every working day."""
    days = pl.DataFrame({"day": np.arange(DAYS), "rate": world.forint})
    booked = days.filter(pl.Series(working_days()[:DAYS]))
    for span, part in split(booked, "day", periods(daily, months=3)):
        table = part.select(
            (pl.lit(START) + pl.duration(days="day")).dt.strftime("%d/%m/%Y").alias("Date"),
            pl.lit(FORINT).alias("Devise"),
            # written out, for other numbers have two decimals
            pl.col("rate").map_elements(lambda rate: f"{rate:.10f}".replace(".", ","), return_dtype=pl.String).alias("Cours EUR"),
        )
        yield Export(f"treasury/cours_{span.label}.csv", table, FRENCH, after(span.last, -4))


def price_changes(products: Products) -> pl.DataFrame:
    """Every span of days on which a product sold below its list price: sku, first (day), from, to, price, listed, kind."""
    marked = products.kind > 0
    same = np.zeros_like(marked)
    same[:, 1:] = (
        marked[:, 1:] & (products.price[:, 1:] == products.price[:, :-1]) & (products.kind[:, 1:] == products.kind[:, :-1])
    )
    row, first = np.nonzero(marked & ~same)
    length = np.zeros(len(row), int)
    ends = np.ones_like(marked)
    ends[:, :-1] = ~same[:, 1:]
    last_row, last = np.nonzero(marked & ends)
    assert np.array_equal(row, last_row)
    length = last - first
    start = pl.Series(first.astype("int64"))
    return pl.DataFrame(
        {"sku": np.array(products.frame["sku"])[row], "first": start, "price": products.price[row, first],
         "listed": products.list_price[row], "kind": products.kind[row, first], "length": length}
    ).with_columns(
        pl.lit(START).dt.offset_by(pl.format("{}d", "first")).alias("from"),
        pl.lit(START).dt.offset_by(pl.format("{}d", pl.col("first") + pl.col("length"))).alias("to"),
    ).sort("first", "sku")  # fmt: skip


def costs(world: World) -> pl.DataFrame:
    """The ledger of costs as it is exported: a row a month, area and service, if it names one."""
    rng = np.random.default_rng([world.seed, 21])
    volume = np.bincount(world.sales.orders["day"].to_numpy(), minlength=DAYS)
    minutes = np.bincount(paris_day(world.journeys.contacts["utc"].to_numpy()), world.journeys.contacts["minutes"], DAYS)
    size = len(world.sales.orders) / 270_000
    rows = []
    for span in periods():
        share = float(volume[span.first : span.last + 1].sum()) / max(len(world.sales.orders) / 24, 1)
        time = (span.last - span.first + 1) / 30.4
        # Customer service is people on duty, and more of them when there is more to do.
        work = float(minutes[span.first : span.last + 1].sum()) / max(float(minutes.sum()) / 24, 1)
        for area, base in AREAS:
            grows = {"service": 0.35 * time + 0.65 * work, "preparation": share, "carrier": share}.get(area, time)
            if area == "omnichannel_build" and span.label > "2026-06":
                continue
            amount = round(base * size * grows * float(rng.uniform(0.94, 1.06)), 2)
            cents, month = round(amount * 100), f"01/{span.label[5:]}/{span.label[:4]}"
            booked = [(service, cents * part // 100) for service, since, part in _SERVICES.get(area, ()) if span.label >= since]
            for service, mine in [(None, cents - sum(mine for _, mine in booked)), *booked]:
                number = "-".join(filter(None, (span.label, area, service)))
                rows.append((number, month, area, service, mine / 100))
    texts = dict.fromkeys(("Pièce", "Mois", "Nature", "Service"), pl.String)
    return pl.DataFrame(rows, schema=texts | {"Montant HT": pl.Float64}, orient="row")


def hours(world: World) -> pl.DataFrame:
    """Hours spent preparing, by place and day."""
    work = world.journeys.fulfilments.with_columns(day=pl.Series(paris_day(world.journeys.fulfilments["created"].to_numpy())))
    rng = np.random.default_rng([world.seed, 22])
    daily = work.group_by("location", "day").agg(lines=pl.col("requested").sum()).sort("day", "location")
    pace = rng.normal(11, 1.5, len(daily)).clip(6, 16)
    return daily.select(
        pl.col("location").alias("Site"),
        (pl.lit(START) + pl.duration(days="day")).dt.strftime("%d/%m/%Y").alias("Jour"),
        pl.lit("preparation").alias("Activité"),
        (pl.col("lines") / pl.Series(pace)).round(2).alias("Heures"),
        pl.col("lines").alias("Lignes"),
    )


def store_master() -> Iterator[Export]:
    """Locations, opening hours and roll-outs; small reference files."""
    s = retailer.stores().frame
    columns = ["location_id", "name", "kind", "region", "country", "timezone", "opened_on", "closed_on", "area_m2"]
    shops = s.with_columns(
        name=pl.concat_str(pl.lit("Vermillet "), "town"), kind=pl.lit("store"), closed_on=empty("closed_on")
    ).select(columns)
    depots = retailer.WAREHOUSES.with_columns(name="town", kind=pl.lit("warehouse"), closed_on=pl.lit(None, pl.String)).select(
        columns
    )
    online = (retailer.WEB_LOCATION, "Vermillet en ligne", "web", "En ligne", "FR", "Europe/Paris", "2014-02-03", None, None)
    web = pl.DataFrame([online], schema=shops.schema, orient="row")
    yield Export("store_master/locations.csv", pl.concat([shops, depots, web]), ENGLISH, after(-2, 3))
    yield Export("store_master/opening_hours.csv", retailer.hours_on_file(), ENGLISH, after(-2, 3.1))
    rolled = [
        (row["location_id"], capability, row[column])
        for capability, column in (("click_and_collect", "collect_on"), ("ship_from_store", "ship_on"))
        for row in s.iter_rows(named=True)
        if row[column]
    ]
    rolled += [(store, endless_aisle.CAPABILITY, day.isoformat()) for store, day in endless_aisle.LIVE.items()]
    table = pl.DataFrame(rolled, schema=["location_id", "capability", "live_on"], orient="row").sort("live_on", "location_id")
    yield Export("store_master/rollouts.csv", table, ENGLISH, after(DAYS - 1, 3.2))


# Monthly objectives: level in the first month, and in the last; shares are shares.
TARGETS = {
    "average_order_value": (58.0, 62.0), "units_per_transaction": (2.15, 2.25), "web_to_store_conversion_rate": (0.045, 0.08),
    "session_conversion_rate": (0.045, 0.068), "omnichannel_customer_rate": (0.18, 0.25), "late_rate": (0.065, 0.055),
    "pickup_within_promise_rate": (0.85, 0.88), "markdown_rate": (0.13, 0.15), "next_day_rate": (0.11, 0.13),
    "repeat_purchase_rate": (0.50, 0.56), "order_to_delivery_hours_mean": (84.0, 78.0),
}  # fmt: skip


def planning(world: World) -> Iterator[Export]:
    """Monthly targets by metric and the trading calendar."""
    spans = periods()
    rows = []
    season = retailer.trading()
    total = float(world.sales.lines["paid"].to_numpy().sum()) / 100 / 1.2
    level = season["store"] + 0.4 * season["web"]
    for i, span in enumerate(spans):
        month = f"{span.label}-01"
        for metric, (first, last) in TARGETS.items():
            rows.append((metric, month, "month", f"{first + (last - first) * i / (len(spans) - 1):.4f}", None))
        share = float(level[span.first : span.last + 1].sum() / level.sum())
        rows.append(("sales", month, "month", f"{round(total * 1.01 * share, -2):.0f}", None))
    columns = [(name, pl.String) for name in ("metric", "period_start", "grain", "value", "channel")]
    targets = pl.DataFrame(rows, schema=columns, orient="row")
    yield Export("planning/targets.csv", targets, ENGLISH, after(-1, 8))
    events = pl.DataFrame(
        [(f"EV{i:03d}", e.name, e.starts_on.strftime("%d/%m/%Y"), e.ends_on.strftime("%d/%m/%Y"), e.kind)
         for i, e in enumerate(sorted(retailer.EVENTS, key=lambda e: e.starts_on), 1)],
        schema=["Code", "Événement", "Du", "Au", "Type"], orient="row",
    )  # fmt: skip
    yield Export("planning/evenements.csv", events, MARKET, after(-1, 8.1))
