"""The page that says why sales moved: the finding in words, then where, channel by channel and store by store."""

import pandas as pd
import streamlit as st

from dashboard import cards, formats, tables, words
from dashboard.catalogue import Metric
from dashboard.charts.drawing import text_of
from dashboard.drivers import Cell, Move, explained, move
from dashboard.topics import Page, dimension_label, metric_label, topic_charts, value_label
from dashboard.words import called, join, say

DIMENSIONS = ("channel", "region", "location")
# As many drivers are named on either side; one that weighs less than this share of the strongest is not.
TOLD, WORTH = 2, 0.1


def tell(page: Page) -> None:
    """The finding in words, how far the amount moved, what pushed it and what held it back; the page's cards beside it."""
    metric = _explained_metric(page)
    cells = explained(page, metric)
    said, grown = st.columns([3, 1], vertical_alignment="center")
    said.markdown(_sentence(page, metric, move(cells)) if cells else say("drivers.nothing"))
    with grown:
        cards.show(page)


def show(page: Page) -> None:
    """Every driver by channel, region or store: the rows add up to the whole, and so do the columns."""
    metric = _explained_metric(page)
    cells = explained(page, metric)
    if not cells:
        return
    with st.container(key="drivers_head", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{say('drivers.by')}**", width="content")
        dimension = st.segmented_control(
            say("drivers.by"),
            DIMENSIONS,
            format_func=lambda name: dimension_label(page.build, name),
            default=DIMENSIONS[0],
            required=True,
            label_visibility="collapsed",
            key="drivers_by",
        )
    _table(page, metric, cells, dimension or DIMENSIONS[0])
    st.caption(say("drivers.exact"))


def _explained_metric(page: Page) -> Metric:
    """The metric whose change the page's chart of drivers explains."""
    return next(chart.metrics[0] for chart in topic_charts(page.build, page.topic) if chart.kind == "drivers")


def _sentence(page: Page, metric: Metric, whole: Move) -> str:
    change = whole.now - whole.before
    moved = formats.change(float(whole.now), float(whole.before), metric.format, words.language()) or ""
    finding = say(
        f"drivers.{'up' if change >= 0 else 'down'}",
        what=metric_label(metric),
        amount=text_of(page, metric, abs(float(change))),
        change=moved,
        against=say(f"against.{page.view.compare}"),
    )
    with_it = _named(page, metric, whole, 1 if change >= 0 else -1)
    against_it = _named(page, metric, whole, -1 if change >= 0 else 1)
    parts = [finding]
    if with_it:
        parts.append(say("drivers.through", what=with_it))
    if against_it:
        parts.append(say("drivers.despite", what=against_it))
    return " ".join(parts)


def _named(page: Page, metric: Metric, whole: Move, sign: int) -> str:
    """The strongest drivers of one direction by name and amount."""
    strongest = max((abs(part) for part in whole.parts.values()), default=0)
    pushing = sorted(((part * sign, driver) for driver, part in whole.parts.items() if part * sign > 0), reverse=True)
    told = [(part, driver) for part, driver in pushing[:TOLD] if float(part) >= WORTH * float(strongest)]
    return join(
        [
            f"{say(f'gain.{driver}') if sign > 0 else say(f'loss.{driver}')} ({text_of(page, metric, float(part))})"
            for part, driver in told
        ]
    )


def _table(page: Page, metric: Metric, cells: tuple[Cell, ...], dimension: str) -> None:
    """The moves of each value of a dimension, the strongest first, with their sum at the end."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(getattr(cell, dimension), []).append(cell)
    moves = {value_label(page.build, dimension, value): move(members) for value, members in groups.items()}
    moves = dict(sorted(moves.items(), key=lambda item: -abs(item[1].now - item[1].before)))
    whole = move(cells)
    moves[say("drivers.total")] = whole
    columns = {
        say("drivers.before"): [float(one.before) for one in moves.values()],
        say("drivers.now"): [float(one.now) for one in moves.values()],
        say("chart.change"): [float(one.now - one.before) for one in moves.values()],
        **{called("driver", driver): [float(one.parts.get(driver, 0)) for one in moves.values()] for driver in whole.parts},
    }
    language, currency = words.language(), page.currency

    def written(value: float) -> str:
        return formats.value(value, metric.format, language, currency) if value else formats.NOTHING

    frame = pd.DataFrame({dimension_label(page.build, dimension): list(moves), **columns})
    tables.draw(frame, dict.fromkeys(columns, written))
