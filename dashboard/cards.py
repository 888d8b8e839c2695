"""KPI cards, the sentence that says what changed, and the same cards against every other comparison."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.metric import DeltaColor

from dashboard import formats, tables, words
from dashboard.builds import Build
from dashboard.catalogue import Metric
from dashboard.metrics import BEFORE, SAMPLE, TARGET, Answer
from dashboard.periods import COMPARISONS, EVENT, TARGETS
from dashboard.questions import FEW, LONG_WINDOW_DAYS, Reach, ask_together, is_refused, is_ripe, reach, whole_periods
from dashboard.stores import SAME_STORES
from dashboard.topics import Page, meta, metric_label, metric_text, missing, untaken, value_label
from dashboard.words import called, join, say

COLOURS: dict[str, DeltaColor] = {"higher": "normal", "lower": "inverse"}
# How many cards stand in a row, by how many there are at most.
COLUMNS = ((1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (8, 4), (10, 5))
# As many characters of labels stand beside each other on one line.
LABELS = 132
# As many movements are told.
TOLD = 3
# A change below this share of the value before is not news.
NEWS = 0.02


@dataclass(frozen=True)
class Card:
    """One metric as its card shows it: numbers are plain floats, `reference` is what `now` is compared with.

    `spark` holds the value by period, `absent` the entities it needs that were never loaded; `is_refused` says that there is no
    value because the data do not allow one.
    """

    metric: Metric
    reach: Reach
    now: float | None = None
    reference: float | None = None
    target: float | None = None
    sample: float | None = None
    spark: tuple[float, ...] = ()
    absent: tuple[str, ...] = ()
    is_refused: bool = False

    @property
    def is_few(self) -> bool:
        """Whether it was taken over too few to be read."""
        return self.sample is not None and 0 < self.sample < FEW

    @property
    def move(self) -> float:
        """How far it moved, as a share of what it is compared with; 0 when that is unknown."""
        if self.is_few or self.now is None or not self.reference:
            return 0.0
        return (self.now - self.reference) / abs(self.reference)


def read(page: Page, metrics: tuple[Metric, ...]) -> list[Card]:
    """The cards of some metrics, all asked in as few questions as their filters allow."""
    cards = {metric.name: Card(metric, reach(page, metric), absent=tuple(missing(page.build, metric))) for metric in metrics}
    ready = [card.metric for card in cards.values() if not card.absent and is_ripe(page.build, card.reach)]
    totals = ask_together(page, ready)
    series = ask_together(page, ready, series=True)
    aimed = _aimed(page.build)
    targets = ask_together(page, [metric for metric in ready if page.asked(metric) in aimed], compare=TARGETS)
    for metric in ready:
        name, answer = page.asked(metric), totals[metric.name]
        cards[metric.name] = replace(
            cards[metric.name],
            now=_cell(answer, name),
            reference=_cell(answer, name + (TARGET if page.view.compare == TARGETS else BEFORE)),
            target=_cell(targets[metric.name], name + TARGET) if metric.name in targets else None,
            sample=_cell(answer, name + SAMPLE),
            spark=_spark(page, cards[metric.name].reach, series[metric.name], name),
            is_refused=is_refused(page, metric),
        )
    return list(cards.values())


def show(page: Page, most: int = 8) -> list[Card]:
    """Draw the cards of the page's metrics, and what changed among them; returns the cards drawn."""
    cards = read(page, page.metrics[:most])
    columns = next(width for most_cards, width in COLUMNS if len(cards) <= most_cards)
    is_long = any(len(metric_label(card.metric)) * columns > LABELS for card in cards)
    with st.container(key="long_labels" if is_long else None):
        grid = st.grid(columns, min_column_width=156, gap="small", key="cards")
    for card in cards:
        _draw(page, card, grid)
    if any(card.reach.is_compared and not card.absent for card in cards):
        st.markdown(changes(page, cards))
    return cards


def compare(page: Page, cards: list[Card]) -> None:
    """The cards against every comparison: a table that is closed at first and asked for only when it is opened."""
    if not any(card.reach.is_compared and not card.absent for card in cards):
        return
    table = st.expander(say("comparisons.title"), key="comparisons", on_change="rerun", type="compact")
    if table.open:
        table.table(pd.DataFrame(against_all(page, cards)), border="horizontal", hide_index=True)


