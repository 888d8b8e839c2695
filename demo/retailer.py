"""Maison Vermillet, the demonstration retailer: its calendar and its stores. Everything here is fictitious."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

START, END = date(2024, 10, 1), date(2026, 11, 21)
DAYS = (END - START).days + 1
EPOCH_DAY = (START - date(1970, 1, 1)).days
DAY = 86_400
TIMEZONES = ("Europe/Paris", "Europe/Lisbon", "Indian/Reunion", "America/Guadeloupe")
CHANNELS = ("store", "web", "app", "marketplace", "phone")
STORE, WEB, APP, MARKETPLACE, PHONE = range(5)
# How goods reach the customer; reservations are paid at the till, so no order is one.
IN_STORE, HOME, COLLECT, FROM_STORE = 0, 1, 2, 4

# VAT in thousandths: standard rate and reduced rate (groceries) by country.
VAT = {
    "FR": (200, 55), "BE": (210, 60), "ES": (210, 100), "PT": (230, 60), "IT": (220, 100), "DE": (190, 70),
    "RE": (85, 21), "GP": (85, 21),
}  # fmt: skip
COUNTRIES = tuple(VAT)


def day_index(day: date) -> int:
    """Days since START; negative before it."""
    return (day - START).days


def day_of(index: int) -> date:
    return START + timedelta(days=int(index))


def weekday(day: np.ndarray) -> np.ndarray:
    """0 Monday … 6 Sunday."""
    return (day + START.weekday()) % 7


@dataclass(frozen=True)
class Event:
    name: str
    starts_on: date
    ends_on: date
    kind: str
    store_lift: float = 0.0
    web_lift: float = 0.0
    fades: bool = False  # strongest on the first days


def _events() -> tuple[Event, ...]:
    def on(name: str, kind: str, store: float, web: float, *spans: tuple[str, str], fades: bool = False) -> list[Event]:
        return [Event(name, date.fromisoformat(a), date.fromisoformat(b), kind, store, web, fades) for a, b in spans]

    return tuple(
        on("Black Friday", "promotion", 0.7, 1.7, ("2024-11-25", "2024-12-02"), ("2025-11-24", "2025-12-01"))
        + on("Noël", "holiday", 0.45, 0.25, ("2024-12-07", "2024-12-24"), ("2025-12-06", "2025-12-24"))
        + on("Soldes d'hiver", "soldes", 0.9, 1.0, ("2025-01-08", "2025-02-04"), ("2026-01-07", "2026-02-03"), fades=True)
        + on("Saint-Valentin", "holiday", 0.12, 0.1, ("2025-02-10", "2025-02-14"), ("2026-02-09", "2026-02-14"))
        + on("French Days", "promotion", 0.12, 0.5, ("2025-04-30", "2025-05-06"), ("2026-04-29", "2026-05-05"))
        + on("Fête des mères", "holiday", 0.3, 0.25, ("2025-05-19", "2025-05-25"), ("2026-05-25", "2026-05-31"))
        + on("Soldes d'été", "soldes", 0.75, 0.85, ("2025-06-25", "2025-07-22"), ("2026-06-24", "2026-07-21"), fades=True)
        + on("Rentrée", "operation", 0.18, 0.15, ("2025-08-25", "2025-09-13"), ("2026-08-24", "2026-09-12"))
        + on("Mi-saison", "promotion", 0.1, 0.18, ("2026-10-05", "2026-10-18"))
    )


EVENTS = _events()

# French public holidays; every store is shut on the three of SHUT.
_FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_MOVING = ("2025-04-21", "2025-05-29", "2025-06-09", "2026-04-06", "2026-05-14", "2026-05-25")
HOLIDAYS = frozenset(
    [date(y, m, d) for y in (2024, 2025, 2026, 2027) for m, d in _FIXED] + [date.fromisoformat(d) for d in _MOVING]
)
SHUT = frozenset(d for d in HOLIDAYS if (d.month, d.day) in {(1, 1), (5, 1), (12, 25)})


@cache
def _offsets() -> np.ndarray:
    """Seconds to subtract from a wall clock to get UTC, [time zone, day], from 40 days before START to 80 after END."""
    rows = []
    for name in TIMEZONES:
        noons = (datetime.combine(day_of(i), datetime.min.time()).replace(hour=12) for i in range(-40, DAYS + 80))
        rows.append([int(n.replace(tzinfo=ZoneInfo(name)).utcoffset().total_seconds()) for n in noons])  # pyright: ignore
    return np.array(rows)


def wall_day(wall: np.ndarray) -> np.ndarray:
    """Day index of wall-clock seconds."""
    return wall // DAY - EPOCH_DAY


def to_utc(wall: np.ndarray, timezone: np.ndarray | int) -> np.ndarray:
    """UTC seconds of wall-clock seconds. Nothing in this world happens in the night a clock changes, so none is ambiguous."""
    return wall - _offsets()[timezone, wall_day(wall) + 40]


def to_wall(utc: np.ndarray, timezone: np.ndarray | int) -> np.ndarray:
    """Wall-clock seconds of UTC seconds."""
    # clocks change at one o'clock UTC: until then the offset of the day before holds
    return utc + _offsets()[timezone, wall_day(utc - 3600) + 40]


END_UTC = int(datetime(2026, 11, 21, 23, tzinfo=UTC).timestamp())  # midnight in Paris: what is later is not known yet


@cache
def working_days() -> np.ndarray:
    """Whether each day from START to 80 days after END is a French working day (Monday to Friday, no public holiday)."""
    days = [day_of(i) for i in range(DAYS + 80)]
    return np.array([d.weekday() < 5 and d not in HOLIDAYS for d in days])


def add_working_days(day: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """The count-th working day after each day."""
    works = np.flatnonzero(working_days())
    return works[np.searchsorted(works, day, side="right") + np.asarray(count) - 1]


# Mid-month trading level, January to December.
_SEASON = np.array([0.92, 0.78, 0.87, 0.94, 0.99, 1.02, 0.97, 0.76, 0.98, 0.98, 1.08, 1.42])
# Monday to Sunday.
_STORE_WEEK = np.array([0.62, 0.80, 0.98, 0.86, 1.08, 1.82, 0.74])
_WEB_WEEK = np.array([1.14, 0.98, 0.96, 0.95, 0.84, 0.88, 1.25])


@cache
def trading() -> dict[str, np.ndarray]:
    """Relative trading level of each day: `store`, `store_shut_sundays`, `web`, `app`, `marketplace`, `phone`."""
    days = [day_of(i) for i in range(DAYS)]
    weekday = np.array([d.weekday() for d in days])
    yearday = np.array([d.month - 1 + (d.day - 15.5) / 30.4 for d in days])
    level = np.interp(yearday, np.arange(-1, 13), np.r_[_SEASON[-1], _SEASON, _SEASON[0]])
    store, web = np.ones(DAYS), np.ones(DAYS)
    for event in EVENTS:
        first, last = day_index(event.starts_on), day_index(event.ends_on)
        span = np.arange(max(first, 0), min(last, DAYS - 1) + 1)
        shape = np.exp(-(span - first) / 9) if event.fades else np.ones(len(span))
        store[span] += event.store_lift * shape
        web[span] += event.web_lift * shape
        if event.name == "Black Friday":  # the Friday itself, and Cyber Monday on the web
            friday, monday = first + (4 - event.starts_on.weekday()) % 7, first + 7
            store[[d for d in (friday, friday + 1) if d < DAYS]] += 0.5
            web[[d for d in (friday, monday) if d < DAYS]] += 1.8
    t = np.arange(DAYS) / DAYS
    shut = np.array([d in SHUT for d in days])
    sunday = weekday == 6
    advent = np.array([d.month == 12 and 7 <= d.day <= 21 for d in days])
    in_store = level * store * _STORE_WEEK[weekday] * ~shut
    on_web = level * web * _WEB_WEEK[weekday]
    return {
        "store": in_store,
        "store_shut_sundays": in_store * (~sunday | advent),
        "web": on_web * (1 + 0.22 * t),
        "app": on_web * (1 + 0.9 * t),
        "marketplace": level * web**0.7 * _WEB_WEEK[weekday],
        "phone": level * (weekday < 6) * ~shut,
    }


# id, town, region, country, time zone, size, Sundays, opens, closes, opened, closed, click & collect, ship from store
_STORES = """
0001 Paris Rivoli|Île-de-France|FR|0|2.6|1|10:00|20:00|2011-03-04||2025-03-17|2025-09-15
0002 Paris Ternes|Île-de-France|FR|0|1.6|0|10:00|19:30|2012-09-07||2025-03-17|2025-11-03
0004 Paris Bercy|Île-de-France|FR|0|1.5|1|10:00|20:00|2013-04-12||2025-03-17|2025-09-15
0005 Vélizy|Île-de-France|FR|0|1.3|0|10:00|20:30|2014-03-21||2025-05-12|2026-02-02
0007 Créteil|Île-de-France|FR|0|1.1|0|10:00|20:00|2015-10-02||2025-05-12|
0008 Versailles|Île-de-France|FR|0|1.0|0|10:00|19:00|2016-03-18||2025-09-08|2026-02-02
0010 Lille|Nord|FR|0|1.6|0|10:00|19:30|2012-03-02||2025-03-17|2025-09-15
0011 Rouen|Nord|FR|0|0.9|0|10:00|19:00|2014-09-05||2025-09-08|
0012 Amiens|Nord|FR|0|0.7|0|10:00|19:00|2017-03-03||2026-02-16|
0013 Caen|Nord|FR|0|0.8|0|10:00|19:00|2018-04-13||2026-02-16|
0014 Strasbourg|Est|FR|0|1.3|0|09:30|19:00|2013-03-08||2025-05-12|2025-11-03
0015 Nancy|Est|FR|0|0.8|0|10:00|19:00|2015-04-03||2025-09-08|
0016 Metz|Est|FR|0|0.7|0|10:00|19:00|2016-10-07|||
0017 Dijon|Est|FR|0|0.8|0|10:00|19:00|2014-04-11||2025-09-08|2026-02-02
0018 Reims|Est|FR|0|0.7|0|10:00|19:00|2017-09-15|2026-01-31||
0020 Rennes|Ouest|FR|0|1.2|0|10:00|19:30|2013-09-06||2025-05-12|2025-11-03
0021 Nantes|Ouest|FR|0|1.4|0|10:00|19:30|2012-04-06||2025-03-17|2025-09-15
0022 Angers|Ouest|FR|0|0.8|0|10:00|19:00|2016-04-08||2025-09-08|
0023 Brest|Ouest|FR|0|0.6|0|09:30|19:00|2018-09-14||2026-02-16|
0024 Tours|Ouest|FR|0|0.8|0|10:00|19:00|2015-03-13||2026-02-16|2026-05-04
0026 Bordeaux|Sud-Ouest|FR|0|1.6|0|10:00|19:30|2012-10-05||2025-03-17|2025-09-15
0027 Toulouse|Sud-Ouest|FR|0|1.5|0|10:00|19:30|2013-03-15||2025-05-12|2025-11-03
0028 Bayonne|Sud-Ouest|FR|0|0.7|1|10:00|19:30|2019-04-05|||
0029 Limoges|Sud-Ouest|FR|0|0.5|0|09:30|18:30|2017-10-06|2025-08-30||
0030 Lyon Part-Dieu|Sud-Est|FR|0|1.9|0|10:00|20:00|2011-09-09||2025-03-17|2025-09-15
0031 Lyon Confluence|Sud-Est|FR|0|1.1|1|10:00|20:00|2015-09-11||2025-05-12|2026-02-02
0032 Grenoble|Sud-Est|FR|0|0.9|0|10:00|19:00|2014-10-03||2025-09-08|
0033 Marseille|Sud-Est|FR|0|1.5|1|10:00|20:00|2012-05-11||2025-05-12|2025-11-03
0034 Nice|Sud-Est|FR|0|1.3|1|10:00|20:00|2013-10-11||2025-09-08|2026-02-02
0035 Montpellier|Sud-Est|FR|0|1.1|0|10:00|19:30|2014-05-16||2025-09-08|
0036 Annecy|Sud-Est|FR|0|0.9|0|10:00|19:00|2025-04-05||2025-09-08|
0037 Aix-en-Provence|Sud-Est|FR|0|0.9|0|10:00|19:30|2025-10-04||2026-02-16|
0040 Saint-Denis de La Réunion|Outre-mer|RE|2|0.7|0|09:00|18:30|2018-11-09||2026-05-18|
0041 Baie-Mahault|Outre-mer|GP|3|0.6|0|09:00|19:00|2019-11-15|||
0050 Bruxelles|Belgique|BE|0|1.3|0|10:00|19:00|2015-05-08||2025-05-12|2026-02-02
0051 Liège|Belgique|BE|0|0.7|0|10:00|18:30|2019-03-08||2026-02-16|
0060 Barcelona|Espagne|ES|0|1.4|0|10:00|21:00|2016-05-13||2026-02-16|
0061 Madrid|Espagne|ES|0|1.4|1|10:00|21:30|2017-05-12||2026-02-16|2026-05-04
0070 Lisboa|Portugal|PT|1|1.1|1|10:00|22:00|2018-05-11|||
0071 Porto|Portugal|PT|1|0.8|1|10:00|22:00|2024-04-19|||
0080 Milano|Italie|IT|0|1.3|1|10:00|20:00|2019-09-13|||
0090 Köln|Allemagne|DE|0|0.9|0|10:00|20:00|2022-09-09|||
""".strip().splitlines()


@dataclass(frozen=True)
class Stores:
    """The stores as parallel arrays: position in them is a store's number inside the generator."""

    frame: pl.DataFrame
    timezone: np.ndarray  # index into TIMEZONES
    country: np.ndarray  # index into COUNTRIES
    weight: np.ndarray
    shuts_sundays: np.ndarray
    first_day: np.ndarray  # day index, negative when open before START
    last_day: np.ndarray
    collect_day: np.ndarray  # go-live, far in the future when never
    ship_day: np.ndarray
    fallback: np.ndarray  # the store that serves when this one is not open
    opens: np.ndarray  # seconds after midnight, [store, day]; opens = closes when shut
    closes: np.ndarray
    elapsed: np.ndarray  # opening seconds before each day, [store, day + 1]


