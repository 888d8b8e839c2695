"""Ask: metrics × dimensions × grain × filters × comparison, answered from one build.

Pages, `omnikpi query` and exports all use this one call. A question's shape is compiled once per set of definitions, its
answer computed once per build; there is no expiry, a new build is a new key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import polars as pl
from metricflow_semantics.errors.error_classes import MetricFlowException

from dashboard.builds import Build
from dashboard.catalogue import catalogue, definitions, dimensions
from dashboard.periods import COMPARISONS, DAY, Span, compared_range, compared_spans, kind, periods, spans
from dashboard.semantics import STANDARD_GRAINS, Available, Item, semantics

ANSWERS_KEPT = 2048
SAMPLE, BEFORE, TARGET = "__n", "__before", "__target"

# The columns of `marts.targets` a target can be set for, by the name of the dimension.
_TARGET_COLUMNS = {"channel": "channel", "region": "region", "location": "location_id"}


class QuestionError(ValueError):
    """The question cannot be answered; the message says why, and what can be asked instead."""

    exit_code = 2


@dataclass(frozen=True)
class Question:
    """Metrics and dimensions by name, inclusive days, filters as (dimension, values kept), and one comparison."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: str | None = None
    since: date | None = None
    until: date | None = None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    compare: str | None = None


@dataclass(frozen=True)
class Answer:
    """The rows of a question.

    Columns: `metric_time` (with a grain: the period's first day), the dimensions by the names they were asked by, the
    metrics by name; then `<metric>__n` (what a rate was taken over) and `<metric>__before` or `<metric>__target`. Rows
    are sorted by the first two; one of which no metric knows anything is left out. Sums of money stay decimal, counts are
    integers, rates are floats. `period` is the days asked for (the whole data where left open), `compared` those of the
    comparison.
    """

    frame: pl.DataFrame
    period: tuple[date, date] | None
    compared: tuple[date, date] | None
    question: Question


@dataclass(frozen=True)
class _Plan:
    """A question with its names resolved: what is compiled and bound."""

    metrics: tuple[str, ...]
    samples: tuple[tuple[str, str], ...]
    items: tuple[tuple[str, Item], ...]
    filters: tuple[tuple[Item, tuple[str, ...]], ...]
    grain: str | None
    finest: str

    @property
    def keys(self) -> list[str]:
        """The columns that tell rows apart."""
        return [*(["metric_time"] if self.grain else []), *(name for name, _ in self.items)]

    @property
    def values(self) -> list[str]:
        """The metrics a row is known by, each once."""
        return list(dict.fromkeys([*self.metrics, *(sample for _, sample in self.samples)]))


def ask(build: Build, question: Question) -> Answer:
    """The answer of a build, the same object when asked again. Raises `QuestionError`."""
    return _ask(build, question)


def compiled(build: Build, question: Question) -> tuple[str, dict[str, Any]]:
    """The SQL that gives a question's rows, comparison apart, and the parameters to bind. Raises `QuestionError`."""
    return _compile(build, _plan(build, question), question.since, question.until)


@lru_cache(maxsize=ANSWERS_KEPT)
def _ask(build: Build, question: Question) -> Answer:
    plan = _plan(build, question)
    frame = _run(build, plan, question.since, question.until)
    period, compared = _period(build, question), None
    if question.compare == "target":
        frame = _with_targets(build, plan, frame, period)
    elif question.compare:
        compared = compared_range(build, question.compare, *period) if period else None
        frame = _with_before(build, plan, frame, question.compare, period, compared)
    return Answer(frame, period, compared, question)


def _period(build: Build, question: Question) -> tuple[date, date] | None:
    """The days a question spans, its open ends filled with the data's."""
    first, last = build.span or (None, None)
    first, last = question.since or first, question.until or last
    return (first, last) if first and last else None


