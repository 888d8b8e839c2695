"""Exports of customer records: web accounts and loyalty members."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from demo import retailer
from demo.files import ENGLISH, SEMICOLON, Export, after, flag, iso, moment, named, periods, split
from demo.journeys import start_utc
from demo.retailer import DAY, END_UTC, paris_day
from demo.world import World


def _created(world: World) -> np.ndarray:
    """UTC seconds at which each person's records were opened: at the first purchase, or long before START."""
    first = np.full(len(world.people), -1, np.int64)
    orders = world.sales.orders
    person, utc = orders["person"].to_numpy()[::-1], orders["utc"].to_numpy()[::-1]
    first[person] = utc
    rng = np.random.default_rng([world.seed, 20])
    start = start_utc()
    before = start - 3600 - (rng.random(len(first)) ** 1.4 * 8 * 365 * DAY).astype(np.int64)
    return np.where(world.people.existing | (first < 0), before, first)


def _enrolled(utc: np.ndarray) -> np.ndarray:
    """Day of the file a record comes in: its own, or START for older ones."""
    return paris_day(np.clip(utc, start_utc(), END_UTC - 1))


def accounts(world: World, daily: int) -> Iterator[Export]:
    """Web accounts by month of registration."""
    rows = world.people.frame.with_columns(created=pl.Series(_created(world))).filter(pl.col("account").is_not_null())
    rows = rows.sort("created", "person")
    rows = rows.with_columns(day=pl.Series(_enrolled(rows["created"].to_numpy())))
    for span, part in split(rows, "day", periods(daily)):
        table = part.select(
            pl.col("account").alias("customer_id"),
            pl.col("email"),
            _formatted_phone("phone").alias("phone"),
            "first_name",
            "last_name",
            pl.when(pl.col("knows_card")).then("card").alias("loyalty_card"),
            pl.col("country"),
            iso("created").alias("registered_at"),
            pl.col("consents").alias("newsletter"),
        )
        yield Export(f"shop/shop_customers_{span.label}.csv", table, ENGLISH, after(span.last, 1))


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


def crm(world: World, daily: int) -> Iterator[Export]:
    """Loyalty members by month of enrolment, with the typos of the form; some people hold two cards."""
    created = pl.Series(_created(world) + 1800)
    people = world.people.frame.with_columns(created=created, home=pl.Series(world.people.home)).filter(
        pl.col("card").is_not_null()
    )
    first = people.with_columns(ref="crm_ref", number="card")
    second = people.filter(pl.col("other_card").is_not_null()).with_columns(ref="other_crm_ref", number="other_card")
    rows = pl.concat([first, second.with_columns(pl.col("created") + 40 * DAY)]).sort("created", "ref")
    rows = rows.with_columns(day=pl.Series(_enrolled(rows["created"].to_numpy())))
    places = retailer.stores().frame["location_id"].to_list()
    for span, part in split(rows, "day", periods(daily)):
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
        named("home", places).alias("magasin"),
        moment("created", "%Y-%m-%d %H:%M:%S").alias("cree_le"),
        flag("consents").alias("optin"),
    )


_BAD_MEMBER = {
    "id_client": "999999001",
    "carte": "2999000000001",
    "prenom": "Test",
    "nom": "SAISIE",
    "cree_le": "2025-09-33 10:00:00",
    "optin": "N",
}
