"""Charts, each kind drawn in one way: metrics say which they want in `meta.charts`, the page only says where.

Colours are the theme's: `#000001` to `#000010` stand for its categorical slots and `#000011` to `#000020` for its
sequential ones, and the browser puts in the colour of the light or the dark theme.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import isfinite, log
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard import formats, words
from dashboard.catalogue import Metric
from dashboard.metrics import BEFORE, SAMPLE, Question, ask
from dashboard.questions import TARGETS, ask_together, comparison, is_ripe, reach, whole_periods
from dashboard.topics import Chart, Page, dimension_label, meta, metric_label, missing, topic_charts, value_label
from dashboard.words import called, inside, join, say

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
SHADES = [f"#0000{slot}" for slot in range(11, 21)]

HEIGHT = 238
FEW = 30
# Beyond this many, a ranking shows its two ends.
RANKED = 12
LINE_PIXELS = 15
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


def show(page: Page) -> None:
    """Draw every chart declared for the page, two beside each other, in their order; a wide one has a row of its own."""
    waiting: list[Chart] = []
    for chart in topic_charts(page.build, page.topic):
        if chart.kind in WIDE:
            _row(page, waiting)
            _row(page, [chart])
            waiting = []
        else:
            waiting.append(chart)
            if len(waiting) == 2:
                _row(page, waiting)
                waiting = []
    _row(page, waiting)


def _row(page: Page, charts: Sequence[Chart]) -> None:
    if not charts:
        return
    for column, chart in zip(st.columns([3, 2][: len(charts)]), charts, strict=True):
        with column.container(border=True, height="stretch", key=f"chart_{chart.order}"):
            _show(page, chart)


def _show(page: Page, chart: Chart) -> None:
    absent = sorted({entity for metric in chart.metrics for entity in missing(page.build, metric)})
    label = metric_label(chart.metrics[0])
    if absent:
        st.markdown(f"**{label}**")
        st.caption(say("card.absent", exports=join([called("entity", entity) for entity in absent])))
        return
    if not all(is_ripe(page.build, reach(page, metric)) for metric in chart.metrics[:1]):
        st.markdown(f"**{label}**")
        st.caption(say("card.not_ripe", days=chart.metrics[0].censored_days))
        return
    drawn = _cached(page, chart, words.language())
    if drawn is None:
        st.markdown(f"**{label}**")
        st.caption(say("card.nothing"))
        return
    st.markdown(f"**{drawn.title}**" + (f" · {drawn.unit}" if drawn.unit else ""))
    st.plotly_chart(drawn.figure, config={"displayModeBar": False}, alt=drawn.alt)


@lru_cache(maxsize=512)
def _cached(page: Page, chart: Chart, language: str) -> Drawn | None:
    """A finished chart by build, view and language: made once, never changed."""
    words.speak(language)
    return KINDS[chart.kind](page, chart)


# Kinds of chart


def trend(page: Page, chart: Chart) -> Drawn | None:
    """Lines over the period: one a value of the dimension, or one a metric, or one and what it is compared with."""
    metric = chart.metrics[0]
    reached = reach(page, metric)
    whole = whole_periods(page.build, reached) or []
    split = next((dimension for dimension in chart.by if dimension in metric.dimensions), None)
    lines: list[Line] = []
    if split:
        rows = _rows(page, chart.metrics[:1], (split,), series=True)
        for value in _ordered(split, rows, page.asked(metric)):
            points = _points(page, metric, [row for row in rows if row[split] == value], whole)
            lines.append(Line(value_label(page.build, split, value), _colour(value, len(lines)), points))
    else:
        for place, (one, label) in enumerate(zip(chart.metrics, _apart(chart.metrics), strict=True)):
            points = _points(page, one, _rows(page, (one,), (), series=True), whole)
            lines.append(Line(label, OTHERS[place], points))
        if len(lines) == 1 and page.view.compare != TARGETS:
            lines.insert(0, _compared(page, metric, whole))
            if lines[0].points:
                lines[-1] = Line(say("chart.now"), ACCENT, lines[-1].points)
    lines = [line for line in lines if len(line.points) > 1 and any(line.points.values())]
    if not lines:
        return None
    unit = _unit(page, metric, [value for line in lines for value in line.points.values()])
    what = (
        say("chart.by", what=metric_label(metric), by=inside(dimension_label(page.build, split)))
        if split
        else chart.title(words.language()) or _titled(chart)
    )
    figure = _line_figure(page, metric, lines, _events(page, min(whole), max(whole)) if whole else [])
    return Drawn(
        what, " · ".join(part for part in (say(f"grain.{reached.grain}"), unit) if part), figure, _alt(page, what, metric, lines)
    )


def bars(page: Page, chart: Chart) -> Drawn | None:
    """Ranked horizontal bars, one a value of the dimension, with what each is compared with as a mark."""
    metric, (dimension, *_) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in _rows(page, (metric,), (dimension,)) if _number(row[name]) is not None]
    rows = [row for row in rows if row[dimension] != "unknown" or len(rows) == 1]
    rows.sort(key=lambda row: _number(row[name]) or 0.0, reverse=True)
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
    values = [_number(row[name]) or 0.0 for row in shown]
    befores = [_number(row.get(name + BEFORE)) for row in shown]
    ends = [max(value, before or 0.0) for value, before in zip(values, befores, strict=True)]
    texts = [_text(page, metric, value) for value in values]
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
                customdata=[_text(page, metric, before) for before in befores],
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
    _plain(figure, HEIGHT, left=_width(labels), right=_width(texts))
    figure.update_xaxes(visible=False, range=[min(0.0, *values), max(ends) * 1.02])
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


def heatmap(page: Page, chart: Chart) -> Drawn | None:
    """One cell a pair of values: rows are the first dimension, newest at the bottom, columns the second."""
    metric, (down, across) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in _rows(page, (metric,), (down, across), compared=False) if _number(row[name]) is not None]
    if not rows:
        return None
    ys = sorted({row[down] for row in rows})
    xs = sorted({int(row[across]) for row in rows})
    cells = {(row[down], int(row[across])): row for row in rows}
    values = [[_number(cells[y, x][name]) if (y, x) in cells else None for x in xs] for y in ys]
    language = words.language()
    texts = [["" if value is None else formats.bare(value, metric.format, language) for value in row] for row in values]
    labels = [_value_text(page, down, y) for y in ys]
    # The first column is everyone, by definition: it would only pale the rest.
    scale = [value for row in values for x, value in zip(xs, row, strict=True) if value is not None and value < 1]
    figure = go.Figure(
        go.Heatmap(
            x=xs,
            y=labels,
            z=values,
            text=texts,
            texttemplate="%{text}" if len(xs) <= 26 else None,
            textfont={"size": 11},
            colorscale=[[place / 9, shade] for place, shade in enumerate(SHADES)],
            zmin=min(scale, default=0) * 0.6,
            zmax=sorted(scale)[int(len(scale) * 0.98)] if scale else 1,
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            customdata=[[_text(page, metric, value) for value in row] for row in values],
            hovertemplate=f"%{{y}} · {dimension_label(page.build, across)} %{{x}}: %{{customdata}}<extra></extra>",
        )
    )
    _plain(figure, max(HEIGHT, 24 * len(ys) + 60), left=_width(labels), right=8)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(showgrid=False, side="top", tickmode="linear", dtick=1 if len(xs) <= 26 else 3, zeroline=False)
    title = say("chart.heat", what=metric_label(metric), down=inside(dimension_label(page.build, down)))
    unit = _unit(page, metric, scale)
    return Drawn(
        title, " · ".join([inside(dimension_label(page.build, across)), unit]), figure, f"{title}: {labels[0]} – {labels[-1]}"
    )


def curve(page: Page, chart: Chart) -> Drawn | None:
    """A family of metrics measured at growing ages (`meta.days`) as one line, or one a value of the dimension."""
    family = sorted(chart.metrics, key=lambda metric: meta(page.build, metric.name).get("days", 0))
    split = next((dimension for dimension in chart.by if dimension in family[0].dimensions), None)
    lines: dict[Any, dict[float, float]] = {}
    for metric in family:
        if not is_ripe(page.build, reach(page, metric)):
            continue
        name = page.asked(metric)
        for row in _rows(page, (metric,), (split,) if split else (), compared=False):
            value, sample = _number(row[name]), row.get(name + SAMPLE)
            if value is not None and (sample is None or sample >= FEW):
                lines.setdefault(row[split] if split else None, {})[float(meta(page.build, metric.name)["days"])] = value
    lines = {value: {0.0: 0.0, **points} for value, points in lines.items() if value != "unknown" and points}
    if not lines:
        return None
    first, language = family[0], words.language()
    drawn = [
        Line(value_label(page.build, split, value) if split else metric_label(first), _colour(value, place), points)
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
                customdata=[f"{say('chart.after', days=int(x))} · {_text(page, first, y)}" for x, y in line.points.items()],
                hovertemplate="%{fullData.name} · %{customdata}<extra></extra>",
            )
        )
    largest = max(value for points in lines.values() for value in points.values())
    marks = formats.scale(0.0, largest)
    _plain(figure, HEIGHT, left=44, right=_width([line.label for line in drawn]))
    days = sorted({x for points in lines.values() for x in points})
    figure.update_xaxes(tickvals=days, ticktext=[formats.number(int(day), language) for day in days], range=[0, days[-1] * 1.01])
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, first.format, language), range=[0, marks[-1]])
    _label_ends(figure, drawn, marks[-1] - marks[0], HEIGHT)
    title = say("chart.curve")
    title = say("chart.by", what=title, by=inside(dimension_label(page.build, split))) if split else title
    unit = f"{_unit(page, first, [largest])} · {say('chart.days_after')}"
    return Drawn(title, unit, figure, _alt(page, title, first, drawn))


def bridge(page: Page, chart: Chart) -> Drawn | None:
    """Why an amount moved: what each of the factors that multiply to it added or took away, exactly to the total.

    The parts are the logarithmic mean of the two amounts times each factor's logarithm; they add up without a rest.
    """
    metric, *factors = chart.metrics
    if page.view.compare == TARGETS:
        return None
    answers = ask_together(page, chart.metrics)
    pairs = {}
    for one in chart.metrics:
        name, frame = page.asked(one), answers[one.name].frame
        row = frame.to_dicts()[0]
        now, before = _number(row[name]), _number(row.get(name + BEFORE))
        if not now or not before or now <= 0 or before <= 0:
            return None
        pairs[one.name] = (now, before)
    now, before = pairs[metric.name]
    mean = (now - before) / log(now / before) if now != before else now
    steps = [(_broken(metric_label(one)), mean * log(pairs[one.name][0] / pairs[one.name][1])) for one in factors]
    scale = formats.factor(metric.format, max(abs(now - before), *(abs(step) for _, step in steps)))
    labels = [*(label for label, _ in steps), say("chart.change")]
    moves = [*(step for _, step in steps), now - before]
    level, bases = 0.0, []
    for move in moves[:-1]:
        bases.append(level)
        level += move
    bases.append(0.0)
    language = words.language()
    texts = [formats.signed(move / scale, language) for move in moves]
    colours = [BETTER if move >= 0 else WORSE for move in moves[:-1]] + [QUIET]
    figure = go.Figure(
        go.Bar(
            x=moves,
            y=labels,
            base=bases,
            orientation="h",
            marker={"color": colours},
            width=0.62,
            hovertemplate="%{y} · %{customdata}<extra></extra>",
            customdata=[_text(page, metric, move) for move in moves],
        )
    )
    ends = [base + move for base, move in zip(bases, moves, strict=True)]
    for label, base, end, text in zip(labels, bases, ends, texts, strict=True):
        figure.add_annotation(x=max(base, end), y=label, text=text, showarrow=False, xanchor="left", xshift=5)
    _plain(figure, HEIGHT, left=_width(labels), right=_width(texts))
    edge = [0.0, *ends]
    figure.update_xaxes(visible=False, range=[min(edge) * 1.02, max(edge) * 1.02 or 1])
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    title = say("chart.why", what=inside(metric_label(metric)))
    unit = f"{formats.unit(metric.format, scale * 4, language, page.currency)}"
    alt = f"{title}: " + ", ".join(f"{label.replace('<br>', ' ')} {text}" for label, text in zip(labels, texts, strict=True))
    return Drawn(title, " ".join([unit, say(f"against.{page.view.compare}")]), figure, alt)


KINDS: Mapping[str, Callable[[Page, Chart], Drawn | None]] = {
    "trend": trend,
    "bars": bars,
    "heatmap": heatmap,
    "curve": curve,
    "bridge": bridge,
}
WIDE = {"heatmap"}


# Reading


def _rows(page: Page, metrics: tuple[Metric, ...], by: tuple[str, ...], series: bool = False, compared: bool = True) -> list[Row]:
    """The rows of metrics that take the view alike."""
    if compared:
        return ask_together(page, metrics, by, series)[metrics[0].name].frame.to_dicts()
    reached = reach(page, metrics[0])
    names = tuple(page.asked(metric) for metric in metrics)
    return ask(page.build, Question(names, by, None, reached.since, reached.until, reached.where)).frame.to_dicts()


@dataclass(frozen=True)
class Line:
    """One line of a chart: its words, the slot of its colour, and its points in order."""

    label: str
    colour: str
    points: dict[Any, float]


def _points(page: Page, metric: Metric, rows: Sequence[Row], whole: Sequence[date]) -> dict[Any, float]:
    name = page.asked(metric)
    kept = set(whole)
    known = {row["metric_time"]: row for row in rows}
    found = {}
    for start in sorted(kept):
        row = known.get(start, {})
        value, sample = _number(row.get(name)), row.get(name + SAMPLE)
        if value is None and metric.is_additive:
            value = 0.0
        if value is not None and (sample is None or sample >= FEW):
            found[start] = value
    return found


def _compared(page: Page, metric: Metric, whole: Sequence[date]) -> Line:
    """What the line is compared with, period by period."""
    reached = reach(page, metric)
    name = page.asked(metric)
    compare = comparison(page.build, reached, page.view.compare)
    if compare is None:
        return Line("", QUIET, {})
    question = Question((name,), (), reached.grain, reached.since, reached.until, reached.where, compare)
    rows = [{"metric_time": row["metric_time"], name: row[name + BEFORE]} for row in ask(page.build, question).frame.to_dicts()]
    return Line(say(f"compare.{page.view.compare}"), QUIET, {k: v for k, v in _points(page, metric, rows, whole).items() if v})


def _ordered(dimension: str, rows: Sequence[Row], name: str) -> list[Any]:
    """The dimension's values, the largest first, at most as many as lines stay readable; the unknown are left out."""
    totals: dict[Any, float] = {}
    for row in rows:
        weight = _number(row.get(name + SAMPLE) or row[name]) or 0.0
        totals[row[dimension]] = totals.get(row[dimension], 0.0) + weight
    known = [value for value in totals if value not in (None, "unknown")] or list(totals)
    return sorted(known, key=lambda value: -totals[value])[: len(OTHERS)]


