"""Pairs of systems against what they are checked for."""

from collections.abc import Mapping

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import HEIGHT, INK, SHADES, Drawn, Row, broken, number, plain, text_of, value_text, width
from dashboard.charts.reading import read_rows
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import called, inside, join, phrases, say

PIXELS = 58


def matrix(page: Page, chart: Chart) -> Drawn | None:
    """One row a pair, one column a check: shaded by the first metric's share, with the others' values under it.

    Pairs stand in their own order, checks in that of their names; a pair whose exports were never loaded says which.
    """
    rate, *others = chart.metrics
    down, across = chart.by
    rows = [row for row in read_rows(page, chart.metrics, chart.by, compared=False) if number(row[page.asked(rate)]) is not None]
    if not rows:
        return None
    cells = {(row[down], row[across]): row for row in rows}
    absent = {pair: [one for one in entities if not page.build.info["entities"].get(one)] for pair, *entities in _pairs(page)}
    compared = {pair for pair, _ in cells}
    pairs = [pair for pair in absent if pair in compared or absent[pair]]
    checks = [key for key in _named(across) if any((pair, key) in cells for pair in pairs)]
    shares = [[_share(cells.get((pair, check)), page.asked(rate)) for check in checks] for pair in pairs]
    texts = [[_text(page, chart, cells.get((pair, check))) for check in checks] for pair in pairs]
    labels = [broken(value_text(page, down, pair)) for pair in pairs]
    figure = go.Figure(
        go.Heatmap(
            x=[broken(called(across, check)) for check in checks],
            y=labels,
            # the square root tells one in a thousand from none without hiding one in ten
            z=[[None if share is None else share**0.5 for share in row] for row in shares],
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 11, "color": INK},
            colorscale=[[place / 9, shade] for place, shade in enumerate(SHADES)],
            zmin=0,
            zmax=max(0.1, *(share**0.5 * 1.25 for row in shares for share in row if share is not None)),
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            customdata=[[_told(page, chart, cells.get((pair, check))) for check in checks] for pair in pairs],
            hovertemplate="%{y} · %{x}<br>%{customdata}<extra></extra>",
        )
    )
    plain(figure, max(HEIGHT, PIXELS * len(labels) + 60), left=width(labels), right=8)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(showgrid=False, side="top", type="category", autotickangles=[0, 90])
    for label, pair in zip(labels, pairs, strict=True):
        if pair not in compared:
            said = say("card.absent", exports=join([called("entity", entity) for entity in absent[pair]]))
            figure.add_annotation(x=0.01, xref="paper", y=label, text=said, showarrow=False, xanchor="left")
    title = chart.title(words.language()) or metric_label(rate)
    name = page.asked(rate)
    worst = max(rows, key=lambda row: float(row[name]))
    alt = f"{title}: {value_text(page, down, worst[down])}, {called(across, worst[across])} {text_of(page, rate, worst[name])}"
    return Drawn(title, join([inside(metric_label(other)) for other in others]), figure, alt)


def _pairs(page: Page) -> list[tuple[str, ...]]:
    """Each pair in its place, with the entities its two systems export."""
    return page.build.sql("select system_pair, first_entity, second_entity from marts.system_pairs order by position").rows()


def _named(across: str) -> list[str]:
    """The dimension's values in the order they are named in."""
    return [key.removeprefix(f"{across}.") for key in phrases(words.language()) if key.startswith(f"{across}.")]


def _share(row: Mapping | None, name: str) -> float | None:
    return None if row is None else number(row[name])


def _text(page: Page, chart: Chart, row: Row | None) -> str:
    """What a cell says: a tick when all agree, else the share, and under it how many and what is at stake."""
    if row is None:
        return ""
    rate, *others = chart.metrics
    share = number(row[page.asked(rate)])
    if not share:
        return "✓"
    amounts = [(other.format, number(row[page.asked(other)])) for other in others]
    parts = [formats.short(amount, kind, words.language(), page.currency) for kind, amount in amounts if amount]
    return f"<b>{text_of(page, rate, share)}</b><br>{'<br>'.join(parts)}"


def _told(page: Page, chart: Chart, row: Row | None) -> str:
    if row is None:
        return ""
    return "<br>".join(f"{metric_label(one)}: {text_of(page, one, number(row[page.asked(one)]))}" for one in chart.metrics)
