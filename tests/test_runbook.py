"""The runbook has an entry for every way a run can end and every reason to refuse a file."""

import ast
import re
from pathlib import Path

import pytest

import cli

ROOT = Path(__file__).parent.parent
HEADINGS = re.findall(r"^### (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)


def refusals() -> dict[str, str]:
    """Place in the code → the words of every refusal, its variable parts left out."""
    found = {}
    for module in sorted((ROOT / "ingest").glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DataRefused":
                words = [part.value for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Constant)]
                found[f"{module.name}:{node.lineno}"] = " ".join(str(word) for word in words)
    return found


def test_every_exit_code_has_an_entry() -> None:
    assert {f"Exit {code}" for code in cli.EXIT_CODES} <= set(HEADINGS)


@pytest.mark.parametrize("place", refusals())
def test_every_refusal_has_an_entry(place: str) -> None:
    said = refusals()[place]
    parts = [max((part.strip(" :;.") for part in heading.split("…")), key=len) for heading in HEADINGS]
    assert any(part in said for part in parts), f"{place} says {said!r}: give it a heading in docs/runbook.md"
