"""Documentation is complete and true: what exists is documented, and what is documented exists."""

import re
from pathlib import Path

import pytest
import typer
import yaml

import cli
from dashboard.words import phrases
from docs.reference import declared_metrics, pages

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
KEYS = {"label_fr", "description_fr", "format", "better", "topic", "owner", "needs"}


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_reference_page_is_what_the_project_says_today(name: str) -> None:
    written = (ROOT / "docs" / name).read_text()
    assert written == pages()[name], "run `python -m docs.reference` and commit the page"


def test_every_metric_is_described_labelled_and_owned_in_both_languages() -> None:
    incomplete = {
        metric["name"]: sorted(missing)
        for metric in declared_metrics()
        if not metric["config"]["meta"].get("hidden")
        and (missing := (KEYS - metric["config"]["meta"].keys()) | ({"label", "description"} - metric.keys()))
    }
    assert not incomplete


def test_the_kpi_that_analysts_are_shown_how_to_add_is_made_of_metrics_there_are() -> None:
    (example,) = re.findall(r"```yaml\n(metrics:.*?)```", (ROOT / "docs" / "analyst.md").read_text(), re.DOTALL)
    known = {metric["name"] for metric in declared_metrics()}
    for metric in yaml.safe_load(example)["metrics"]:
        assert {metric["numerator"], metric["denominator"]} <= known
        assert metric["name"] not in known
        assert metric["config"]["meta"].keys() >= KEYS


def test_every_command_of_the_plan_is_documented_for_operators() -> None:
    commands = typer.main.get_command(cli.app).list_commands(None)  # type: ignore[attr-defined, arg-type]
    text = (ROOT / "docs" / "commands.md").read_text()
    for command in (
        *("demo", "check", "ingest", "build", "run", "watch", "query", "explain", "metrics", "sources", "status"),
        *("doctor", "serve", "replay", "rejects"),
    ):
        assert command in commands
        assert f"## `omnikpi {command}`" in text


def test_every_page_is_documented_for_executives() -> None:
    text = (ROOT / "docs" / "executive.md").read_text()
    said = phrases("en")
    for page in sorted((ROOT / "pages").glob("*.py")):
        row = f"| {said[f'page.{page.stem}.name']} | {said[f'page.{page.stem}.title']} |"
        assert row in text, f"docs/executive.md does not say {row}"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS], ids=lambda page: page.name)
def test_no_link_inside_the_documentation_is_broken(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_explains_what_continuous_integration_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    called = [line for line in script.splitlines() if line.startswith("make")]
    assert called == ["make test"]
    assert "make test" in (ROOT / "README.md").read_text()


def test_no_lock_names_a_download_host() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock.name
