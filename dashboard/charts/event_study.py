"""What changed in the months around a start, where something began."""

from typing import Any

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.catalogue import Metric
from dashboard.charts.drawing import (
    HEIGHT,
    INK,
    QUIET,
    Drawn,
    Line,
    colour,
    label_ends,
    number,
    plain,
    shade,
    text_of,
    unit_of,
    width,
)
from dashboard.metrics import Question, ask
from dashboard.topics import Chart, Page, metric_label, value_label
from dashboard.words import say

# The value of the splitting dimension that stands for everything together.
ALL = "all"


def event_study(page: Page, chart: Chart) -> Drawn | None:
    """A metric by months since a start, with its band and a zero line; the values of a second dimension as thin lines.

    The title is what the chart's second metric finds over all months. The band is that of the hidden metrics `<metric>_low` and
    `<metric>_high`, `<metric>_p_value` says how alike the months before were. Where nothing is given from the start on, the chart
    shows the months before and says that there is no figure.
    """
    metric, (age, *splits) = chart.metrics[0], chart.by
    names = (metric.name, f"{metric.name}_low", f"{metric.name}_high", f"{metric.name}_p_value")
    rows = ask(page.build, Question(names, (age, *splits))).frame.to_dicts()
    lines: dict[Any, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: int(row[age])):
        lines.setdefault(row[splits[0]] if splits else ALL, []).append(row)
    whole = lines.get(ALL)
    if not whole:
        return None
    told = [row for row in whole if number(row[metric.name]) is not None]
    is_refused = all(int(row[age]) < 0 for row in told)
    shown = {value: points for value, points in lines.items() if value != ALL and not is_refused}
    last = max(int(row[age]) for row in whole)

    figure = go.Figure()
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    first = min(int(row[age]) for row in whole)
    figure.add_shape(
        type="rect", x0=first - 0.5, x1=-0.5, y0=0, y1=1, yref="paper", fillcolor=INK, opacity=0.05, line_width=0, layer="below"
    )
    figure.add_vline(x=-0.5, line={"color": QUIET, "width": 1, "dash": "dot"})
    ages = [int(row[age]) for row in told]
    low, high = ([number(row[name]) or 0.0 for row in told] for name in names[1:3])
    shade(figure, ages, low, high)
    drawn = []
    for place, (value, points) in enumerate([*shown.items(), (ALL, told)]):
        known = {int(row[age]): found for row in points if (found := number(row[metric.name])) is not None}
        is_whole = value == ALL
        label = value_label(page.build, splits[0], value) if splits else metric_label(metric)
        drawn.append(Line(label, INK if is_whole else colour(value, place), known))
        texts = {x: text_of(page, metric, y) for x, y in known.items()}
        if is_whole:
            ranges = [_range(page, metric, *bounds) for bounds in zip(low, high, strict=True)]
            texts = {x: f"{text} ({bounds})" for (x, text), bounds in zip(texts.items(), ranges, strict=True)}
        figure.add_trace(
            go.Scatter(
                x=list(known),
                y=list(known.values()),
                mode="lines+markers" if is_whole else "lines",
                line={"color": drawn[-1].colour, "width": 2.4 if is_whole else 1.4, "dash": None if is_whole else "dot"},
                marker={"size": 6},
                name=label,
                customdata=[f"{_month(x)} · {text}" for x, text in texts.items()],
                hovertemplate="%{fullData.name} · %{customdata}<extra></extra>",
            )
        )
    every = [*low, *high, *(y for line in drawn for y in line.points.values())]
    marks = formats.scale(min(every), max(every))
    plain(figure, HEIGHT + 62, left=44, right=width([line.label for line in drawn]) if not is_refused else 14)
    ticks = [month for month in range(first, last + 1) if month % 3 == 0]
    language = words.language()
    figure.update_xaxes(
        tickvals=ticks, ticktext=[formats.number(tick, language) for tick in ticks], range=[first - 0.5, last + 0.5]
    )
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, metric.format, language), range=[marks[0], marks[-1]])
    top = {"yref": "paper", "y": 1.0, "yanchor": "bottom", "showarrow": False, "font": {"size": 11}}
    figure.add_annotation(x=-0.6, xanchor="right", text=say("study.before"), **top)
    figure.add_annotation(x=-0.4, xanchor="left", text=say("study.after"), **top)
    if is_refused:
        middle = {"x": (last - 0.5) / 2, "y": 0.5, "yref": "paper", "showarrow": False, "font": {"size": 13}}
        figure.add_annotation(text=say("study.no_figure"), **middle)
    else:
        label_ends(figure, drawn, HEIGHT + 62)
    p_value = number(whole[0][names[3]])
    title = say("study.refused", what=metric_label(metric)) if is_refused else _found(page, chart)
    trends = say("study.untested")
    if p_value is not None:
        alike = say(f"study.{'apart' if is_refused else 'alike'}")
        trends = say("study.trends", p=formats.decimal(p_value, language, 2), alike=alike)
    unit = f"{unit_of(page, metric, every)} · {say('study.months')} · {trends}"
    ends = "" if is_refused else ": " + ", ".join(f"{one.label} {text_of(page, metric, _last(one))}" for one in drawn)
    return Drawn(title, unit, figure, title + ends)


def _found(page: Page, chart: Chart) -> str:
    """What was found over all months, in words, where the chart's second metric tells it."""
    metric, *wholes = chart.metrics
    for whole in wholes:
        names = (whole.name, f"{whole.name}_low", f"{whole.name}_high")
        rows = ask(page.build, Question(names, chart.by[1:])).frame.to_dicts()
        row = next((row for row in rows if number(row[whole.name]) is not None), None)
        if row:
            value, low, high = (number(row[name]) for name in names)
            spread = _range(page, whole, low, high)
            return say("study.found", what=metric_label(whole), value=text_of(page, whole, value), range=spread)
    return say("study.title", what=metric_label(metric))


def _last(line: Line) -> float:
    return list(line.points.values())[-1]


def _month(age: int) -> str:
    return say("study.month", month=age) if age >= 0 else say("study.month_before", month=-age)


def _range(page: Page, metric: Metric, low: float | None, high: float | None) -> str:
    return say("study.range", low=text_of(page, metric, low), high=text_of(page, metric, high))
