"""The exports as each system writes them: its delimiter, encoding, dates, words and habits; and the faults of real life."""

import gzip
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from demo import journeys as around
from demo import orders as bought
from demo import retailer
from demo.journeys import CARRIERS, CONTACT_REASONS, Journeys
from demo.orders import Sales
from demo.people import People
from demo.retailer import APP, COLLECT, DAY, DAYS, END, END_UTC, MARKETPLACE, PHONE, START, STORE, WEB, Products, day_of
from demo.stock import LOSS_REASONS, Stock


@dataclass(frozen=True)
class World:
    """All that happened, as the generator knows it."""

    people: People
    products: Products
    sales: Sales
    journeys: Journeys
    stock: Stock
    seed: int


@dataclass(frozen=True)
class Dialect:
    """How a system writes its files."""

    separator: str = ","
    encoding: str = "utf-8"
    decimal_comma: bool = False
    zipped: bool = False


FRENCH = Dialect(";", "cp1252", decimal_comma=True)
MARKET = Dialect(";", "utf-8-sig", decimal_comma=True)
SEMICOLON = Dialect(";")
ENGLISH = Dialect()
TABS = Dialect("\t")
ZIPPED = Dialect(zipped=True)


@dataclass(frozen=True)
class Export:
    """One file on its way to the inbox; a row may be appended that no mapping can take."""

    path: str
    frame: pl.DataFrame
    dialect: Dialect
    delivered: datetime
    spoiled: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Period:
    label: str
    first: int
    last: int


