"""Make a server ready for its readers: what the first visit and the first use of each control would wait for is done before.

`prepare` loads the definitions into the server's own process. `python -m dashboard.warming`, a process of its own with the
lowest priority, visits every page once with each control moved, so that the shapes of question behind it are compiled and
kept (`dashboard.shapes`); it does so once for a set of definitions.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

from dashboard import builds
from dashboard.builds import Build, BuildError
from dashboard.catalogue import dimensions, values
from dashboard.semantics import semantics
from settings import load_settings

PROJECT = Path(__file__).parent.parent
# Each control moved from where it stands at first; the values are irrelevant, they are bound when a question is asked.
MOVES: tuple[dict[str, str], ...] = (
    {},
    {"tax": "ttc"},
    {"period": "last_28_days"},
    {"period": "all"},
    {"calendar": "retail"},
    {"basis": "same_stores"},
)
# Kept among the shapes once all pages were visited.
DONE = ("every page",)
FILTERED = (("channel",), ("region",), ("location",), ("channel", "region"))


def start(data_dir: Path) -> None:
    """Get ready in the background: this process's definitions in a thread, every page's shapes in a process of its own."""
    Thread(target=prepare, args=(data_dir,), daemon=True).start()
    subprocess.Popen(
        [sys.executable, "-m", "dashboard.warming"],
        cwd=PROJECT,
        env=os.environ | {"OMNIKPI_DATA_DIR": str(data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def prepare(data_dir: Path) -> None:
    """The current build's definitions in memory, if there is a build."""
    with suppress(BuildError):
        if build := builds.current(data_dir):
            semantics(build)


def views(build: Build) -> Iterator[dict[str, str]]:
    """Link parameters of every view whose questions have a shape of their own."""
    yield from MOVES
    known = {name: next((value for value in values(build, name) if value != "unknown"), None) for name in dimensions(build)}
    for names in FILTERED:
        chosen = {name: value for name in names if (value := known.get(name))}
        if len(chosen) == len(names):
            yield chosen


def visit(build: Build) -> int:
    """Open every page in every view, and remember that it was done; returns the number of visits, 0 where it was done before."""
    from streamlit.testing.v1 import AppTest

    kept = semantics(build).shapes
    if kept.get(DONE):
        return 0
    visits = 0
    for view in views(build):
        for page in sorted((PROJECT / "pages").glob("*.py")):
            app = AppTest.from_file(str(page), default_timeout=600)
            for name, value in view.items():
                app.query_params[name] = value
            app.run()
            visits += 1
    kept.keep(DONE, "visited")
    return visits


if __name__ == "__main__":
    os.nice(19)
    if current := builds.current(load_settings().data_dir):
        visit(current)
