"""From one definition of a KPI to another, step by step: which rule accounts for how much of the gap between two numbers.

A metric's `meta.bridges` lists the bridges that end at it: `{order: 1, title: …, title_fr: …, from: <metric>, steps: […]}`, each
step `{label: …, label_fr: …, without: <flag>}`, which leaves out what the flag marks, or `{…, to: <metric>}`, which goes over to
another metric; the last arrives at the metric itself. The steps are differences, so they add up to the gap.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import streamlit as st

from dashboard import formats, words
from dashboard.builds import Build
from dashboard.catalogue import Metric, catalogue, definitions
from dashboard.charts.drawing import ACCENT, QUIET, Drawn, Step, number, steps_figure, text_of
from dashboard.metrics import Question, ask
from dashboard.questions import is_ripe, reach
from dashboard.topics import Page, meta, metric_label, missing
from dashboard.words import inside, say, typeset


@dataclass(frozen=True)
class Rule:
    """One step of a bridge, in English and French: the flag it leaves out (`without`), or the metric it goes over to (`to`)."""

    label: str
    label_fr: str
    without: str | None = None
    to: str | None = None


@dataclass(frozen=True)
class Bridge:
    """A way from one definition to another: where it starts, where it ends, and the steps between."""

    metric: Metric
    start: str
    titles: tuple[str, str]
    steps: tuple[Rule, ...]

    @property
    def title(self) -> str:
        """The bridge's name in the reader's language."""
        language = words.language()
        return typeset(self.titles[language == "fr"], language)


@dataclass(frozen=True)
class Landing:
    """One stage of a bridge: the step that led to it, in words, and the value there."""

    label: str
    value: float


def bridges(build: Build) -> tuple[Bridge, ...]:
    """Every bridge that metrics declare, in order."""
    found = [
        (
            wanted["order"],
            Bridge(
                metric, wanted["from"], (wanted["title"], wanted["title_fr"]), tuple(Rule(**step) for step in wanted["steps"])
            ),
        )
        for name, metric in catalogue(build).items()
        for wanted in meta(build, name).get("bridges", ())
    ]
    return tuple(bridge for _, bridge in sorted(found, key=lambda pair: pair[0]))


def cross(page: Page, bridge: Bridge) -> tuple[Landing, ...] | None:
    """The value under the first definition and after every step, the last under the metric's own; none without data."""
    reached = reach(page, bridge.metric)
    name, where = bridge.start, dict(reached.where)

    def value() -> float | None:
        question = Question((name,), (), None, reached.since, reached.until, tuple(where.items()))
        return number(ask(page.build, question).frame[name][0])

    values = [value()]
    for rule in bridge.steps:
        if rule.to:
            name, where = rule.to, dict(reached.where)
        elif rule.without:
            where[rule.without] = ("false",)
        values.append(value())
    is_french = words.language() == "fr"
    labels = [_label(page.build, bridge.start), *(rule.label_fr if is_french else rule.label for rule in bridge.steps)]
    known = [one for one in values if one is not None]
    return tuple(map(Landing, labels, known)) if len(known) == len(values) else None


def show(page: Page) -> None:
    """A choice of bridge, and the bridge chosen."""
    offered = [
        bridge
        for bridge in bridges(page.build)
        if not missing(page.build, bridge.metric) and is_ripe(page.build, reach(page, bridge.metric))
    ]
    if not offered:
        return
    with st.container(border=True, key="bridges"):
        st.markdown(f"**{say('bridge.title')}**")
        chosen = st.selectbox(
            say("bridge.choose"),
            range(len(offered)),
            format_func=lambda place: offered[place].title,
            label_visibility="collapsed",
            key="bridge",
        )
        bridge = offered[chosen or 0]
        drawn = _drawn(page, bridge, words.language())
        if drawn is None:
            st.caption(say("card.nothing"))
            return
        if isinstance(drawn, str):
            st.markdown(drawn)
            return
        st.markdown(drawn.title + (f" · {drawn.unit}" if drawn.unit else ""))
        st.plotly_chart(drawn.figure, config={"displayModeBar": False}, alt=drawn.alt)


@lru_cache(maxsize=128)
def _drawn(page: Page, bridge: Bridge, language: str) -> Drawn | str | None:
    """The steps from the first value to the last and their sum, the gap; the title has both values, and its own days if any.

    A sentence where no rule makes a difference, for there is nothing to draw.
    """
    words.speak(language)
    landings = cross(page, bridge)
    if landings is None:
        return None
    metric, start, end = bridge.metric, landings[0], landings[-1]
    named = {"start": inside(start.label), "end": inside(metric_label(metric))}
    first, last = text_of(page, metric, start.value), text_of(page, metric, end.value)
    if all(landing.value == start.value for landing in landings):
        return say("bridge.same", **named, value=first)
    title = say("bridge.gap", **named, first=first, last=last)
    steps = [
        Step(
            landing.label, before.value - start.value, landing.value - before.value, _moved(page, metric, before, landing), ACCENT
        )
        for before, landing in pairwise(landings)
    ]
    gap = Step(say("bridge.sum"), 0.0, end.value - start.value, _moved(page, metric, start, end), QUIET)
    figure = steps_figure([*steps, gap], [text_of(page, metric, landing.value) for landing in (*landings[1:], end)])
    reached = reach(page, metric)
    is_moved = (reached.since, reached.until) != (page.view.since, page.view.until)
    days = formats.span(reached.since, reached.until, language) if is_moved else ""
    return Drawn(title, days, figure, f"{title}: " + ", ".join(f"{step.label} {step.text}" for step in (*steps, gap)))


def _moved(page: Page, metric: Metric, before: Landing, after: Landing) -> str:
    """What a step took away or added: money as money, shares in points."""
    if metric.format == "currency":
        move = after.value - before.value
        return ("-" if move < 0 else "+") + text_of(page, metric, abs(move)) if move else text_of(page, metric, 0.0)
    return formats.change(after.value, before.value, metric.format, words.language()) or formats.NOTHING


def _label(build: Build, name: str) -> str:
    return metric_label(definitions(build)[name])
