"""The catalogue on a page: what each metric measures, how it is computed, what it needs, from the metrics themselves."""

import unicodedata

import streamlit as st

from dashboard import formats, words
from dashboard.catalogue import Metric, catalogue, definitions, leaves_of
from dashboard.topics import Page, dimension_label, metric_label, metric_text, missing
from dashboard.words import called, join, say


def show(page: Page) -> None:
    """Every metric by topic, searchable by any of its words in either language; the link of a search keeps it."""
    known = catalogue(page.build)
    siblings = {metric.ttc for metric in known.values()}
    metrics = [metric for name, metric in known.items() if name not in siblings]
    with st.container(key="search", horizontal=True, vertical_alignment="center"):
        wanted = st.text_input(
            say("definitions.search"),
            placeholder=say("definitions.search"),
            icon=":material/search:",
            label_visibility="collapsed",
            key="q",
            bind="query-params",
        )
        found = [metric for metric in metrics if _matches(metric, wanted or "")]
        st.caption(say("definitions.found", count=len(found)), width="content")
    topics = dict.fromkeys(metric.topic for metric in sorted(found, key=lambda metric: _topic(metric.topic)))
    for topic in topics:
        st.subheader(_topic(topic), anchor=False)
        for metric in (metric for metric in found if metric.topic == topic):
            _entry(page, metric, len(found) <= 3)
    _parameters(page)


def _entry(page: Page, metric: Metric, is_open: bool) -> None:
    absent = missing(page.build, metric)
    label = f"**{metric_label(metric)}** · {_first_sentence(metric_text(metric))}"
    with st.expander(label, expanded=is_open, icon=":material/link_off:" if absent else None):
        st.markdown(metric_text(metric))
        lines = [
            (say("definitions.formula"), _formula(page, metric)),
            (say("definitions.name"), f"`{metric.name}`" + (f" · `{metric.ttc}`" if metric.ttc else "")),
            (say("definitions.read"), _reading(metric)),
            (say("definitions.by"), ", ".join(dimension_label(page.build, name) for name in metric.dimensions)),
            (say("definitions.needs"), join(_needed(metric))),
            (say("definitions.owner"), metric.owner),
        ]
        st.markdown("\n".join(f"- **{title}** {text}" for title, text in lines if text))
        if absent:
            st.warning(say("card.absent", exports=join([called("entity", name) for name in absent])))


def _needed(metric: Metric) -> list[str]:
    """The exports a metric is made of; those of which one is enough stand as one."""
    one_of = " / ".join(called("entity", name) for name in metric.needs_one_of)
    return [called("entity", name) for name in metric.needs] + ([one_of] if one_of else [])


def _formula(page: Page, metric: Metric) -> str:
    """The formula, and what each of the names in it is computed from."""
    known = definitions(page.build)
    leaves = [leaf for leaf in leaves_of(page.build, metric.name) if leaf != metric.name]
    inner = "".join(f"\n  - `{leaf}` = {known[leaf].formula}" for leaf in leaves)
    return f"{metric.formula}{inner}"


def _reading(metric: Metric) -> str:
    parts = [say(f"definitions.better.{metric.better}")]
    if metric.sample:
        parts.append(say("definitions.few"))
    if metric.censored_days:
        parts.append(say("definitions.censored", days=metric.censored_days))
    return " ".join(parts)


def _parameters(page: Page) -> None:
    """What the trade has no one definition of, as this build was made."""
    parameters = page.build.info["vars"]
    if not parameters:
        return
    st.subheader(say("definitions.parameters"), anchor=False)
    st.caption(say("definitions.parameters_help"))
    rows = {called("parameter", name): _setting(value) for name, value in sorted(parameters.items())}
    st.table(rows, border="horizontal")


def _setting(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return formats.decimal(value, words.language())


def _topic(topic: str) -> str:
    return say(f"page.{topic}.name") if topic else ""


def _matches(metric: Metric, wanted: str) -> bool:
    text = _folded(
        " ".join((metric.name, metric.label, metric.label_fr, metric.description, metric.description_fr, metric.formula))
    )
    return all(word in text for word in _folded(wanted).split())


def _folded(text: str) -> str:
    """Lower case without accents and printed apostrophes, so that “demarque” finds “démarque”."""
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "".join(one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one))


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")
