"""How many are done after how long, with how sure that is."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.builds import Build
from dashboard.charts.drawing import (
    ACCENT,
    HEIGHT,
    QUIET,
    SHADES,
    Drawn,
    Line,
    label_ends,
    number,
    plain,
    text_of,
    value_text,
    width,
)
from dashboard.periods import TARGETS, compared_range
from dashboard.questions import FEW, reach
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import say

# The curve is drawn as far as this share is reached, and to the hour at most.
NEARLY_ALL = 0.985
LONGEST = 60

PALE = SHADES[1]

Row = Mapping[str, Any]


def survival(page: Page, chart: Chart) -> Drawn | None:
    """The share of pick-ups ready by each minute in the view's last month, its confidence band, and the month compared with.

    Estimated for one region, one location or all: other filters do not apply, and the title says whose curve it is.
    """
    metric, language = chart.metrics[0], words.language()
    reached = reach(page, metric)
    scope, place = _scope(dict(reached.where))
    month = reached.until.replace(day=1)
    summary, rows = _summary(page.build, scope, place, month), _rows(page.build, scope, place, month)
    if summary is None or summary["pickup_count"] < FEW:
        return None
    last = next((row["minute"] for row in rows if row["ready_share"] >= NEARLY_ALL), LONGEST)
    shown = [row for row in rows if row["minute"] <= min(max(last, 20), LONGEST)]
    now = Line(formats.period(month, "month", language), ACCENT, {row["minute"]: row["ready_share"] for row in shown})
    lines = [now]
    if before := _before(page, scope, place, month):
        points = {row["minute"]: row["ready_share"] for row in before[1] if row["minute"] <= shown[-1]["minute"]}
        lines.append(Line(formats.period(before[0], "month", language), QUIET, points))
    figure = go.Figure()
    _band(figure, shown)
    for line in reversed(lines):
        figure.add_trace(
            go.Scatter(
                x=list(line.points),
                y=list(line.points.values()),
                mode="lines",
                line={"color": line.colour, "width": 2.2 if line is now else 1.6},
                name=line.label,
                customdata=[text_of(page, metric, value) for value in line.points.values()],
                hovertemplate="%{fullData.name} · %{x} min · %{customdata}<extra></extra>",
            )
        )
    promise = int(page.build.info["vars"]["pickup_promise_minutes"])
    _mark(figure, promise, summary["within_promise_share"], _interval(page, summary, "within_promise_share", "percent"))
    if summary["ready_minutes_p50"] is not None:
        _mark(figure, summary["ready_minutes_p50"], 0.5, _interval(page, summary, "ready_minutes_p50", "minutes"))
    plain(figure, HEIGHT, left=44, right=width([line.label for line in lines]))
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, "percent", language), range=[0, 1.02])
    figure.update_xaxes(range=[0, shown[-1]["minute"]], dtick=5 if shown[-1]["minute"] <= 40 else 10)
    label_ends(figure, lines, HEIGHT)
    title = say("chart.survival", share=text_of(page, metric, summary["within_promise_share"]), minutes=promise)
    where = say("chart.everywhere") if scope == "all" else value_text(page, scope, place)
    unit = say("chart.survival_unit", where=where, month=now.label)
    if summary["unready_count"]:
        unit += " · " + say("chart.waiting", count=summary["unready_count"])
    return Drawn(title, unit, figure, f"{metric_label(metric)}: {title}. {unit}")


def _scope(where: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    """The finest scope the filters name one place of."""
    for dimension in ("location", "region"):
        if len(where.get(dimension, ())) == 1:
            return dimension, where[dimension][0]
    return "all", "all"


def _rows(build: Build, scope: str, place: str, month: date) -> list[dict[str, Any]]:
    query = """
        select minute, ready_share, ready_share_low, ready_share_high from marts.pickup_survival
        where scope = $scope and place = $place and month_start = $month order by minute
    """
    return build.sql(query, {"scope": scope, "place": place, "month": month}).to_dicts()


def _summary(build: Build, scope: str, place: str, month: date) -> dict[str, Any] | None:
    query = "select * from marts.pickup_readiness where scope = $scope and place = $place and month_start = $month"
    rows = build.sql(query, {"scope": scope, "place": place, "month": month}).to_dicts()
    return rows[0] if rows else None


def _before(page: Page, scope: str, place: str, month: date) -> tuple[date, list[dict[str, Any]]] | None:
    """The month the view compares with, and its curve; None where there is none or too few waits in it."""
    compare = page.view.compare
    days = None if compare == TARGETS else compared_range(page.build, compare, month, month)
    if days is None:
        return None
    earlier = days[0].replace(day=1)
    summary = _summary(page.build, scope, place, earlier)
    enough = summary is not None and summary["pickup_count"] >= FEW
    return (earlier, _rows(page.build, scope, place, earlier)) if enough else None


def _band(figure: go.Figure, rows: list[dict[str, Any]]) -> None:
    minutes = [row["minute"] for row in rows]
    for column, fill in (("ready_share_high", None), ("ready_share_low", "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=minutes,
                y=[row[column] for row in rows],
                mode="lines",
                line={"width": 0, "color": PALE},
                fill=fill,
                fillcolor=PALE if fill else None,
                hoverinfo="skip",
            )
        )


def _mark(figure: go.Figure, minutes: float, share: float, text: str) -> None:
    """A point of the curve with its value and interval, in the free room below the curve."""
    figure.add_trace(go.Scatter(x=[minutes], y=[share], mode="markers", marker={"size": 8, "color": ACCENT}, hoverinfo="skip"))
    label = {"text": text, "showarrow": False, "xanchor": "left", "xshift": 10, "yshift": -10, "font": {"size": 12}}
    figure.add_annotation(x=minutes, y=share, **label)


def _interval(page: Page, row: Row, column: str, kind: str) -> str:
    """A value with its limits; a dash for one that the data do not reach."""
    value, low, high = (
        formats.value(number(row[column + limit]), kind, words.language(), page.currency) for limit in ("", "_low", "_high")
    )
    return f"{value} ({low} – {high})"
