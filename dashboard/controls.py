"""The controls every page shares. What they are set to is kept in the URL, so a link reproduces the view.

The URL holds plain ids, never labels: a link made in French opens in English. What stands at its default is left out.
Each control is drawn twice, in a row and in one popover, and the stylesheet shows the one that fits the screen; both
set the same state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboard import formats, words
from dashboard.builds import Build
from dashboard.periods import EVENT, TARGETS, Event, spans
from dashboard.stores import SAME_STORES
from dashboard.words import called, say

PERIODS = (
    "last_7_days",
    "last_28_days",
    "this_month",
    "last_month",
    "this_quarter",
    "this_year",
    "last_12_months",
    "all",
    "event",
    "custom",
)
COMPARISONS = ("previous_period", "last_year", "retail_week", "event", "target")
BASES = ("all_stores", SAME_STORES)
CALENDARS = ("iso", "retail")
TAXES = ("ht", "ttc")
FILTERS = ("channel", "region", "location")
DEFAULTS = {"period": "last_12_months", "compare": "last_year", "basis": "all_stores", "calendar": "iso", "tax": "ht"}

STATE, WRITTEN, PAGE = "state", "written", "page"

DAY = timedelta(days=1)

Settings = dict[str, Any]


@dataclass(frozen=True)
class View:
    """What the reader asked to see: days are inclusive, filters are (dimension, values)."""

    since: date
    until: date
    compare: str
    calendar: str
    tax: str
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    event: str = ""
    basis: str = "all_stores"

    @property
    def comparison(self) -> str:
        """The comparison as a question names it, with the event where it is one."""
        return f"{self.compare}:{self.event}" if self.compare == EVENT and self.event else self.compare

    @property
    def grain(self) -> str:
        """The grain that draws the period in some 12 to 60 points."""
        days = (self.until - self.since).days + 1
        plain = "day" if days <= 45 else "week" if days <= 450 else "month"
        return f"retail_{plain}" if self.calendar == "retail" and plain != "day" else plain


@dataclass(frozen=True)
class Offer:
    """What a page's controls can be set to: the data's days, each filter's values and their names, and what applies."""

    build: Build
    days: tuple[date, date]
    values: Mapping[str, Sequence[str]]
    labels: Mapping[str, Mapping[str, str]]
    regions: Mapping[str, str]
    has_tax: bool
    has_targets: bool
    events: Sequence[Event] = ()

    def name(self, dimension: str, value: str) -> str:
        """What people call a filter's value."""
        return self.labels.get(dimension, {}).get(value) or called(dimension, value)


def restore(page: str, language: str) -> Settings:
    """The settings of this run: the URL's where the reader followed a link or went back, else those of the session.

    A click in the navigation drops the URL's parameters; the settings are then the session's and return to the URL.
    """
    url = {name: st.query_params.get_all(name) for name in st.query_params}
    moved = st.session_state.get(PAGE) != page
    if STATE not in st.session_state or (url != st.session_state[WRITTEN] and (url or not moved)):
        st.session_state[STATE] = read(url, language)
    st.session_state[PAGE] = page
    return st.session_state[STATE]


def language(installed: str) -> str:
    """The language of this run: of the link just followed, else of the session, else the installation's."""
    state = st.session_state.get(STATE)
    linked = st.query_params.get("lang", "")
    url = {name: st.query_params.get_all(name) for name in st.query_params}
    if linked in words.LANGUAGES and (state is None or url != st.session_state.get(WRITTEN)):
        return linked
    return state["lang"] if state else installed


