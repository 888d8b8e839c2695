"""One tiny retailer, written once for all tests of this folder."""

from pathlib import Path

import pytest

import demo


@pytest.fixture(scope="session")
def size() -> demo.Size:
    return demo.Size(people=1_500, sessions=6_000, daily=20)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, size: demo.Size) -> Path:
    """A folder with the exports in `inbox/` and what is true of them in `truth/`."""
    folder = tmp_path_factory.mktemp("retailer")
    demo.write(folder / "inbox", folder / "truth", size, seed=7)
    return folder
