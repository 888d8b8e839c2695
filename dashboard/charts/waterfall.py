"""What leads an amount from where it starts to what is left."""

from decimal import Decimal

import plotly.graph_objects as go

from dashboard import words
from dashboard.catalogue import Metric
from dashboard.charts.drawing import ACCENT, BETTER, QUIET, WORSE, Drawn, broken, plain, text_of, width
from dashboard.charts.reading import read_rows
from dashboard.topics import Chart, Page, metric_label, value_label
from dashboard.words import inside

ROW_PIXELS = 34


def waterfall(page: Page, chart: Chart) -> Drawn | None:
    """From the first of the chart's `with`, by way of each of the others, to the metric that is left: exactly, or not at all.

    A metric that is better higher adds, any other takes away; below zero it does the reverse. What can be split by the chart's
    dimension takes a step for each value, the largest first.
    """
    left, start, *others = chart.metrics
    begin, end = _amount(page, start), _amount(page, left)
    if begin is None or end is None:
        return None
    steps: list[tuple[str, Decimal]] = []
    for other in others:
        sign = 1 if other.better == "higher" else -1
        steps += [(label, sign * amount) for label, amount in _steps(page, chart, other) if amount]
    if begin + sum(move for _, move in steps) != end:
        return None
    names, values, bases, colours = [broken(metric_label(start))], [begin], [Decimal(0)], [ACCENT]
    level = begin
    for label, move in steps:
        names.append(label)
        values.append(move)
        bases.append(level)
        colours.append(BETTER if move > 0 else WORSE)
        level += move
    names.append(broken(metric_label(left)))
    values.append(end)
    bases.append(Decimal(0))
    colours.append(ACCENT)
    texts = [text_of(page, start, float(value)) for value in values]
    places = list(range(len(values)))
    figure = go.Figure(
        go.Bar(
            x=[float(value) for value in values],
            y=places,
            base=[float(base) for base in bases],
            orientation="h",
            marker={"color": colours},
            width=0.62,
            customdata=[f"{name.replace('<br>', ' ')} · {text}" for name, text in zip(names, texts, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for place, base, value, text in zip(places, bases, values, texts, strict=True):
        edge = float(max(base, base + value))
        figure.add_annotation(x=edge, y=place, text=text, showarrow=False, xanchor="left", xshift=5)
    levels = [base + value for base, value in zip(bases, values, strict=True)]
    for place, reached in enumerate(levels[:-1]):
        line = {"x0": float(reached), "x1": float(reached), "y0": place + 0.31, "y1": place + 0.69}
        figure.add_shape(type="line", line={"color": QUIET, "width": 1}, **line)
    plain(figure, ROW_PIXELS * len(places) + 50, left=width(names), right=width(texts))
    figure.update_xaxes(visible=False, range=[float(min(0, *levels)), float(max(0, *levels)) * 1.02])
    figure.update_yaxes(tickvals=places, ticktext=names, autorange="reversed", showgrid=False)
    title = chart.title(words.language()) or f"{metric_label(start)}, {inside(metric_label(left))}"
    alt = f"{title}: " + ", ".join(f"{n.replace('<br>', ' ')} {text}" for n, text in zip(names, texts, strict=True))
    return Drawn(title, "", figure, alt)


def _amount(page: Page, metric: Metric) -> Decimal | None:
    (row,) = read_rows(page, (metric,), (), compared=False)
    value = row[page.asked(metric)]
    return None if value is None else Decimal(str(value))


def _steps(page: Page, chart: Chart, metric: Metric) -> list[tuple[str, Decimal]]:
    """The metric's steps by name: one, or one a value of the chart's dimension."""
    dimension = next((one for one in chart.by if one in metric.dimensions), None)
    if not dimension:
        return [(broken(metric_label(metric)), _amount(page, metric) or Decimal(0))]
    rows = read_rows(page, (metric,), (dimension,), compared=False)
    amounts = [(row[dimension], Decimal(str(row[page.asked(metric)] or 0))) for row in rows]
    named = [(f"{metric_label(metric)}<br>{inside(value_label(page.build, dimension, value))}", n) for value, n in amounts]
    return sorted(named, key=lambda step: -step[1])