def periods(daily: int = 0, months: int = 1) -> list[Period]:
    """Calendar months (or quarters) from START to END; the last `daily` days one by one instead."""
    cut = DAYS - daily
    found, first = [], 0
    while first < cut:
        day = day_of(first)
        ahead = day.month - 1 + months - (day.month - 1) % months
        end = min(retailer.day_index(date(day.year + ahead // 12, ahead % 12 + 1, 1)) - 1, cut - 1)
        found.append(Period(f"{day:%Y-%m}" if months == 1 else f"{day.year}-T{ahead // months}", first, end))
        first = end + 1
    return found + [Period(day_of(i).isoformat(), i, i) for i in range(cut, DAYS)]


def after(day: int, hours: float) -> datetime:
    """Delivery time: hours after the midnight that ends a day."""
    return datetime.combine(day_of(day), datetime.min.time(), UTC) + timedelta(days=1, hours=hours)


def split(frame: pl.DataFrame, column: str, spans: list[Period]) -> Iterator[tuple[Period, pl.DataFrame]]:
    """The rows of each period, in their order; periods without rows are left out."""
    number = np.empty(DAYS, np.int32)
    for i, span in enumerate(spans):
        number[span.first : span.last + 1] = i
    parts = frame.with_columns(period=pl.Series(number[frame[column].to_numpy()])).partition_by(
        "period", as_dict=True, maintain_order=True, include_key=False
    )
    for i, span in enumerate(spans):
        if (i,) in parts:
            yield span, parts[(i,)]


def _moment(column: str, pattern: str) -> pl.Expr:
    return pl.from_epoch(column).dt.strftime(pattern)


def _iso(column: str) -> pl.Expr:
    return _moment(column, "%Y-%m-%dT%H:%M:%SZ")


def _euros(cents: str | pl.Expr) -> pl.Expr:
    return (pl.col(cents) if isinstance(cents, str) else cents).cast(pl.Float64) / 100


def _flag(column: str) -> pl.Expr:
    return pl.when(pl.col(column)).then(pl.lit("O")).otherwise(pl.lit("N"))


def _named(column: str, names: tuple[str, ...] | list[str]) -> pl.Expr:
    return pl.col(column).cast(pl.Int64).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)


def _empty(text: str | pl.Expr) -> pl.Expr:
    """The text, null where it is empty."""
    value = pl.col(text) if isinstance(text, str) else text
    return pl.when(value != "").then(value)


# ── point of sale ────────────────────────────────────────────────────────────────────────────────────────────────────

TILLS = (("CET", "Europe/Paris"), ("PT", "Europe/Lisbon"), ("RE", "Indian/Reunion"), ("GP", "America/Guadeloupe"))
_TILL_KINDS = ("", "DEMARQUE", "PROMO", "FIN DE SERIE", "SOLDES", "BON", "PERSONNEL")
_TILL_REASONS = ("TAILLE", "COUPE", "COLORIS", "DEFAUT", "AVIS", "RETARD")
_TILL_ENDS = ("REMB", "ECHANGE", "AVOIR")
_TENDERS = ("CB", "CB", "CB", "ESP", "CB", "APPLE PAY", "CHEQUE CADEAU", "CB")


def tills(world: World, daily: int) -> Iterator[Export]:
    """Sales and refund lines in one ticket file; store time, one file by time zone (overseas and Portugal quarterly)."""
    s = retailer.stores()
    places = s.frame["location_id"].to_list()
    orders = world.sales.orders.filter(pl.col("channel") == STORE)
    sold = world.sales.lines.join(
        orders.select("order", "number", "store", "day", "wall", "status", "shown_card", "shown_email", "is_staff", "is_b2b"),
        on="order",
        how="inner",
        maintain_order="left",
    ).with_columns(total=pl.col("paid").sum().over("order"), back=pl.lit(False))
    back = world.sales.returns.filter(pl.col("return_store") >= 0).select(
        "order", pl.col("return_line").alias("line"), "product", "category", "quantity", "price", "listed", "discount", "kind",
        "vat", "paid", pl.col("return_number").alias("number"), pl.col("return_store").alias("store"),
        pl.col("return_day").alias("day"), pl.col("return_wall").alias("wall"), "resolution", "reason", "blind", "refund",
    )  # fmt: skip
    origin = world.sales.orders.select("order", origin="number")
    back = back.join(origin, on="order", how="left", maintain_order="left").with_columns(
        pl.col("line").cast(pl.Int64), pl.col("day").cast(pl.Int32), status=pl.lit("completed"), back=pl.lit(True)
    )
    rows = pl.concat([sold.drop("order"), back.drop("order")], how="diagonal_relaxed").with_columns(
        pl.col("is_staff", "is_b2b").fill_null(False)
    )
    for zone, (code, _) in enumerate(TILLS):
        mine = rows.filter(pl.col("store").is_in(np.flatnonzero(s.timezone == zone).tolist()))
        mine = mine.sort("wall", "number", "line")
        for span, part in split(mine, "day", periods(daily) if zone == 0 else periods(months=3)):
            spoiled: tuple[dict[str, str], ...] = ()
            if zone == 0 and span.label in _BAD_TICKETS:
                spoiled = (_BAD_TICKETS[span.label],)
            name = f"pos/tickets_{code}_{span.label}.csv"
            yield Export(name, _till_rows(part, world, places), FRENCH, after(span.last, 3.5 + zone), spoiled)


def _till_rows(part: pl.DataFrame, world: World, places: list[str]) -> pl.DataFrame:
    sku = [*world.products.frame["sku"].to_list(), retailer.GIFT_CARD]
    label = [*world.products.frame["name"].to_list(), "Carte cadeau"]
    product = part["product"].to_numpy()
    back = pl.col("back")
    return part.select(
        pl.Series("Magasin", np.array(places)[part["store"].to_numpy()]),
        pl.col("number").alias("N° ticket"),
        pl.col("line").alias("Ligne"),
        pl.when(back).then(pl.lit("RETOUR")).otherwise(pl.lit("VENTE")).alias("Type"),
        pl.when(pl.col("status") == "voided").then(pl.lit("ANN")).otherwise(pl.lit("VAL")).alias("Statut"),
        _moment("wall", "%d/%m/%Y %H:%M").alias("Date"),
        pl.Series("Code article", np.array(sku)[product]),
        pl.Series("Libellé", np.array(label)[product]),
        pl.when(pl.col("product") < 0).then(pl.lit("CADEAU")).otherwise(pl.lit("ART")).alias("Nature"),
        pl.when(back).then(-pl.col("quantity")).otherwise("quantity").alias("Qté"),
        _euros("price").alias("PU TTC"),
        _euros("listed").alias("PU catalogue"),
        _euros("discount").alias("Remise ligne"),
        _empty(_named("kind", _TILL_KINDS)).alias("Motif remise"),
        (pl.col("vat").cast(pl.Float64) / 10).alias("TVA %"),
        pl.col("shown_card").alias("Carte fidélité"),
        pl.col("shown_email").alias("E-mail e-ticket"),
        _flag("is_staff").alias("Personnel"),
        _flag("is_b2b").alias("Pro"),
        pl.when(~back & (pl.col("line") == 1))
        .then(_named_of(pl.col("wall") // 60 % 8, _TENDERS))
        .alias("Règlement"),
        pl.when(~back & (pl.col("line") == 1)).then(_euros("total")).alias("Montant réglé"),
        pl.when(back & ~pl.col("blind")).then("origin").alias("Ticket d'origine"),
        _named("reason", _TILL_REASONS).alias("Motif retour"),
        _named("resolution", _TILL_ENDS).alias("Suite"),
        pl.when(back).then(-_euros("refund")).alias("Remboursement"),
    )


def _named_of(expr: pl.Expr, names: tuple[str, ...]) -> pl.Expr:
    return expr.cast(pl.Int64).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def _ticket(number: str, when: str, **changed: str) -> dict[str, str]:
    row = {
        "Magasin": "0010", "N° ticket": number, "Ligne": "1", "Type": "VENTE", "Statut": "VAL", "Date": when, "Code article":
        "0099998-01", "Libellé": "Divers", "Nature": "ART", "Qté": "1", "PU TTC": "19,90", "PU catalogue": "19,90",
        "Remise ligne": "0,00", "TVA %": "20,00", "Personnel": "N", "Pro": "N", "Règlement": "CB", "Montant réglé": "19,90",
    }  # fmt: skip
    return row | {k.replace("_", " "): v for k, v in changed.items()}


# Tickets no mapping can take; they exist nowhere else, so what is loaded is what happened.
_BAD_TICKETS = {
    "2025-03": _ticket("001009900001", "31/02/2025 11:20"),
    "2025-12": _ticket("001009900002", "13/12/2025 16:05", PU_TTC="N/C"),
    "2026-10-08": _ticket("001009900003", "08/10/2026 17:41", Qté="un"),
    "2026-11-05": _ticket("001009900004", "05/11/2026 10:12", Statut="???"),
    "2026-11-14": _ticket("001009900005", "14/11/2026 15:30", Montant_réglé="19,9O"),
}


# ── web shop and app ─────────────────────────────────────────────────────────────────────────────────────────────────

_SHOP_CHANNELS = ("", "web", "mobile_app", "", "call_center")
_SHOP_STATUS = {"paid": "processing", "shipped": "shipped", "delivered": "complete", "cancelled": "canceled", "fraud": "fraud"}
_SHOP_KINDS = ("", "price_cut", "promo", "outlet", "sales", "voucher", "")
_SHOP_PAYMENTS = ("card", "card", "card", "paypal", "card", "apple_pay", "klarna")


def shop(world: World, daily: int) -> Iterator[Export]:
    """Web, app and phone orders: one file of orders and one of lines; statuses that change later are delivered again."""
    orders = _shop_orders(world)
    spans = periods(daily)
    for span, part in split(orders, "day", spans):
        early = part
        if span.first == span.last:  # the morning after, most orders are still on their way
            early = part.with_columns(status=pl.when(pl.col("fate") == "").then(pl.lit("paid")).otherwise("status"))
        spoiled = (_BAD_ORDERS[span.label],) if span.label in _BAD_ORDERS else ()
        yield Export(f"shop/shop_orders_{span.label}.csv", _shop_rows(early), ENGLISH, after(span.last, 2), spoiled)
        lines = world.sales.lines.join(part.select("order", "number"), on="order", how="inner", maintain_order="left")
        name = f"shop/shop_order_lines_{span.label}.csv"
        bad = (_BAD_LINES[span.label],) if span.label in _BAD_LINES else ()
        yield Export(name, _shop_lines(lines, world), ENGLISH, after(span.last, 2.1), bad)
    weeks = range(DAYS - daily, DAYS, 7)
    for first in weeks if daily else ():
        changed = orders.filter(pl.col("day").is_between(first, first + 6) & (pl.col("status") != "paid"))
        name = f"shop/shop_orders_changes_{day_of(min(first + 6, DAYS - 1)).isoformat()}.csv"
        yield Export(name, _shop_rows(changed), ENGLISH, after(min(first + 20, DAYS - 1), 5))
    back = world.sales.returns.filter(pl.col("return_store") < 0).join(
        world.sales.orders.select("order", "number"), on="order", how="left", maintain_order="left"
    )
    sku = np.array(world.products.frame["sku"])
    for span, part in split(back.filter(pl.col("channel") != MARKETPLACE), "return_day", periods()):
        yield Export(f"shop/shop_returns_{span.label}.csv", _return_rows(part, sku), ENGLISH, after(span.last, 4))
    yield from _accounts(world)


def _shop_orders(world: World) -> pl.DataFrame:
    visit = world.journeys.sessions.filter(pl.col("order") >= 0).select(
        pl.col("order").cast(pl.UInt32), session_id=(pl.col("session") + 900_000_000).cast(pl.String)
    )
    total = world.sales.lines.group_by("order").agg(total=pl.col("paid").sum())
    orders = world.sales.orders.filter(pl.col("channel").is_in([WEB, APP, PHONE]))
    return (
        orders.join(visit, on="order", how="left", maintain_order="left")
        .join(total, on="order", how="left", maintain_order="left")
        .with_columns(shipping=pl.when((pl.col("mode") == COLLECT) | (pl.col("total") >= 6000)).then(0).otherwise(490))
    )


def _shop_rows(part: pl.DataFrame) -> pl.DataFrame:
    places = retailer.stores().frame["location_id"].to_list()
    offset = (pl.col("wall") - pl.col("utc")) // 3600
    return part.select(
        pl.col("number").alias("order_number"),
        pl.concat_str(_moment("wall", "%Y-%m-%dT%H:%M:%S"), pl.format("+0{}:00", offset)).alias("created_at"),
        _named("channel", _SHOP_CHANNELS).alias("platform"),
        pl.col("status").replace_strict(_SHOP_STATUS, return_dtype=pl.String).alias("status"),
        pl.col("shown_ref").alias("customer_id"),
        pl.col("shown_email").alias("email"),
        pl.col("shown_phone").alias("phone"),
        _named("country", retailer.COUNTRIES).alias("shipping_country"),
        pl.lit("EUR").alias("currency"),
        _euros("shipping").alias("shipping_amount"),
        pl.when(pl.col("mode") == COLLECT).then(pl.lit("pickup")).otherwise(pl.lit("delivery")).alias("delivery_method"),
        _named("pickup", places).alias("pickup_store"),
        pl.col("is_test").alias("test"),
        pl.col("is_b2b").alias("business"),
        pl.col("session_id"),
        _named_of(pl.col("utc") % 7, _SHOP_PAYMENTS).alias("payment_method"),
        _euros(pl.col("total") + pl.col("shipping")).alias("amount_paid"),
        pl.when("coupon").then(pl.lit("MERCI10")).alias("coupon_code"),
    )


def _shop_lines(lines: pl.DataFrame, world: World) -> pl.DataFrame:
    sku = np.array([*world.products.frame["sku"].to_list(), retailer.GIFT_CARD])
    name = np.array([*world.products.frame["name"].to_list(), "Carte cadeau"])
    return lines.select(
        pl.col("number").alias("order_number"),
        pl.col("line").alias("line_no"),
        pl.Series("sku", sku[lines["product"].to_numpy()]),
        pl.Series("title", name[lines["product"].to_numpy()]),
        pl.col("quantity"),
        _euros("price").alias("unit_price"),
        _euros("listed").alias("list_price"),
        _euros("discount").alias("discount"),
        _empty(_named("kind", _SHOP_KINDS)).alias("discount_reason"),
        (pl.col("vat").cast(pl.Float64) / 10).alias("tax_percent"),
        (pl.col("product") < 0).alias("is_gift_card"),
    )


def _return_rows(part: pl.DataFrame, sku: np.ndarray) -> pl.DataFrame:
    return part.select(
        pl.col("return_number").alias("rma"),
        pl.col("return_line").alias("line"),
        pl.col("number").alias("order_number"),
        pl.Series("sku", sku[part["product"].to_numpy()]),
        pl.col("quantity"),
        _euros("refund").alias("refunded"),
        _iso("return_utc").alias("received_at"),
        _named("reason", list(bought.RETURN_REASONS)).alias("reason"),
        _named_of(pl.col("resolution"), ("refund", "exchange", "store_credit")).alias("outcome"),
    )


_BAD_ORDERS = {
    label: {
        "order_number": number, "created_at": when, "platform": "web", "status": status, "email": "", "shipping_country": "FR",
        "currency": "EUR", "shipping_amount": "4.90", "delivery_method": "delivery", "test": "false", "business": "false",
        "payment_method": "card", "amount_paid": "54.80",
    }
    for label, number, when, status in (
        ("2025-06", "19999001", "2025-06-31T10:00:00+02:00", "complete"),
        ("2026-11-10", "19999002", "2026-11-10T09:12:44+01:00", "on_hold?"),
    )
}  # fmt: skip
_BAD_LINES = {
    "2026-10-20": {
        "order_number": "19999003", "line_no": "1", "sku": "0099998-01", "title": "Divers", "quantity": "1",
        "unit_price": "24.9O", "list_price": "24.90", "discount": "0.00", "tax_percent": "20.00", "is_gift_card": "false",
    }
}  # fmt: skip


def _created(world: World) -> np.ndarray:
    """UTC seconds at which each person's records were opened: at the first purchase, or long before START."""
    first = np.full(len(world.people), -1, np.int64)
    orders = world.sales.orders
    person, utc = orders["person"].to_numpy()[::-1], orders["utc"].to_numpy()[::-1]
    first[person] = utc
    rng = np.random.default_rng([world.seed, 20])
    start = around.start_utc()
    before = start - 3600 - (rng.random(len(first)) ** 1.4 * 8 * 365 * DAY).astype(np.int64)
    return np.where(world.people.existing | (first < 0), before, first)


def _enrolled(utc: np.ndarray) -> np.ndarray:
    """Day of the file a record comes in: its own, or START for older ones."""
    return bought.paris_day(np.clip(utc, around.start_utc(), END_UTC - 1))


def _accounts(world: World) -> Iterator[Export]:
    rows = world.people.frame.with_columns(created=pl.Series(_created(world))).filter(pl.col("account").is_not_null())
    rows = rows.sort("created", "person")
    rows = rows.with_columns(day=pl.Series(_enrolled(rows["created"].to_numpy())))
    for span, part in split(rows, "day", periods()):
        accounts = part.select(
            pl.col("account").alias("customer_id"),
            pl.col("email"),
            _formatted_phone("phone").alias("phone"),
            "first_name",
            "last_name",
            pl.when(pl.col("knows_card")).then("card").alias("loyalty_card"),
            pl.col("country"),
            _iso("created").alias("registered_at"),
            pl.col("consents").alias("newsletter"),
        )
        yield Export(f"shop/shop_customers_{span.label}.csv", accounts, ENGLISH, after(span.last, 1))


def _formatted_phone(column: str) -> pl.Expr:
    """French numbers as people type them, in five ways; others in the international form."""
    national = pl.concat_str(pl.lit("0"), pl.col(column).str.slice(3))
    pairs = [national.str.slice(i, 2) for i in range(0, 10, 2)]
    way = pl.col("person") % 5
    french = pl.col(column).str.starts_with("+33")
    return (
        pl.when(~french | (way == 0))
        .then(pl.col(column))
        .when(way == 1)
        .then(pl.concat_str(pairs, separator=" "))
        .when(way == 2)
        .then(pl.concat_str(pairs, separator="."))
        .when(way == 3)
        .then(pl.concat_str(pl.lit("00"), pl.col(column).str.slice(1)))
        .otherwise(national)
    )


# ── marketplace ──────────────────────────────────────────────────────────────────────────────────────────────────────

_MARKET_STATUS = {"paid": "À expédier", "shipped": "Expédiée", "delivered": "Livrée", "cancelled": "Annulée", "fraud": "Fraude"}


def marketplace(world: World) -> Iterator[Export]:
    """One monthly file, a row per line with the order repeated; no VAT rate and no original price."""
    orders = world.sales.orders.filter(pl.col("channel") == MARKETPLACE)
    rows = world.sales.lines.join(
        orders.select("order", "number", "day", "wall", "status", "shown_email", "shown_phone"), on="order", how="inner", maintain_order="left"
    )
    sku, name = np.array(world.products.frame["sku"]), np.array(world.products.frame["name"])
    for span, part in split(rows, "day", periods()):
        table = part.select(
            pl.col("number").alias("N° commande"),
            _moment("wall", "%d/%m/%Y %H:%M").alias("Créée le"),
            pl.col("status").replace_strict(_MARKET_STATUS, return_dtype=pl.String).alias("Statut"),
            pl.col("shown_email").alias("E-mail acheteur"),
            pl.col("shown_phone").alias("Téléphone"),
            pl.col("line").alias("N° ligne"),
            pl.Series("Réf. vendeur", sku[part["product"].to_numpy()]),
            pl.Series("Désignation", name[part["product"].to_numpy()]),
            pl.col("quantity").alias("Qté"),
            _euros("price").alias("Prix unitaire TTC"),
            pl.when(pl.col("line") == 1).then(3.9).otherwise(0.0).alias("Frais de port"),
            pl.lit("Place Vermeille").alias("Boutique"),
        )
        spoiled = (_BAD_SALES,) if span.label == "2026-02" else ()
        yield Export(f"marketplace/commandes_{span.label}.csv", table, MARKET, after(span.last, 7), spoiled)
    back = world.sales.returns.filter(pl.col("channel") == MARKETPLACE).join(
        world.sales.orders.select("order", "number"), on="order", how="left", maintain_order="left"
    )
    for span, part in split(back, "return_day", periods(months=3)):
        yield Export(f"marketplace/retours_{span.label}.csv", _return_rows(part, sku), SEMICOLON, after(span.last, 7.2))


_BAD_SALES = {
    "N° commande": "VM-1000001", "Créée le": "11/02/2026 09:30", "Statut": "Livrée", "N° ligne": "1", "Réf. vendeur": "0099998-01",
    "Désignation": "Divers", "Qté": "deux", "Prix unitaire TTC": "12,90", "Frais de port": "3,90", "Boutique": "Place Vermeille",
}  # fmt: skip


# ── customers' loyalty records ───────────────────────────────────────────────────────────────────────────────────────


def crm(world: World) -> Iterator[Export]:
    """Loyalty members by month of enrolment, with the typos of the form; some people hold two cards."""
    created = pl.Series(_created(world) + 1800)
    people = world.people.frame.with_columns(created=created, home=pl.Series(world.people.home)).filter(pl.col("card").is_not_null())
    first = people.with_columns(ref="crm_ref", number="card")
    second = people.filter(pl.col("other_card").is_not_null()).with_columns(ref="other_crm_ref", number="other_card")
    rows = pl.concat([first, second.with_columns(pl.col("created") + 40 * DAY)]).sort("created", "ref")
    rows = rows.with_columns(day=pl.Series(_enrolled(rows["created"].to_numpy())))
    places = retailer.stores().frame["location_id"].to_list()
    for span, part in split(rows, "day", periods()):
        name = f"crm/clients_fidelite_{span.label}.csv"
        spoiled = (_BAD_MEMBER,) if span.label == "2025-09" else ()
        yield Export(name, _members(part, places), SEMICOLON, after(span.last, 5), spoiled)
        if span.label == "2026-09":  # delivered again after a campaign: more people agree to marketing
            again = part.with_columns(consents=pl.col("consents") | (pl.col("person") % 4 == 0))
            yield Export(name.replace(".csv", "_v2.csv"), _members(again, places), SEMICOLON, after(span.last, 10 * 24 + 5))


def _members(part: pl.DataFrame, places: list[str]) -> pl.DataFrame:
    born = pl.concat_str("birth_year", pl.lit("-01-01")).str.to_date() + pl.duration(days=pl.col("birth_day"))
    return part.select(
        pl.col("ref").alias("id_client"),
        pl.col("number").alias("carte"),
        pl.col("first_name").alias("prenom"),
        pl.col("last_name").str.to_uppercase().alias("nom"),
        pl.when(pl.col("person") % 9 == 0).then(pl.col("crm_email").str.to_uppercase()).otherwise("crm_email").alias("email"),
        pl.when("crm_phone").then(_formatted_phone("phone")).alias("telephone"),
        born.dt.strftime("%d/%m/%Y").alias("date_naissance"),
        pl.col("street").alias("adresse"),
        pl.col("postcode").alias("code_postal"),
        pl.col("city").alias("ville"),
        pl.col("country").alias("pays"),
        _named("home", places).alias("magasin"),
        _moment("created", "%Y-%m-%d %H:%M:%S").alias("cree_le"),
        _flag("consents").alias("optin"),
    )


_BAD_MEMBER = {"id_client": "999999001", "carte": "2999000000001", "prenom": "Test", "nom": "SAISIE", "cree_le": "2025-09-33 10:00:00", "optin": "N"}


# ── ERP and store master ─────────────────────────────────────────────────────────────────────────────────────────────

_PRICE_KINDS = ("", "D", "P", "F", "S")
AREAS = (("service", 9_500), ("preparation", 6_200), ("carrier", 11_500), ("omnichannel_run", 7_000), ("omnichannel_build", 24_000))


def erp(world: World) -> Iterator[Export]:
    """Products, price changes, costs and hours; semicolons, Windows-1252, decimal commas."""
    products = world.products
    sheet = products.frame.select(
        pl.col("sku").alias("Article"),
        pl.col("name").alias("Désignation"),
        pl.col("category").alias("Famille"),
        pl.col("subcategory").alias("Sous-famille"),
        pl.col("brand").alias("Marque"),
        _euros(pl.lit(pl.Series(products.cost))).alias("Coût HT"),
        _euros(pl.lit(pl.Series(products.list_price))).alias("Prix de vente TTC"),
        (pl.lit(pl.Series(retailer.vat(np.zeros(len(products.category), int), products.category))) / 10).alias("TVA %"),
        pl.col("season").alias("Saison"),
        pl.col("launched_on").str.to_date().dt.strftime("%d/%m/%Y").alias("Date de mise en vente"),
        _empty("discontinued_on").str.to_date().dt.strftime("%d/%m/%Y").alias("Date de retrait"),
    )
    gift = {"Article": retailer.GIFT_CARD, "Désignation": "Carte cadeau", "Famille": "Cartes cadeaux", "Sous-famille": None,
            "Marque": None, "Coût HT": 0.0, "Prix de vente TTC": 0.0, "TVA %": 0.0, "Saison": "PERM",
            "Date de mise en vente": "01/01/2019", "Date de retrait": None}  # fmt: skip
    sheet = pl.concat([sheet, pl.DataFrame([gift], schema=sheet.schema)])
    yield Export("erp/articles.csv", sheet, FRENCH, after(-2, 5))
    changes = price_changes(products)
    for span, part in split(changes, "first", periods()):
        table = part.select(
            pl.col("sku").alias("Article"),
            pl.col("from").dt.strftime("%d/%m/%Y").alias("Date début"),
            pl.col("to").dt.strftime("%d/%m/%Y").alias("Date fin"),
            _euros("price").alias("Prix TTC"),
            _euros("listed").alias("Prix d'origine TTC"),
            _named("kind", list(_PRICE_KINDS)).alias("Nature"),
        )
        yield Export(f"erp/tarifs_{span.label}.csv", table, FRENCH, after(span.first - 2, 6))
    yield Export("erp/charges_2024_2026.csv", _costs(world), FRENCH, after(DAYS - 1, 6))
    yield Export("erp/temps_preparation.csv", _hours(world), FRENCH, after(DAYS - 1, 6.2))


def price_changes(products: Products) -> pl.DataFrame:
    """Every span of days on which a product sold below its list price: sku, first (day), from, to, price, listed, kind."""
    marked = products.kind > 0
    same = np.zeros_like(marked)
    same[:, 1:] = marked[:, 1:] & (products.price[:, 1:] == products.price[:, :-1]) & (products.kind[:, 1:] == products.kind[:, :-1])
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


def _costs(world: World) -> pl.DataFrame:
    rng = np.random.default_rng([world.seed, 21])
    volume = world.sales.orders.group_by("day").len().sort("day")
    size = len(world.sales.orders) / 270_000
    rows = []
    for span in periods():
        share = volume.filter(pl.col("day").is_between(span.first, span.last))["len"].sum() / max(len(world.sales.orders) / 24, 1)
        for area, base in AREAS:
            grows = share if area in ("service", "preparation", "carrier") else (span.last - span.first + 1) / 30.4
            if area == "omnichannel_build" and span.label > "2026-06":
                continue
            amount = round(base * size * grows * float(rng.uniform(0.94, 1.06)), 2)
            rows.append((f"{span.label}-{area}", f"01/{span.label[5:]}/{span.label[:4]}", area, amount))
    return pl.DataFrame(rows, schema=["Pièce", "Mois", "Nature", "Montant HT"], orient="row")


def _hours(world: World) -> pl.DataFrame:
    """Hours spent preparing, by place and day."""
    work = world.journeys.fulfilments.with_columns(day=pl.Series(bought.paris_day(world.journeys.fulfilments["created"].to_numpy())))
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


def store_master(world: World) -> Iterator[Export]:
    """Locations, opening hours and roll-outs; small reference files."""
    s = retailer.stores().frame
    columns = ["location_id", "name", "kind", "region", "country", "timezone", "opened_on", "closed_on", "area_m2"]
    shops = s.select(
        "location_id", pl.concat_str(pl.lit("Vermillet "), "town").alias("name"), pl.lit("store").alias("kind"), "region", "country",
        "timezone", "opened_on", _empty("closed_on").alias("closed_on"), "area_m2",
    )  # fmt: skip
    depots = retailer.WAREHOUSES.select(
        "location_id", pl.col("town").alias("name"), pl.lit("warehouse").alias("kind"), "region", "country", "timezone",
        "opened_on", pl.lit(None, pl.String).alias("closed_on"), "area_m2",
    )  # fmt: skip
    web = pl.DataFrame([(retailer.WEB_LOCATION, "Vermillet en ligne", "web", "En ligne", "FR", "Europe/Paris", "2014-02-03", None, None)],
                       schema=shops.schema, orient="row")  # fmt: skip
    yield Export("store_master/locations.csv", pl.concat([shops, depots, web]).select(columns), ENGLISH, after(-2, 3))
    yield Export("store_master/opening_hours.csv", retailer.hours_on_file(), ENGLISH, after(-2, 3.1))
    rolled = [
        (row["location_id"], capability, row[column])
        for capability, column in (("click_and_collect", "collect_on"), ("ship_from_store", "ship_on"))
        for row in s.iter_rows(named=True)
        if row[column]
    ]
    table = pl.DataFrame(rolled, schema=["location_id", "capability", "live_on"], orient="row").sort("live_on", "location_id")
    yield Export("store_master/rollouts.csv", table, ENGLISH, after(DAYS - 1, 3.2))


# ── order management, carriers, warehouse ────────────────────────────────────────────────────────────────────────────

_OMS_MODES = ("", "DELIVERY", "CC", "RC", "SFS")
_LATER = ("2026-09", "2026-10")  # months delivered at their end and again two weeks later


def _masked(frame: pl.DataFrame, columns: list[str], until: datetime) -> pl.DataFrame:
    """The rows as a system knew them at `until`: what happened later is empty."""
    limit = int(until.timestamp())
    return frame.with_columns([pl.when(pl.col(c) < limit).then(pl.col(c)).alias(c) for c in columns])


def oms(world: World) -> Iterator[Export]:
    """Fulfilments and reservations by month; two recent months come once as known at month's end and once corrected."""
    rows = world.journeys.fulfilments
    rows = rows.with_columns(day=pl.Series(np.minimum(bought.paris_day(rows["created"].fill_null(END_UTC - 1).to_numpy()), DAYS - 1)))
    rows = rows.filter(pl.col("created").is_not_null())
    moments = ["accepted", "ready", "collected", "shipped", "delivered", "cancelled", "expired"]
    for span, part in split(rows, "day", periods()):
        name = f"oms/fulfilments_{span.label}.csv"
        if span.label in _LATER:
            at = after(span.last, 1)
            yield Export(name, _fulfilment_rows(_masked(part, moments, at)), ENGLISH, at)
            name = name.replace(".csv", "_v2.csv")
        yield Export(name, _fulfilment_rows(part), ENGLISH, after(min(span.last + 15, DAYS - 1), 2.5))
    places = retailer.stores().frame["location_id"].to_list()
    holds = world.journeys.reservations
    holds = holds.with_columns(day=pl.Series(bought.paris_day(holds["reserved"].to_numpy())), account=world.people.frame["account"].gather(holds["person"]))
    sku = np.array(world.products.frame["sku"])
    for span, part in split(holds, "day", periods(months=3)):
        table = part.select(
            (pl.col("reservation") + 7_000_001).cast(pl.String).alias("reservation_id"),
            pl.col("account").alias("customer_id"),
            _named("store", places).alias("store"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            pl.lit(1).alias("quantity"),
            _iso("reserved").alias("reserved_at"),
            _iso("expires").alias("expires_at"),
            pl.col("ticket").alias("ticket"),
            pl.col("status"),
        )
        yield Export(f"oms/reservations_{span.label}.csv", table, ENGLISH, after(min(span.last + 15, DAYS - 1), 2.7))


def _fulfilment_rows(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(
        (pl.col("fulfilment") + 300_001).cast(pl.String).str.zfill(10).alias("fulfilment_id"),
        pl.col("number").alias("order_number"),
        _named("mode", list(_OMS_MODES)).alias("type"),
        pl.col("location").alias("site"),
        *(_iso(c).alias(f"{c}_at") for c in ("created", "promised", "first_promised", "accepted", "ready", "collected", "shipped",
                                             "delivered", "cancelled", "expired")),
        _empty("reason").alias("reason"),
        pl.col("requested").alias("lines_requested"),
        pl.col("fulfilled").alias("lines_fulfilled"),
        _euros("cost").alias("preparation_cost"),
    )  # fmt: skip


_PARCEL_STATUS = {"in_transit": "In transit", "delivered": "Delivered", "failed": "Undeliverable", "lost": "Lost"}


def tms(world: World) -> Iterator[Export]:
    """Parcels by month of hand-over: tab separated, American dates in Paris time; late scans come with the second delivery."""
    rows = world.journeys.shipments
    rows = rows.with_columns(day=pl.Series(bought.paris_day(rows["shipped"].to_numpy())))
    for span, part in split(rows, "day", periods()):
        name = f"tms/shipments_{span.label}.txt"
        if span.label in _LATER:
            at = after(span.last, 1.5)
            early = _masked(part, ["delivered"], at).with_columns(
                status=pl.when(pl.col("delivered").is_null()).then(pl.lit("in_transit")).otherwise("status")
            )
            yield Export(name, _parcel_rows(early), TABS, at)
            name = name.replace(".txt", "_v2.txt")
        spoiled = (_BAD_PARCEL,) if span.label == "2026-05" else ()
        yield Export(name, _parcel_rows(part), TABS, after(min(span.last + 15, DAYS - 1), 3), spoiled)


def _parcel_rows(part: pl.DataFrame) -> pl.DataFrame:
    shown = part.with_columns(
        **{c: pl.Series(_paris(part[c]), dtype=pl.Int64) for c in ("shipped", "promised", "delivered")},
    )
    pattern = "%m/%d/%Y %I:%M:%S %p"
    return shown.select(
        pl.format("PX{}FR", (pl.col("shipment") + 40_000_001)).alias("Tracking Number"),
        pl.col("number").alias("Order Reference"),
        (pl.col("fulfilment") + 300_001).cast(pl.String).str.zfill(10).alias("Fulfilment"),
        _named("carrier", CARRIERS).alias("Carrier"),
        pl.when("express").then(pl.lit("Express")).otherwise(pl.lit("Standard")).alias("Service"),
        _moment("shipped", pattern).alias("Ship Date"),
        _moment("promised", pattern).alias("Promised Date"),
        _moment("delivered", pattern).alias("Delivery Date"),
        pl.col("attempts").alias("Attempts"),
        _euros("cost").alias("Cost"),
        pl.col("status").replace_strict(_PARCEL_STATUS, return_dtype=pl.String).alias("Status"),
    )


def _paris(utc: pl.Series) -> pl.Series:
    known = utc.fill_null(END_UTC)
    return pl.DataFrame({"utc": utc, "wall": bought.local(known.to_numpy())}).select(
        pl.when(pl.col("utc").is_not_null()).then("wall")
    )["wall"]


_BAD_PARCEL = {
    "Tracking Number": "PX99999999FR", "Order Reference": "19999009", "Carrier": "Rapidis", "Service": "Standard",
    "Ship Date": "13/45/2026 09:00:00 AM", "Promised Date": "05/20/2026 08:00:00 PM", "Attempts": "1", "Cost": "5.10", "Status": "In transit",
}  # fmt: skip
_MOVES = {"receipt": "REC", "transfer_out": "TSO", "transfer_in": "TSI", "sale": "VTE", "return": "RET", "loss": "PER", "adjustment": "REG"}
_LOSS_WORDS = dict(zip((*LOSS_REASONS, "stock_count", ""), ("CASSE", "VOL", "DON", "PEREMPTION", "INVENTAIRE", None), strict=True))


def wms(world: World) -> Iterator[Export]:
    """The stock book of the followed products: month-end levels, every movement, and the counts."""
    sku, cost = np.array(world.products.frame["sku"]), world.products.cost
    levels = world.stock.levels.with_columns(file=pl.col("day").clip(0))
    for span, part in split(levels, "file", periods()):
        table = part.select(
            pl.col("location").alias("site"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            (pl.lit(START) + pl.duration(days="day")).dt.strftime("%Y%m%d").alias("date"),
            pl.col("on_hand"),
            _euros(pl.lit(pl.Series(cost[part["product"].to_numpy()]))).alias("unit_cost"),
        )
        yield Export(f"wms/stock_{span.label}.csv", table, SEMICOLON, after(span.last, 1.2))
    moves = world.stock.movements
    moves = moves.with_columns(day=pl.Series(np.clip(bought.paris_day(moves["utc"].to_numpy()), 0, DAYS - 1)))
    for span, part in split(moves, "day", periods()):
        table = part.select(
            (pl.col("movement") + 1).cast(pl.String).str.zfill(9).alias("movement"),
            pl.col("location").alias("site"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            _iso("utc").alias("at"),
            pl.col("kind").replace_strict(_MOVES, return_dtype=pl.String).alias("code"),
            pl.col("quantity").alias("qty"),
            _euros(pl.lit(pl.Series(cost[part["product"].to_numpy()]))).alias("unit_cost"),
            pl.col("reason").replace_strict(_LOSS_WORDS, return_dtype=pl.String).alias("reason"),
            pl.col("transfer"),
        )
        yield Export(f"wms/mouvements_{span.label}.csv", table, SEMICOLON, after(span.last, 1.3))
    counts = world.stock.counts
    table = counts.select(
        pl.col("count").alias("inventaire"),
        pl.Series("sku", sku[counts["product"].to_numpy()]),
        pl.col("location").alias("site"),
        _iso("utc").alias("compte_le"),
        pl.col("book").alias("theorique"),
        pl.col("counted").alias("compte"),
        _euros(pl.lit(pl.Series(cost[counts["product"].to_numpy()]))).alias("unit_cost"),
    )
    yield Export("wms/inventaires_2025_2026.csv", table, SEMICOLON, after(DAYS - 1, 1.4))


# ── analytics, counters, service, planning ───────────────────────────────────────────────────────────────────────────


def analytics(world: World, daily: int) -> Iterator[Export]:
    """Sessions, gzipped; signed-in ones carry the web account."""
    account = world.people.frame["account"]
    numbers = world.sales.orders["number"]
    campaign = _campaign_by_day()
    for span, part in split(world.journeys.sessions, "day", periods(daily)):
        person, order = part["person"].to_numpy(), part["order"].to_numpy()
        table = part.with_columns(
            account=account.gather(np.maximum(person, 0)),
            number=numbers.gather(np.maximum(order, 0)),
            campaign=pl.Series(campaign[part["day"].to_numpy()]),
        ).select(
            (pl.col("session") + 900_000_000).alias("session_id"),
            pl.format("{}.{}", (pl.col("visitor") * 2_654_435_761 % 4_294_967_291), pl.col("visitor")).alias("client_id"),
            pl.when("signed").then("account").alias("user_id"),
            _iso("utc").alias("session_start"),
            pl.when("app").then(pl.lit("APP")).otherwise(pl.lit("WEB")).alias("platform"),
            _named("source", [x[0] for x in around.SOURCES]).alias("source"),
            _named("source", [x[1] for x in around.SOURCES]).alias("medium"),
            pl.when(pl.col("source").is_in(_PAID)).then(_empty("campaign")).alias("campaign"),
            _named("device", ("mobile", "desktop", "tablet")).alias("device_category"),
            pl.col("views").alias("page_views"),
            pl.col("looks").alias("view_item"),
            pl.col("carts").alias("add_to_cart"),
            pl.col("checks").alias("store_availability"),
            pl.when(pl.col("order") >= 0).then("number").alias("transaction_id"),
        )
        yield Export(f"analytics/sessions_{span.label}.csv.gz", table, ZIPPED, after(span.last, 6))


_PAID = [i for i, (_, medium, _share) in enumerate(around.SOURCES) if medium not in ("organic", "none")]


def _campaign_by_day() -> np.ndarray:
    name = np.full(DAYS, "always_on", dtype=object)
    for event in retailer.EVENTS:
        if event.name in around.CAMPAIGNS:
            first, last = retailer.day_index(event.starts_on), retailer.day_index(event.ends_on)
            name[max(first, 0) : min(last, DAYS - 1) + 1] = around.CAMPAIGNS[event.name]
    return name.astype(str)


def counters(world: World) -> Iterator[Export]:
    """People counted in, by store and hour."""
    places = retailer.stores().frame["location_id"].to_list()
    for span, part in split(world.journeys.traffic, "day", periods()):
        table = part.select(
            _named("store", places).alias("store"),
            _iso("utc").alias("hour"),
            pl.col("entries").alias("in"),
        )
        yield Export(f"counters/traffic_{span.label}.csv", table, ENGLISH, after(span.last, 4.5))


_DESKS = ("Téléphone", "E-mail", "Chat", "Assistant automatique")


def service(world: World) -> Iterator[Export]:
    """Contacts with customer service, in Paris time; the requester gives an e-mail, a phone number or an account."""
    rows = world.journeys.contacts.join(
        world.people.frame.select("person", "email", "phone", "account"), on="person", how="left", maintain_order="left"
    )
    rows = rows.with_columns(day=(pl.col("wall") // DAY - retailer.EPOCH_DAY), solved=pl.Series(_paris(rows["solved"]), dtype=pl.Int64))
    for span, part in split(rows, "day", periods()):
        table = part.select(
            (pl.col("contact") + 500_001).cast(pl.String).alias("Ticket"),
            _moment("wall", "%d/%m/%Y %H:%M").alias("Ouvert le"),
            _moment("solved", "%d/%m/%Y %H:%M").alias("Résolu le"),
            _named("by", _DESKS).alias("Canal"),
            _named("reason", CONTACT_REASONS).alias("Motif"),
            pl.when(pl.col("by") == 1).then("email").when(pl.col("says") == 0).then("email").alias("E-mail"),
            pl.when(pl.col("by") == 0).then("phone").alias("Téléphone"),
            pl.when((pl.col("by") > 1) & (pl.col("says") > 0)).then("account").alias("Compte"),
            pl.col("number").alias("N° commande"),
            pl.when("outbound").then(pl.lit("Sortant")).otherwise(pl.lit("Entrant")).alias("Sens"),
            pl.col("minutes").alias("Durée (min)"),
            pl.when("scored").then("score").alias("Note"),
            _flag("transfer").alias("Transfert"),
        )
        yield Export(f"service/contacts_{span.label}.csv", table, MARKET, after(span.last, 6.5))


# Monthly objectives: level in the first month, and in the last; shares are shares.
TARGETS = {
    "average_order_value": (58.0, 62.0), "units_per_transaction": (2.15, 2.25), "web_to_store_conversion_rate": (0.045, 0.08),
    "session_conversion_rate": (0.045, 0.068), "omnichannel_customer_rate": (0.18, 0.25), "late_rate": (0.065, 0.055),
    "pickup_within_promise_rate": (0.85, 0.88), "markdown_rate": (0.13, 0.15), "next_day_rate": (0.15, 0.20),
    "repeat_purchase_rate": (0.50, 0.56), "order_to_delivery_hours_mean": (84.0, 78.0),
}  # fmt: skip


def planning(world: World) -> Iterator[Export]:
    """Monthly targets by metric and the trading calendar."""
    spans = periods()
    rows = []
    season = retailer.trading()
    total = world.sales.lines["paid"].sum() / 100 / 1.2
    level = season["store"] + 0.4 * season["web"]
    for i, span in enumerate(spans):
        month = f"{span.label}-01"
        for metric, (first, last) in TARGETS.items():
            rows.append((metric, month, "month", f"{first + (last - first) * i / (len(spans) - 1):.4f}", None))
        share = float(level[span.first : span.last + 1].sum() / level.sum())
        rows.append(("sales", month, "month", f"{round(total * 1.01 * share, -2):.0f}", None))
    columns = dict.fromkeys(("metric", "period_start", "grain", "value", "channel"), pl.String)
    targets = pl.DataFrame(rows, schema=columns, orient="row")
    yield Export("planning/targets.csv", targets, ENGLISH, after(-1, 8))
    events = pl.DataFrame(
        [(f"EV{i:03d}", e.name, e.starts_on.strftime("%d/%m/%Y"), e.ends_on.strftime("%d/%m/%Y"), e.kind)
         for i, e in enumerate(sorted(retailer.EVENTS, key=lambda e: e.starts_on), 1)],
        schema=["Code", "Événement", "Du", "Au", "Type"], orient="row",
    )  # fmt: skip
    yield Export("planning/evenements.csv", events, MARKET, after(-1, 8.1))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# Kept as it came by mistake; no mapping knows it.
STRAY = "erp/Budget 2027 - brouillon.csv"
# Exported a second time under another name, byte for byte.
TWICE = {"pos/tickets_CET_2026-11-12.csv": "pos/tickets_CET_2026-11-12 (1).csv", "counters/traffic_2026-08.csv": "counters/traffic_2026-08_bis.csv"}


def exports(world: World, daily: int) -> Iterator[Export]:
    """Every export of every system."""
    yield from store_master(world)
    yield from erp(world)
    yield from planning(world)
    yield from crm(world)
    yield from shop(world, daily)
    yield from marketplace(world)
    yield from tills(world, daily)
    yield from oms(world)
    yield from tms(world)
    yield from wms(world)
    yield from analytics(world, daily)
    yield from counters(world)
    yield from service(world)


def content(export: Export) -> bytes:
    """The file's bytes; the same export gives the same bytes."""
    frame, dialect = export.frame, export.dialect
    text = io.BytesIO()
    ready = frame.with_columns(pl.col(pl.Float64).round(2))
    ready.write_csv(text, separator=dialect.separator, float_precision=2, decimal_comma=dialect.decimal_comma)
    data = text.getvalue()
    for row in export.spoiled:
        cells = [row.get(name, "") for name in frame.columns]
        data += (dialect.separator.join(f'"{c}"' if dialect.separator in c else c for c in cells) + "\n").encode()
    if dialect.encoding != "utf-8":
        data = data.decode().encode(dialect.encoding)
    return gzip.compress(data, compresslevel=3, mtime=0) if dialect.zipped else data


def put(inbox: Path, path: str, data: bytes, delivered: datetime) -> None:
    """Writes a file with its delivery time, so that the order of loading is always the same."""
    target = inbox / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    os.utime(target, (delivered.timestamp(), delivered.timestamp()))


def write_exports(world: World, inbox: Path, daily: int) -> tuple[list[tuple[str, int, int]], pl.DataFrame]:
    """Writes every export into the inbox; returns (path, rows, bytes) of each and the table of planted faults."""
    written, faults = [], []
    for export in exports(world, daily):
        data = content(export)
        put(inbox, export.path, data, export.delivered)
        written.append((export.path, len(export.frame) + len(export.spoiled), len(data)))
        for i, row in enumerate(export.spoiled):
            column, value = _fault(row)
            faults.append((export.path, "reject", len(export.frame) + 2 + i, column, value))
        if export.path in TWICE:
            put(inbox, TWICE[export.path], data, export.delivered + timedelta(hours=3))
            written.append((TWICE[export.path], len(export.frame), len(data)))
            faults.append((TWICE[export.path], "duplicate", None, None, None))
        if "_v2." in export.path or "_changes_" in export.path:
            faults.append((export.path, "correction", None, None, None))
    draft = "Maison;Budget 2027;à valider\nTextile;1 250 000;?\n".encode("cp1252")
    put(inbox, STRAY, draft, after(DAYS - 1, 6.4))
    written.append((STRAY, 1, len(draft)))
    faults.append((STRAY, "unmatched", None, None, None))
    names = {"file": pl.String, "fault": pl.String, "line": pl.Int64, "column": pl.String, "value": pl.String}
    return written, pl.DataFrame(faults, schema=names, orient="row")


_SPOILED_VALUES = ("31/02/", "N/C", "un", "???", "19,9O", "2025-06-31", "on_hold?", "24.9O", "deux", "2025-09-33", "13/45/")


def _fault(row: dict[str, str]) -> tuple[str, str]:
    """Column and value that no rule can take in a planted row."""
    found = [(c, v) for c, v in row.items() if v == "un" or any(v.startswith(bad) for bad in _SPOILED_VALUES if bad != "un")]
    assert len(found) == 1, row
    return found[0]


__all__ = ["END", "World", "content", "exports", "periods", "write_exports"]
