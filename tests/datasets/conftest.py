"""Retailers whose data is real or standard: their exports through mapping files of their own to a published build."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dashboard import builds
from dashboard.metrics import Question, ask
from ingest.build import build
from ingest.inbox import IngestSummary, ingest
from ingest.publish import publish
from settings import Settings

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Retailer:
    """What a run on a retailer's exports left, asked the way the pages and `omnikpi query` ask."""

    settings: Settings
    ingested: IngestSummary

    def ask(
        self,
        *metrics: str,
        by: tuple[str, ...] = (),
        since: date | None = None,
        until: date | None = None,
        where: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """The answer's rows: dimensions, then metrics."""
        kept = tuple((name, (value,)) for name, value in (where or {}).items())
        question = Question(metrics=metrics, by=by, since=since, until=until, where=kept)
        return ask(self._build, question).frame.select(*by, *metrics)

    def value(self, metric: str) -> float:
        """A metric over all the data."""
        return self.ask(metric).item()

    def row(self, query: str) -> tuple[object, ...]:
        """The one row of a query on the published marts."""
        return self._build.sql(query).row(0)

    @property
    def _build(self) -> builds.Build:
        current = builds.current(self.settings.data_dir)
        assert current
        return current


Run = Callable[..., Retailer]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs exports through the mapping files of `tests/datasets/<name>`, all that `omnikpi run` does.

    dbt's unit tests, which try the models on rows of their own, are left out as they are after every first run.
    """

    def whole(name: str, exports: Mapping[str, Path], currency: str, timezone: str, sources: Path | None = None) -> Retailer:
        data = tmp_path_factory.mktemp(name) / "data"
        settings = Settings(data_dir=data, sources=sources or HERE / name, currency=currency, timezone=timezone, _env_file=None)  # pyright: ignore[reportCallIssue]
        ingested = load(settings, exports)
        publish(settings, build(settings, is_proven=True))
        return Retailer(settings, ingested)

    return whole


def load(settings: Settings, exports: Mapping[str, Path]) -> IngestSummary:
    """Loads each file from its place in the inbox."""
    for place, export in exports.items():
        target = settings.inbox / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(export, target)
    return ingest(settings)
