"""Return on investment on the page: what was found, and what is said where no figure can be given."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import builds, words
from dashboard.metrics import Question, ask

PAGE = Path(__file__).parent.parent.parent / "pages" / "roi.py"
# What the models give when live stores and the others had moved apart before.
REFUSAL = """
update marts.rollout_effects
set
    is_refused = true, trend_p_value = 0.01,
    effect = case when event_month < 0 then effect end, effect_low = case when event_month < 0 then effect_low end,
    effect_high = case when event_month < 0 then effect_high end,
    whole_effect = null, whole_effect_low = null, whole_effect_high = null;
update marts.investment_months
set
    is_refused = true, is_told = false, margin_gain = null, logistics_savings = null, service_savings = null, counted_cost = null,
    net_gain = null, cumulative_net = null, cumulative_net_low = null, cumulative_net_high = null, payback_months = null;
update marts.investments
set
    is_refused = true, is_told = false, margin_gain = null, logistics_savings = null, service_savings = null,
    counted_run_cost = null, counted_build_cost = null, net_gain = null;
"""

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def refused(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose build is the demonstration's with every study refused."""
    data = tmp_path_factory.mktemp("refused")
    build = builds.current(demonstration)
    assert build
    folder = data / "builds" / f"{build.build_id}-refused"
    shutil.copytree(build.path, folder)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'marts.duckdb'}' as build; use build")
        connection.execute(REFUSAL)
    info = json.loads((folder / "build.json").read_text())
    (folder / "build.json").write_text(json.dumps(info | {"build_id": folder.name}))
    (data / "CURRENT").write_text(folder.name)
    return data


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    def opened(data: Path, language: str = "en") -> AppTest:
        monkeypatch.setenv("OMNIKPI_DATA_DIR", str(data))
        app = AppTest.from_file(str(PAGE), default_timeout=60)
        app.query_params["lang"] = language
        app = app.run()
        assert not app.exception
        return app

    yield opened
    words.speak("en")


def figures(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def titles(app: AppTest) -> str:
    return "\n".join(text.value for text in app.markdown)


def test_the_event_study_shows_all_channels_their_parts_a_band_and_where_zero_is(demonstration: Path, open_page: Open) -> None:
    app = open_page(demonstration)
    study = figures(app)[0]
    build = builds.current(demonstration)
    assert build
    rows = ask(build, Question(("rollout_effect",), ("event_month", "sold_in"))).frame
    drawn = {trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in study["data"]}
    for label, value in (("All channels", "all"), ("Stores", "store"), ("Web", "web")):
        known = rows.filter(rows["sold_in"] == value)
        assert drawn[label] == dict(zip(known["event_month"], known["rollout_effect"], strict=True))
    shapes = study["layout"]["shapes"]
    assert [shape["type"] for shape in shapes].count("path") == 1
    assert any(shape["type"] == "line" and shape["y0"] == shape["y1"] == 0 for shape in shapes)
    assert "trends before alike (p = " in titles(app)
    assert "Lasting effect on sales: " in titles(app)


def test_the_parts_add_up_to_the_whole(demonstration: Path) -> None:
    build = builds.current(demonstration)
    assert build
    rows = ask(build, Question(("rollout_effect",), ("event_month", "sold_in"))).frame
    wide = rows.pivot("sold_in", index="event_month", values="rollout_effect")
    assert (wide["store"] + wide["web"]).to_list() == pytest.approx(wide["all"].to_list())


def test_the_payback_curve_ends_where_the_balance_stands(demonstration: Path, open_page: Open) -> None:
    build = builds.current(demonstration)
    assert build
    balance = ask(build, Question(("cumulative_net_gain",), (), "month")).frame["cumulative_net_gain"].drop_nulls()
    curve = figures(open_page(demonstration))[1]
    assert curve["data"][0]["y"] == pytest.approx([float(value) for value in balance])


def test_the_ledger_leads_from_the_margin_gained_to_the_net_gain(demonstration: Path, open_page: Open) -> None:
    ledger = figures(open_page(demonstration))[-1]
    (bars,) = ledger["data"]
    steps = dict(zip(ledger["layout"]["yaxis"]["ticktext"], zip(bars["base"], bars["x"], strict=True), strict=True))
    names = [name.replace("<br>", " ") for name in steps]
    assert (names[0], names[-1]) == ("Margin gained", "Net gain")
    level = 0.0
    for base, move in list(steps.values())[:-1]:
        assert base == pytest.approx(level, abs=0.005)
        level += move
    assert steps["Net gain"] == (0, pytest.approx(level, abs=0.005))
    # what services cost takes away, what they save adds
    moves = dict(zip(names, bars["x"], strict=True))
    assert all(move < 0 for name, move in moves.items() if "cost" in name)
    build = builds.current(demonstration)
    assert build
    saved = ask(build, Question(("logistics_savings",))).frame["logistics_savings"][0]
    assert (moves["Logistics saved"] > 0) == (saved > 0)


def test_what_services_left_each_and_in_common_is_what_all_of_them_did(demonstration: Path, open_page: Open) -> None:
    build = builds.current(demonstration)
    assert build
    metrics = ("omnichannel_net_gain", "omnichannel_roi", "run_cost")
    whole, by_service = (ask(build, Question(metrics, by)).frame for by in ((), ("capability",)))
    for metric in ("omnichannel_net_gain", "run_cost"):
        assert by_service[metric].sum() == whole[metric][0]
    returns = dict(by_service.select("capability", "omnichannel_roi").iter_rows())
    # it only came to stores that had another service: what it brought cannot be told apart
    assert returns.pop("ship_from_store") is None
    assert None not in returns.values()
    assert list(open_page(demonstration).dataframe[0].value["Service"])[-1] == "Ship from store"


@pytest.mark.parametrize(
    ("language", "no_figure", "title"),
    [
        ("en", "no figure", "Effect on sales: no figure can be given"),
        ("fr", "aucun chiffre", "Effet sur les ventes\N{NO-BREAK SPACE}: aucun chiffre possible"),
    ],
)
def test_a_refused_study_says_so_and_gives_no_figure(
    refused: Path, open_page: Open, language: str, no_figure: str, title: str
) -> None:
    app = open_page(refused, language)
    cards = [card.value for card in app.metric]
    # what services cost is known all the same
    assert cards.count(no_figure) == len(cards) - 2
    assert title in titles(app)
    study = figures(app)[0]
    assert [max(trace["x"]) for trace in study["data"]] == [-1]
    said = " ".join(annotation["text"] for annotation in study["layout"]["annotations"])
    assert words.phrases(language)["study.no_figure"] in said
    build = builds.current(refused)
    assert build
    answer = ask(build, Question(("omnichannel_roi", "causal_margin_gain", "causal_sales_effect"))).frame
    assert answer.row(0) == (None, None, None)