def _plan(build: Build, question: Question) -> _Plan:
    """The question with every name checked and resolved; raises `QuestionError` for the first that is not."""
    known = definitions(build)
    if not question.metrics:
        raise QuestionError("a question needs at least one metric")
    for name in question.metrics:
        if name not in known:
            raise QuestionError(f"there is no metric {name!r}{_nearest(name, catalogue(build))}; `omnikpi metrics` lists them")
    for names in (question.metrics, question.by, tuple(name for name, _ in question.where)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise QuestionError(f"{', '.join(twice)} is asked for twice")
    if question.since and question.until and question.since > question.until:
        raise QuestionError(f"the period ends before it starts: {question.since} to {question.until}")
    if question.compare and kind(question.compare) not in COMPARISONS:
        raise QuestionError(f"there is no comparison {question.compare!r}; there are {', '.join(COMPARISONS)}")
    samples = tuple((name, sample) for name in question.metrics if (sample := known[name].sample))
    asked = (*question.metrics, *(sample for _, sample in samples))
    available = semantics(build).available(asked)
    items = tuple((name, _item(build, name, asked, available)) for name in question.by)
    filters = tuple((_item(build, name, asked, available), values) for name, values in question.where)
    empty = [name for name, values in question.where if not values]
    if empty:
        raise QuestionError(f"the filter on {empty[0]} keeps no value: leave it out, or name the values to keep")
    _check_grain(build, question, asked, available)
    finest = next((grain for grain in STANDARD_GRAINS if grain in available.grains), "day")
    return _Plan(question.metrics, samples, items, filters, question.grain, finest)


def _item(build: Build, name: str, metrics: tuple[str, ...], available: Available) -> Item:
    """The one item a name means for all the metrics."""
    found = available.resolve(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise QuestionError(f"{name!r} can mean {' or '.join(item.name for item in found)}: ask by one of them")
    raise QuestionError(_why_not(build, name, metrics, available))


def _why_not(build: Build, name: str, metrics: tuple[str, ...], available: Available) -> str:
    """Why a name means nothing for all the metrics, and what does."""
    known = semantics(build)
    listed = dimensions(build)
    options = ", ".join(short for short in sorted(available.short_names) if short in listed) or "nothing"
    lacking = [metric for metric in dict.fromkeys(metrics) if not known.available([metric]).resolve(name)]
    if not lacking:
        return f"{name!r} is not the same thing for all of {', '.join(metrics)}: ask them apart; in common: {options}"
    if any(known.available([metric]).resolve(name) for metric in definitions(build)):
        return f"{name!r} is not a dimension of {', '.join(lacking)}; there is: {options}"
    return f"there is no dimension {name!r}{_nearest(name, listed)}; there is: {options}"


def _check_grain(build: Build, question: Question, metrics: tuple[str, ...], available: Available) -> None:
    """Raise when the metrics are not known at the grain, or not at days the period cuts."""
    known = semantics(build)
    if question.grain and question.grain not in known.grains:
        raise QuestionError(f"there is no grain {question.grain!r}; there are {', '.join(known.grains)}")
    if question.grain and question.grain not in available.grains:
        lacking = [name for name in dict.fromkeys(metrics) if question.grain not in known.available([name]).grains]
        there_are = ", ".join(available.grains) or "none"
        raise QuestionError(f"{', '.join(lacking)} is not known by {question.grain}; grains in common: {there_are}")
    daily = [name for name in metrics if "day" in known.available([name]).grains]
    finest = next((grain for grain in STANDARD_GRAINS if grain in available.grains), "day")
    if daily and finest != "day" and not _is_whole(build, finest, question.since, question.until):
        raise QuestionError(
            f"{', '.join(dict.fromkeys(daily))} is known by day and the others by {finest}: "
            f"ask them apart, or for whole {finest}s"
        )


def _is_whole(build: Build, grain: str, since: date | None, until: date | None) -> bool:
    every = periods(build, grain)
    return since in (None, *(span.first for span in every)) and until in (None, *(span.last for span in every))


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def largest(build: Build, question: Question, rows: int) -> tuple[pl.DataFrame, int]:
    """The rows of a question with the largest values of its first metric, and how many rows there are in all.

    For questions by a key, whose every row nobody wants: only these leave the database.
    """
    plan = replace(_plan(build, question), samples=())
    sql, parameters = _compile(build, plan, question.since, question.until)
    metric = question.metrics[0]
    frame = build.sql(
        f"""
        select *, count(*) over () as total
        from ({sql}) where {metric} is not null order by {metric} desc, 1 limit {rows}
        """,
        parameters,
    )
    return frame.drop("total"), int(frame["total"][0]) if len(frame) else 0


def _run(build: Build, plan: _Plan, since: date | None, until: date | None) -> pl.DataFrame:
    """The rows of a plan over inclusive days, taken from an answer that holds them where there is one.

    The same days are asked for with one comparison, with another and with the target, of a card's metric among others and
    of a chart's alone.
    """
    answered = _answered(build, replace(plan, metrics=(), samples=()), since, until)
    rows = next((rows for rows in answered if set(plan.values) <= set(rows.columns)), None)
    if rows is None:
        rows = build.sql(*_compile(build, plan, since, until))
        answered.append(rows)
    if plan.keys:
        rows = rows.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in plan.values))
    samples = (pl.col(sample).alias(metric + SAMPLE) for metric, sample in plan.samples)
    return rows.select(*plan.keys, *plan.metrics, *samples)


