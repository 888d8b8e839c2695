"""What a page is about: its metrics in order, and how each one's definition wants to be shown.

A metric's `config.meta` decides: `topic` and `order` place it, `charts` lists the charts it leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dashboard import words
from dashboard.builds import Build
from dashboard.catalogue import Metric, catalogue, dimensions, value_labels
from dashboard.controls import View
from dashboard.semantics import semantics
from dashboard.words import called

OVERVIEW = "overview"


@dataclass(frozen=True)
class Page:
    """One page as it is being shown: its build, its view, and its metrics in the order they are shown."""

    topic: str
    build: Build
    view: View
    metrics: tuple[Metric, ...]

    @property
    def currency(self) -> str:
        """The currency the build reports in, ISO 4217."""
        return self.build.info["currency"]

    def asked(self, metric: Metric) -> str:
        """The name to ask a metric by: its including-VAT sibling's when the page shows amounts with VAT."""
        return metric.ttc if self.view.tax == "ttc" and metric.ttc else metric.name


@dataclass(frozen=True)
class Chart:
    """One chart as a metric's `meta.charts` declares it: `{on: baskets, kind: trend, by: channel, order: 1}`.

    `on` is the page, `metrics` the leading metric and those of `with`, `by` the dimensions it is split by.
    """

    on: str
    kind: str
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    order: int


def topic_metrics(build: Build, topic: str) -> tuple[Metric, ...]:
    """A page's metrics in order: the headlines on the overview, a topic's own elsewhere; never an including-VAT sibling."""
    known = catalogue(build)
    siblings = {metric.ttc for metric in known.values()}
    mine = [metric for name, metric in known.items() if name not in siblings]
    if topic == OVERVIEW:
        return tuple(sorted((metric for metric in mine if metric.headline), key=lambda metric: metric.headline or 0))
    chosen = [metric for metric in mine if metric.topic == topic]
    return tuple(sorted(chosen, key=lambda metric: (meta(build, metric.name).get("order", 99), metric.headline or 99)))


@lru_cache(maxsize=64)
def topic_charts(build: Build, topic: str) -> tuple[Chart, ...]:
    """The charts that metrics declare for a page, in their order."""
    known = catalogue(build)
    found = [
        Chart(
            on=topic,
            kind=wanted["kind"],
            metrics=tuple(known[one] for one in (name, *wanted.get("with", ()))),
            by=tuple(wanted["by"]) if isinstance(wanted.get("by"), list) else (wanted["by"],) if wanted.get("by") else (),
            order=wanted.get("order", 99),
        )
        for name in known
        for wanted in meta(build, name).get("charts", ())
        if wanted["on"] == topic
    ]
    return tuple(sorted(found, key=lambda chart: chart.order))


def meta(build: Build, name: str) -> Mapping[str, Any]:
    """What a metric's definition says of its presentation."""
    return (semantics(build).metrics[name].get("config") or {}).get("meta") or {}


def missing(build: Build, metric: Metric) -> list[str]:
    """The entities a metric needs that were never loaded."""
    return [entity for entity in metric.needs if not build.info["entities"].get(entity)]


def metric_label(metric: Metric) -> str:
    """A metric's name in the reader's language."""
    return metric.label_fr if words.language() == "fr" else metric.label


def metric_text(metric: Metric) -> str:
    """A metric's description in the reader's language."""
    return metric.description_fr if words.language() == "fr" else metric.description


def dimension_label(build: Build, name: str) -> str:
    """A dimension's name in the reader's language."""
    known = dimensions(build).get(name)
    if known is None:
        return called("dimension", name)
    return known.label_fr if words.language() == "fr" else known.label


def value_label(build: Build, dimension: str, value: Any) -> str:
    """A dimension value's name in the reader's language."""
    named = value_labels(build, dimension, words.language()) if dimension in dimensions(build) else {}
    return named.get(str(value)) or called(dimension, str(value))
