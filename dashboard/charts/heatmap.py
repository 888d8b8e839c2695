"""Cells of two dimensions, shaded by value."""

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import HEIGHT, INK, SHADES, Drawn, number, plain, text_of, unit_of, value_text, width
from dashboard.charts.reading import read_rows
from dashboard.topics import Chart, Page, dimension_label, metric_label
from dashboard.words import inside, say

# As many places are shown, those with the most.
MOST = 12
# With more columns than this a cell has no room for a decimal on a phone,
ROOMY = 10
# with more than this none for a number, which the stylesheet then leaves out by its size; nor have their names.
DENSE, DENSE_SIZE, SIZE = 14, 10, 11


def heatmap(page: Page, chart: Chart) -> Drawn | None:
    """One cell a pair of values: rows are the first dimension, columns the second.

    Rows of dates and numbers stand in their order, dates with the newest at the bottom; others by what they add up to, the
    largest alone.
    """
    metric, (down, across) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in read_rows(page, (metric,), (down, across), compared=False) if number(row[name]) is not None]
    if not rows:
        return None
    ys = sorted({row[down] for row in rows})
    if isinstance(ys[0], str):
        sums = {y: sum(number(row[name]) or 0.0 for row in rows if row[down] == y) for y in ys}
        ys = sorted(sums, key=lambda y: -sums[y])[:MOST]
        rows = [row for row in rows if row[down] in ys]
    xs = sorted({int(row[across]) for row in rows})
    cells = {(row[down], int(row[across])): row for row in rows}
    values = [[number(cells[y, x][name]) if (y, x) in cells else None for x in xs] for y in ys]
    language = words.language()
    digits = 1 if len(xs) <= ROOMY else 0
    texts = [["" if value is None else formats.bare(value, metric.format, language, digits) for value in row] for row in values]
    labels = [value_text(page, down, y) for y in ys]
    # The first column is everyone, by definition: it would only pale the rest.
    is_share = metric.format == "percent"
    scale = [value for row in values for value in row if value is not None and (value < 1 or not is_share)]
    figure = go.Figure(
        go.Heatmap(
            x=xs,
            y=labels,
            z=values,
            text=texts,
            texttemplate="%{text}" if len(xs) <= 26 else None,
            textfont={"size": DENSE_SIZE if len(xs) > DENSE else SIZE, "color": INK},
            colorscale=[[place / 9, shade] for place, shade in enumerate(SHADES)],
            zmin=min(scale, default=0) * 0.6,
            zmax=sorted(scale)[int(len(scale) * 0.98)] if scale else 1,
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            customdata=[[text_of(page, metric, value) for value in row] for row in values],
            hovertemplate=f"%{{y}} · {dimension_label(page.build, across)} %{{x}}: %{{customdata}}<extra></extra>",
        )
    )
    plain(figure, max(HEIGHT, 24 * len(ys) + 60), left=width(labels), right=8)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(showgrid=False, side="top", tickmode="linear", dtick=1 if len(xs) <= DENSE else 3, zeroline=False)
    title = say("chart.heat", what=metric_label(metric), down=inside(dimension_label(page.build, down)))
    unit = unit_of(page, metric, scale)
    told = " · ".join(part for part in (inside(dimension_label(page.build, across)), unit) if part)
    return Drawn(title, told, figure, f"{title}: {labels[0]} – {labels[-1]}")