@lru_cache(maxsize=ANSWERS_KEPT)
def _answered(*_slices_and_days: object) -> list[pl.DataFrame]:
    """What was answered of a build by the same slices over the same days, with keys and metrics; the caller adds to it."""
    return []


def _compile(build: Build, plan: _Plan, since: date | None, until: date | None) -> tuple[str, dict[str, Any]]:
    """The SQL of a plan over inclusive days, its columns named and sorted as the answer's, and the parameters to bind."""
    where, parameters = [], {}
    for item, values in plan.filters:
        # As many places as the next power of two, the last value repeated: two stores and three are few shapes to compile.
        places = 1 << (len(values) - 1).bit_length()
        names = [f"p{len(parameters) + place}" for place in range(places)]
        parameters |= {name: values[min(place, len(values) - 1)] for place, name in enumerate(names)}
        # As text, so that a yes/no or a number can be asked for by what it reads as.
        where.append(f"cast({item.reference} as varchar) in ({', '.join(f'${name}' for name in names)})")
    for name, operator, day in (("since", ">=", since), ("until", "<=", until)):
        if day:
            where.append(f"{{{{ TimeDimension('metric_time', '{plan.finest}') }}}} {operator} ${name}")
            parameters[name] = day
    columns: dict[str, str] = {"metric_time": f"cast(metric_time__{plan.grain} as date)"} if plan.grain else {}
    for name, item in plan.items:
        columns[name] = f"cast({item.column} as date)" if item.kind == "time" else f'"{item.column}"'
    sources: list[str] = []
    for metric in plan.values:
        columns[metric], needed = _source(build, metric)
        sources += needed
    by = [*([f"metric_time__{plan.grain}"] if plan.grain else []), *(item.column for _, item in plan.items)]
    try:
        items = (*(item for _, item in plan.items), *(item for item, _ in plan.filters))
        sql = semantics(build).compile(tuple(dict.fromkeys(sources)), tuple(by), tuple(where), items)
    except MetricFlowException as error:
        raise QuestionError(f"{', '.join(plan.metrics)} cannot be asked this way: {error}") from error
    selected = ", ".join(f'{expression} as "{column}"' for column, expression in columns.items())
    order = f"\norder by {', '.join(str(place + 1) for place in range(len(plan.keys)))}" if plan.keys else ""
    return f"select {selected}\nfrom (\n{sql}\n){order}", parameters


def _source(build: Build, name: str) -> tuple[str, tuple[str, ...]]:
    """The SQL of a metric over those it is compiled from.

    A plain ratio is divided here, as MetricFlow would: asked for together, the sums of one mart take one scan, while
    MetricFlow scans again for every ratio.
    """
    quotient = definitions(build)[name].quotient
    if not quotient:
        return f'"{name}"', (name,)
    above, below = quotient
    return f'cast("{above}" as double) / nullif(cast("{below}" as double), 0)', quotient


def _with_before(
    build: Build,
    plan: _Plan,
    frame: pl.DataFrame,
    comparison: str,
    period: tuple[date, date] | None,
    compared: tuple[date, date] | None,
) -> pl.DataFrame:
    """The rows with `<metric>__before`; rows that only the comparison has are there too, with nothing for now."""
    plain = replace(plan, samples=())
    names = {metric: metric + BEFORE for metric in plan.metrics}
    if not period or not compared:
        return frame.with_columns(pl.lit(None, frame.schema[metric]).alias(name) for metric, name in names.items())
    before = _before(build, plain, comparison, period, compared).rename(names)
    if not plan.keys:
        return pl.concat([frame, before], how="horizontal")
    joined = frame.join(before, on=plan.keys, how="full", coalesce=True, nulls_equal=True)
    return joined.select(*frame.columns, *names.values()).sort(plan.keys)


