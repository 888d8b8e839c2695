"""What all charts share: colours by meaning, sizes, labels, and the words for those who do not see them.

Colours are the theme's: `#000001` to `#000010` stand for its categorical slots and `#000011` to `#000020` for its
sequential ones, and the browser puts in the colour of the light or the dark theme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import isfinite
from typing import Any

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.catalogue import Metric
from dashboard.topics import Chart, Page, metric_label, value_label
from dashboard.words import inside, join, say

# The slot of a value that always has its colour, whatever stands beside it.
SLOTS = {
    "store": "#000001",
    "web": "#000002",
    "app": "#000003",
    "marketplace": "#000004",
    "phone": "#000005",
}
OTHERS = ("#000001", "#000002", "#000003", "#000004", "#000006", "#000005")
ACCENT, BETTER, WORSE, QUIET, INK = "#000001", "#000007", "#000008", "#000009", "#000010"
# Words that only accompany: Streamlit's own grey is too pale on paper.
GREY = SLOTS["phone"]
SHADES = [f"#0000{slot}" for slot in range(11, 21)]

HEIGHT = 238
# Bars closer than this would run into each other's words.
ROW_PIXELS = 20
# A bar is no thicker than this, however few there are.
THICK = 26
# A character's width as a share of the axis, on a narrow chart.
CHARACTER = 0.035
LINE_PIXELS = 17
# Labels longer than this are broken into two lines.
BREAK = 18

Row = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A finished chart: what stands above it, its figure, and its words for those who do not see it."""

    title: str
    unit: str
    figure: go.Figure
    alt: str

    @property
    def height(self) -> int:
        """Its height in pixels."""
        return self.figure.layout.height  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True)
class Step:
    """One bar of a figure of steps: its words, where it starts, how far it goes, what is written there, its colour's slot."""

    label: str
    base: float
    move: float
    text: str
    colour: str


@dataclass(frozen=True)
class Bar:
    """One bar of a figure of bars: its words, its length, what that is compared with, its place from the top, its colour's slot.

    Without a length its words are a heading.
    """

    label: str
    value: float | None
    before: float | None
    place: float
    colour: str


@dataclass(frozen=True)
class Line:
    """One line of a chart: its words, the slot of its colour, its points in order, and those that may still change."""

    label: str
    colour: str
    points: dict[Any, float]
    open_points: dict[Any, float] = field(default_factory=dict)

    @property
    def drawn(self) -> dict[Any, float]:
        """All points in order."""
        return self.points | self.open_points


