"""The rows that charts are drawn from."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from dashboard.builds import Build
from dashboard.catalogue import Metric
from dashboard.charts.drawing import OTHERS, QUIET, Line, Row, number
from dashboard.metrics import BEFORE, SAMPLE, Question, ask
from dashboard.questions import FEW, ask_together, comparison, reach, still_open, whole_periods
from dashboard.topics import Page
from dashboard.words import say


def read_rows(
    page: Page, metrics: tuple[Metric, ...], by: tuple[str, ...], series: bool = False, compared: bool = True
) -> list[Row]:
    """The rows of metrics that take the view alike."""
    if compared:
        return ask_together(page, metrics, by, series)[metrics[0].name].frame.to_dicts()
    reached = reach(page, metrics[0])
    names = tuple(page.asked(metric) for metric in metrics)
    return ask(page.build, Question(names, by, None, reached.since, reached.until, reached.where)).frame.to_dicts()


def read_points(page: Page, metric: Metric, rows: Sequence[Row], whole: Sequence[date]) -> dict[Any, float]:
    """The metric's value by whole period: an amount without a row is 0, a rate over too few is left out."""
    name = page.asked(metric)
    kept = set(whole)
    known = {row["metric_time"]: row for row in rows}
    found = {}
    for start in sorted(kept):
        row = known.get(start, {})
        value, sample = number(row.get(name)), row.get(name + SAMPLE)
        if value is None and metric.is_additive:
            value = 0.0
        if value is not None and (sample is None or sample >= FEW):
            found[start] = value
    return found


def read_open(page: Page, metric: Metric, by: tuple[str, ...] = ()) -> tuple[list[Row], list[date]]:
    """What is known so far of the periods whose window is not over, and their first days; nothing where every window is."""
    reached = still_open(page, metric)
    if reached is None:
        return [], []
    question = Question((page.asked(metric),), by, reached.grain, reached.since, reached.until, reached.where)
    return ask(page.build, question).frame.to_dicts(), whole_periods(page.build, reached)


def read_compared(page: Page, metric: Metric, whole: Sequence[date]) -> Line:
    """What the line is compared with, period by period."""
    reached = reach(page, metric)
    name = page.asked(metric)
    compare = comparison(page.build, reached, page.view.comparison)
    if compare is None:
        return Line("", QUIET, {})
    question = Question((name,), (), reached.grain, reached.since, reached.until, reached.where, compare)
    rows = [{"metric_time": row["metric_time"], name: row[name + BEFORE]} for row in ask(page.build, question).frame.to_dicts()]
    return Line(
        say(f"compare.{page.view.compare}"), QUIET, {k: v for k, v in read_points(page, metric, rows, whole).items() if v}
    )


def largest_first(dimension: str, rows: Sequence[Row], name: str) -> list[Any]:
    """The dimension's values, the largest first, at most as many as lines stay readable; the unknown are left out."""
    totals: dict[Any, float] = {}
    for row in rows:
        weight = number(row.get(name + SAMPLE) or row[name]) or 0.0
        totals[row[dimension]] = totals.get(row[dimension], 0.0) + weight
    known = [value for value in totals if value not in (None, "unknown")] or list(totals)
    return sorted(known, key=lambda value: -totals[value])[: len(OTHERS)]


def read_events(page: Page, first: date, last: date) -> list[Row]:
    """What happened in the days drawn: sales seasons, Black Friday, strikes."""
    return [event for event in _events(page.build) if event["ends_on"] >= first and event["starts_on"] <= last]


@lru_cache(maxsize=16)
def _events(build: Build) -> list[Row]:
    query = "select event_name, starts_on, ends_on from marts.events order by 2, 1"
    return build.sql(query).to_dicts() if "events" in build.info["marts"] else []
