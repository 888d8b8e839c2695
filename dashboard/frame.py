"""What surrounds every page: navigation, language, title, freshness, controls, and what is said when there is no data."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from dashboard import builds, controls, formats, words
from dashboard.builds import Build
from dashboard.catalogue import Metric, dimensions, value_labels, values
from dashboard.charts.drawing import SLOTS
from dashboard.controls import Offer
from dashboard.periods import Event, events
from dashboard.topics import Page, topic_metrics
from dashboard.words import say
from settings import load_settings

HERE = Path(__file__).parent
PAGES = {
    "executives": {
        "overview": "explore",
        "drivers": "account_tree",
        "conversion": "conversion_path",
        "baskets": "shopping_basket",
        "customers": "group",
        "markdowns": "sell",
        "stock": "inventory_2",
        "lead_times": "schedule",
        "promise": "verified",
        "service": "support_agent",
        "returns": "assignment_return",
        "roi": "savings",
    },
    "analysts": {
        "definitions": "menu_book",
        "models": "online_prediction",
        "audit": "fact_check",
        "data_health": "health_and_safety",
    },
}
FRAMED = "framed"


def run() -> None:
    """The whole dashboard: settings of the browser page, navigation, then the page asked for."""
    words.speak(controls.language(load_settings().locale))
    page = _navigation()
    st.session_state[FRAMED] = True
    page.run()


def require(topic: str) -> Page:
    """The page's frame, drawn: title, freshness, controls. Stops the page, saying why, when there is nothing to show.

    A first visit by deep link runs a page without `app.py`: the frame is then drawn from here.
    """
    if not st.session_state.pop(FRAMED, False):
        words.speak(controls.language(load_settings().locale))
        _navigation()
    st.html(HERE / "style.css")
    settings = load_settings()
    state = controls.restore(topic, words.language())
    words.speak(state["lang"])
    _language_switch(state)
    build = builds.current(settings.data_dir)
    _title(topic, build)
    _last_run(settings.data_dir, build)
    if build is None or build.span is None:
        controls.remember(state, settings.locale)
        _empty(settings.data_dir)
        st.stop()
    metrics = topic_metrics(build, topic)
    offer = _offer(build, metrics, words.language())
    view = controls.view(state, offer)
    if metrics:
        controls.draw(state, offer)
    controls.remember(state, settings.locale)
    return Page(topic, build, view, metrics)


def _navigation() -> StreamlitPage:
    st.set_page_config(
        page_title=say("product"),
        page_icon=":material/storefront:",
        layout="wide",
        initial_sidebar_state=240,
        # A menu with something in it offers the choice of a light or a dark theme.
        menu_items={"About": say("about")},
    )
    home = next(iter(PAGES["executives"]))
    # The default page answers at `/` and not at its own name: at that address another page is the default, unseen.
    is_named = urlsplit(st.context.url or "").path.rstrip("/").endswith(f"/{home}")
    pages = {
        say(f"group.{group}"): [
            st.Page(
                _file(name),
                title=say(f"page.{name}.name"),
                icon=f":material/{icon}:",
                url_path=name,
                default=name == home and not is_named,
            )
            for name, icon in members.items()
        ]
        for group, members in PAGES.items()
    }
    if is_named:
        pages[""] = [st.Page(_file(home), url_path="home", default=True, visibility="hidden")]
    page = st.navigation(pages, expanded=True)
    # Browser tabs and bookmarks tell the pages apart.
    st.set_page_config(page_title=f"{page.title} · {say('product')}")
    return page


def _file(name: str) -> Path:
    return HERE.parent / "pages" / f"{name}.py"


def _language_switch(state: controls.Settings) -> None:
    with st.sidebar:
        controls.language_switch(state)


def _title(topic: str, build: Build | None) -> None:
    with st.container(key="heading", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(say(f"page.{topic}.title"), anchor=False)
        if build and build.span:
            fresh, total = _freshness(build)
            st.badge(
                say("freshness.badge", fresh=fresh, total=total, day=formats.day(build.span[1], words.language())),
                icon=":material/check:" if fresh == total else ":material/schedule:",
                color="green" if fresh == total else "orange",
                help=say("freshness.help"),
            )


@lru_cache(maxsize=16)
def _freshness(build: Build) -> tuple[int, int]:
    rows = build.sql("select count(*) filter (where is_fresh) as fresh, count(*) as total from ledger.feeds")
    return rows["fresh"][0], rows["total"][0]


def _last_run(data_dir: Path, build: Build | None) -> None:
    record = builds.last_run(data_dir)
    if not record or record["status"] != "failed":
        return
    language = words.language()
    at = formats.moment(datetime.fromisoformat(record["at"]), language)
    said = say("run.failed", step=say(f"run.step.{record['step']}"), at=at)
    if build and build.span:
        said += " " + say("run.last_good", at=formats.moment(build.created_at, language))
    st.warning(said, icon=":material/error:")
    with st.expander(say("run.message")):
        st.code(record["message"], language=None, wrap_lines=True)


def _empty(data_dir: Path) -> None:
    st.subheader(say("empty.title"), anchor=False)
    st.markdown(say("empty.demo"))
    st.code("make demo", language="bash")
    st.markdown(say("empty.own", inbox=data_dir / "inbox"))
    st.code("omnikpi check FILE\nomnikpi run", language="bash")


@lru_cache(maxsize=64)
def _offer(build: Build, metrics: tuple[Metric, ...], language: str) -> Offer:
    taken = {dimension for metric in metrics for dimension in metric.dimensions}
    labels = _labels(build, language)
    return Offer(
        build=build,
        days=build.span or (date.min, date.min),
        values={
            dimension: sorted(
                (value for value in values(build, dimension) if value != "unknown"),
                key=lambda value: _place(dimension, value, labels),
            )
            for dimension in controls.FILTERS
            if dimension in taken
        },
        labels=labels,
        regions=_regions(build),
        has_tax=any(metric.ttc for metric in metrics),
        has_targets=bool(build.info["entities"].get("targets")),
        events=_events(build),
    )


def _events(build: Build) -> tuple[Event, ...]:
    """The events that came back, both times within the data."""
    if "events" not in build.info["marts"] or not build.span:
        return ()
    first, last = build.span
    return tuple(event for event in events(build) if first <= event.before and event.first <= last)


@lru_cache(maxsize=16)
def _labels(build: Build, language: str) -> Mapping[str, Mapping[str, str]]:
    return {dimension: value_labels(build, dimension, language) for dimension in dimensions(build)}


def _place(dimension: str, value: str, labels: Mapping[str, Mapping[str, str]]) -> tuple[int, str]:
    """Channels in the order of their colours, the rest by name."""
    order = list(SLOTS)
    return (order.index(value) if dimension == "channel" and value in order else 99, labels[dimension].get(value, value))


def _regions(build: Build) -> Mapping[str, str]:
    rows = build.sql("select location_id, region from marts.locations")
    return dict(rows.iter_rows())