def _before(build: Build, plan: _Plan, comparison: str, period: tuple[date, date], compared: tuple[date, date]) -> pl.DataFrame:
    """The compared range's rows, their periods shifted onto the current ones."""
    if not plan.grain:
        return _run(build, plan, *compared)
    pairs = [(start, days) for start, days in compared_spans(build, comparison, plan.grain, *period) if days]
    starts = {(span.first, span.last): span.start for span in spans(build, plan.grain, *compared)}
    if all(days in starts for _, days in pairs):
        shifted = pl.DataFrame(
            {"metric_time": [starts[days] for _, days in pairs], "now": [start for start, _ in pairs]},
            schema={"metric_time": pl.Date, "now": pl.Date},
        )
        rows = _run(build, plan, *compared).join(shifted, on="metric_time", how="inner")
        return rows.with_columns(pl.col("now").alias("metric_time")).drop("now")
    # The days to compare with do not make periods of their own (a retail month after a 53-week year): one query each.
    timeless = replace(plan, grain=None)
    parts = [_run(build, timeless, *days).select(pl.lit(start, pl.Date).alias("metric_time"), pl.all()) for start, days in pairs]
    return pl.concat(parts, how="vertical_relaxed")


def _with_targets(build: Build, plan: _Plan, frame: pl.DataFrame, period: tuple[date, date] | None) -> pl.DataFrame:
    """The rows with `<metric>__target`: the target set for that very period, or for an amount the sum of its parts."""
    found = {metric: _targets(build, metric) for metric in plan.metrics}
    days: dict[date | None, Span] = {}
    if period and plan.grain:
        days |= {span.start: span for span in spans(build, plan.grain, *period)}
    elif period:
        days[None] = Span(period[0], *period)
    rows = frame.to_dicts()
    columns = [
        pl.Series(metric + TARGET, [_target(build, plan, metric, found[metric], row, days) for row in rows], pl.Float64)
        for metric in plan.metrics
    ]
    return frame.with_columns(columns)


# Targets by what they are set for (channel, region, location), grain and first day.
_Targets = Mapping[tuple[str, ...], Mapping[str, Mapping[date, float]]]


@lru_cache(maxsize=256)
def _targets(build: Build, metric: str) -> _Targets:
    scope = ", ".join(f"coalesce({column}, '') as {column}" for column in _TARGET_COLUMNS.values())
    rows = build.sql(
        f"select grain, period_start, cast(value as double) as value, {scope} from marts.targets where metric = $metric",
        {"metric": metric},
    )
    found: dict[tuple[str, ...], dict[str, dict[date, float]]] = {}
    for grain, start, value, *scope in rows.iter_rows():
        place = tuple("" if part == "all" else part for part in scope)
        found.setdefault(place, {}).setdefault(grain, {})[start] = value
    return found


def _target(
    build: Build, plan: _Plan, metric: str, targets: _Targets, row: dict[str, Any], days: Mapping[date | None, Span]
) -> float | None:
    """The target of one row; none unless one is set for exactly its days and what it is sliced and filtered by."""
    span = days.get(row.get("metric_time"))
    sliced = {item.element: (str(row[name]),) for name, item in plan.items}
    kept = {item.element: values for item, values in plan.filters} | sliced
    if span is None or not kept.keys() <= _TARGET_COLUMNS.keys():
        return None
    is_additive = definitions(build)[metric].is_additive
    places = [()]
    for dimension in _TARGET_COLUMNS:
        places = [(*place, value) for place in places for value in kept.get(dimension, ("",))]
    if len(places) > 1 and not is_additive:
        return None
    parts = [_tiled(build, targets.get(place, {}), span, is_additive) for place in places]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _tiled(build: Build, by_grain: Mapping[str, Mapping[date, float]], span: Span, is_additive: bool) -> float | None:
    """The value set for exactly these days, or the sum of those that cover them without a gap."""
    for grain in (grain for grain in reversed(STANDARD_GRAINS) if grain in by_grain):
        ends = {whole.first: whole.last for whole in periods(build, grain)}
        total, day = 0.0, span.first
        while day in by_grain[grain] and ends.get(day, span.last + DAY) <= span.last:
            total, day = total + by_grain[grain][day], ends[day] + DAY
        is_one = span.first in by_grain[grain] and ends.get(span.first) == span.last
        if day > span.last and (is_additive or is_one):
            return total
    return None