def _clock(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:]) * 60


NEVER = 10_000
HORIZON = DAYS + 40


@cache
def stores() -> Stores:
    """The stores, with the opening seconds of every day up to 40 days after END."""
    rows = []
    for line in _STORES:
        head, *rest = line.split("|")
        rows.append((head[:4], head[5:], *rest))
    names = ["location_id", "town", "region", "country", "tz", "weight", "sundays", "opens", "closes"]
    names += ["opened_on", "closed_on", "collect_on", "ship_on"]
    frame = pl.DataFrame(rows, schema=names, orient="row")

    def days(column: str, missing: int) -> np.ndarray:
        return np.array([day_index(date.fromisoformat(d)) if d else missing for d in frame[column]])

    weight = frame["weight"].cast(pl.Float64).to_numpy()
    first, last = days("opened_on", 0), days("closed_on", NEVER)
    always = (first <= 0) & (last == NEVER)
    fallback = np.arange(len(rows))
    for i, region in enumerate(frame["region"]):
        peers = [j for j in range(len(rows)) if frame["region"][j] == region and always[j]]
        fallback[i] = i if always[i] else max(peers, key=lambda j: weight[j])
    frame = frame.with_columns(
        timezone=pl.Series([TIMEZONES[int(t)] for t in frame["tz"]]), area_m2=pl.Series(np.round(weight * 260 + 120, 0))
    )
    opens, closes = _opening(frame)
    return Stores(
        frame=frame,
        timezone=frame["tz"].cast(pl.Int64).to_numpy(),
        country=np.array([COUNTRIES.index(c) for c in frame["country"]]),
        weight=weight,
        shuts_sundays=np.array([s == "0" for s in frame["sundays"]]),
        first_day=first,
        last_day=last,
        collect_day=days("collect_on", NEVER),
        ship_day=days("ship_on", NEVER),
        fallback=fallback,
        opens=opens,
        closes=closes,
        elapsed=np.concatenate([np.zeros((len(rows), 1), int), np.cumsum(closes - opens, axis=1)], axis=1),
    )


