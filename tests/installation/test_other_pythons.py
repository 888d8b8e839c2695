"""The pinned dependencies install, and the command works, on every Python the product promises."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.proof

MAPPING = """\
source: till
files: "tickets_*.csv"
csv: {delimiter: ";"}
entities:
  locations:
    location_id: "Code"
    name: "Nom"
    kind: {value: store}
    region: {value: Nord}
    country: {value: FR}
    timezone: {value: Europe/Paris}
    opened_on: {value: "2020-01-01"}
"""


def uv() -> str:
    found = shutil.which("uv") or shutil.which(str(ROOT / ".uv" / "bin" / "uv"))
    if not found:
        pytest.skip("uv is not here; `make install` brings it")
    return found


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_lock_installs_and_a_file_loads_and_builds(version: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [uv(), "python", "find", "--offline", "--no-project", "--system", version], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(f"no Python {version} on this machine")
    python = tmp_path / "venv" / "bin" / "python"
    checkout = tmp_path / "checkout"
    ignored = (".venv", ".uv", ".git", "data", "target", "logs", "__pycache__", ".pytest_cache", ".ruff_cache")
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*ignored))

    outside = {name: value for name, value in os.environ.items() if not name.startswith(("OMNIKPI_", "VIRTUAL_ENV", "PYTHON"))}

    def run(*command: str, **environment: str) -> str:
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, env=outside | environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    run(uv(), "venv", "--quiet", "--python", found.stdout.strip(), str(tmp_path / "venv"))
    run(uv(), "pip", "sync", "--quiet", "--python", str(python), "requirements.lock")
    run(uv(), "pip", "install", "--quiet", "--python", str(python), "--no-deps", "--no-build-isolation", "--editable", ".")
    data, sources = tmp_path / "data", tmp_path / "sources"
    sources.mkdir()
    (sources / "till.yml").write_text(MAPPING)
    (data / "inbox" / "till").mkdir(parents=True)
    (data / "inbox" / "till" / "tickets_1.csv").write_text("Code;Nom\n0017;Lille\n")
    settings = {"OMNIKPI_DATA_DIR": str(data), "OMNIKPI_SOURCES": str(sources), "HOME": str(tmp_path)}
    assert "1 of 1 files loaded: 1 rows, 0 rejected" in run(str(python.with_name("omnikpi")), "run", **settings)
    assert "average_order_value" in run(str(python.with_name("omnikpi")), "metrics", **settings)
