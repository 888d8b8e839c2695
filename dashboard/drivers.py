"""Why sales moved: the change between two periods, shared among its drivers without a rest.

What was opened, closed or left out by hand is set apart, day by day. For the rest, each channel of each location sold

    calendar × visits a day × its channel's share of all visits × orders a visit × units an order × price × what markdowns leave

times the exchange rate and, including VAT, the VAT; `estimators.attribution` shares the change of that product among its
factors. The parts of channels, regions and stores add up, for each is a sum of the same cells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from dashboard.builds import Build
from dashboard.catalogue import Metric
from dashboard.periods import TARGETS, compared_range
from dashboard.questions import comparison, reach
from dashboard.topics import Page
from estimators.attribution import factors, settled, shares

# What is set apart first, then the factors in the order of their chain; those a retailer does not have stay at nothing.
APART = ("openings", "closures", "exclusions")
FACTORS = ("calendar", "traffic", "channel_mix", "conversion", "basket_units", "price", "markdown", "currency", "vat")
# Where nobody counts visits, orders a day stand for visits and conversion in one.
UNCOUNTED = "orders"
DRIVERS = (*APART, *FACTORS[:4], UNCOUNTED, *FACTORS[4:])

# The warehouse keeps money to the hundredth of a cent.
UNIT = Fraction(1, 10_000)

# What amounts including VAT are called beside those without.
VAT = "_ttc"

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One channel of one location: what it sold before and now, and each driver's part of the difference."""

    channel: str
    location: str
    region: str
    before: Decimal
    now: Decimal
    parts: Mapping[str, Decimal]


@dataclass(frozen=True)
class Move:
    """Several cells as one: the sums of what they sold before and now, and of each driver's part, those without left out."""

    before: Decimal
    now: Decimal
    parts: Mapping[str, Decimal]


def explained(page: Page, metric: Metric) -> tuple[Cell, ...] | None:
    """The cells of what the page shows; none where there is nothing to compare with."""
    reached = reach(page, metric)
    compare = comparison(page.build, reached, page.view.comparison)
    if compare in (None, TARGETS):
        return None
    before = compared_range(page.build, compare, reached.since, reached.until)
    assert before
    is_by_year = compare == "last_year"
    every = cells(page.build, (reached.since, reached.until), before, is_by_year, page.view.tax == "ttc")
    kept = dict(reached.where)
    return tuple(cell for cell in every if all(getattr(cell, dimension) in values for dimension, values in kept.items()))


def move(cells: Iterable[Cell]) -> Move:
    """The sum of some cells."""
    before, now, parts = Decimal(0), Decimal(0), _nothing()
    for cell in cells:
        before, now = before + cell.before, now + cell.now
        for driver, part in cell.parts.items():
            parts[driver] += part
    return Move(before, now, {driver: part for driver, part in parts.items() if part})


@lru_cache(maxsize=64)
def cells(build: Build, now: tuple[date, date], before: tuple[date, date], is_by_year: bool, with_vat: bool) -> tuple[Cell, ...]:
    """Every channel of every location that sold in either period, whatever the page filters.

    Days stand opposite each other by date where `is_by_year`, else by their place in the period; a day without an opposite stands
    opposite the nearest end. The channels' shares are those of all comparable visits, so that filters change no part.
    """
    rows = _read(build, now, before, is_by_year)
    mix = _mix([row for row in rows if row["kind"] == "comparable"])
    total = f"sales{VAT}" if with_vat else "sales"
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        cell = found.setdefault(
            (row["channel"], row["location_id"]),
            {"region": row["region"], "before": Decimal(0), "now": Decimal(0), "parts": _nothing()},
        )
        old, new = row[f"{total}_before"], row[f"{total}_now"]
        cell["before"] += old
        cell["now"] += new
        parts = _parts(row, mix, with_vat) if row["kind"] == "comparable" else {row["kind"]: new - old}
        for driver, part in parts.items():
            cell["parts"][driver] += part
    return tuple(Cell(channel, location, **cell) for (channel, location), cell in sorted(found.items()))


def _parts(row: _Row, mix: Mapping[str, tuple[Fraction, Fraction]], with_vat: bool) -> dict[str, Decimal]:
    """Each factor's part of what one comparable cell moved, to the hundredth of a cent and without a rest."""
    is_counted = _visits(row, "before") is not None and _visits(row, "now") is not None
    before, now = (_chain(row, when, share, with_vat) for when, share in zip(("before", "now"), mix[row["channel"]], strict=True))
    total = f"sales{VAT}" if with_vat else "sales"
    change = Fraction(row[f"{total}_now"] - row[f"{total}_before"])
    parts = settled(shares(*factors(before, now)), change, UNIT)
    names = [UNCOUNTED if name == "conversion" and not is_counted else name for name in FACTORS]
    return {name: Decimal(int(part / UNIT)).scaleb(-4) for name, part in zip(names, parts, strict=False)}


def _nothing() -> dict[str, Decimal]:
    return {driver: Decimal(0) for driver in DRIVERS}


