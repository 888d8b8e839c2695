"""Exports about visitors and callers: web analytics, people counters, customer service."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo import retailer
from demo.files import ENGLISH, MARKET, ZIPPED, Export, after, empty, flag, iso, moment, named, paris, periods, split
from demo.journeys import CAMPAIGNS, CONTACT_REASONS, SOURCES
from demo.retailer import DAY, DAYS
from demo.world import World


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
            pl.format("{}.{}", (pl.col("visitor") % 1_000_003 * 2_654_435_761 % 4_294_967_291), pl.col("visitor")).alias(
                "client_id"
            ),
            pl.when("signed").then("account").alias("user_id"),
            iso("utc").alias("session_start"),
            pl.when("app").then(pl.lit("APP")).otherwise(pl.lit("WEB")).alias("platform"),
            named("source", [x[0] for x in SOURCES]).alias("source"),
            named("source", [x[1] for x in SOURCES]).alias("medium"),
            pl.when(pl.col("source").is_in(_PAID)).then(empty("campaign")).alias("campaign"),
            named("device", ("mobile", "desktop", "tablet")).alias("device_category"),
            pl.col("views").alias("page_views"),
            pl.col("looks").alias("view_item"),
            pl.col("carts").alias("add_to_cart"),
            pl.col("checks").alias("store_availability"),
            pl.when(pl.col("order") >= 0).then("number").alias("transaction_id"),
        )
        yield Export(f"analytics/sessions_{span.label}.csv.gz", table, ZIPPED, after(span.last, 6))


_PAID = [i for i, (_, medium, _share) in enumerate(SOURCES) if medium not in ("organic", "none")]


def _campaign_by_day() -> np.ndarray:
    name = np.full(DAYS, "always_on", dtype=object)
    for event in retailer.EVENTS:
        if event.name in CAMPAIGNS:
            first, last = retailer.day_index(event.starts_on), retailer.day_index(event.ends_on)
            name[max(first, 0) : min(last, DAYS - 1) + 1] = CAMPAIGNS[event.name]
    return name.astype(str)


def reports(world: World) -> Iterator[Export]:
    """Sessions by day, app and web apart, as analytics reports them: with an estimate of those who refused to be measured."""
    rng = np.random.default_rng([world.seed, 81])
    measured = world.journeys.sessions.group_by("day", "app").len("measured").sort("day", "app")
    refused = rng.normal(0.19, 0.02, len(measured))
    counted = measured.with_columns(sessions=(pl.col("measured") * (1 + pl.Series(refused))).round().cast(pl.Int64))
    for span, part in split(counted, "day", periods(months=3)):
        table = part.select(
            pl.from_epoch((pl.col("day").cast(pl.Int64) + retailer.EPOCH_DAY) * DAY).dt.strftime("%Y%m%d").alias("Date"),
            pl.when("app").then(pl.lit("app")).otherwise(pl.lit("web")).alias("Platform"),
            pl.col("sessions").alias("Sessions"),
        )
        yield Export(f"analytics/traffic_acquisition_{span.label}.csv", table, ENGLISH, after(span.last, 7.5))


def counters(world: World, daily: int) -> Iterator[Export]:
    """People counted in, by store and hour."""
    places = retailer.stores().frame["location_id"].to_list()
    for span, part in split(world.journeys.traffic, "day", periods(daily)):
        table = part.select(
            named("store", places).alias("store"),
            iso("utc").alias("hour"),
            pl.col("entries").alias("in"),
        )
        yield Export(f"counters/traffic_{span.label}.csv", table, ENGLISH, after(span.last, 4.5))


_DESKS = ("Téléphone", "E-mail", "Chat", "Assistant automatique")


def service(world: World, daily: int) -> Iterator[Export]:
    """Contacts with customer service, in Paris time; the requester gives an e-mail, a phone number or an account."""
    rows = world.journeys.contacts.join(
        world.people.frame.select("person", "email", "phone", "account"), on="person", how="left", maintain_order="left"
    )
    rows = rows.with_columns(
        day=(pl.col("wall") // DAY - retailer.EPOCH_DAY), solved=pl.Series(paris(rows["solved"]), dtype=pl.Int64)
    )
    for span, part in split(rows, "day", periods(daily)):
        table = part.select(
            (pl.col("contact") + 500_001).cast(pl.String).alias("Ticket"),
            moment("wall", "%d/%m/%Y %H:%M").alias("Ouvert le"),
            moment("solved", "%d/%m/%Y %H:%M").alias("Résolu le"),
            named("by", _DESKS).alias("Canal"),
            named("reason", CONTACT_REASONS).alias("Motif"),
            pl.when(pl.col("by") == 1).then("email").when(pl.col("says") == 0).then("email").alias("E-mail"),
            pl.when(pl.col("by") == 0).then("phone").alias("Téléphone"),
            pl.when((pl.col("by") > 1) & (pl.col("says") > 0)).then("account").alias("Compte"),
            pl.col("number").alias("N° commande"),
            pl.when("outbound").then(pl.lit("Sortant")).otherwise(pl.lit("Entrant")).alias("Sens"),
            pl.col("minutes").alias("Durée (min)"),
            pl.when("scored").then("score").alias("Note"),
            flag("transfer").alias("Transfert"),
        )
        yield Export(f"service/contacts_{span.label}.csv", table, MARKET, after(span.last, 6.5))
