"""The examples of `deploy/` name what exists and are what systemd, cron and compose read."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

import cli

ROOT = Path(__file__).parent.parent


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


def test_the_compose_file_calls_commands_that_exist() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    commands = typer.main.get_command(cli.app)
    for service in services.values():
        assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).resolve().exists()
        name, *options = service["command"]
        commands.get_command(None, name).make_context(name, options)  # type: ignore[attr-defined, arg-type]


def test_the_image_takes_what_is_installed_and_no_data() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY ((?!--|\.).*) \./$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert kept >= {*wheel["packages"], *wheel["include"], *" ".join(copied).split(), ".streamlit"}
    assert not kept & {"data", "deploy", "docs", "tests", ".env", ".git", ".venv"}
