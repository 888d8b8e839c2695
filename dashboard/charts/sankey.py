"""Flows from the values of one dimension to those of another."""

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import HEIGHT, INK, OTHERS, SHADES, SLOTS, Drawn, number, plain, text_of, titled
from dashboard.charts.reading import read_rows
from dashboard.topics import Chart, Page, metric_label, value_label
from dashboard.words import inside, say

# The room between two nodes, as a share of the height.
GAP = 0.05
# A node's width in pixels.
THICK = 12
# A flow below this share of all is left out: it would be a hair nobody can read.
HAIR = 0.002


def sankey(page: Page, chart: Chart) -> Drawn | None:
    """Flows as wide as the amount, from the first dimension on the left to the second on the right, the largest on top.

    A flow that ends where it began is pale, one that crosses over has its origin's colour. The unknown are left out, and said.
    """
    metric, (left, right) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in read_rows(page, (metric,), (left, right), compared=False) if (number(row[name]) or 0.0) > 0]
    whole = sum(number(row[name]) or 0.0 for row in rows)
    known = [row for row in rows if "unknown" not in (row[left], row[right])]
    total = sum(number(row[name]) or 0.0 for row in known)
    flows = [(row[left], row[right], number(row[name]) or 0.0) for row in known if (number(row[name]) or 0.0) >= HAIR * total]
    if not flows:
        return None
    # What crosses over is drawn last, above the pale flows.
    flows.sort(key=lambda flow: flow[0] != flow[1])
    sides = [
        _heights([(start, amount) for start, _, amount in flows]),
        _heights([(stop, amount) for _, stop, amount in flows]),
    ]
    language = words.language()
    places = {(end, value): place for place, (end, value) in enumerate((end, v) for end in (0, 1) for v in sides[end])}
    labels = [
        f"{value_label(page.build, chart.by[end], value)} {formats.percent(sides[end][value] / total, language, digits=0)}"
        for end, value in places
    ]
    tops = [top for side in sides for top in _tops(side)]
    told = [
        f"{value_label(page.build, left, start)} → {value_label(page.build, right, stop)} {text_of(page, metric, amount)}"
        for start, stop, amount in flows
    ]
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            node={
                "color": [SLOTS.get(value, OTHERS[-1]) for _, value in places],
                "x": [0.001 if end == 0 else 0.999 for end, _ in places],
                "y": tops,
                "thickness": THICK,
                "pad": 10,
                "line": {"width": 0},
                "customdata": [
                    f"{label} · {text_of(page, metric, sides[end][value])}"
                    for label, (end, value) in zip(labels, places, strict=True)
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            link={
                "source": [places[0, start] for start, _, _ in flows],
                "target": [places[1, stop] for _, stop, _ in flows],
                "value": [amount for _, _, amount in flows],
                "color": [SHADES[0] if start == stop else SLOTS.get(start, OTHERS[-1]) for start, stop, _ in flows],
                "customdata": told,
                "hovertemplate": "%{customdata}<extra></extra>",
            },
        )
    )
    for label, top, (end, _) in zip(labels, tops, places, strict=True):
        # On paper of its own beside its node, for flows pass there.
        side = {"xanchor": "right", "xshift": -(THICK + 2)} if end else {"xanchor": "left", "xshift": THICK + 2}
        place = {"x": end, "y": 1 - top, "xref": "paper", "yref": "paper", "yanchor": "middle"}
        figure.add_annotation(
            text=label, showarrow=False, bgcolor=SHADES[0], borderpad=1, font={"size": 12, "color": INK}, **side, **place
        )
    plain(figure, HEIGHT + 40, left=4, right=4)
    title = chart.title(language) or titled(chart)
    unit = say("chart.share", what=inside(metric_label(metric)))
    if whole > total:
        unit += " · " + say("chart.left_out", share=formats.percent(1 - total / whole, language, digits=0))
    return Drawn(title, unit, figure, f"{title}: {', '.join(told)}")


def _heights(ends: list[tuple[str, float]]) -> dict[str, float]:
    """The amount of each node of a side, the largest first."""
    sums: dict[str, float] = {}
    for value, amount in ends:
        sums[value] = sums.get(value, 0.0) + amount
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _tops(side: dict[str, float]) -> list[float]:
    """The middle of each node from 0 at the top to 1, with a gap between two."""
    total = sum(side.values())
    room = 1 - GAP * (len(side) - 1)
    tops, level = [], 0.0
    for amount in side.values():
        height = amount / total * room
        tops.append(min(max(level + height / 2, 0.001), 0.999))
        level += height + GAP
    return tops
