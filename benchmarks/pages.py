"""Each page on a published build: its data queries cold, warm and cached, and the server's time for a change of filter.

Data queries are asking, compiling and running, without drawing. Cold: a fresh process. Warm: every answer dropped, what is
compiled kept. A filter set for the first time since the server started makes questions of a new shape, which are compiled.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks.measure import python

PROJECT = Path(__file__).parents[1]
# Changes a reader makes, one at a time, each from the page's first view; a value is the data's own where it is empty.
CHANGES = (
    {"channel": "store"}, {"channel": "web"}, {"region": ""}, {"period": "last_28_days"}, {"period": "all"},
    {"compare": "previous_period"}, {"tax": "ttc"}, {"calendar": "retail"},
)  # fmt: skip


@dataclass
class Stopwatch:
    """Seconds spent in what it watches, and how many queries reached the database; what nests counts once."""

    seconds: float = 0.0
    queries: int = 0
    depth: int = field(default=0, repr=False)

    def watch(self, owner: Any, name: str) -> None:
        """Replace a function or method by one that is timed."""
        original: Callable[..., Any] = getattr(owner, name)
        is_query = name == "sql"

        @wraps(original)
        def timed(*arguments: Any, **options: Any) -> Any:
            self.queries += is_query
            self.depth += 1
            begun = time.perf_counter()
            try:
                return original(*arguments, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.perf_counter() - begun

        setattr(owner, name, timed)

    @contextmanager
    def round(self) -> Iterator[dict[str, float]]:
        """What one run of the page took, there when it is over."""
        found: dict[str, float] = {}
        self.seconds, self.queries = 0.0, 0
        begun = time.perf_counter()
        yield found
        found |= {"page": time.perf_counter() - begun, "data": self.seconds, "queries": self.queries}


def measure(page: str, result: str) -> None:
    """Run one page of the build in `OMNIKPI_DATA_DIR` in this process and write what was measured to `result`."""
    import dashboard.builds
    import dashboard.metrics
    import dashboard.semantics

    # Before any other module takes these functions by name.
    watch = Stopwatch()
    watch.watch(dashboard.metrics, "ask")
    watch.watch(dashboard.metrics, "largest")
    watch.watch(dashboard.builds.Build, "sql")
    for name in ("__init__", "compile", "available"):
        watch.watch(dashboard.semantics.Semantics, name)

    from streamlit.testing.v1 import AppTest

    import dashboard.frame

    shown = AppTest.from_file(page, default_timeout=600)

    def run(**parameters: str) -> dict[str, float]:
        for name in list(shown.query_params):
            del shown.query_params[name]
        for name, value in parameters.items():
            shown.query_params[name] = value
        with watch.round() as found:
            shown.run()
        if shown.exception:
            raise RuntimeError(f"{page}: {shown.exception[0].message}")
        return found

    figures: dict[str, Any] = {"cold": run()}
    _forget(_everything())
    figures["warm"] = run()
    figures["cached"] = run()
    build = dashboard.builds.current(Path(os.environ["OMNIKPI_DATA_DIR"]))
    assert build
    own = {"region": build.sql("select min(region) from marts.locations where region <> 'unknown'").row(0)[0]}
    figures |= {"first": [], "change": []}
    for change in CHANGES:
        wanted = {name: value or own[name] for name, value in change.items()}
        figures["first"].append(run(**wanted)["page"])
        run()
        _forget({"dashboard.metrics", "dashboard.charts"})
        figures["change"].append(run(**wanted)["page"])
        run()
    Path(result).write_text(json.dumps(figures))


def _everything() -> set[str]:
    """The modules that keep answers and what is drawn from them; connections, definitions and compiled SQL stay."""
    return {name for name in sys.modules if name.startswith("dashboard.")} - {"dashboard.builds", "dashboard.semantics"}


def _forget(modules: set[str]) -> None:
    """Drop what these modules keep, except definitions."""
    kept = {part for name in modules for part in vars(sys.modules[name]).values() if hasattr(part, "cache_clear")}
    for part in kept:
        if part.__module__ in modules and part.__name__ not in ("definitions", "dimensions"):
            part.cache_clear()


def main(data: Path) -> None:
    """Measure every page on the build published in a data folder, and print."""
    size = sum(path.stat().st_size for path in (data / "builds" / (data / "CURRENT").read_text().strip()).rglob("*.duckdb"))
    title = f"Pages on a build of {size / 1e6:.0f} MB, each in a process of its own"
    print(f"\n{title}\n{'-' * len(title)}")
    print(f"{'':14}{'data queries':>46}{'page':>10}{'another filter':>24}{'first of its shape':>24}")
    print(
        f"{'':14}{'number':>10}{'cold s':>12}{'warm ms':>12}{'cached ms':>12}{'cold s':>10}"
        f"{'median ms':>12}{'worst ms':>12}{'median ms':>12}{'worst ms':>12}{'peak MiB':>10}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        for page in sorted((PROJECT / "pages").glob("[!_]*.py")):
            result = Path(scratch) / f"{page.stem}.json"
            code = "import sys; from benchmarks.pages import measure; measure(*sys.argv[1:])"
            environment = {"OMNIKPI_DATA_DIR": str(data.absolute()), "PYTHONPATH": str(PROJECT)}
            peak = python(code, page, result, environment=environment).peak_mib
            found = json.loads(result.read_text())
            cold, warm, cached = (found[name] for name in ("cold", "warm", "cached"))
            row = f"{page.stem:14}{cold['queries']:10}{cold['data']:12.2f}{warm['data'] * 1e3:12.0f}{cached['data'] * 1e3:12.1f}"
            row += f"{cold['page']:10.2f}"
            for name in ("change", "first"):
                row += f"{statistics.median(found[name]) * 1e3:12.0f}{max(found[name]) * 1e3:12.0f}"
            print(row + f"{peak:10.0f}", flush=True)
    print(f"The machine's load over the last minute was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