def against_all(page: Page, cards: list[Card]) -> dict[str, list[str]]:
    """Columns of text: the cards' metrics, their values, and how each moved against every comparison that says anything."""
    compared = [card for card in cards if card.reach.is_compared]
    columns = {
        say("comparisons.metric"): [metric_label(card.metric) for card in compared],
        say("comparisons.now"): [_value(page, card) for card in compared],
    }
    for name in COMPARISONS:
        # Same stores need days to compare with, and an event is compared with its own like only.
        if (name == TARGETS and page.view.basis == SAME_STORES) or (name == EVENT and not page.view.event):
            continue
        other = replace(page, view=replace(page.view, compare=name))
        moved = [_moved(card) for card in read(other, tuple(card.metric for card in compared))]
        if any(moved):
            columns[say(f"against.{name}")] = [text or formats.NOTHING for text in moved]
    return columns


def changes(page: Page, cards: list[Card]) -> str:
    """The movements that matter in words, the strongest first, and how many others barely moved."""
    moved = sorted((card for card in cards if abs(card.move) >= NEWS), key=lambda card: -abs(card.move))
    # How far something is from nothing is no share, so neither near nor far.
    known = [card for card in cards if card.reference or card.now == card.reference == 0]
    known = [card for card in known if card.now is not None and not card.is_few]
    against = say(f"against.{page.view.compare}")
    if not known:
        return say("changed.unknown", against=against)
    if not moved:
        return say("changed.nothing", against=against)
    where = _strongest(page, moved[:TOLD])
    told = [_told(card, where.get(card.metric.name)) for card in moved[:TOLD]]
    rest = len(known) - len(told)
    sentence = say("changed.moved", against=against, what=join(told))
    if moved[TOLD:]:
        return sentence + " " + say("changed.others", count=len(moved) - len(told))
    return sentence + (" " + say("changed.rest", count=rest) if rest > 0 else "")


def _told(card: Card, where: str | None) -> str:
    """One movement in words."""
    moved = formats.change(card.now, card.reference, card.metric.format, words.language()) or ""
    direction = "up" if card.move > 0 else "down"
    text = say(f"changed.{direction}", label=metric_label(card.metric), change=moved.lstrip("+-"))
    return _coloured(card, text + (say("changed.strongest", where=where) if where else ""))


def _moved(card: Card) -> str:
    """The bare change of a card, coloured as in the sentence; nothing where it is unknown or over too few."""
    text = formats.change(card.now, card.reference, card.metric.format, words.language())
    return _coloured(card, text) if text and not card.is_few else ""


def _coloured(card: Card, text: str) -> str:
    """What is said of a card's movement, green for the better and red for the worse."""
    gain = card.move * {"higher": 1, "lower": -1}.get(card.metric.better, 0)
    return f":{'green' if gain > 0 else 'red'}[{text}]" if gain else text


def _strongest(page: Page, cards: list[Card]) -> dict[str, str]:
    """Of each metric by name, the channel (or else the region) that moved it furthest the same way, where there are several.

    Asked together with what the table at the foot of the page shows by the same dimension: one scan answers both.
    """
    dimensions: dict[str, list[Card]] = {}
    for card in cards:
        dimension = next((one for one in ("channel", "region") if one in card.metric.dimensions), None)
        if dimension and dimension not in dict(card.reach.where) and page.view.compare != TARGETS:
            dimensions.setdefault(dimension, []).append(card)
    found = {}
    for dimension, members in dimensions.items():
        told = [card.metric for card in members]
        answers = ask_together(page, dict.fromkeys([*tables.shown_by(page, dimension), *told]), by=(dimension,))
        for card in members:
            name = page.asked(card.metric)
            rows = [row for row in answers[card.metric.name].frame.to_dicts() if _number(row[name]) is not None]
            best = max(rows, key=lambda row: _push(page, card, row), default=None)
            if best and len(rows) > 1 and _push(page, card, best) > 0:
                found[card.metric.name] = value_label(page.build, dimension, best[dimension])
    return found


def _push(page: Page, card: Card, row: dict[str, Any]) -> float:
    """How much a slice moved the metric its way: rates move most where little happens, so a step counts by its cases."""
    name = page.asked(card.metric)
    now, before, sample = _number(row[name]), _number(row.get(name + BEFORE)), _number(row.get(name + SAMPLE))
    if now is None or before is None or (sample is not None and sample < FEW):
        return 0.0
    return (now - before) * (1 if card.move > 0 else -1) * (sample or 1.0)


