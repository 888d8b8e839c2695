"""The table at the foot of a page: its metrics by one dimension, sortable, written as the reader's language writes them."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import formats, words
from dashboard.catalogue import Metric
from dashboard.metrics import SAMPLE
from dashboard.questions import FEW, ask_together, is_ripe, reach
from dashboard.topics import OVERVIEW, Page, dimension_label, metric_label, missing, value_label
from dashboard.words import say

# The dimensions people slice by, the most asked first; the others follow.
FIRST = (
    *("channel", "location", "region", "category", "brand", "customer_segment", "acquisition_channel"),
    *("carrier", "device", "capability"),
)
# From as many columns on a table is wider than a phone, or than a desk's screen.
NARROW, WIDE = 4, 8
# As many metrics as a page has cards.
MOST = 8


def show(page: Page) -> None:
    """A choice of dimension and the metrics of the page's cards by it; metrics that do not have the dimension are left out."""
    ready = _ready(page)
    offered = _offered(ready)
    if not offered:
        return
    with st.container(key="table_head", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{say('table.by')}**", width="content")
        dimension = st.segmented_control(
            say("table.by"),
            offered,
            format_func=lambda name: dimension_label(page.build, name),
            default=offered[0],
            required=True,
            label_visibility="collapsed",
            key=_key(page),
        )
    if dimension:
        _draw_metrics(page, [metric for metric in ready if dimension in metric.dimensions], dimension)


def shown_by(page: Page, dimension: str) -> list[Metric]:
    """The metrics that the page's table shows by a dimension: none while it shows them by another."""
    if page.topic == OVERVIEW:  # The one page of cards that has no table.
        return []
    ready = _ready(page)
    chosen = st.session_state.get(_key(page)) or next(iter(_offered(ready)), None)
    return [metric for metric in ready if dimension == chosen and dimension in metric.dimensions]


def draw(frame: pd.DataFrame, written: Mapping[str, Callable[[Any], str]]) -> None:
    """A table as high as its rows, up to a dozen, whose numbers sort as numbers and read as `written` says.

    Its first column stays where it is when the table is moved sideways.
    """
    st.dataframe(
        frame.style.format(written),  # pyright: ignore[reportArgumentType]
        hide_index=True,
        placeholder=formats.NOTHING,
        height=min(38 + 35 * len(frame), 460),
        column_config={frame.columns[0]: st.column_config.Column(pinned=True)},
    )
    sideways(frame)


def sideways(frame: pd.DataFrame) -> None:
    """What a table wider than the screen does not show by itself: that there is more of it. The stylesheet knows the screen."""
    columns = len(frame.columns)
    if columns >= NARROW:
        size = "wide" if columns >= WIDE else "narrow"
        with st.container(key=f"sideways_{size}_{'_'.join(frame.columns)}"):
            st.caption(say("table.sideways", count=columns))


def _key(page: Page) -> str:
    return f"table_{page.topic}"


def _ready(page: Page) -> list[Metric]:
    """The metrics of the page's cards that the data say something of."""
    return [
        metric for metric in page.metrics[:MOST] if not missing(page.build, metric) and is_ripe(page.build, reach(page, metric))
    ]


def _offered(ready: list[Metric]) -> list[str]:
    """The dimensions that any of the metrics has, in the order they are asked for."""
    known = {dimension for metric in ready for dimension in metric.dimensions}
    return [name for name in FIRST if name in known]


def _draw_metrics(page: Page, metrics: list[Metric], dimension: str) -> None:
    """The values by slice, without the slices that have none."""
    answers = ask_together(page, metrics, by=(dimension,))
    columns: dict[str, dict[str, float | None]] = {}
    for metric in metrics:
        name = page.asked(metric)
        values = columns.setdefault(metric_label(metric), {})
        for row in answers[metric.name].frame.to_dicts():
            sample, value = row.get(name + SAMPLE), row[name]
            values[row[dimension]] = float(value) if value is not None and (sample is None or sample >= FEW) else None
    known = {one for values in columns.values() for one, value in values.items() if value is not None}
    slices = sorted(known, key=lambda one: _weight(columns, one), reverse=True)
    frame = pd.DataFrame(
        {
            dimension_label(page.build, dimension): [value_label(page.build, dimension, one) for one in slices],
            **{label: [values.get(one) for one in slices] for label, values in columns.items()},
        }
    )
    language, currency = words.language(), page.currency

    def written(kind: str):
        return lambda value: formats.value(None if pd.isna(value) else value, kind, language, currency)

    draw(frame, {metric_label(metric): written(metric.format) for metric in metrics})


def _weight(columns: dict[str, dict[str, float | None]], one: str) -> tuple[int, float]:
    """By the first column that has a value for the slice; slices that the first columns know come before others."""
    known = ((-place, value) for place, values in enumerate(columns.values()) if (value := values.get(one)) is not None)
    return next(known, (-len(columns), 0.0))
