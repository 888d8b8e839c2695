"""What several areas share: the demonstration retailer, run once a session exactly as a new user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def omnikpi(*arguments: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a process of its own."""
    command = [sys.executable, "-m", "cli", *arguments]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("OMNIKPI_")}
    settings |= {"OMNIKPI_DATA_DIR": str(data), "NO_COLOR": "1", "COLUMNS": "200"} | environment
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the demonstration retailer, size small, after `omnikpi demo --no-open`.

    `OMNIKPI_TEST_DEMO` may name a folder that holds a finished one; tests only read it.
    """
    if kept := os.environ.get("OMNIKPI_TEST_DEMO"):
        return Path(kept)
    data = tmp_path_factory.mktemp("demonstration") / "data"
    data.mkdir()
    # The same persons on every run: samples are drawn by who they are.
    key = data / ".hash_key"
    key.write_text("5e" * 32)
    key.chmod(0o600)
    finished = omnikpi("demo", "--no-open", data=data)
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
    return data


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Data that is not ours to ship; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("OMNIKPI_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.exists():
        pytest.skip(f"{folder} is absent; OMNIKPI_SHARED_DATA may name it")
    return folder