def _draw(page: Page, card: Card, grid: DeltaGenerator) -> None:
    metric, language = card.metric, words.language()
    value, reason = _value(page, card), _reason(page, card)
    if reason:
        delta, colour, spark, described = None, "off", None, reason[1]
    else:
        delta = formats.change(card.now, card.reference, metric.format, language)
        colour = COLOURS.get(metric.better, "off")
        spark = list(card.spark) if len(card.spark) > 2 else None
        described = _described(page, card)
    flat = delta is not None and not any(digit in delta for digit in "123456789")
    grid.metric(
        metric_label(metric),
        value,
        delta=delta.lstrip("+-") if flat and delta else delta,
        delta_color="off" if flat else colour,
        delta_arrow="off" if flat or reason else "auto",
        delta_description=described,
        help=_help(page, card),
        chart_data=spark,
        border=True,
        height="stretch",
    )


def _value(page: Page, card: Card) -> str:
    """What a card shows: its value, or what it says in its place."""
    reason = _reason(page, card)
    return reason[0] if reason else formats.value(card.now, card.metric.format, words.language(), page.currency)


def _reason(page: Page, card: Card) -> tuple[str, str] | None:
    """What a card says in place of its value, and why, when it has none to show."""
    if card.absent:
        return formats.NOTHING, say("card.absent", exports=join([called("entity", entity) for entity in card.absent]))
    if not is_ripe(page.build, card.reach) and card.metric.censored_days:
        return formats.NOTHING, say("card.not_ripe", days=card.metric.censored_days)
    if card.now is None and card.is_refused:
        return say("card.refused"), say("card.refused_why")
    if card.now is None:
        return formats.NOTHING, _nothing(page, card)
    if card.is_few:
        return say("card.few"), say("card.sample", count=int(card.sample or 0))
    return None


def _nothing(page: Page, card: Card) -> str:
    """What it means that there is no value: the metric's own words where it has some."""
    said = meta(page.build, card.metric.name)
    own = said.get("empty_fr" if words.language() == "fr" else "empty")
    return own or say("card.nothing_chosen" if page.view.filters else "card.nothing")


def _described(page: Page, card: Card) -> str:
    """What the delta is against, and which filters the metric could not take."""
    parts = [_against(page, card) if card.reach.is_compared else say("card.is_growth")]
    if card.metric.censored_days < LONG_WINDOW_DAYS and card.reach.since < page.view.since:
        # No day of the period is over yet: the value is that of the last that is.
        parts.append(formats.span(card.reach.since, card.reach.until, words.language()))
    if card.target is not None and page.view.compare != TARGETS:
        parts.append(say("card.aim", target=formats.value(card.target, card.metric.format, words.language(), page.currency)))
    return " · ".join([*parts, *untaken(page, card.metric)])


def _against(page: Page, card: Card) -> str:
    """What the delta is against; where there is no delta to what was nothing, that it was."""
    if card.reference is None:
        return say("card.no_target" if page.view.compare == TARGETS else "card.no_reference")
    against, kind, language = say(f"against.{page.view.compare}"), card.metric.format, words.language()
    if formats.change(card.now, card.reference, kind, language):
        return against
    return say("card.was", against=against, value=formats.value(card.reference, kind, language, page.currency))


def _help(page: Page, card: Card) -> str:
    metric, language = card.metric, words.language()
    parts = [metric_text(metric), f"**{say('card.formula')}** {metric.formula}"]
    if card.sample is not None:
        parts.append(f"**{say('card.over')}** {formats.number(int(card.sample), language)}")
    for key, number in (("card.target", card.target), ("card.before", card.reference)):
        if number is not None and not (key == "card.before" and page.view.compare == TARGETS):
            parts.append(f"**{say(key)}** {formats.value(number, metric.format, language, page.currency)}")
    if metric.censored_days:
        key = "card.window_long" if metric.censored_days >= LONG_WINDOW_DAYS else "card.window"
        span = formats.span(card.reach.since, card.reach.until, language)
        parts.append(say(key, days=metric.censored_days, span=span))
    return "\n\n".join(part for part in parts if part)


@lru_cache(maxsize=64)
def _aimed(build: Build) -> frozenset[str]:
    """The metrics somebody set a target for."""
    if not build.info["entities"].get("targets"):
        return frozenset()
    return frozenset(build.sql("select distinct metric from marts.targets")["metric"])


def _cell(answer: Answer, column: str) -> float | None:
    return _number(answer.frame[column][0]) if column in answer.frame.columns and len(answer.frame) else None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and isfinite(value) else None


def _spark(page: Page, reached: Reach, answer: Answer, name: str) -> tuple[float, ...]:
    """The value by whole period."""
    whole = set(whole_periods(page.build, reached))
    rows = zip(answer.frame["metric_time"], answer.frame[name], strict=True)
    return tuple(number for start, value in rows if start in whole and (number := _number(value)) is not None)
