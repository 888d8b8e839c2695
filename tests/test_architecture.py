"""The rules of the tree, one test a rule."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What a time dimension may be: a date, counted by day or by whole month.
DAYS = {("date", "day"), ("date", "month")}
OURS = {"app", "cli", "settings", "dashboard", "demo", "estimators", "ingest", "pages"}


def modules(*places: str) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(module: Path) -> set[str]:
    """The dotted names a module imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def ours(module: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(module)} & OURS


@pytest.mark.parametrize(
    ("side", "may_import"),
    [
        ("dashboard", {"dashboard", "settings"}),
        ("ingest", {"ingest", "settings"}),
        ("demo", {"demo"}),
        ("estimators", {"estimators"}),
        ("settings.py", set()),
        ("pages", {"dashboard"}),
        ("app.py", {"dashboard", "settings"}),
    ],
)
def test_each_side_imports_only_what_it_may(side: str, may_import: set[str]) -> None:
    wrong = {str(module.relative_to(ROOT)): bad for module in modules(side) if (bad := ours(module) - may_import)}
    assert not wrong


def test_pages_hold_no_sql_no_formats_and_no_colours() -> None:
    for page in modules("pages"):
        text = page.read_text()
        assert not re.search(r"#[0-9A-Fa-f]{6}\b", text), f"{page.name} names a colour"
        assert not re.search(r"\bselect\b.+\bfrom\b", text, re.IGNORECASE | re.DOTALL), f"{page.name} holds SQL"
        assert not re.search(r":[,.]\d?[f%d]", text), f"{page.name} formats a number"
        assert not imports(page) & {"duckdb", "polars", "plotly", "plotly.graph_objects", "babel"}, page.name


def test_every_page_asks_for_its_frame_first() -> None:
    for page in modules("pages"):
        calls = [
            node.value
            for node in ast.parse(page.read_text()).body
            if isinstance(node, (ast.Expr, ast.Assign)) and isinstance(node.value, ast.Call)
        ]
        assert ast.unparse(calls[0].func).endswith("require"), f"{page.name} must call frame.require() first"


def test_colours_live_in_the_theme_alone() -> None:
    for module in modules("dashboard", "pages", "app.py"):
        colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", module.read_text()))
        slots = {colour for colour in colours if colour.startswith("#0000")}
        assert colours == slots, f"{module.name} names {sorted(colours - slots)}"
    assert not re.findall(r"#[0-9A-Fa-f]{6}\b", (ROOT / "dashboard" / "style.css").read_text())


def test_no_python_outside_tests_names_a_kpi_or_a_channel_rule() -> None:
    import yaml

    names = set()
    for file in (ROOT / "dbt_project" / "models").rglob("*.yml"):
        document = yaml.safe_load(file.read_text()) or {}
        names |= {metric["name"] for metric in document.get("metrics", [])}
        names |= {metric["name"] for model in document.get("models", []) for metric in model.get("metrics", [])}
    compound = {name for name in names if "_" in name}
    assert len(compound) > 20
    for module in modules("app.py", "cli.py", "settings.py", "dashboard", "ingest", "pages"):
        tree = ast.parse(module.read_text())
        words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        assert not words & compound, f"{module.relative_to(ROOT)} names {sorted(words & compound)}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
                assert node.left.id != "channel", f"{module.relative_to(ROOT)}:{node.lineno} decides by channel"


def test_a_file_is_read_by_sql_only_in_ingestion() -> None:
    for model in (ROOT / "dbt_project").rglob("*.sql"):
        if "target" not in model.parts:
            assert not re.search(r"read_(csv|parquet|json)", model.read_text()), model.name


def test_marts_keep_to_the_sql_every_engine_speaks() -> None:
    for model in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql"):
        text = model.read_text().lower()
        assert "group by all" not in text, model.name
        assert not re.search(r"\*\s+exclude", text), model.name


def test_every_mart_is_a_pair_that_says_its_grain() -> None:
    import yaml

    for model in sorted((ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")):
        pair = model.with_suffix(".yml")
        assert pair.exists(), f"{model.name} has no {pair.name} beside it"
        described = {entry["name"]: entry for entry in yaml.safe_load(pair.read_text())["models"]}
        assert described[model.stem]["description"].startswith("One row per"), model.name
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text())
    assert project["models"]["omnikpi"]["marts"]["+contract"]["enforced"] is True


def test_every_time_dimension_of_a_mart_is_a_day() -> None:
    import yaml

    for pair in sorted((ROOT / "dbt_project" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(pair.read_text()).get("models", []):
            times = [one for one in model["columns"] if (one.get("dimension") or {}).get("type") == "time"]
            wrong = [one["name"] for one in times if (one["data_type"], one["granularity"]) not in DAYS]
            assert not wrong, f"{pair.name}: {wrong} must be dates: the dashboard reads them as days"


def test_no_module_is_a_junk_drawer() -> None:
    banned = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
    assert not {module.stem for module in modules("dashboard", "demo", "estimators", "ingest")} & banned


def test_nothing_writes_raw_html_into_a_page() -> None:
    for module in modules("dashboard", "pages", "app.py"):
        assert "unsafe_allow_html" not in module.read_text(), module.name
