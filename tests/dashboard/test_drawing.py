"""What charts are drawn with: room for words on a phone, colours that mean something, bars of a calm thickness."""

import importlib
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import plotly.graph_objects as go
import pytest

from dashboard import words
from dashboard.charts.drawing import ACCENT, HEIGHT, LINE_PIXELS, SLOTS, THICK, Line, label_ends

bars, curve, heatmap = (importlib.import_module(f"dashboard.charts.{name}") for name in ("bars", "curve", "heatmap"))


def metric(name: str) -> Any:
    return SimpleNamespace(name=name, label=name, label_fr=name, format="count", is_additive=True, ttc=None)


STYLE = Path(__file__).parent.parent.parent / "dashboard" / "style.css"
PAGE: Any = SimpleNamespace(build=None, currency="EUR", view=SimpleNamespace(compare="last_year"), asked=lambda one: one.name)


def chart(*by: str, metrics: tuple[Any, ...] = (metric("count"),)) -> Any:
    return SimpleNamespace(metrics=metrics, by=by, title=lambda _: None)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch):
    words.speak("en")
    for kind in (bars, curve, heatmap):
        monkeypatch.setattr(kind, "dimension_label", lambda _build, name: name)
    for kind in (bars, curve):
        monkeypatch.setattr(kind, "value_label", lambda _build, _dimension, value: value)
    monkeypatch.setattr(heatmap, "value_text", lambda _page, _dimension, value: value)


def ranked(monkeypatch: pytest.MonkeyPatch, *values: str) -> Any:
    rows = [{"where": value, "count": place + 1.0} for place, value in enumerate(values)]
    monkeypatch.setattr(bars, "read_rows", lambda *_, **__: rows)
    drawn = bars.bars(PAGE, chart("where"))
    assert drawn is not None
    return drawn


def shaded(monkeypatch: pytest.MonkeyPatch, hours: int) -> Any:
    rows = [{"store": "Lyon", "hour": hour, "count": hour + 1.0} for hour in range(hours)]
    monkeypatch.setattr(heatmap, "read_rows", lambda *_, **__: rows)
    drawn = heatmap.heatmap(PAGE, chart("store", "hour"))
    assert drawn is not None
    return drawn.figure


def test_only_a_dimension_of_channels_has_the_colours_of_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(ranked(monkeypatch, "web", "phone").figure.data[0].marker.color) == {SLOTS["web"], SLOTS["phone"]}
    assert set(ranked(monkeypatch, "chat", "phone").figure.data[0].marker.color) == {ACCENT}


@pytest.mark.parametrize("count", [1, 2, 4, 12])
def test_a_bar_is_never_thick_however_few_there_are(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    drawn = ranked(monkeypatch, *(f"store {place}" for place in range(count)))
    low, high = drawn.figure.layout.yaxis.range
    pixels = drawn.figure.data[0].width * (drawn.height - 60) / abs(high - low)
    assert 8 <= pixels <= THICK
    assert drawn.height >= HEIGHT


def test_close_cells_give_up_their_numbers_on_a_phone_and_name_every_third_column(monkeypatch: pytest.MonkeyPatch) -> None:
    wide, dense = shaded(monkeypatch, 12), shaded(monkeypatch, 24)
    assert (wide.layout.xaxis.dtick, dense.layout.xaxis.dtick) == (1, 3)
    hidden = f"font-size: {dense.data[0].textfont.size}px"
    assert wide.data[0].textfont.size != dense.data[0].textfont.size
    assert f'.heatmap-label text[style*="{hidden}"]' in STYLE.read_text()


def test_ages_that_would_run_into_each_other_are_not_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    family = tuple(metric(f"by day {day}") for day in (30, 90, 180, 365, 730))
    monkeypatch.setattr(curve, "meta", lambda _build, name: {"days": int(name.split()[-1])})
    monkeypatch.setattr(curve, "is_ripe", lambda *_: True)
    monkeypatch.setattr(curve, "reach", lambda *_: None)
    monkeypatch.setattr(curve, "read_rows", lambda _page, metrics, *_, **__: [{metrics[0].name: 10.0}])
    drawn = curve.curve(PAGE, chart(metrics=family))
    assert drawn is not None
    assert list(drawn.figure.layout.xaxis.tickvals) == [0, 90, 180, 365, 730]
    assert list(drawn.figure.data[0].x) == [0, 30, 90, 180, 365, 730]


def test_names_of_lines_that_end_together_stand_apart_within_the_axis() -> None:
    figure = go.Figure(layout={"yaxis": {"range": [0, 100]}})
    lines = [Line(name, ACCENT, {0: 0.0, 9: end}) for name, end in (("a", 99.0), ("b<br>b", 100.0), ("c", 98.0), ("d", 10.0))]
    label_ends(figure, lines, HEIGHT)
    places = {note.text: note.y for note in figure.layout.annotations}
    assert list(places) == ["d", "c", "a", "b<br>b"]
    line = LINE_PIXELS * 100 / (HEIGHT - 60)
    assert list(places.values()) == pytest.approx([10, 100 - 2.5 * line, 100 - 1.5 * line, 100])


def contrast(one: str, other: str) -> float:
    """How much lighter one colour is than the other, as WCAG 2 counts."""

    def light(colour: str) -> float:
        shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, pale = sorted((light(one), light(other)))
    return (pale + 0.05) / (dark + 0.05)


def over(colour: str, paper: str, share: float) -> str:
    """A colour that lets some of the paper through."""
    pairs = [(int(colour[place : place + 2], 16), int(paper[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(share * above + (1 - share) * below):02x}" for above, below in pairs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper_in_every_colour(scheme: str) -> None:
    theme = tomllib.loads((STYLE.parent.parent / ".streamlit" / "config.toml").read_text())["theme"][scheme]
    paper, panel = theme["backgroundColor"], theme["secondaryBackgroundColor"]
    # Captions and the axes' words are ink of six tenths; of the slots the ninth is for lines alone.
    ink = over(theme["textColor"], paper, 0.6), over(theme["textColor"], panel, 0.6)
    words_of_charts = [*theme["chartCategoricalColors"][:8], theme["chartCategoricalColors"][9]]
    assert contrast(ink[0], paper) >= 4.5 <= contrast(ink[1], panel)
    assert {colour: contrast(colour, paper) for colour in words_of_charts if contrast(colour, paper) < 4.5} == {}
    assert {
        shade for shade in theme["chartSequentialColors"] if contrast(shade, theme["chartCategoricalColors"][9]) < 4.5
    } == set()
    for name in ("green", "red", "orange"):  # on a badge of their own colour
        badge = over(theme[f"{name}Color"], paper, 0.1 if scheme == "light" else 0.2)
        assert contrast(theme.get(f"{name}TextColor", theme[f"{name}Color"]), badge) >= 4.5, name
