"""Compiled SQL is kept by its definitions, and never in the way."""

from pathlib import Path

from dashboard.builds import Build
from dashboard.metrics import Question, ask, compiled
from dashboard.semantics import Semantics
from dashboard.shapes import FILE, Shapes

SHAPE = (("orders",), ("metric_time__month",), ())
COMPILED = (*SHAPE, ())


def test_a_shape_that_was_kept_is_found_by_another_server_with_the_same_definitions_only(tmp_path: Path) -> None:
    assert Shapes(tmp_path, "definitions").get(SHAPE) is None
    assert Shapes(tmp_path, "definitions").keep(SHAPE, "select 1") == "select 1"
    assert Shapes(tmp_path, "definitions").get(SHAPE) == "select 1"
    assert Shapes(tmp_path, "definitions").get((("orders",), (), ())) is None
    assert Shapes(tmp_path, "other definitions").get(SHAPE) is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_nothing(tmp_path: Path) -> None:
    shapes = Shapes(tmp_path / "absent", "definitions")
    assert shapes.keep(SHAPE, "select 1") == "select 1"
    assert shapes.get(SHAPE) is None


def test_a_file_that_is_no_cache_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a database, but longer than the header of one, which has sixteen bytes")
    shapes = Shapes(tmp_path, "definitions")
    assert shapes.get(SHAPE) is None
    assert shapes.keep(SHAPE, "select 1") == "select 1"


def test_what_was_compiled_once_is_not_compiled_again(build: Build, tmp_path: Path, monkeypatch) -> None:
    text = build.semantic_manifest
    sql = Semantics(text, Shapes(tmp_path, text)).compile(*COMPILED)
    monkeypatch.setattr(Semantics, "_compiled", lambda *_: "compiled again")
    assert Semantics(text, Shapes(tmp_path, text)).compile(*COMPILED) == sql


def test_two_values_of_a_filter_and_three_are_few_shapes(build: Build) -> None:
    def sql(*channels: str) -> str:
        return compiled(build, Question(("orders",), where=(("channel", channels),)))[0]

    assert sql("store", "web", "app") == sql("store", "web", "app", "marketplace")
    assert sql("store") == sql("web") != sql("store", "web")
    every = ask(build, Question(("orders",), where=(("channel", ("store", "web", "app")),))).frame["orders"][0]
    apart = (
        ask(build, Question(("orders",), where=(("channel", (one,)),))).frame["orders"][0] for one in ("store", "web", "app")
    )
    assert every == sum(apart)
