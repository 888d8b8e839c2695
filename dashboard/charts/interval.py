"""An estimate and how far it can be from the truth, whole and by a dimension."""

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import ACCENT, HEIGHT, QUIET, SLOTS, Drawn, number, plain, text_of, unit_of, width
from dashboard.charts.reading import read_rows
from dashboard.topics import Chart, Page, metric_label, value_label
from dashboard.words import say


def interval(page: Page, chart: Chart) -> Drawn | None:
    """One point with its limits a value of the dimension, and one for all; zero is a line, for what crosses it is not proved.

    The first metric is the estimate, the two of `with` its lower and upper limit.
    """
    metric = chart.metrics[0]
    names = [page.asked(one) for one in chart.metrics]
    whole = [{**row, "label": say("chart.all"), "slot": ACCENT} for row in read_rows(page, chart.metrics, (), compared=False)]
    (dimension,) = chart.by
    parts = [
        {**row, "label": value_label(page.build, dimension, row[dimension]), "slot": SLOTS.get(row[dimension], ACCENT)}
        for row in read_rows(page, chart.metrics, chart.by, compared=False)
        if row[dimension] != "unknown"
    ]
    shown = [row for row in whole + parts if all(number(row[name]) is not None for name in names)]
    if not shown:
        return None
    value, low, high = ([float(row[name]) for row in shown] for name in names)
    texts = [
        f"{text_of(page, metric, v)} ({text_of(page, metric, a)} – {text_of(page, metric, b)})"
        for v, a, b in zip(value, low, high, strict=True)
    ]
    labels = [row["label"] for row in shown]
    figure = go.Figure(
        go.Scatter(
            x=value,
            y=labels,
            mode="markers",
            marker={"size": 11, "color": [row["slot"] for row in shown]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [b - v for v, b in zip(value, high, strict=True)],
                "arrayminus": [v - a for v, a in zip(value, low, strict=True)],
                "color": QUIET,
                "thickness": 2,
                "width": 5,
            },
            customdata=texts,
            hovertemplate="%{y} · %{customdata}<extra></extra>",
        )
    )
    marks = formats.scale(min(0.0, *low), max(0.0, *high))
    plain(figure, HEIGHT, left=width(labels), right=14)
    figure.update_xaxes(
        tickvals=marks, ticktext=formats.axis(marks, metric.format, words.language()), range=[marks[0], marks[-1]], zeroline=False
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.add_vline(x=0, line={"color": QUIET, "width": 1, "dash": "dot"})
    for label, text, place in zip(labels, texts, value, strict=True):
        figure.add_annotation(x=place, y=label, text=text, showarrow=False, yshift=17, font={"size": 12})
    title = chart.title(words.language()) or metric_label(metric)
    alt = f"{title}: " + ", ".join(f"{label} {text}" for label, text in zip(labels, texts, strict=True))
    return Drawn(title, unit_of(page, metric, value), figure, alt)
