"""What is reached at growing ages."""

from typing import Any

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import HEIGHT, Drawn, Line, alt_of, colour, label_ends, number, plain, text_of, unit_of, width
from dashboard.charts.reading import read_rows
from dashboard.metrics import SAMPLE
from dashboard.questions import FEW, is_ripe, reach
from dashboard.topics import Chart, Page, dimension_label, meta, metric_label, value_label
from dashboard.words import inside, say

# Ages closer than this share of the axis would be written over each other on a phone.
APART = 0.1


def curve(page: Page, chart: Chart) -> Drawn | None:
    """A family of metrics measured at growing ages (`meta.days`) as one line, or one a value of the dimension."""
    family = sorted(chart.metrics, key=lambda metric: meta(page.build, metric.name).get("days", 0))
    split = next((dimension for dimension in chart.by if dimension in family[0].dimensions), None)
    lines: dict[Any, dict[float, float]] = {}
    for metric in family:
        if not is_ripe(page.build, reach(page, metric)):
            continue
        name = page.asked(metric)
        for row in read_rows(page, (metric,), (split,) if split else (), compared=False):
            value, sample = number(row[name]), row.get(name + SAMPLE)
            if value is not None and (sample is None or sample >= FEW):
                lines.setdefault(row[split] if split else None, {})[float(meta(page.build, metric.name)["days"])] = value
    lines = {value: {0.0: 0.0, **points} for value, points in lines.items() if value != "unknown" and points}
    if not lines:
        return None
    first, language = family[0], words.language()
    drawn = [
        Line(value_label(page.build, split, value) if split else metric_label(first), colour(value, place), points)
        for place, (value, points) in enumerate(sorted(lines.items(), key=lambda item: -max(item[1].values())))
    ]
    figure = go.Figure()
    for line in drawn:
        xs = list(line.points)
        figure.add_trace(
            go.Scatter(
                x=xs,
                y=list(line.points.values()),
                mode="lines+markers",
                line={"color": line.colour, "width": 2},
                marker={"size": 6},
                name=line.label.replace("<br>", " "),
                customdata=[f"{say('chart.after', days=int(x))} · {text_of(page, first, y)}" for x, y in line.points.items()],
                hovertemplate="%{fullData.name} · %{customdata}<extra></extra>",
            )
        )
    largest = max(value for points in lines.values() for value in points.values())
    marks = formats.scale(0.0, largest)
    plain(figure, HEIGHT, left=44, right=width([line.label for line in drawn]))
    days = sorted({x for points in lines.values() for x in points})
    ticks = [0.0]
    for day in days[1:]:
        if day - ticks[-1] >= APART * days[-1]:
            ticks.append(day)
    names = [formats.number(int(day), language) for day in ticks]
    figure.update_xaxes(tickvals=ticks, ticktext=names, tickangle=0, range=[0, days[-1] * 1.01])
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, first.format, language), range=[0, marks[-1]])
    label_ends(figure, drawn, HEIGHT)
    title = say("chart.curve")
    title = say("chart.by", what=title, by=inside(dimension_label(page.build, split))) if split else title
    unit = f"{unit_of(page, first, [largest])} · {say('chart.days_after')}"
    return Drawn(title, unit, figure, alt_of(page, title, first, drawn))