def read(url: Mapping[str, Sequence[str]], language: str) -> Settings:
    """Settings from URL parameters; what is unknown or malformed falls back to its default."""

    def one(name: str, allowed: Sequence[str], default: str) -> str:
        wanted = (url.get(name) or [""])[-1]
        return wanted if wanted in allowed else default

    state: Settings = {
        "lang": one("lang", tuple(words.LANGUAGES), language),
        "period": one("period", PERIODS, DEFAULTS["period"]),
        "compare": one("compare", COMPARISONS, DEFAULTS["compare"]),
        "basis": one("basis", BASES, DEFAULTS["basis"]),
        "calendar": one("calendar", CALENDARS, DEFAULTS["calendar"]),
        "tax": one("tax", TAXES, DEFAULTS["tax"]),
        "event": (url.get("event") or [""])[-1],
        "days": tuple(day for name in ("from", "to") for day in _days(url.get(name, ()))),
        **{dimension: sorted(set(url.get(dimension, ())) - {""}) for dimension in FILTERS},
    }
    if state["period"] == "custom" and (len(state["days"]) != 2 or state["days"][0] > state["days"][1]):
        state |= {"period": DEFAULTS["period"], "days": ()}
    return state


def remember(state: Settings, language: str) -> None:
    """Write the settings to the URL, if they are not there already."""
    wanted = {name: [state[name]] for name, default in (DEFAULTS | {"lang": language}).items() if state[name] != default} | {
        dimension: list(state[dimension]) for dimension in FILTERS if state[dimension]
    }
    if state["period"] == "custom":
        wanted |= {name: [day.isoformat()] for name, day in zip(("from", "to"), state["days"], strict=True)}
    if state["event"] and EVENT in (state["period"], state["compare"]):
        wanted["event"] = [state["event"]]
    if wanted != {name: st.query_params.get_all(name) for name in st.query_params}:
        st.query_params.from_dict(wanted)
    st.session_state[WRITTEN] = wanted


def view(state: Settings, offer: Offer) -> View:
    """The view that settings mean on this page: only the filters it offers, only days there are."""
    first, last = offer.days
    since, until = days(state, offer)
    state["shown"] = (since, until)
    compare = _compare(state, offer)
    event = _event(state, offer) if compare == EVENT else None
    filters = tuple((dimension, chosen) for dimension in FILTERS if (chosen := _chosen(state, offer, dimension)))
    name = event.name if event else ""
    return View(
        max(first, since), min(last, until), compare, state["calendar"], state["tax"], filters, name, _basis(state, offer)
    )


def _chosen(state: Settings, offer: Offer, dimension: str) -> tuple[str, ...]:
    """The values a filter keeps, of those there are to choose."""
    offered = _offered(state, offer, dimension)
    return tuple(value for value in state[dimension] if value in offered)


def _offered(state: Settings, offer: Offer, dimension: str) -> Sequence[str]:
    """A filter's values: of stores only those of the regions chosen, for no other could be shown."""
    values = offer.values.get(dimension, ())
    regions = _chosen(state, offer, "region") if dimension == "location" else ()
    return [value for value in values if offer.regions.get(value) in regions] if regions else values


def days(state: Settings, offer: Offer) -> tuple[date, date]:
    """First and last day of the chosen period, counted from the data's last day, never from today."""
    first, last = offer.days
    period = _period(state, offer)
    if period == EVENT and (event := _event(state, offer)):
        return event.first, event.last
    if period == "custom":
        since, until = state["days"]
        return max(first, since), min(last, until)
    if period == "all":
        return first, last
    if period.startswith("last_") and period.endswith("_days"):
        return last - (int(period.split("_")[1]) - 1) * DAY, last
    if period == "last_12_months":
        return _year_before(last) + DAY, last
    which, grain = period.split("_")
    own = f"retail_{grain}" if state["calendar"] == "retail" else grain
    *_, before, current = (span.first for span in spans(offer.build, own, first - 400 * DAY, last))
    return (current, last) if which == "this" else (before, current - DAY)


def _period(state: Settings, offer: Offer) -> str:
    """The period chosen; the usual one where no event came back, all the data where they hold none of the days chosen."""
    first, last = offer.days
    if state["period"] == "custom" and (state["days"][0] > last or state["days"][1] < first):
        return "all"
    return DEFAULTS["period"] if state["period"] == EVENT and not offer.events else state["period"]


def _events(state: Settings, offer: Offer) -> list[Event]:
    """The events to choose from: all of them as a period, else those that make up half of the days shown."""
    if state["period"] == EVENT:
        return list(offer.events)
    since, until = days(state, offer)
    return [event for event in offer.events if 2 * event.shared(since, until) > (until - since).days]


