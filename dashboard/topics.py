"""What a page is about: its metrics in order, and how each one's definition wants to be shown.

A metric's `config.meta` decides. `topic` names its page and `order` its place there; `headline` its place on the
overview; `card: false` keeps it off the cards; `compared: false` tells that it is a comparison itself; `days` is the age a
metric of a curve is measured at; `refusal` names the metric that counts why this one has no figure, `empty` and `empty_fr` say
what no value means. `charts` lists the charts it leads, each `{page: <page>, kind: <one of charts.KINDS>, by: <dimension or list
of them>, with: [<more metrics>], title: <words>, title_fr: <words>, order: <place>}`; all but `page`, `kind` and `order` may be
left out.
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
from dashboard.stores import SAME_STORES
from dashboard.words import called, inside, say, typeset

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
    """One chart as a metric's `meta.charts` declares it: `{page: baskets, kind: trend, by: channel, order: 1}`.

    `metrics` are the leading one and those of `with`, `by` the dimensions it is split by, `titles` English and French.
    """

    kind: str
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    order: int
    titles: tuple[str, str] | None = None

    def title(self, language: str) -> str | None:
        """The title the metric gave it, where it gave one."""
        return typeset(self.titles[language == "fr"], language) if self.titles else None


def topic_metrics(build: Build, topic: str) -> tuple[Metric, ...]:
    """A page's metrics in order: the headlines on the overview, a topic's own elsewhere; never an including-VAT sibling."""
    known = catalogue(build)
    siblings = {metric.ttc for metric in known.values()}
    mine = [metric for name, metric in known.items() if name not in siblings]
    if topic == OVERVIEW:
        return tuple(sorted((metric for metric in mine if metric.headline), key=lambda metric: metric.headline or 0))
    chosen = [metric for metric in mine if metric.topic == topic and meta(build, metric.name).get("card", True)]
    return tuple(sorted(chosen, key=lambda metric: (meta(build, metric.name).get("order", 99), metric.headline or 99)))


@lru_cache(maxsize=64)
def topic_charts(build: Build, topic: str) -> tuple[Chart, ...]:
    """The charts that metrics declare for a page, in their order."""
    known = catalogue(build)
    found = [
        Chart(
            kind=wanted["kind"],
            metrics=tuple(known[one] for one in (name, *wanted.get("with", ()))),
            by=tuple(wanted["by"]) if isinstance(wanted.get("by"), list) else (wanted["by"],) if wanted.get("by") else (),
            order=wanted.get("order", 99),
            titles=(wanted["title"], wanted.get("title_fr", wanted["title"])) if wanted.get("title") else None,
        )
        for name in known
        for wanted in meta(build, name).get("charts", ())
        if wanted["page"] == topic
    ]
    return tuple(sorted(found, key=lambda chart: chart.order))


def meta(build: Build, name: str) -> Mapping[str, Any]:
    """What a metric's definition says of its presentation."""
    return (semantics(build).metrics[name].get("config") or {}).get("meta") or {}


def missing(build: Build, metric: Metric) -> list[str]:
    """The entities a metric needs that were never loaded; of those of which it needs one, all where none was."""
    loaded = build.info["entities"]
    is_served = any(loaded.get(entity) for entity in metric.needs_one_of)
    return [entity for entity in metric.needs + (() if is_served else metric.needs_one_of) if not loaded.get(entity)]


def untaken(page: Page, metric: Metric) -> list[str]:
    """What of the view a metric cannot take, in words: filters by what it is not known by, and the choice of the same stores."""
    ignored = [dimension for dimension, _ in page.view.filters if dimension not in metric.dimensions]
    said = [say("card.not_by", dimension=inside(dimension_label(page.build, dimension))) for dimension in ignored]
    is_deaf = page.view.basis == SAME_STORES and "location" not in metric.dimensions
    return [*said, say("card.all_stores")] if is_deaf else said


def metric_label(metric: Metric) -> str:
    """A metric's name in the reader's language."""
    language = words.language()
    return typeset(metric.label_fr if language == "fr" else metric.label, language)


def metric_text(metric: Metric) -> str:
    """A metric's description in the reader's language."""
    language = words.language()
    return typeset(metric.description_fr if language == "fr" else metric.description, language)


def dimension_label(build: Build, name: str) -> str:
    """A dimension's name in the reader's language: the interface's for the standard ones, else its own label."""
    known = dimensions(build).get(name)
    own = (known.label_fr if words.language() == "fr" else known.label) if known else None
    return called("dimension", name, own)


def value_label(build: Build, dimension: str, value: Any) -> str:
    """A dimension value's name in the reader's language: its mart's, else the interface's, else as it reads."""
    for named in dict.fromkeys((dimension, dimension.split("_")[-1])):
        if named in dimensions(build) and (label := value_labels(build, named, words.language()).get(str(value))):
            return label
    return called(dimension, str(value))
