"""Calendars: the periods of a grain, and the days a period is compared with."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from dashboard.builds import Build
from dashboard.semantics import STANDARD_GRAINS, semantics

COMPARISONS = ("previous_period", "last_year", "retail_week", "event", "target")
# `event:Black Friday` names the event; `event` alone means the one that shares most days with the range.
EVENT = "event"
# The comparison with what finance planned.
TARGETS = "target"

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Inclusive days of the period that starts at `start`; only those asked for when a range cuts it."""

    start: date
    first: date
    last: date


@dataclass(frozen=True)
class Event:
    """An event that came back: its days, and the first day it had the year before."""

    name: str
    first: date
    last: date
    before: date

    @property
    def event_id(self) -> str:
        """Its name and first day, which tell it from last year's."""
        return f"{self.name} {self.first}"

    def shared(self, first: date, last: date) -> int:
        """How many of its days lie in a range."""
        return max((min(self.last, last) - max(self.first, first)).days + 1, 0)


def kind(comparison: str) -> str:
    """Which of `COMPARISONS` it is, whatever event it names."""
    return comparison.partition(":")[0]


@lru_cache(maxsize=64)
def events(build: Build) -> tuple[Event, ...]:
    """Every event with one of its name about a year before, newest first, each with the nearest such."""
    rows = build.sql(
        """
        select now.event_name, now.starts_on, now.ends_on, max(before.starts_on) as starts_on_before
        from marts.events as now
        inner join marts.events as before
            on now.event_name = before.event_name and now.starts_on - before.starts_on between 180 and 550
        group by all order by now.starts_on desc, now.event_name
        """
    )
    return tuple(Event(*row) for row in rows.iter_rows())


@lru_cache(maxsize=64)
def periods(build: Build, grain: str) -> tuple[Span, ...]:
    """Every whole period of a grain that the build's calendar holds, in order."""
    table, day, customs = semantics(build).calendar
    start = f"date_trunc('{grain}', {day})" if grain in STANDARD_GRAINS else customs[grain]
    rows = build.sql(
        f"""
        select cast({start} as date) as start, cast(max({day}) as date) as last
        from {table} where {start} is not null group by 1 order by 1
        """
    )
    return tuple(Span(first, first, last) for first, last in rows.iter_rows())


def spans(build: Build, grain: str, first: date, last: date) -> list[Span]:
    """The periods of a grain that a range of days touches, cut to the range."""
    every = periods(build, grain)
    begin = max(bisect_right(every, first, key=lambda span: span.start) - 1, 0)
    end = bisect_right(every, last, key=lambda span: span.start)
    return [Span(span.start, max(span.first, first), min(span.last, last)) for span in every[begin:end] if span.last >= first]


def compared_range(build: Build, comparison: str, first: date, last: date) -> tuple[date, date] | None:
    """The days a range is compared with; none when the comparison has none (no such event last year)."""
    if comparison == "previous_period":
        return _previous(build, first, last)
    if comparison == "last_year":
        ends_month = first.day == 1 and (last + DAY).day == 1
        return _year_before(first), _year_before(last + DAY) - DAY if ends_month else _year_before(last)
    before = _day_by_day(build, comparison, first, last)
    days = [other for day in _days(first, last) if (other := before(day))]
    return (min(days), max(days)) if days else None


def compared_spans(
    build: Build, comparison: str, grain: str, first: date, last: date
) -> list[tuple[date, tuple[date, date] | None]]:
    """For every period of a range, its first day and the days it is compared with.

    A period is compared with the one at the same place in the compared range, a whole one with whole ones only; with the same
    date a year before for days against last year (29 February has none); with the very days its own days stand for in retail
    weeks and events.
    """
    current = spans(build, grain, first, last)
    compared = compared_range(build, comparison, first, last)
    if compared is None:
        return [(span.start, None) for span in current]
    if comparison == "last_year" and grain == "day":
        same = [(span.start, _same_date(span.first)) for span in current]
        return [(start, (day, day) if day else None) for start, day in same]
    if comparison in ("previous_period", "last_year"):
        return _side_by_side(build, grain, current, spans(build, grain, *compared))
    before = _day_by_day(build, comparison, first, last)
    pairs = []
    for span in current:
        days = [other for day in _days(span.first, span.last) if (other := before(day))]
        pairs.append((span.start, (min(days), max(days)) if days else None))
    return pairs


def _side_by_side(
    build: Build, grain: str, current: list[Span], compared: list[Span]
) -> list[tuple[date, tuple[date, date] | None]]:
    """Each period's first day and the days of the one at its place; a first one that only one of the ranges cuts has none."""
    ends = {whole.start: whole.last for whole in periods(build, grain)}
    others: list[Span | None] = [*compared]
    if current and compared:
        are_cut = [spans[0].first != spans[0].start for spans in (current, compared)]
        others = [None, *others] if are_cut == [True, False] else others[1:] if are_cut == [False, True] else others
    others += [None] * max(len(current) - len(others), 0)

    def is_whole(span: Span) -> bool:
        return (span.first, span.last) == (span.start, ends[span.start])

    return [
        (span.start, (other.first, other.last) if other and (is_whole(other) or not is_whole(span)) else None)
        for span, other in zip(current, others, strict=False)
    ]


def _previous(build: Build, first: date, last: date) -> tuple[date, date]:
    """The whole months (or retail months) before as many whole ones, else as many days directly before."""
    for grain in ("month", "retail_month"):
        if grain not in semantics(build).grains:
            continue
        every = periods(build, grain)
        starts = {span.first: place for place, span in enumerate(every)}
        ends = {span.last: place for place, span in enumerate(every)}
        if first in starts and last in ends:
            begin, count = starts[first], ends[last] - starts[first] + 1
            if begin >= count:
                return every[begin - count].first, every[begin - 1].last
    length = last - first + DAY
    return first - length, first - DAY


def _day_by_day(build: Build, comparison: str, first: date, last: date) -> Callable[[date], date | None]:
    """What each day of a range is compared with."""
    if comparison == "retail_week":
        return _retail_days(build).get
    event = _event(build, comparison.partition(":")[2], first, last)
    return (lambda day: day - (event.first - event.before)) if event else (lambda _: None)


@lru_cache(maxsize=64)
def _retail_days(build: Build) -> dict[date, date]:
    """The same retail week and weekday of the year before, for every day that has one."""
    table, day, _ = semantics(build).calendar
    rows = build.sql(f"select {day}, last_year_retail_day from {table} where last_year_retail_day is not null")
    return dict(rows.iter_rows())


def _event(build: Build, name: str, first: date, last: date) -> Event | None:
    """The event of that name, or of any, that shares most days with a range; none when none touches it."""
    touched = [event for event in events(build) if event.shared(first, last) and name in ("", event.name)]
    return max(touched, key=lambda event: event.shared(first, last), default=None)


def _same_date(day: date) -> date | None:
    """The same date a year before; 29 February has none."""
    return None if (day.month, day.day) == (2, 29) else _year_before(day)


def _year_before(day: date) -> date:
    """The same date a year before; 28 February for the 29th."""
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def _days(first: date, last: date) -> list[date]:
    return [first + offset * DAY for offset in range((last - first).days + 1)]
