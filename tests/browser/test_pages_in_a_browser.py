"""Every page in a real browser: on a fresh server by its own link, in both languages, wide and narrow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard import words

from .conftest import SERVE, drawn, server

ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(page.stem for page in (ROOT / "pages").glob("*.py"))

# Every fourth page is opened on a server of its own each day; that all the others do so as well is a proof.
FRESH = [pytest.param(name, marks=[] if place % 4 == 0 else pytest.mark.proof) for place, name in enumerate(NAMES)]
# French is the longer language: what fits in it fits in English.
ON_A_PHONE = ["fr", *(pytest.param(language, marks=pytest.mark.proof) for language in words.LANGUAGES if language != "fr")]

pytestmark = pytest.mark.browser


def title(name: str, language: str) -> str:
    return words.phrases(language)[f"page.{name}.title"]


def shown(page) -> list[str]:
    """The values on the cards."""
    return page.locator('[data-testid="stMetricValue"]').all_inner_texts()


@pytest.mark.parametrize("name", FRESH)
def test_a_page_opens_by_its_own_link_as_the_first_visit_of_a_fresh_server(fresh_server: str, visit: Callable, name: str) -> None:
    page = visit(f"{fresh_server}/{name}")
    assert page.inner_text("h1") == title(name, "en")
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('[role="dialog"]').count() == 0
    links = page.locator('[data-testid="stSidebarNavLink"]')
    assert links.count() == len(NAMES)
    assert page.locator('[data-testid="stSidebarNavLink"][aria-current="page"]').count() == 1


def test_the_first_visitor_of_a_server_never_sees_a_plain_list_of_files(demonstration: Path, browser) -> None:
    with server(demonstration, SERVE) as address:
        page = browser.new_page()
        page.goto(address, wait_until="commit")
        seen = set()
        while not page.locator("h1").count():
            navigation = page.locator('[data-testid="stSidebarNav"]')
            seen |= set(navigation.all_inner_texts())
            page.wait_for_timeout(20)
        page.wait_for_selector('[data-testid="stSidebarNav"]')
        seen |= set(page.locator('[data-testid="stSidebarNav"]').all_inner_texts())
        page.close()
    assert seen
    assert all("Executives" in text for text in seen)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_speaks_french_when_the_link_says_so(shared_server: str, visit: Callable, name: str) -> None:
    page = visit(f"{shared_server}/{name}?lang=fr")
    assert page.inner_text("h1") == title(name, "fr")
    assert page.locator('[data-testid="stException"]').count() == 0
    assert words.phrases("fr")["page.overview.name"] in page.inner_text('[data-testid="stSidebarNav"]')
    assert page.title() == f"{words.phrases('fr')[f'page.{name}.name']} · omnikpi"


@pytest.mark.parametrize("language", ON_A_PHONE)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_phone_without_scrolling_sideways(shared_server: str, visit: Callable, name: str, language: str) -> None:
    page = visit(f"{shared_server}/{name}?lang={language}", width=390, height=844)
    wide, room = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return [main.scrollWidth, main.clientWidth]; }"
    )
    assert wide <= room
    assert page.locator(".st-key-controls_wide").count() == 0 or not page.locator(".st-key-controls_wide").is_visible()


def test_what_scrolls_under_the_buttons_of_a_phone_does_not_show_through(shared_server: str, visit: Callable) -> None:
    page = visit(f"{shared_server}/baskets", width=390, height=844)
    paper, behind = (
        page.evaluate(f"() => getComputedStyle(document.querySelector('[data-testid={part}]')).backgroundColor")
        for part in ("stApp", "stHeader")
    )
    assert behind == paper


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_first_screen_of_the_overview_holds_cards_what_changed_and_charts(
    shared_server: str, visit: Callable, language: str
) -> None:
    page = visit(f"{shared_server}/?lang={language}")
    for element in (".st-key-cards", ".st-key-controls_wide", ".st-key-chart_1", ".st-key-chart_2"):
        box = page.locator(element).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, element
    assert not page.locator(".st-key-controls_narrow").is_visible()


def test_what_is_chosen_on_a_page_is_in_its_link_and_the_link_shows_the_same(shared_server: str, visit: Callable) -> None:
    page = visit(f"{shared_server}/baskets")
    before = shown(page)
    page.locator(".st-key-wide_channel button").nth(1).click()
    page.wait_for_url("**channel=*")
    drawn(page)
    page.wait_for_function(
        "before => document.querySelector('[data-testid=stMetricValue]').innerText !== before", arg=before[0], timeout=60_000
    )
    assert "channel=" in page.url
    again = visit(page.url)
    assert shown(again) == shown(page) != before


def test_the_view_goes_along_when_the_reader_turns_to_another_page(shared_server: str, visit: Callable) -> None:
    page = visit(f"{shared_server}/baskets?period=last_28_days&lang=fr")
    page.get_by_role("link", name="Démarques", exact=True).click()
    page.wait_for_url("**/markdowns?*period=last_28_days*")
    drawn(page)
    page.wait_for_function(f"() => document.querySelector('h1').innerText === {title('markdowns', 'fr')!r}", timeout=60_000)
    assert "lang=fr" in page.url


def test_the_dark_theme_is_dark_and_its_charts_too(shared_server: str, visit: Callable) -> None:
    page = visit(shared_server, scheme="dark")
    page.wait_for_selector('[data-testid="stPlotlyChart"] .main-svg', timeout=60_000)
    paper = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert max(int(part) for part in paper.strip("rgb()").split(",")) < 64
    strokes = page.evaluate("() => [...document.querySelectorAll('.js-line')].map(line => getComputedStyle(line).stroke)")
    assert strokes
    assert not [stroke for stroke in strokes if stroke.startswith("rgb(0, 0, ")], "a slot was left without its colour"
