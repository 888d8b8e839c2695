"""Ranked horizontal bars."""

import plotly.graph_objects as go

from dashboard.charts.drawing import ACCENT, HEIGHT, QUIET, SLOTS, Drawn, number, plain, text_of, width
from dashboard.charts.reading import read_rows
from dashboard.metrics import BEFORE, SAMPLE
from dashboard.questions import FEW
from dashboard.topics import Chart, Page, dimension_label, metric_label, value_label
from dashboard.words import inside, say

# Beyond this many, a ranking shows its two ends.
RANKED = 12
# Rows closer than this would run into each other's words.
ROW_PIXELS = 20
# A character's width as a share of the axis, on a narrow chart.
CHARACTER = 0.035


def bars(page: Page, chart: Chart) -> Drawn | None:
    """Ranked horizontal bars, one a value of the dimension, with what each is compared with as a mark."""
    metric, (dimension, *_) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in read_rows(page, (metric,), (dimension,)) if number(row[name]) is not None]
    rows = [row for row in rows if row[dimension] != "unknown" or len(rows) == 1]
    # An amount of nothing, now and before, has no place in a ranking.
    rows = [row for row in rows if not metric.is_additive or row[name] or row.get(name + BEFORE)]
    rows.sort(key=lambda row: number(row[name]) or 0.0, reverse=True)
    if not rows:
        return None
    shown = [row for row in rows if (row.get(name + SAMPLE) or FEW) >= FEW]
    if not shown:
        return None
    is_cut = len(shown) > RANKED
    if is_cut:
        shown = shown[: RANKED // 2] + shown[-RANKED // 2 :]
    # A gap stands for the ones in the middle.
    places = [place + (0.6 if is_cut and place >= RANKED // 2 else 0.0) for place in range(len(shown))]
    labels = [value_label(page.build, dimension, row[dimension]) for row in shown]
    values = [number(row[name]) or 0.0 for row in shown]
    befores = [number(row.get(name + BEFORE)) for row in shown]
    texts = [text_of(page, metric, value) for value in values]
    furthest = max(0.0, *values, *(before or 0.0 for before in befores))
    ends = [_after(value, before, furthest, text) for value, before, text in zip(values, befores, texts, strict=True)]
    figure = go.Figure(
        [
            go.Bar(
                x=values,
                y=places,
                orientation="h",
                marker={"color": [SLOTS.get(row[dimension], ACCENT) for row in shown]},
                width=0.66,
                customdata=[f"{label} · {text}" for label, text in zip(labels, texts, strict=True)],
                hovertemplate="%{customdata}<extra></extra>",
            ),
            go.Scatter(
                x=befores,
                y=places,
                mode="markers",
                marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": QUIET}},
                customdata=[text_of(page, metric, before) for before in befores],
                hovertemplate=f"{say(f'against.{page.view.compare}')}: %{{customdata}}<extra></extra>",
            ),
            go.Scatter(
                x=ends,
                y=places,
                mode="text",
                text=[f"  {text}" for text in texts],
                textposition="middle right",
                textfont={"size": 12},
                cliponaxis=False,
                hoverinfo="skip",
            ),
        ]
    )
    plain(figure, max(HEIGHT, ROW_PIXELS * len(shown) + 60), left=width(labels), right=width(texts))
    figure.update_xaxes(visible=False, range=[min(0.0, *values, *(before or 0.0 for before in befores)), furthest * 1.02])
    figure.update_yaxes(tickvals=places, ticktext=labels, autorange="reversed", showgrid=False)
    if any(befores):
        mark = f"▏{inside(say(f'compare.{page.view.compare}'))}"
        figure.add_annotation(
            x=1, y=0, xref="paper", yref="paper", yshift=-16, text=mark, showarrow=False, font={"color": QUIET, "size": 11}
        )
    title = say("chart.by", what=metric_label(metric), by=inside(dimension_label(page.build, dimension)))
    note = say("chart.ends", count=RANKED // 2) if is_cut else ""
    alt = f"{title}: " + ", ".join(f"{label} {text}" for label, text in zip(labels, texts, strict=True))
    return Drawn(title, note, figure, alt)


def _after(value: float, before: float | None, furthest: float, text: str) -> float:
    """Where a bar's words begin: at its end, or after the mark of what it is compared with where the two would collide."""
    end = max(value, 0.0)
    room = CHARACTER * (len(text) + 2) * furthest
    return before if before is not None and end <= before <= end + room else end