def _event(state: Settings, offer: Offer) -> Event | None:
    """The event chosen, else the newest there is to choose."""
    choices = _events(state, offer)
    return next((event for event in choices if event.event_id == state["event"]), choices[0] if choices else None)


def _comparisons(state: Settings, offer: Offer) -> list[str]:
    """The comparisons that mean something: a target needs targets, an event one to compare with."""
    lacking = {"target": not offer.has_targets, EVENT: not _events(state, offer)}
    return [name for name in COMPARISONS if not lacking.get(name)]


def _compare(state: Settings, offer: Offer) -> str:
    """The comparison chosen, else the usual one."""
    return state["compare"] if state["compare"] in _comparisons(state, offer) else DEFAULTS["compare"]


def _bases(state: Settings, offer: Offer) -> Sequence[str]:
    """The stores to compare: the same ones only where something is known by store, and days are compared with days."""
    has_stores = _compare(state, offer) != TARGETS and offer.values.get("location")
    return BASES if has_stores else BASES[:1]


def _basis(state: Settings, offer: Offer) -> str:
    """The basis chosen, else all stores."""
    return state["basis"] if state["basis"] in _bases(state, offer) else DEFAULTS["basis"]


def draw(state: Settings, offer: Offer) -> None:
    """The controls, once in a row for wide screens and once in a popover for narrow ones."""
    with st.container(key="controls_wide", horizontal=True, vertical_alignment="center", gap="small"):
        _main(state, offer, "wide")
        with st.popover(_filters_label(state, offer), icon=":material/tune:"):
            _more(state, offer, "wide")
    with st.container(key="controls_narrow"), st.popover(_summary(state, offer), icon=":material/tune:", width="stretch"):
        _main(state, offer, "narrow")
        _more(state, offer, "narrow")


def language_switch(state: Settings) -> None:
    """The switch between the languages of the interface."""
    st.segmented_control(
        say("control.language"),
        tuple(words.LANGUAGES),
        format_func=lambda language: words.LANGUAGES[language],
        required=True,
        label_visibility="collapsed",
        **_bound(state, "lang", "side"),
    )


def _main(state: Settings, offer: Offer, place: str) -> None:
    seen = "collapsed" if place == "wide" else "visible"
    period = _period(state, offer)
    offered = [name for name in PERIODS if name != EVENT or offer.events]
    st.selectbox(
        say("control.period"),
        offered,
        format_func={name: say(f"period.{name}") for name in PERIODS}.__getitem__,
        label_visibility=seen,
        width=152 if place == "wide" else "stretch",
        **_bound(state | {"period": period}, "period", place),
    )
    events = {event.event_id: event for event in _events(state, offer)}
    if events and EVENT in (state["period"], state["compare"]):
        chosen = _event(state, offer)
        st.selectbox(
            say("control.event"),
            list(events),
            format_func=lambda event: f"{events[event].name} {events[event].first.year}",
            label_visibility=seen,
            width=190 if place == "wide" else "stretch",
            **_bound(state, "event", place, fallback=chosen.event_id if chosen else "", allowed=list(events)),
        )
    if period == "custom":
        st.date_input(
            say("control.days"),
            min_value=offer.days[0],
            max_value=offer.days[1],
            format="DD/MM/YYYY",
            label_visibility=seen,
            width=230 if place == "wide" else "stretch",
            **_bound(state | {"days": state["shown"]}, "days", place),
        )
    comparisons = _comparisons(state, offer)
    st.segmented_control(
        say("control.compare"),
        comparisons,
        format_func={name: say(f"compare.{name}") for name in comparisons}.__getitem__,
        required=True,
        label_visibility=seen,
        **_bound(state, "compare", place, fallback=DEFAULTS["compare"], allowed=comparisons),
    )
    if offer.has_tax:
        st.segmented_control(
            say("control.tax"),
            TAXES,
            format_func={name: say(f"tax.{name}") for name in TAXES}.__getitem__,
            required=True,
            label_visibility=seen,
            **_bound(state, "tax", place),
        )
    if offer.values.get("channel"):
        st.pills(
            called("dimension", "channel"),
            offer.values["channel"],
            selection_mode="multi",
            format_func=lambda channel: offer.name("channel", channel),
            label_visibility=seen,
            **_bound(state, "channel", place, allowed=offer.values["channel"]),
        )


