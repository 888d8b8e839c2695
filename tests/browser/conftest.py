"""A browser, and a fresh server of the demonstration retailer's dashboard."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """A Chromium: the one `OMNIKPI_CHROMIUM` names, one on the path, or Debian's, installed when this may."""
    named = os.environ.get("OMNIKPI_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(command, env=quiet, capture_output=True, check=False)
        if found := shutil.which("chromium"):
            return found
    pytest.fail(
        "browser tests need Chromium: install it (Debian: apt-get install chromium) or set OMNIKPI_CHROMIUM", pytrace=False
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


STREAMLIT = ["-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.fileWatcherType=none"]
SERVE = ["-m", "cli", "serve"]


@contextmanager
def server(data: Path, command: list[str] = STREAMLIT) -> Iterator[str]:
    """A dashboard just started, which nobody has visited; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    prefix = "--server." if command is STREAMLIT else "--"
    command = [sys.executable, *command, f"{prefix}address=127.0.0.1", f"{prefix}port={port}"]
    settings = os.environ | {"OMNIKPI_DATA_DIR": str(data)}
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    for _ in range(240):
        assert process.poll() is None, "the dashboard's server ended by itself"
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.25)
    pytest.fail("the dashboard's server did not start within a minute")


@pytest.fixture
def fresh_server(demonstration: Path) -> Iterator[str]:
    """A server of its own for one test: its first visit is the test's."""
    with server(demonstration) as address:
        yield address


@pytest.fixture(scope="session")
def shared_server(demonstration: Path) -> Iterator[str]:
    """One server for the tests that do not mind who came before."""
    with server(demonstration) as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable]:
    """Opens an address in a new window and waits until the page is drawn: `visit(address, width=390)`."""
    contexts = []

    def visited(address: str, width: int = 1440, height: int = 900, scheme: Literal["light", "dark"] = "light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(address, timeout=60_000)
        drawn(page)
        return page

    yield visited
    for context in contexts:
        context.close()


def drawn(page) -> None:
    """Wait until the script has run and nothing is left to draw."""
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=60_000, state="attached")
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')", timeout=60_000)
