"""From a page's view to questions: which filters, days and grain each metric can take, and one question for all that agree."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dashboard.builds import Build
from dashboard.catalogue import Metric
from dashboard.metrics import Answer, Question, ask
from dashboard.periods import TARGETS, compared_range, periods, spans
from dashboard.semantics import semantics
from dashboard.stores import SAME_STORES, same_stores
from dashboard.topics import Page, meta

DAY = timedelta(days=1)
# A rate over fewer cases is not shown: chance alone would move it.
FEW = 30
# A window longer than this is shown for those who completed it in the period, not for those who started in it.
LONG_WINDOW_DAYS = 30
# No location is called so: where none of the stores chosen is the same, nothing is shown and not everything.
NO_STORE = ""

Filters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Reach:
    """What a metric can take of a view: its filters, the days, and the grain nearest to the one wanted."""

    where: Filters
    since: date
    until: date
    grain: str
    finest: str
    # A growth is a comparison already: what it was a year before would need a year more.
    is_compared: bool = True


def reach(page: Page, metric: Metric, grain: str | None = None) -> Reach:
    """The view as a metric can take it. Days whose window is not over are left out; a long window moves the days back."""
    view = page.view
    where = tuple((dimension, values) for dimension, values in view.filters if dimension in metric.dimensions)
    since, until = view.since, view.until
    first, last = page.build.span or (since, until)
    if metric.censored_days >= LONG_WINDOW_DAYS:
        since, until = since - metric.censored_days * DAY, until - metric.censored_days * DAY
    elif metric.censored_days:
        until = min(until, last - metric.censored_days * DAY)
    since, until = min(max(since, first), until), until
    if view.basis == SAME_STORES and "location" in metric.dimensions:
        where = _of_stores(where, same_stores(page.build, view.comparison, since, until))
    known = semantics(page.build)
    grains = known.available([metric.name]).grains
    wanted = grain or view.grain
    coarser = known.grains[known.grains.index(wanted) :] if wanted in known.grains else ()
    nearest = next((one for one in (wanted, *coarser) if one in grains), grains[0])
    return Reach(where, since, until, nearest, grains[0], meta(page.build, metric.name).get("compared", True))


def _of_stores(where: Filters, stores: tuple[str, ...]) -> Filters:
    """The filters with none but these stores, and of them those chosen."""
    kept = dict(where)
    chosen = tuple(store for store in kept.get("location", stores) if store in stores)
    return tuple((kept | {"location": chosen or (NO_STORE,)}).items())


def still_open(page: Page, metric: Metric) -> Reach | None:
    """The days at the end of the view whose window is not over, in whole periods; none where every window is.

    They may be drawn as what is known so far, never counted. Long windows move the days shown, so they leave none open.
    """
    reached = reach(page, metric)
    until = min(page.view.until, page.build.span[1]) if page.build.span else page.view.until
    if not 0 < metric.censored_days < LONG_WINDOW_DAYS or until <= reached.until:
        return None
    over = whole_periods(page.build, reached)
    later = [start for start in whole_periods(page.build, replace(reached, until=until)) if start not in over]
    return replace(reached, since=later[0], until=until) if later else None


def ask_together(
    page: Page, metrics: Iterable[Metric], by: tuple[str, ...] = (), series: bool = False, compare: str | None = None
) -> dict[str, Answer]:
    """The answer that holds each metric, by the metric's name: metrics that take the view alike share one question.

    Without `series` one row a slice, compared as the view (or `compare`) says; with it one row a period, not compared.
    """
    groups: dict[Reach, list[Metric]] = {}
    for metric in metrics:
        groups.setdefault(reach(page, metric), []).append(metric)
    answers = {}
    for reached, members in groups.items():
        question = Question(
            metrics=tuple(dict.fromkeys(page.asked(metric) for metric in members)),
            by=by,
            grain=reached.grain if series else None,
            since=reached.since,
            until=reached.until,
            where=reached.where,
            compare=None if series else comparison(page.build, reached, compare or page.view.comparison),
        )
        answer = ask(page.build, question)
        answers |= {metric.name: answer for metric in members}
    return answers


def comparison(build: Build, reached: Reach, wanted: str) -> str | None:
    """The comparison, unless some of the days to compare with are before the first of the data, or it makes no sense."""
    if not reached.is_compared:
        return None
    compared = None if wanted == TARGETS else compared_range(build, wanted, reached.since, reached.until)
    return wanted if wanted == TARGETS or (compared and build.span and compared[0] >= build.span[0]) else None


def is_ripe(build: Build, reached: Reach) -> bool:
    """Whether the data holds any day of it."""
    return build.span is not None and build.span[0] <= reached.until and reached.since <= reached.until


def is_refused(page: Page, metric: Metric) -> bool:
    """Whether the data do not allow a figure: the metric its `meta.refusal` names counts a refusal."""
    refusal = meta(page.build, metric.name).get("refusal")
    return bool(refusal and ask(page.build, Question((refusal,))).frame[refusal][0])


def whole_periods(build: Build, reached: Reach) -> list[date]:
    """First days of the periods that lie wholly within the days asked for: one cut short would look like a fall."""
    ends = {span.first: span.last for span in periods(build, reached.grain)}
    touched = spans(build, reached.grain, reached.since, reached.until)
    return [span.start for span in touched if span.first == span.start and span.last == ends[span.start]]