def _more(state: Settings, offer: Offer, place: str) -> None:
    for dimension in ("region", "location"):
        if not offer.values.get(dimension):
            st.caption(say("control.not_here", dimension=called("dimension", dimension).lower()))
            continue
        values = _offered(state, offer, dimension)
        st.multiselect(
            called("dimension", dimension),
            values,
            format_func=lambda value, dimension=dimension: offer.name(dimension, value),
            placeholder=say("control.all"),
            **_bound(state, dimension, place, allowed=values),
        )
    bases = _bases(state, offer)
    if len(bases) > 1:
        st.segmented_control(
            say("control.basis"),
            bases,
            format_func={name: say(f"basis.{name}") for name in bases}.__getitem__,
            required=True,
            help=say("control.basis_help"),
            **_bound(state, "basis", place),
        )
    st.segmented_control(
        say("control.calendar"),
        CALENDARS,
        format_func={name: say(f"calendar.{name}") for name in CALENDARS}.__getitem__,
        required=True,
        help=say("control.calendar_help"),
        **_bound(state, "calendar", place),
    )
    if not offer.has_tax:
        st.caption(say("control.no_tax"))
    st.button(
        say("control.reset"),
        key=f"{place}_reset",
        icon=":material/restart_alt:",
        type="tertiary",
        on_click=lambda: st.session_state[STATE].update(read({"lang": [state["lang"]]}, state["lang"])),
    )


def _bound(state: Settings, name: str, place: str, fallback: Any = None, allowed: Sequence[str] | None = None) -> dict[str, Any]:
    """Key and callback that tie a widget to the settings: it shows them before it is drawn, and sets them when used."""
    key = f"{place}_{name}"
    shown = state[name]
    if allowed is not None:
        shown = [one for one in shown if one in allowed] if isinstance(shown, list) else shown if shown in allowed else fallback
    # Of days of one's own the first may be chosen and the last not yet.
    if name != "days" or len(st.session_state.get(key) or ()) != 1:
        st.session_state[key] = shown

    def take() -> None:
        chosen = st.session_state[key]
        if name == "days":
            if chosen and len(chosen) == 2:
                st.session_state[STATE][name] = tuple(chosen)
        elif name == "period" and chosen == "custom":
            st.session_state[STATE] |= {"period": chosen, "days": st.session_state[STATE]["shown"]}
        elif name == "period" and chosen == EVENT:
            # Who asks for Black Friday wants to know how it did against the last one.
            st.session_state[STATE] |= {"period": chosen, "compare": EVENT}
        elif chosen is not None:
            st.session_state[STATE][name] = chosen

    return {"key": key, "on_change": take}


def _filters_label(state: Settings, offer: Offer) -> str:
    names = [offer.name(dimension, value) for dimension in ("region", "location") for value in _chosen(state, offer, dimension)]
    places = say("control.chosen", count=len(names)) if len(names) > 1 else "".join(names)
    same = say("basis.short") if _basis(state, offer) == SAME_STORES else ""
    return " · ".join(filter(None, (same, places))) or say("control.filters")


def _summary(state: Settings, offer: Offer) -> str:
    places, period, (since, until) = _filters_label(state, offer), _period(state, offer), state["shown"]
    return " · ".join(
        [
            formats.span(since, until, words.language()) if period == "custom" else say(f"period.{period}"),
            say(f"compare.{_compare(state, offer)}"),
            *(offer.name("channel", value) for value in _chosen(state, offer, "channel")),
            *([] if places == say("control.filters") else [places]),
        ]
    )


def _days(texts: Sequence[str]) -> list[date]:
    found = []
    for text in texts[-1:]:
        try:
            found.append(date.fromisoformat(text))
        except ValueError:
            continue
    return found


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)
