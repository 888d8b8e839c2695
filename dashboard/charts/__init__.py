"""Charts, each kind drawn in one way: metrics say which they want in `meta.charts`, the page only says where.

A kind is a module with one public function of its name, `(page, chart) -> Drawn | None`, entered in `KINDS`; None where there
is nothing to draw. What kinds share to read rows is in `reading`, to draw them in `drawing`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import streamlit as st

from dashboard import words
from dashboard.charts.bars import bars
from dashboard.charts.bridge import bridge
from dashboard.charts.curve import curve
from dashboard.charts.drawing import Drawn
from dashboard.charts.drivers import drivers
from dashboard.charts.event_study import event_study
from dashboard.charts.groups import groups
from dashboard.charts.heatmap import heatmap
from dashboard.charts.interval import interval
from dashboard.charts.matrix import matrix
from dashboard.charts.payback import payback
from dashboard.charts.sankey import sankey
from dashboard.charts.survival import survival
from dashboard.charts.trend import trend
from dashboard.charts.waterfall import waterfall
from dashboard.periods import TARGETS
from dashboard.questions import comparison, is_refused, is_ripe, reach, whole_periods
from dashboard.topics import Chart, Page, metric_label, missing, topic_charts, untaken
from dashboard.words import called, join, say

KINDS: Mapping[str, Callable[[Page, Chart], Drawn | None]] = {
    "trend": trend,
    "bars": bars,
    "groups": groups,
    "heatmap": heatmap,
    "matrix": matrix,
    "curve": curve,
    "survival": survival,
    "event_study": event_study,
    "interval": interval,
    "payback": payback,
    "sankey": sankey,
    "waterfall": waterfall,
    "drivers": drivers,
    "bridge": bridge,
}
# Kinds that show nothing but what changed.
COMPARING = {"bridge", "drivers"}
# Kinds that take a row of their own.
WIDE = {"drivers", "heatmap", "matrix", "sankey", "waterfall"}


def show(page: Page) -> None:
    """Draw every chart declared for the page, two beside each other, in their order; a wide one has a row of its own."""
    waiting: list[Chart] = []
    for chart in topic_charts(page.build, page.topic):
        if chart.kind in WIDE:
            _row(page, waiting)
            _row(page, [chart])
            waiting = []
        else:
            waiting.append(chart)
            if len(waiting) == 2:
                _row(page, waiting)
                waiting = []
    _row(page, waiting)


def _row(page: Page, charts: Sequence[Chart]) -> None:
    if not charts:
        return
    drawn = [_drawn(page, chart) for chart in charts]
    # Two beside each other are as high as the higher.
    height = max((one.height for one in drawn if isinstance(one, Drawn)), default=0)
    for column, chart, one in zip(st.columns([3, 2][: len(charts)]), charts, drawn, strict=True):
        with column.container(border=True, height="stretch", key=f"chart_{chart.order}"):
            if isinstance(one, Drawn):
                st.markdown(" · ".join(filter(None, [f"**{one.title}**", one.unit, *untaken(page, chart.metrics[0])])))
                st.plotly_chart(one.figure, height=height, config={"displayModeBar": False}, alt=one.alt)
            else:
                st.markdown(f"**{chart.title(words.language()) or metric_label(chart.metrics[0])}**")
                st.caption(one)


def _drawn(page: Page, chart: Chart) -> Drawn | str:
    """The chart, or what is said in its place."""
    metric = chart.metrics[0]
    absent = sorted({entity for metric in chart.metrics for entity in missing(page.build, metric)})
    if absent:
        return say("card.absent", exports=join([called("entity", entity) for entity in absent]))
    reached = reach(page, metric)
    if not is_ripe(page.build, reached):
        return say("card.not_ripe", days=metric.censored_days)
    if drawn := _cached(page, chart, words.language()):
        return drawn
    if chart.kind == "trend" and len(whole_periods(page.build, reached)) < 2:
        return say("chart.too_short", grain=say(f"grain.{reached.grain}"))
    if chart.kind in COMPARING and comparison(page.build, reached, page.view.comparison) in (None, TARGETS):
        return say("drivers.nothing")
    return say("card.refused_why" if is_refused(page, metric) else "chart.nothing")


@lru_cache(maxsize=512)
def _cached(page: Page, chart: Chart, language: str) -> Drawn | None:
    """A finished chart by build, view and language: made once, never changed."""
    words.speak(language)
    return KINDS[chart.kind](page, chart)