def _events(page: Page, first: date, last: date) -> list[Row]:
    """What happened in the days drawn: sales seasons, Black Friday, strikes."""
    query = "select event_name, starts_on, ends_on from marts.events where ends_on >= $first and starts_on <= $last order by 2"
    return page.build.sql(query, {"first": first, "last": last}).to_dicts() if "events" in page.build.info["marts"] else []


# Drawing


def _line_figure(page: Page, metric: Metric, lines: Sequence[Line], events: Sequence[Row]) -> go.Figure:
    language = words.language()
    every = [value for line in lines for value in line.points.values()]
    starts = sorted({start for line in lines for start in line.points})
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
                customdata=[_text(page, metric, value) for value in line.points.values()],
                hovertemplate="%{fullData.name} %{customdata}<extra></extra>",
            )
        )
    _plain(figure, HEIGHT, left=44, right=_width([line.label for line in lines]))
    ticks, labels = formats.ticks(starts, language)
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=[starts[0], starts[-1]], hoverformat="%d/%m/%Y", tickangle=0)
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, metric.format, language), range=[marks[0], marks[-1]])
    figure.update_layout(hovermode="x unified")
    _bands(figure, events, starts[0], starts[-1])
    _label_ends(figure, lines, marks[-1] - marks[0], HEIGHT)
    return figure


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