def line_figure(
    page: Page,
    metric: Metric,
    lines: Sequence[Line],
    events: Sequence[Row],
    unsettled: Sequence[date] = (),
) -> go.Figure:
    """Lines over days on one axis, each named at its end, with the events behind them and the `unsettled` periods greyed."""
    language = words.language()
    every = [value for line in lines for value in line.drawn.values()]
    settled = {start for line in lines for start in line.points}
    starts = sorted({*unsettled, *settled, *(start for line in lines for start in line.open_points)})
    last = starts[-1]
    low = 0.0 if metric.is_additive or min(every) < 0.4 * max(every) else min(every)
    marks = formats.scale(min(low, *every), max(every))
    figure = go.Figure()
    for line in lines:
        figure.add_trace(
            go.Scatter(
                x=list(line.points),
                y=list(line.points.values()),
                mode="lines",
                line={"color": line.colour, "width": 1.6 if line.colour == QUIET else 2.2},
                name=line.label.replace("<br>", " "),
                customdata=[text_of(page, metric, value) for value in line.points.values()],
                hovertemplate="%{fullData.name} %{customdata}<extra></extra>",
            )
        )
        if line.open_points and line.points:
            _continue(page, metric, figure, line)
    plain(figure, HEIGHT, left=44, right=width([line.label for line in lines]))
    ticks, labels = formats.ticks(starts, language)
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=[starts[0], last], hoverformat="%d/%m/%Y", tickangle=0)
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, metric.format, language), range=[marks[0], marks[-1]])
    figure.update_layout(hovermode="x unified")
    _bands(figure, events, starts[0], last)
    if unsettled:
        band = {"x0": max(settled), "x1": last, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
        figure.add_shape(type="rect", fillcolor=QUIET, opacity=0.16, line_width=0, layer="below", **band)
    label_ends(figure, lines, HEIGHT)
    return figure


def _continue(page: Page, metric: Metric, figure: go.Figure, line: Line) -> None:
    """What is known so far of days whose window is not over: dotted, from the last point that is settled."""
    points = dict([list(line.points.items())[-1], *line.open_points.items()])
    figure.add_trace(
        go.Scatter(
            x=list(points),
            y=list(points.values()),
            mode="lines",
            line={"color": QUIET, "width": 1.6, "dash": "dot"},
            name=f"{line.label.replace('<br>', ' ')} ({say('chart.open')})",
            customdata=[text_of(page, metric, value) for value in points.values()],
            hovertemplate="%{fullData.name} %{customdata}<extra></extra>",
        )
    )


def bar_figure(page: Page, metric: Metric, bars: Sequence[Bar]) -> go.Figure:
    """Horizontal bars, their values at their ends, with what each is compared with as a mark."""
    drawn = [bar for bar in bars if bar.value is not None]
    places, values, befores = ([getattr(bar, name) for bar in drawn] for name in ("place", "value", "before"))
    texts = [text_of(page, metric, value) for value in values]
    furthest = max(0.0, *values, *(before or 0.0 for before in befores))
    height = max(HEIGHT, ROW_PIXELS * len(bars) + 60)
    ends = [_after(value, before, furthest, text) for value, before, text in zip(values, befores, texts, strict=True)]
    figure = go.Figure(
        [
            go.Bar(
                x=values,
                y=places,
                orientation="h",
                marker={"color": [bar.colour for bar in drawn]},
                width=min(0.66, THICK * (bars[-1].place + 1.2 - bars[0].place) / (height - 60)),
                customdata=[f"{bar.label} · {text}" for bar, text in zip(drawn, texts, strict=True)],
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
    labels = [bar.label for bar in bars]
    plain(figure, height, left=width(labels), right=width(texts))
    figure.update_xaxes(visible=False, range=[min(0.0, *values, *(before or 0.0 for before in befores)), furthest * 1.02])
    rows = [bars[-1].place + 0.6, bars[0].place - 0.6]
    figure.update_yaxes(tickvals=[bar.place for bar in bars], ticktext=labels, range=rows, showgrid=False)
    if any(befores):
        mark = f"▏{inside(say(f'compare.{page.view.compare}'))}"
        figure.add_annotation(x=1, y=0, xref="paper", yref="paper", yshift=-16, text=mark, showarrow=False, font={"size": 11})
    return figure


def _after(value: float, before: float | None, furthest: float, text: str) -> float:
    """Where a bar's words begin: at its end, or after the mark of what it is compared with where the two would collide."""
    end = max(value, 0.0)
    room = CHARACTER * (len(text) + 2) * furthest
    return before if before is not None and end <= before <= end + room else end


def steps_figure(steps: Sequence[Step], hovers: Sequence[str]) -> go.Figure:
    """Bars that each start where the one before ended, from top to bottom, as high as they need."""
    labels = [step.label for step in steps]
    ends = [step.base + step.move for step in steps]
    figure = go.Figure(
        go.Bar(
            x=[step.move for step in steps],
            y=labels,
            base=[step.base for step in steps],
            orientation="h",
            marker={"color": [step.colour for step in steps]},
            width=0.62,
            hovertemplate="%{y} · %{customdata}<extra></extra>",
            customdata=list(hovers),
        )
    )
    for step, end in zip(steps, ends, strict=True):
        place = {"x": max(step.base, end), "y": step.label, "xanchor": "left", "xshift": 5}
        figure.add_annotation(text=step.text, showarrow=False, **place)
    plain(figure, max(HEIGHT, 26 * len(steps) + 60), left=width(labels), right=width([step.text for step in steps]))
    edges = [0.0, *ends]
    figure.update_xaxes(visible=False, range=[min(edges) * 1.02, max(edges) * 1.02 or 1])
    figure.update_yaxes(range=[len(steps) - 0.4, -0.6], showgrid=False, type="category")
    return figure


def change_steps(parts: Mapping[str, float], total: str, kind: str, language: str) -> tuple[list[Step], int]:
    """Parts of a change one after the other and their sum at the end, and what their texts are divided by."""
    change = sum(parts.values())
    scale = formats.factor(kind, max((abs(amount) for amount in [change, *parts.values()]), default=0.0))
    steps, level = [], 0.0
    for label, move in parts.items():
        colour = BETTER if move >= 0 else WORSE
        steps.append(Step(label, level, move, formats.signed(move / scale, language), colour))
        level += move
    return [*steps, Step(total, 0.0, change, formats.signed(change / scale, language), QUIET)], scale


def _bands(figure: go.Figure, events: Sequence[Row], first: date, last: date) -> None:
    """Pale bands with their names above, the longest first; a name that finds no room in two rows is left out."""
    days = (last - first).days or 1
    taken: list[list[tuple[float, float]]] = [[], []]
    for event in sorted(events, key=lambda event: event["starts_on"] - event["ends_on"]):
        starts, ends = max(event["starts_on"], first), min(event["ends_on"] + timedelta(days=1), last)
        band = {"x0": starts, "x1": ends, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
        figure.add_shape(type="rect", fillcolor=INK, opacity=0.06, line_width=0, layer="below", **band)
        begin = (starts - first).days / days
        end = begin + 0.0135 * len(event["event_name"])
        for row, spans in enumerate(taken):
            if end <= 1.05 and all(end <= other or begin >= until for other, until in spans):
                spans.append((begin, end))
                label = {"x": starts, "y": 1, "xref": "x", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
                figure.add_annotation(text=event["event_name"], yshift=12 * row, showarrow=False, font={"size": 10}, **label)
                break


def shade(figure: go.Figure, xs: Sequence[Any], low: Sequence[float], high: Sequence[float]) -> None:
    """A pale band between two lines. A shape, for the theme's colours cannot be made pale in a trace's fill."""
    there = [f"{x},{y}" for x, y in zip(xs, high, strict=True)]
    back = [f"{x},{y}" for x, y in zip(reversed(xs), reversed(low), strict=True)]
    path = f"M {' L '.join([*there, *back])} Z"
    figure.add_shape(type="path", path=path, fillcolor=ACCENT, opacity=0.16, line_width=0, layer="below")


def label_ends(figure: go.Figure, lines: Sequence[Line], height: int) -> None:
    """Each line's name to the right of all of them, as high as it ends, moved apart where lines end close together.

    Within the axis, whose range is set before: what lies outside is not drawn.
    """
    low, high = figure.layout.yaxis.range
    named = sorted((line for line in lines if line.label and line.points), key=lambda line: list(line.drawn.values())[-1])
    half = LINE_PIXELS / 2 * (high - low or 1.0) / (height - 60)
    rooms = [half * (1 + line.label.count("<br>")) for line in named]
    heights = _apart([list(line.drawn.values())[-1] for line in named], rooms, high)
    x = max((point for line in named for point in line.drawn), default=None)
    for line, y in zip(named, heights, strict=True):
        figure.add_annotation(
            x=x,
            y=y,
            text=line.label,
            showarrow=False,
            xanchor="left",
            xshift=6,
            align="left",
            # A quiet line's colour is too pale for words.
            font={"size": 12, "color": GREY if line.colour == QUIET else line.colour},
        )


def _apart(ends: Sequence[float], rooms: Sequence[float], top: float) -> list[float]:
    """Ascending places moved up until each has its room on either side, and down again from the top."""
    places: list[float] = []
    for place, (end, room) in enumerate(zip(ends, rooms, strict=True)):
        places.append(max(end, places[-1] + rooms[place - 1] + room) if places else end)
    for place in reversed(range(len(places))):
        places[place] = min(
            places[place], top if place == len(places) - 1 else places[place + 1] - rooms[place] - rooms[place + 1]
        )
    return places


def plain(figure: go.Figure, height: int, left: int, right: int) -> None:
    """A quiet frame of that height: margins in pixels, no legend, nothing to drag."""
    figure.update_layout(
        height=height,
        margin={"l": left, "r": right, "t": 26, "b": 34},
        showlegend=False,
        dragmode=False,
        hoverlabel={"font": {"size": 12}},
        bargap=0.3,
        font={"color": GREY},
    )
    figure.update_xaxes(fixedrange=True, showgrid=False, zeroline=False, tickfont={"color": GREY})
    figure.update_yaxes(fixedrange=True, zeroline=False, tickfont={"color": GREY})


def told_apart(metrics: Sequence[Metric]) -> list[str]:
    """What tells metrics apart: of “Ready, median” and “Ready, 9 in 10” what follows the comma; nothing for one alone.

    Where all end alike after the comma, what stands before it.
    """
    labels = [metric_label(metric) for metric in metrics]
    if len(labels) == 1:
        return [""]
    starts, ends = ({label.partition(", ")[part] for label in labels} for part in (0, 2))
    if len(ends) == 1:
        labels = [label.partition(", ")[0] for label in labels]
    return [broken(inside(label.partition(", ")[2]) if len(starts) == 1 and ", " in label else label) for label in labels]


def broken(label: str) -> str:
    """A long label on two lines, so that it leaves the chart its room on a phone."""
    middle = label.rfind(" ", 0, len(label) * 2 // 3)
    return f"{label[:middle]}<br>{label[middle + 1 :]}" if len(label) > BREAK and middle > 0 else label


def colour(value: Any, place: int) -> str:
    """The slot of a value: its own where it always has one, else the next in turn."""
    return SLOTS.get(value) or OTHERS[place % len(OTHERS)]


def width(labels: Sequence[str]) -> int:
    """Pixels a margin needs for the longest label."""
    longest = max((len(part) for label in labels for part in label.split("<br>")), default=0)
    return min(180, max(14, 7 * longest + 14))


def unit_of(page: Page, metric: Metric, values: Sequence[float]) -> str:
    """The unit that stands in the title of a chart of these values."""
    return formats.unit(metric.format, max((abs(value) for value in values), default=0.0), words.language(), page.currency)


def text_of(page: Page, metric: Metric, value: float | None) -> str:
    """A value as the reader's language writes it."""
    return formats.value(value, metric.format, words.language(), page.currency)


def value_text(page: Page, dimension: str, value: Any) -> str:
    """A dimension's value in words; a date as its month."""
    if isinstance(value, date):
        return formats.period(value, "month", words.language())
    return value_label(page.build, dimension, value)


def titled(chart: Chart) -> str:
    """The chart's metrics by name, as its title."""
    first, *others = (metric_label(metric) for metric in chart.metrics)
    return join([first, *(inside(other) for other in others)])


def alt_of(page: Page, title: str, metric: Metric, lines: Sequence[Line]) -> str:
    """The title and where each line ends, for those who do not see it."""
    ends = [
        f"{line.label.replace('<br>', ' ') or metric_label(metric)} {text_of(page, metric, list(line.points.values())[-1])}"
        for line in lines
    ]
    return f"{title}: {', '.join(ends)}"


def number(value: Any) -> float | None:
    """The value as a plain float; None where it is missing or not finite."""
    return float(value) if value is not None and isfinite(value) else None
