"""Exports of the systems that sell: tills, web shop and app, marketplace."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from demo import retailer
from demo.currencies import BOUTIQUE, EURO, FORINT, in_forints
from demo.files import (
    ENGLISH,
    FRENCH,
    MARKET,
    SEMICOLON,
    Export,
    after,
    empty,
    euros,
    flag,
    iso,
    moment,
    named,
    named_of,
    periods,
    split,
)
from demo.orders import RETURN_REASONS
from demo.products import GIFT_CARD
from demo.retailer import APP, COLLECT, DAYS, MARKETPLACE, PHONE, WEB, day_of
from demo.world import World

TILLS = (("CET", "Europe/Paris"), ("PT", "Europe/Lisbon"), ("RE", "Indian/Reunion"), ("GP", "America/Guadeloupe"))
_TILL_KINDS = ("", "DEMARQUE", "PROMO", "FIN DE SERIE", "SOLDES", "BON", "PERSONNEL")
_TILL_REASONS = ("TAILLE", "COUPE", "COLORIS", "DEFAUT", "AVIS", "RETARD")
_TILL_ENDS = ("REMB", "ECHANGE", "AVOIR")
_TENDERS = ("CB", "CB", "CB", "ESP", "CB", "APPLE PAY", "CHEQUE CADEAU", "CB")


def tills(world: World, daily: int) -> Iterator[Export]:
    """Sales and refund lines in one ticket file; store time, one file by time zone (overseas and Portugal quarterly)."""
    s = retailer.stores()
    places = s.frame["location_id"].to_list()
    back = world.sales.returns.filter(pl.col("return_store") >= 0).select(
        "order", pl.col("return_line").alias("line"), "product", "category", "quantity", "price", "listed", "discount", "kind",
        "vat", "paid", pl.col("return_number").alias("number"), pl.col("return_store").alias("store"),
        pl.col("return_day").alias("day"), pl.col("return_wall").alias("wall"), "resolution", "reason", "blind", "refund",
        "exchange_number",
    )  # fmt: skip
    origin = world.sales.orders.select("order", origin="number")
    back = back.join(origin, on="order", how="left", maintain_order="left").with_columns(
        pl.col("line").cast(pl.Int64), pl.col("day").cast(pl.Int32), status=pl.lit("completed"), back=pl.lit(True)
    )
    given = world.sales.returns["exchange"].drop_nulls()
    told = ["order", "number", "store", "day", "wall", "status", "shown_card", "shown_email", "is_staff", "is_b2b"]
    for zone, (code, _) in enumerate(TILLS):
        mine = pl.col("store").is_in(np.flatnonzero(s.timezone == zone).tolist())
        orders = world.sales.orders.filter(mine).select(told, is_given=pl.col("order").is_in(given.implode()))
        spans = periods(daily) if zone == 0 else periods(months=3)
        returned = {span.label: part for span, part in split(back.filter(mine), "day", spans)}
        for span, part in split(orders.with_columns(sent=_sent(places)), "sent", spans):
            sold = _with_payment(world, lines_of(world, part.drop("sent"))).with_columns(back=pl.lit(False))
            rows = pl.concat([sold, returned.get(span.label, back.clear())], how="diagonal_relaxed")
            rows = rows.with_columns(pl.col("is_staff", "is_b2b").fill_null(False)).sort("wall", "number", "line")
            spoiled = (_BAD_TICKETS[span.label],) if zone == 0 and span.label in _BAD_TICKETS else ()
            name = f"pos/tickets_{code}_{span.label}.csv"
            yield Export(name, _till_rows(rows, world, places), FRENCH, after(span.last, 3.5 + zone), spoiled)


def _with_payment(world: World, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines with `total`, what the till says was paid for their ticket."""
    differing = world.disagreements.payments.select("order", "delta")
    paid = pl.col("paid").sum().over("order") + pl.col("delta").fill_null(0)
    return lines.join(differing, on="order", how="left", maintain_order="left").with_columns(total=paid).drop("delta")


# A store whose line was down: its tickets of that day came three days later, with those of the day itself.
OFFLINE, OFFLINE_DAY, BACK_ONLINE = "0001", date(2026, 11, 7), date(2026, 11, 10)


def _sent(places: list[str]) -> pl.Expr:
    """Day of the file each ticket comes in."""
    down = (pl.col("store") == places.index(OFFLINE)) & (pl.col("day") == retailer.day_index(OFFLINE_DAY))
    return pl.when(down).then(pl.lit(retailer.day_index(BACK_ONLINE))).otherwise("day").cast(pl.Int32)


def lines_of(world: World, orders: pl.DataFrame) -> pl.DataFrame:
    """The lines of some orders, each with its order's columns."""
    lines, wanted = world.sales.lines, orders["order"].to_numpy()
    # Lines lie in the order of their orders: only the stretch that can match is joined.
    ends = [wanted.min(), wanted.max() + 1] if len(wanted) else [0, 0]
    first, last = np.searchsorted(lines["order"].to_numpy(), ends)
    return lines[int(first) : int(last)].join(orders, on="order", how="inner", maintain_order="left")