def _label_ends(figure: go.Figure, lines: Sequence[Line], reach_of_axis: float, height: int) -> None:
    """Each line's name at its end, moved apart where lines end close together."""
    pixel = (reach_of_axis or 1.0) / (height - 60)
    named = sorted((line for line in lines if line.label and line.points), key=lambda line: list(line.points.values())[-1])
    below = -float("inf")
    for line in named:
        x, end = list(line.points.items())[-1]
        half = LINE_PIXELS * pixel * (1 + line.label.count("<br>")) / 2
        y = max(end, below + half)
        below = y + half
        figure.add_annotation(
            x=x,
            y=y,
            text=line.label,
            showarrow=False,
            xanchor="left",
            xshift=6,
            align="left",
            font={"color": line.colour, "size": 12},
        )


def _plain(figure: go.Figure, height: int, left: int, right: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": left, "r": right, "t": 26, "b": 34},
        showlegend=False,
        dragmode=False,
        hoverlabel={"font": {"size": 12}},
        bargap=0.3,
    )
    figure.update_xaxes(fixedrange=True, showgrid=False, zeroline=False)
    figure.update_yaxes(fixedrange=True, zeroline=False)


def _apart(metrics: Sequence[Metric]) -> list[str]:
    """What tells metrics apart: of “Ready, median” and “Ready, 9 in 10” what follows the comma; nothing for one alone."""
    labels = [metric_label(metric) for metric in metrics]
    if len(labels) == 1:
        return [""]
    starts = {label.partition(", ")[0] for label in labels}
    return [_broken(inside(label.partition(", ")[2]) if len(starts) == 1 and ", " in label else label) for label in labels]