def _chain(row: _Row, when: str, share: Fraction, with_vat: bool) -> list[Fraction | int | None]:
    """The quantities whose successive quotients are the factors, the last of them what was sold."""
    visits = _visits(row, when)
    chain = [
        Fraction(row[f"calendar_{when}"]),
        visits / share if visits is not None and share else None,
        visits,
        row[f"order_count_{when}"],
        *(Fraction(row[f"{name}_{when}"]) for name in ("units", "gross_at_fixed", "sales_at_fixed", "sales")),
    ]
    return [*chain, Fraction(row[f"sales{VAT}_{when}"])] if with_vat else chain


def _visits(row: _Row, when: str) -> Fraction | None:
    """Visits of the whole period: those counted, and behind orders nobody counted visits for as many as behind the others."""
    visits, counted, orders = (row[f"{name}_{when}"] for name in ("visit_count", "counted_order_count", "order_count"))
    if counted and visits:
        return Fraction(orders * visits, counted)
    return None if orders else Fraction(visits or 0)


def _mix(rows: Iterable[_Row]) -> dict[str, tuple[Fraction, Fraction]]:
    """Each channel's share of all the visits of comparable cells that counted them in both periods, before and now."""
    visits: dict[str, list[Fraction]] = {}
    for row in rows:
        old, new = _visits(row, "before"), _visits(row, "now")
        channel = visits.setdefault(row["channel"], [Fraction(0), Fraction(0)])
        if old is not None and new is not None:
            channel[0] += old
            channel[1] += new
    every = [sum((channel[place] for channel in visits.values()), Fraction(0)) or Fraction(1) for place in (0, 1)]
    return {name: (channel[0] / every[0], channel[1] / every[1]) for name, channel in visits.items()}


def _read(build: Build, now: tuple[date, date], before: tuple[date, date], is_by_year: bool) -> list[dict[str, Any]]:
    """What each channel of each location did in both periods, what is comparable apart from what is not.

    `calendar` is what the cell sells on a day of each weekday, both periods taken together, times such days it traded in.
    """
    back, forth = (
        ("cast(day - interval 1 year as date)", "cast(day + interval 1 year as date)")
        if is_by_year
        else ("day - $offset", "day + $offset")
    )
    measures = ("visit_count", "counted_order_count", "order_count", "units", "sales", f"sales{VAT}")
    named = {
        **{name: name for name in measures},
        "gross_at_fixed": "gross_sales_at_fixed_rates",
        "sales_at_fixed": "sales_at_fixed_rates",
    }
    sums = ", ".join(
        f"coalesce(sum({column}) filter (where {condition}), 0) as {name}_{when}"
        for name, column in named.items()
        for when, condition in (("before", "not is_now"), ("now", "is_now"))
    )
    return build.sql(
        f"""
        with dates as (
            select day, weekday, true as is_now, least(greatest({back}, $before_first), $before_last) as opposite
            from marts.days where day between $first and $last
            union all
            select day, weekday, false as is_now, least(greatest({forth}, $first), $last) as opposite
            from marts.days where day between $before_first and $before_last
        ),
        traded as (
            select
                dates.is_now, dates.day, dates.weekday, days.*, locations.region,
                case
                    when exists (
                        from marts.location_exclusions as excluded
                        where
                            excluded.location_id = days.location_id
                            and (
                                dates.day between excluded.starts_on and excluded.ends_on
                                or dates.opposite between excluded.starts_on and excluded.ends_on
                            )
                    ) then 'exclusions'
                    when dates.is_now and locations.opened_on > dates.opposite then 'openings'
                    when not dates.is_now and locations.closed_on < dates.opposite then 'closures'
                    else 'comparable'
                end as kind
            from dates
            inner join marts.trading_days as days on dates.day = days.trade_date
            inner join marts.locations as locations on days.location_id = locations.location_id
        ),
        opened as (
            select
                location_id, weekday,
                count(distinct day) filter (where not is_now) as days_before,
                count(distinct day) filter (where is_now) as days_now
            from traded where kind = 'comparable' and order_count > 0
            group by all
        ),
        sold as (
            select channel, location_id, weekday, cast(sum(sales) as double) as sales
            from traded where kind = 'comparable' and order_count > 0
            group by all
        ),
        calendars as (
            select
                channel, location_id,
                round(sum(sales * days_before / (days_before + days_now)), 6) as calendar_before,
                round(sum(sales * days_now / (days_before + days_now)), 6) as calendar_now
            from sold inner join opened using (location_id, weekday)
            group by all
        )
        select
            sums.*,
            coalesce(calendar_before, 0) as calendar_before,
            coalesce(calendar_now, 0) as calendar_now
        from (select kind, channel, location_id, region, {sums} from traded group by all) as sums
        left join calendars using (channel, location_id)
        """,
        {
            "first": now[0],
            "last": now[1],
            "before_first": before[0],
            "before_last": before[1],
            **({} if is_by_year else {"offset": (now[0] - before[0]).days}),
        },
    ).to_dicts()