# From this day on, stores that closed at 19:00 stay open until 19:30.
LATER_FROM = date(2026, 3, 2)
SUNDAY_HOURS = ("11:00", "19:00")


def hours_on_file() -> pl.DataFrame:
    """Opening hours as the store master holds them: location_id, weekday 1-7, valid_from, opens_at, closes_at ('HH:MM')."""
    rows = []
    for line in stores().frame.iter_rows(named=True):
        start = max(line["opened_on"], "2024-01-01")
        for weekday in range(1, 7):
            rows.append((line["location_id"], weekday, start, line["opens"], line["closes"]))
            if line["closes"] == "19:00":
                rows.append((line["location_id"], weekday, str(LATER_FROM), line["opens"], "19:30"))
        if line["sundays"] == "1":
            rows.append((line["location_id"], 7, start, *SUNDAY_HOURS))
            if line["closes"] == "19:00":  # new hours are a whole new schedule
                rows.append((line["location_id"], 7, str(LATER_FROM), *SUNDAY_HOURS))
    return pl.DataFrame(rows, schema=["location_id", "weekday", "valid_from", "opens_at", "closes_at"], orient="row")


def _opening(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Opening and closing second of each store and day by the hours on file, which know no holidays."""
    weekday = np.array([day_of(i).weekday() for i in range(HORIZON)])
    later = np.arange(HORIZON) >= day_index(LATER_FROM)
    opens, closes = np.zeros((len(frame), HORIZON), int), np.zeros((len(frame), HORIZON), int)
    for i, line in enumerate(frame.iter_rows(named=True)):
        last = np.where(later & (line["closes"] == "19:00"), _clock("19:30"), _clock(line["closes"]))
        sunday = (_clock(SUNDAY_HOURS[0]), _clock(SUNDAY_HOURS[1])) if line["sundays"] == "1" else (0, 0)
        opens[i] = np.where(weekday == 6, sunday[0], _clock(line["opens"]))
        closes[i] = np.where(weekday == 6, sunday[1], last)
    return opens, closes


def opening_seconds(store: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Opening seconds each store has known from START up to a wall-clock instant."""
    s, day = stores(), wall_day(wall)
    opens, closes = s.opens[store, day], s.closes[store, day]
    return s.elapsed[store, day] + np.clip(wall % DAY - opens, 0, closes - opens)


def after_opening_seconds(store: np.ndarray, wall: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Wall-clock instant at which a store has been open `seconds` (> 0) more since `wall`."""
    s = stores()
    target = opening_seconds(store, wall) + seconds
    day = np.empty(len(store), int)
    for i in np.unique(store):
        mine = store == i
        day[mine] = np.searchsorted(s.elapsed[i], target[mine], side="left") - 1
    return (day + EPOCH_DAY) * DAY + s.opens[store, day] + target - s.elapsed[store, day]


WAREHOUSES = pl.DataFrame(
    [
        ("9001", "Entrepôt Orléans", "Logistique", "FR", "Europe/Paris", "2010-01-04", 21000.0),
        ("9002", "Entrepôt Avignon", "Logistique", "FR", "Europe/Paris", "2019-06-03", 9500.0),
    ],
    schema=["location_id", "town", "region", "country", "timezone", "opened_on", "area_m2"],
    orient="row",
)
WEB_LOCATION = "WEB"


def draw(rng: np.random.Generator, weights: np.ndarray, row: np.ndarray) -> np.ndarray:
    """One column of `weights` for each row number, with probability in proportion to its weight in that row."""
    columns = weights.shape[1]
    ends = np.cumsum(weights.ravel())
    starts = np.r_[0.0, ends[columns - 1 :: columns]]
    at = starts[row] + rng.random(len(row)) * (starts[row + 1] - starts[row])
    picked = np.searchsorted(ends, at, side="right") - row * columns
    return np.clip(picked, 0, columns - 1)


def local(utc: np.ndarray) -> np.ndarray:
    """Wall-clock seconds in Paris, where everything without a store is reckoned."""
    return to_wall(utc, 0)


def paris_day(utc: np.ndarray) -> np.ndarray:
    """Day index in Paris."""
    return wall_day(local(utc))