def _broken(label: str) -> str:
    """A long label on two lines, so that it leaves the chart its room on a phone."""
    middle = label.rfind(" ", 0, len(label) * 2 // 3)
    return f"{label[:middle]}<br>{label[middle + 1 :]}" if len(label) > BREAK and middle > 0 else label


def _colour(value: Any, place: int) -> str:
    return SLOTS.get(value) or OTHERS[place % len(OTHERS)]


def _width(labels: Sequence[str]) -> int:
    """Pixels a margin needs for the longest label."""
    longest = max((len(part) for label in labels for part in label.split("<br>")), default=0)
    return min(180, max(14, 7 * longest + 14))


def _unit(page: Page, metric: Metric, values: Sequence[float]) -> str:
    return formats.unit(metric.format, max((abs(value) for value in values), default=0.0), words.language(), page.currency)


def _text(page: Page, metric: Metric, value: float | None) -> str:
    return formats.value(value, metric.format, words.language(), page.currency)


def _value_text(page: Page, dimension: str, value: Any) -> str:
    if isinstance(value, date):
        return formats.period(value, "month", words.language())
    return value_label(page.build, dimension, value)


def _titled(chart: Chart) -> str:
    first, *others = (metric_label(metric) for metric in chart.metrics)
    return join([first, *(inside(other) for other in others)])


def _alt(page: Page, title: str, metric: Metric, lines: Sequence[Line]) -> str:
    ends = [
        f"{line.label.replace('<br>', ' ') or metric_label(metric)} {_text(page, metric, list(line.points.values())[-1])}"
        for line in lines
    ]
    return f"{title}: {', '.join(ends)}"


def _number(value: Any) -> float | None:
    return float(value) if value is not None and isfinite(value) else None
