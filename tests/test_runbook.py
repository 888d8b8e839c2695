"""The runbook has an entry for every way a run can end and every reason to refuse a file."""

import ast
import os
import re
import shutil
import subprocess
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


def test_the_units_are_ones_systemd_accepts(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is absent")
    units = [path for path in sorted((ROOT / "deploy").iterdir()) if path.suffix in (".service", ".timer")]
    assert len(units) == 3
    program = tmp_path / "omnikpi"  # it is looked for; here it is not installed where the unit says
    program.touch(mode=0o755)
    for unit in units:
        text = unit.read_text().replace("/opt/omnikpi/.venv/bin/omnikpi", str(program))
        (tmp_path / unit.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in units)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_line_of_the_crontab_runs(tmp_path: Path) -> None:
    line = next(line for line in (ROOT / "deploy" / "crontab").read_text().splitlines() if line.startswith("*/15"))
    command = line.split(None, 5)[5]
    bin_ = tmp_path / "opt" / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "omnikpi").write_text('#!/bin/sh\necho "$1 in $OMNIKPI_DATA_DIR"\n')
    (bin_ / "omnikpi").chmod(0o755)
    (tmp_path / "data").mkdir()
    command = command.replace("/opt/omnikpi", str(tmp_path / "opt")).replace("/var/lib/omnikpi", str(tmp_path / "data"))
    environment = {"PATH": os.environ["PATH"], "OMNIKPI_DATA_DIR": str(tmp_path / "data")}
    subprocess.run(["/bin/sh", "-c", command], env=environment, check=True)  # as cron does
    assert (tmp_path / "data" / "run.jsonl").read_text() == f"run in {tmp_path / 'data'}\n"


def test_the_compose_file_names_what_exists() -> None:
    import yaml

    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback}
    for service in services.values():
        assert (ROOT / service["build"]["dockerfile"]).exists()
        assert service["command"][0] in commands
