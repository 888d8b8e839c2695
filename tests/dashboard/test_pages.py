"""Every page as a reader meets it, run on the demonstration retailer's build, in both languages."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import builds, formats, words
from dashboard.builds import Build
from dashboard.catalogue import catalogue
from dashboard.frame import PAGES
from dashboard.metrics import Question, ask
from dashboard.topics import missing, topic_charts, topic_metrics

ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(page.stem for page in (ROOT / "pages").glob("*.py"))
TOPICS = [name for name in NAMES if name not in PAGES["analysts"]]

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    found = builds.current(demonstration)
    assert found is not None
    return found


@pytest.fixture
def open_page(demonstration: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens a page with a link's parameters: `open_page("baskets", lang="fr")`."""
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(demonstration))

    def opened(name: str, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
        for parameter, value in parameters.items():
            app.query_params[parameter.strip("_")] = value
        return app.run()

    yield opened
    words.speak("en")


def figures(app: AppTest) -> list[dict]:
    """The charts drawn; AppTest knows them only by their message."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_page_opens_and_asks_its_question_in_both_languages(open_page: Open, name: str, language: str) -> None:
    app = open_page(name, lang=language)
    assert not app.exception
    assert app.title[0].value == words.phrases(language)[f"page.{name}.title"]


def test_every_page_is_in_the_navigation() -> None:
    assert sorted(name for members in PAGES.values() for name in members) == NAMES


def test_the_overview_shows_ten_headlines_in_the_order_of_the_catalogue(open_page: Open, build: Build) -> None:
    headlines = sorted((m for m in catalogue(build).values() if m.headline), key=lambda m: m.headline or 0)
    assert [metric.headline for metric in headlines] == list(range(1, 11))
    assert [card.label for card in open_page("overview").metric] == [metric.label for metric in headlines]
    assert [card.label for card in open_page("overview", lang="fr").metric] == [
        words.typeset(metric.label_fr, "fr") for metric in headlines
    ]


@pytest.mark.parametrize("name", TOPICS)
def test_a_card_shows_what_the_command_line_answers(open_page: Open, build: Build, name: str) -> None:
    since, until = date(2026, 8, 1), date(2026, 8, 31)
    shown = {card.label: card.value for card in open_page(name, period="custom", from_="2026-08-01", to="2026-08-31").metric}
    checked = 0
    for metric in topic_metrics(build, name)[:8]:
        # A window of many days moves the days a card is asked for.
        if metric.censored_days or missing(build, metric):
            continue
        frame = ask(build, Question(metrics=(metric.name,), since=since, until=until)).frame
        sample = frame[f"{metric.name}__n"][0] if metric.sample else None
        if sample is None or sample >= 30:
            assert shown[metric.label] == formats.value(frame[metric.name][0], metric.format, "en", "EUR"), metric.name
            checked += 1
    assert checked


@pytest.mark.parametrize("name", TOPICS)
def test_every_chart_a_metric_declares_is_drawn_with_words_for_those_who_do_not_see_it(
    open_page: Open, build: Build, name: str
) -> None:
    app = open_page(name)
    # the page that says why sales moved draws a bridge between definitions besides
    others = 1 if name == "drivers" else 0
    assert len(figures(app)) - others == len(topic_charts(build, name)) > 0
    assert all(chart.proto.alt.strip() for chart in app.get("plotly_chart"))


def test_charts_take_every_colour_from_the_theme(open_page: Open) -> None:
    for name in TOPICS:
        for figure in figures(open_page(name)):
            drawn = json.dumps(figure["data"]) + json.dumps(figure["layout"].get("shapes", []))
            assert set(re.findall(r"#[0-9a-fA-F]{6}", drawn)) <= {f"#0000{slot:02d}" for slot in range(1, 21)}


def test_bars_start_at_zero(open_page: Open) -> None:
    for name in TOPICS:
        for figure in figures(open_page(name)):
            if figure["data"][0]["type"] == "bar":
                low, high = figure["layout"]["xaxis"]["range"]
                assert low <= 0 <= high


def test_a_sankey_shows_all_that_is_known_and_says_what_is_left_out(open_page: Open, build: Build) -> None:
    app = open_page("conversion", period="custom", from_="2026-08-01", to="2026-08-31")
    (flows,) = [figure["data"][0] for figure in figures(app) if figure["data"][0]["type"] == "sankey"]
    (chart,) = [chart for chart in topic_charts(build, "conversion") if chart.kind == "sankey"]
    asked = Question((chart.metrics[0].name,), chart.by, None, date(2026, 8, 1), date(2026, 8, 31))
    rows = ask(build, asked).frame.select(*chart.by, chart.metrics[0].name).rows()
    whole = float(sum(amount for *_, amount in rows))
    known = float(sum(amount for *ends, amount in rows if "unknown" not in ends))
    # flows too thin to be seen are left out
    assert 0.98 * known <= sum(flows["link"]["value"]) <= known + 0.01
    assert any(f"{1 - known / whole:.0%} unknown, left out" in block.value for block in app.markdown)
    tops = [y for x, y in zip(flows["node"]["x"], flows["node"]["y"], strict=True) if x < 0.5]
    assert tops == sorted(tops)


def test_a_channel_has_the_same_colour_on_every_page(open_page: Open) -> None:
    colours: dict[str, set[str]] = {}
    channels = {"Stores", "Web", "App", "Marketplace"}
    for name in TOPICS:
        for figure in figures(open_page(name)):
            for trace in figure["data"]:
                if trace.get("name") in channels:
                    colours.setdefault(trace["name"], set()).add(trace["line"]["color"])
    assert colours
    assert all(len(found) == 1 for found in colours.values())


def test_a_filter_chosen_on_the_page_is_in_the_link_and_the_link_shows_the_same_figures(open_page: Open) -> None:
    app = open_page("baskets")
    app.button_group(key="wide_channel").set_value(["web"]).run()
    app.selectbox(key="wide_period").select("last_28_days").run()
    assert app.query_params == {"channel": ["web"], "period": ["last_28_days"]} or app.query_params == {
        "channel": "web",
        "period": "last_28_days",
    }
    linked = open_page("baskets", channel="web", period="last_28_days")
    assert [card.value for card in linked.metric] == [card.value for card in app.metric]
    assert [card.value for card in linked.metric] != [card.value for card in open_page("baskets").metric]


def test_controls_say_what_is_shown_where_a_link_asks_for_what_there_is_not(open_page: Open, build: Build) -> None:
    before = open_page("overview", period="custom", from_="2001-01-01", to="2001-02-01", compare="event")
    assert not before.exception
    for place in ("wide", "narrow"):
        assert before.selectbox(key=f"{place}_period").value == "all"
        assert before.button_group(key=f"{place}_compare").value == "last_year"
    assert "All the data · Last year" in [popover.proto.popover.label for popover in before.get("popover")]
    assert any("nothing to compare with" in caption.value for caption in before.caption)
    partly = open_page("overview", period="custom", from_="2001-01-01", to="2026-08-31")
    assert not partly.exception
    since = build.span[0] if build.span else date.max
    assert partly.date_input(key="wide_days").value == (since, date(2026, 8, 31))


def test_own_days_are_chosen_on_the_page_and_are_in_the_link(open_page: Open) -> None:
    app = open_page("baskets")
    app.selectbox(key="wide_period").select("custom").run()
    assert app.date_input(key="wide_days").value == (date(2025, 11, 22), date(2026, 11, 21))
    app.date_input(key="wide_days").set_value((date(2026, 8, 1),)).run()
    assert app.date_input(key="wide_days").value == (date(2026, 8, 1),)
    app.date_input(key="wide_days").set_value((date(2026, 8, 1), date(2026, 8, 31))).run()
    assert not app.exception
    assert "2026-08-01" in app.query_params["from"]
    assert "2026-08-31" in app.query_params["to"]
    linked = open_page("baskets", period="custom", from_="2026-08-01", to="2026-08-31")
    assert "1 Aug – 31 Aug 2026 · Last year" in [popover.proto.popover.label for popover in linked.get("popover")]
    assert linked.date_input(key="wide_days").value == (date(2026, 8, 1), date(2026, 8, 31))
    assert [card.value for card in linked.metric] == [card.value for card in app.metric]


def test_the_wide_and_the_narrow_controls_say_the_same(open_page: Open) -> None:
    app = open_page("baskets")
    app.button_group(key="narrow_compare").set_value("previous_period").run()
    assert app.button_group(key="wide_compare").value == "previous_period"


def test_amounts_with_vat_are_higher_and_keep_their_label(open_page: Open) -> None:
    without, with_vat = open_page("baskets"), open_page("baskets", tax="ttc")
    assert [card.label for card in without.metric] == [card.label for card in with_vat.metric]
    assert [card.value for card in without.metric] != [card.value for card in with_vat.metric]


def test_a_fall_points_down_in_french_too(open_page: Open) -> None:
    cards = [card for name in TOPICS for card in open_page(name, lang="fr").metric]
    falls = [card for card in cards if card.delta.startswith("-")]
    assert falls
    assert not [card.delta for card in cards if "\N{MINUS SIGN}" in card.delta]


def test_a_card_whose_metric_cannot_take_a_filter_says_so(open_page: Open, build: Build) -> None:
    deaf = [metric for metric in topic_metrics(build, "overview") if "channel" not in metric.dimensions]
    if not deaf:
        pytest.skip("every headline is known by channel")
    card = next(card for card in open_page("overview", channel="web").metric if card.label == deaf[0].label)
    assert "not by channel" in card.proto.delta_description
    # and so does the chart of one
    assert any("yardsticks** · weekly · % · not by channel" in text.value for text in open_page("models", channel="web").markdown)


def test_a_card_of_days_before_the_period_says_which(open_page: Open) -> None:
    # no window of seven days is over yet in the last seven
    card = next(card for card in open_page("conversion", period="last_7_days").metric if card.label.startswith("Web-to-store"))
    assert re.search(r"vs last year · \d+ \w+ 2026$", card.proto.delta_description)


def test_a_card_that_cannot_tell_same_stores_apart_says_so(open_page: Open, build: Build) -> None:
    page, every = open_page("conversion", basis="same_stores"), open_page("conversion")
    assert page.button_group(key="wide_basis").value == "same_stores"
    deaf = {metric.label for metric in topic_metrics(build, "conversion") if "location" not in metric.dimensions}
    shown = [card for card in page.metric if card.delta]
    assert (
        {card.label for card in shown if "not by store" in card.proto.delta_description}
        == deaf & {c.label for c in shown}
        != set()
    )
    values = {card.label: card.value for card in every.metric}
    assert all(card.value == values[card.label] for card in shown if card.label in deaf)
    assert any(card.value != values[card.label] for card in shown)


def test_every_comparison_is_asked_for_only_when_the_table_is_opened_and_says_what_the_cards_say(open_page: Open) -> None:
    closed = open_page("overview")
    assert not closed.table
    for compare in ("last_year", "previous_period", "retail_week"):
        app = open_page("overview", period="last_month", compare=compare)
        app.session_state["comparisons"] = True
        table = app.run().table[0].value
        said = dict(zip(table["KPI"], table[words.phrases("en")[f"against.{compare}"]], strict=True))
        for card in app.metric:
            assert re.sub(r":\w+\[(.*)\]", r"\1", said[card.label]).lstrip("+-") == (card.delta.lstrip("+-") or "–"), card.label
        assert list(table.columns[:2]) == ["KPI", "This period"]
        assert [card.value for card in app.metric] == list(table["This period"])


def test_the_sentence_of_what_moved_and_the_table_ask_one_question(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Question] = []

    def heard(build: Build, question: Question):
        asked.append(question)
        return ask(build, question)

    monkeypatch.setattr("dashboard.questions.ask", heard)
    app = open_page("returns")
    by_channel = [question for question in asked if question.by == ("channel",) and not question.grain]
    widest = max(by_channel, key=lambda question: len(question.metrics))
    assert asked.count(widest) == 2
    asked.clear()
    app.segmented_control(key="table_returns").set_value("location").run()
    assert not app.exception
    assert widest not in asked


def test_before_the_first_build_the_page_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "pages" / "overview.py"), default_timeout=60).run()
    assert not app.exception
    assert [block.value for block in app.code] == ["make demo", "omnikpi check FILE\nomnikpi run"]


def test_a_failed_run_is_said_with_its_message_and_the_figures_stay(
    demonstration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("builds", "CURRENT"):
        (tmp_path / name).symlink_to(demonstration / name)
    record = {
        "status": "failed",
        "at": "2026-11-22T05:00:00+00:00",
        "step": "build",
        "message": "orders: 3 rows",
        "build_id": None,
    }
    (tmp_path / "last_run.json").write_text(json.dumps(record))
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "pages" / "overview.py"), default_timeout=60).run()
    assert "The last run failed at computing" in app.warning[0].value
    assert "orders: 3 rows" in [block.value for block in app.code]
    assert len(app.metric) == 10


def test_a_missing_export_is_named_on_the_cards_that_need_it(
    demonstration: Path, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "builds" / "without"
    folder.mkdir(parents=True)
    for name in ("marts.duckdb", "semantic_manifest.json"):
        (folder / name).symlink_to(build.path / name)
    entities = build.info["entities"] | {"sessions": 0}
    (folder / "build.json").write_text(json.dumps(build.info | {"build_id": "without", "entities": entities}))
    (tmp_path / "CURRENT").write_text("without\n")
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(tmp_path))
    app = AppTest.from_file(str(ROOT / "pages" / "conversion.py"), default_timeout=60).run()
    assert not app.exception
    silent = {card.label for card in app.metric if "web analytics sessions" in card.proto.delta_description}
    shown = {card.label for card in app.metric}
    needing = [metric for metric in topic_metrics(build, "conversion") if "sessions" in metric.needs]
    assert silent == {metric.label for metric in needing} & shown
    assert needing


def test_a_definition_is_found_by_a_word_of_either_language_without_accents(open_page: Open) -> None:
    everything = open_page("definitions")
    app = open_page("definitions", q="demarque")
    assert 0 < len(app.expander) < len(everything.expander)
    assert app.text_input(key="q").value == "demarque"


def test_data_health_accounts_for_every_row(open_page: Open, build: Build) -> None:
    app = open_page("data_health")
    rows = build.sql("select sum(rows_in) as r, sum(rows_loaded) as l, sum(rows_rejected) as x from ledger.files").to_dicts()[0]
    assert rows["r"] == rows["l"] + rows["x"]
    assert {card.label: card.value for card in app.metric}["Rows loaded"] == f"{rows['l']:,}"
    assert any("is either loaded or listed below" in text.value for text in app.markdown)