def _till_rows(part: pl.DataFrame, world: World, places: list[str]) -> pl.DataFrame:
    sku = [*world.products.frame["sku"].to_list(), GIFT_CARD]
    label = [*world.products.frame["name"].to_list(), "Carte cadeau"]
    product = part["product"].to_numpy()
    back = pl.col("back")
    return part.select(
        pl.Series("Magasin", np.array(places)[part["store"].to_numpy()]),
        pl.col("number").alias("N° ticket"),
        pl.col("line").alias("Ligne"),
        pl.when(back).then(pl.lit("RETOUR")).otherwise(pl.lit("VENTE")).alias("Type"),
        pl.when(pl.col("status") == "voided").then(pl.lit("ANN")).otherwise(pl.lit("VAL")).alias("Statut"),
        moment("wall", "%d/%m/%Y %H:%M").alias("Date"),
        pl.Series("Code article", np.array(sku)[product]),
        pl.Series("Libellé", np.array(label)[product]),
        pl.when(pl.col("product") < 0).then(pl.lit("CADEAU")).otherwise(pl.lit("ART")).alias("Nature"),
        pl.when(back).then(-pl.col("quantity")).otherwise("quantity").alias("Qté"),
        euros("price").alias("PU TTC"),
        euros("listed").alias("PU catalogue"),
        euros("discount").alias("Remise ligne"),
        empty(named("kind", _TILL_KINDS)).alias("Motif remise"),
        (pl.col("vat").cast(pl.Float64) / 10).alias("TVA %"),
        pl.col("shown_card").alias("Carte fidélité"),
        pl.col("shown_email").alias("E-mail e-ticket"),
        flag("is_staff").alias("Personnel"),
        flag("is_b2b").alias("Pro"),
        # what is taken in exchange is paid with the credit of what came back
        pl.when(~back & (pl.col("line") == 1))
        .then(pl.when("is_given").then(pl.lit("AVOIR")).otherwise(named_of(pl.col("wall") // 60 % 8, _TENDERS)))
        .alias("Règlement"),
        pl.when(~back & (pl.col("line") == 1)).then(euros("total")).alias("Montant réglé"),
        pl.when(back & ~pl.col("blind")).then("origin").alias("Ticket d'origine"),
        named("reason", _TILL_REASONS).alias("Motif retour"),
        named("resolution", _TILL_ENDS).alias("Suite"),
        pl.col("exchange_number").alias("Ticket d'échange"),
        pl.when(back).then(-euros("refund")).alias("Remboursement"),
    )


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
    "2026-10-28": _ticket("001009900003", "28/10/2026 17:41", Qté="un"),
    "2026-11-05": _ticket("001009900004", "05/11/2026 10:12", Statut="???"),
    "2026-11-14": _ticket("001009900005", "14/11/2026 15:30", Montant_réglé="19,9O"),
}


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
        lines = lines_of(world, part.select("order", "number"))
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
    for span, part in split(back.filter(pl.col("channel") != MARKETPLACE), "return_day", periods(daily, months=3)):
        yield Export(f"shop/shop_returns_{span.label}.csv", _return_rows(part, sku), ENGLISH, after(span.last, 4))


def _shop_orders(world: World) -> pl.DataFrame:
    visit = world.journeys.sessions.filter(pl.col("order") >= 0).select(
        pl.col("order").cast(pl.UInt32), session_id=(pl.col("session") + 900_000_000).cast(pl.String)
    )
    orders = world.sales.orders.filter(pl.col("channel").is_in([WEB, APP, PHONE]))
    paid = world.sales.lines.select("order", "paid").join(orders.select("order"), on="order", how="semi")
    total = paid.group_by("order").agg(total=pl.col("paid").sum())
    return (
        orders.join(visit, on="order", how="left", maintain_order="left")
        .join(total, on="order", how="left", maintain_order="left")
        .join(world.disagreements.payments.select("order", "delta"), on="order", how="left", maintain_order="left")
        .with_columns(shipping=pl.when((pl.col("mode") == COLLECT) | (pl.col("total") >= 6000)).then(0).otherwise(490))
    )


def _shop_rows(part: pl.DataFrame) -> pl.DataFrame:
    places = retailer.stores().frame["location_id"].to_list()
    offset = (pl.col("wall") - pl.col("utc")) // 3600
    return part.select(
        pl.col("number").alias("order_number"),
        pl.concat_str(moment("wall", "%Y-%m-%dT%H:%M:%S"), pl.format("+0{}:00", offset)).alias("created_at"),
        named("channel", _SHOP_CHANNELS).alias("platform"),
        pl.col("status").replace_strict(_SHOP_STATUS, return_dtype=pl.String).alias("status"),
        pl.col("shown_ref").alias("customer_id"),
        pl.col("shown_email").alias("email"),
        pl.col("shown_phone").alias("phone"),
        named("country", retailer.COUNTRIES).alias("shipping_country"),
        pl.lit("EUR").alias("currency"),
        euros("shipping").alias("shipping_amount"),
        pl.when(pl.col("mode") == COLLECT).then(pl.lit("pickup")).otherwise(pl.lit("delivery")).alias("delivery_method"),
        named("pickup", places).alias("pickup_store"),
        pl.col("is_test").alias("test"),
        pl.col("is_b2b").alias("business"),
        pl.col("session_id"),
        named_of(pl.col("utc") % 7, _SHOP_PAYMENTS).alias("payment_method"),
        euros(pl.col("total") + pl.col("shipping") + pl.col("delta").fill_null(0)).alias("amount_paid"),
        pl.when("coupon").then(pl.lit("MERCI10")).alias("coupon_code"),
    )


def _shop_lines(lines: pl.DataFrame, world: World) -> pl.DataFrame:
    sku = np.array([*world.products.frame["sku"].to_list(), GIFT_CARD])
    name = np.array([*world.products.frame["name"].to_list(), "Carte cadeau"])
    return lines.select(
        pl.col("number").alias("order_number"),
        pl.col("line").alias("line_no"),
        pl.Series("sku", sku[lines["product"].to_numpy()]),
        pl.Series("title", name[lines["product"].to_numpy()]),
        pl.col("quantity"),
        euros("price").alias("unit_price"),
        euros("listed").alias("list_price"),
        euros("discount").alias("discount"),
        empty(named("kind", _SHOP_KINDS)).alias("discount_reason"),
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
        euros("refund").alias("refunded"),
        iso("return_utc").alias("received_at"),
        named("reason", list(RETURN_REASONS)).alias("reason"),
        named_of(pl.col("resolution"), ("refund", "exchange", "store_credit")).alias("outcome"),
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
    "2026-11-03": {
        "order_number": "19999003", "line_no": "1", "sku": "0099998-01", "title": "Divers", "quantity": "1",
        "unit_price": "24.9O", "list_price": "24.90", "discount": "0.00", "tax_percent": "20.00", "is_gift_card": "false",
    }
}  # fmt: skip


_MARKET_STATUS = {"paid": "À expédier", "shipped": "Expédiée", "delivered": "Livrée", "cancelled": "Annulée", "fraud": "Fraude"}


def marketplace(world: World, daily: int) -> Iterator[Export]:
    """One monthly file, a row per line with the order repeated; no VAT rate and no original price."""
    told = ["order", "number", "day", "wall", "status", "shown_email", "shown_phone", "rate"]
    orders = world.sales.orders.filter(pl.col("channel") == MARKETPLACE)
    abroad = pl.col("order").is_in(in_forints(orders, world.sales.returns)["order"].implode())
    rate = pl.Series(world.forint[orders["day"].to_numpy()])
    rows = lines_of(world, orders.with_columns(rate=pl.when(abroad).then(rate).otherwise(1.0)).select(told))
    sku, name = np.array(world.products.frame["sku"]), np.array(world.products.frame["name"])
    for span, part in split(rows, "day", periods(daily)):
        table = part.select(
            pl.col("number").alias("N° commande"),
            moment("wall", "%d/%m/%Y %H:%M").alias("Créée le"),
            pl.col("status").replace_strict(_MARKET_STATUS, return_dtype=pl.String).alias("Statut"),
            pl.col("shown_email").alias("E-mail acheteur"),
            pl.col("shown_phone").alias("Téléphone"),
            pl.col("line").alias("N° ligne"),
            pl.Series("Réf. vendeur", sku[part["product"].to_numpy()]),
            pl.Series("Désignation", name[part["product"].to_numpy()]),
            pl.col("quantity").alias("Qté"),
            pl.when(pl.col("rate") == 1).then(pl.lit(EURO)).otherwise(pl.lit(FORINT)).alias("Devise"),
            (euros("price") / pl.col("rate")).alias("Prix unitaire TTC"),
            (pl.when(pl.col("line") == 1).then(3.9).otherwise(0.0) / pl.col("rate")).alias("Frais de port"),
            pl.when(pl.col("rate") == 1).then(pl.lit("Place Vermeille")).otherwise(pl.lit(BOUTIQUE)).alias("Boutique"),
        )
        spoiled = (_BAD_SALES,) if span.label == "2026-02" else ()
        yield Export(f"marketplace/commandes_{span.label}.csv", table, MARKET, after(span.last, 7), spoiled)
    back = world.sales.returns.filter(pl.col("channel") == MARKETPLACE).join(
        world.sales.orders.select("order", "number"), on="order", how="left", maintain_order="left"
    )
    for span, part in split(back, "return_day", periods(daily, months=3)):
        yield Export(f"marketplace/retours_{span.label}.csv", _return_rows(part, sku), SEMICOLON, after(span.last, 7.2))


_BAD_SALES = {
    "N° commande": "VM-1000001", "Créée le": "11/02/2026 09:30", "Statut": "Livrée", "N° ligne": "1",
    "Réf. vendeur": "0099998-01", "Désignation": "Divers", "Qté": "deux",
    "Devise": "EUR", "Prix unitaire TTC": "12,90", "Frais de port": "3,90", "Boutique": "Place Vermeille",
}  # fmt: skip
