"""The terminal door: the `omnikpi` command.

Each command says what it does, does it through `ingest` or `dashboard`, and exits with a documented code: 0 done or nothing
to do, 2 usage, 65 data refused, 74 reading or writing failed, 75 another run holds the lock, 78 configuration.
"""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ingest import exit_code
from settings import Settings, load_settings

PROJECT = Path(__file__).resolve().parent
EXIT_CODES = {
    0: "done, or nothing to do",
    2: "the command was misspelt",
    65: "data refused: a file, or a test on the data",
    74: "reading or writing failed",
    75: "another run holds the lock",
    78: "the configuration is wrong",
}

# Without a terminal, how often a long file says where it stands.
SECONDS_BETWEEN_LINES = 10

app = typer.Typer(
    name="omnikpi",
    help="Omnichannel KPIs that executives trust: exports in, dashboards out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sources_app = typer.Typer(invoke_without_command=True, add_completion=False)
app.add_typer(sources_app, name="sources")
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


class Size(StrEnum):
    small = "small"
    medium = "medium"


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


class Grain(StrEnum):
    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"
    retail_week = "retail_week"
    retail_month = "retail_month"
    retail_quarter = "retail_quarter"
    retail_year = "retail_year"


_DAY: Any = {"formats": ["%Y-%m-%d"], "metavar": "DATE"}
From = Annotated[datetime | None, typer.Option("--from", help="First day, inclusive: 2026-01-31.", **_DAY)]
To = Annotated[datetime | None, typer.Option("--to", help="Last day, inclusive.", **_DAY)]
By = Annotated[str | None, typer.Option(metavar="DIM[,DIM]", help="Dimensions to split by.")]
Period = Annotated[Grain | None, typer.Option("--grain", help="Length of a period.")]
Where = Annotated[list[str] | None, typer.Option(metavar="DIM=VALUE", help="Keep one value; may be repeated.")]
AsOf = Annotated[str | None, typer.Option(metavar="BUILD|DATE", help="Answer as known then.")]
Metrics = Annotated[str, typer.Argument(metavar="METRIC[,METRIC]", help="Metrics by name; see `omnikpi metrics`.")]


def main() -> None:
    """Run the command line; turns every expected failure into one clear message and its exit code."""
    try:
        app()
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        _fail(str(error), code)


@app.command()
def demo(
    size: Annotated[Size, typer.Option(help="small takes two minutes; medium writes ten million order lines.")] = Size.small,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Start the dashboard when done.")] = True,
) -> None:
    """Write the demonstration retailer's exports, run everything, open the dashboard."""
    import demo as retailer

    settings = _settings()
    marker = settings.data_dir / "demo.json"
    asked = {"size": size.value}
    if marker.exists() and json.loads(marker.read_text()) != asked:
        _fail(f"{settings.data_dir} holds a demonstration of another size; remove it or set OMNIKPI_DATA_DIR", 78)
    if not marker.exists():
        if settings.warehouse.exists():
            _fail(f"{settings.data_dir} holds a retailer's own data; set OMNIKPI_DATA_DIR to another folder", 78)
        with _working("Writing the demonstration retailer's exports") as say:
            retailer.write(settings.inbox, settings.data_dir / "truth", size=size.value, progress=say)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps(asked) + "\n")
    _run(settings)
    if open_:
        serve()
    else:
        out.print("Start the dashboard with: omnikpi serve")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="The file to look at.", exists=True, dir_okay=False)]) -> None:
    """Say what of FILE would load and what would not; write nothing."""
    from ingest.checking import check_file

    checked = check_file(_settings(), file)
    out.print(checked.text(), highlight=False, markup=False)
    raise typer.Exit(0 if checked.would_load else 65)


@app.command()
def ingest(
    source: Annotated[str | None, typer.Option(help="Only this source's files.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would load; write nothing.")] = False,
    replay: Annotated[
        list[Path] | None, typer.Option(help="Load this repaired file of the quarantine; may be repeated.", exists=True)
    ] = None,
) -> None:
    """Load the inbox into the warehouse."""
    settings = _settings()
    with _alone(settings), _files() as files:
        from ingest.inbox import ingest as load_inbox

        summary = load_inbox(settings, source, dry_run, replay or (), files.report, files.expect, files.reach)
    _conclude(summary)


@app.command()
def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Files of the quarantine or of the archive; of a folder, those not loaded.", exists=True
        ),
    ],
) -> None:
    """Load repaired files of the quarantine, corrected rejects, or archived files whose mapping has changed."""
    ingest(replay=files)


@app.command()
def rejects(
    file: Annotated[str, typer.Argument(metavar="SOURCE/FILE", help="A file with rejected rows; see `omnikpi status`.")],
) -> None:
    """Write a file's rejected rows out, to be corrected and loaded alone."""
    from ingest.rejects import export

    written = export(_settings(), file)
    out.print(f"Correct {written}\nand then: omnikpi replay {shlex.quote(str(written))}", highlight=False, markup=False)


@app.command()
def build(
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Compute every row again.")] = False,
) -> None:
    """Build the models, test them, and publish."""
    from ingest.run import build as build_and_publish

    settings = _settings()
    with _working("Building") as say:
        build_id = build_and_publish(settings, full_refresh, say)
    out.print(f"Published build {build_id}")


@app.command()
def run() -> None:
    """Load the inbox, build, publish: the one command a scheduler calls."""
    _run(_settings(), strict=True)


@app.command()
def watch(every: Annotated[str, typer.Option(help="Time between two runs: 30s, 15m, 2h.")] = "15m") -> None:
    """Run again and again, for those without a scheduler."""
    pause = _seconds(every)
    while True:
        try:
            _run(_settings())
        except Exception as error:
            if exit_code(error) is None:
                raise
            err.print(f"omnikpi: {error}", style="red", markup=False)
        time.sleep(pause)


@app.command()
def query(
    metrics: Metrics,
    by: By = None,
    grain: Period = None,
    since: From = None,
    until: To = None,
    where: Where = None,
    as_of: AsOf = None,
    format: Annotated[Format, typer.Option(help="How to print the answer.")] = Format.table,  # noqa: A002
) -> None:
    """Give the same answer the pages give."""
    from dashboard import answers
    from dashboard.metrics import ask

    settings, published = _published(as_of)
    answer = ask(published, _question(metrics, by, grain, since, until, where))
    print(answers.render(published, answer, format.value, settings.locale).rstrip("\n"))


@app.command()
def explain(
    metrics: Metrics,
    by: By = None,
    grain: Period = None,
    since: From = None,
    until: To = None,
    where: Where = None,
    as_of: AsOf = None,
) -> None:
    """Show a number's definition, SQL, lineage and source rows."""
    from dashboard import answers

    settings, published = _published(as_of)
    print(answers.explain(published, _question(metrics, by, grain, since, until, where), settings.locale))


@app.command()
def metrics() -> None:
    """List the metrics that can be asked for."""
    from dashboard.catalogue import catalogue

    settings, published = _published(None)
    french = settings.locale == "fr"
    table = Table("metric", "label", "topic", "formula", box=None, header_style="bold")
    for metric in catalogue(published).values():
        table.add_row(metric.name, metric.label_fr if french else metric.label, metric.topic, metric.formula)
    out.print(table)


@sources_app.callback()
def sources(context: typer.Context) -> None:
    """List the mappings: which files load, and what they feed."""
    from ingest.mappings import load_mappings

    if context.invoked_subcommand:
        return
    table = Table("source", "mapping", "files", "feeds", box=None, header_style="bold")
    for mapping in load_mappings(_settings()).values():
        table.add_row(mapping.source, mapping.name, ", ".join(mapping.files), ", ".join(mapping.feeds))
    out.print(table)


@sources_app.command()
def new(
    file: Annotated[Path, typer.Option("--from", help="The file to look at.", exists=True, dir_okay=False)],
) -> None:
    """Propose a mapping for an unknown file: what is sure, and every doubt as a comment; write and load nothing."""
    from ingest.inbox import original_name
    from ingest.mappings import load_mappings
    from ingest.proposing import propose

    settings = _settings()
    print(propose(file, original_name(settings, file.absolute()), load_mappings(settings).values()))


@app.command()
def status() -> None:
    """Show loads, freshness and the quarantine."""
    from ingest.ledger import status as ledger_status
    from ingest.run import current_info

    settings = _settings()
    info = current_info(settings)
    out.print(f"Data folder {settings.data_dir}")
    if info:
        held = f"data {info['data_from']} to {info['data_to']}" if info["data_to"] else "no data yet"
        out.print(f"Current build {info['build_id']}, {held}")
    else:
        out.print("No build yet: put exports in the inbox and call `omnikpi run`")
    out.print(ledger_status(settings).table())


@app.command()
def doctor() -> None:
    """Check the installation: rights, disk, clock, mappings, the ledger, late feeds, the last run; say what to do."""
    from ingest.diagnosis import diagnose

    settings = _settings()
    findings = diagnose(settings)
    for finding in findings:
        out.print(f"[{'green]ok  ' if finding.ok else 'red]fault'}[/] {finding.subject}: {escape(finding.message)}")
    raise typer.Exit(max(finding.exit_code for finding in findings))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "localhost",
) -> None:
    """Start the dashboard."""
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import cli as streamlit

    from dashboard import warming

    settings = _settings()
    # Streamlit reads its theme from the folder it is started in; the data folder may be anywhere.
    os.environ["OMNIKPI_DATA_DIR"] = str(settings.data_dir)
    os.chdir(PROJECT)
    command = ["run", "app.py", f"--server.port={port}", f"--server.address={address}"]
    if not sys.stdout.isatty() or not _has_display():
        command.append("--server.headless=true")
    out.print(f"The dashboard is at http://{address}:{port} (Ctrl+C stops it)")
    warming.start(settings.data_dir)
    # Else the first visitor of a server sees the plain list of files in `pages/` until `app.py` has declared its navigation.
    PagesManager.uses_pages_directory = False
    # In this process, so that what it has made ready is there for the first reader.
    streamlit.main(command, prog_name="streamlit", standalone_mode=False)


def _settings() -> Settings:
    try:
        return load_settings()
    except ValidationError as error:
        told = (
            f"OMNIKPI_{'.'.join(map(str, one['loc'])).upper()}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        _fail(f"a setting is wrong: {'; '.join(told)}", 78)


def _published(as_of: str | None) -> tuple[Settings, Any]:
    """The settings and the build to answer from; fails clearly when there is none."""
    from dashboard import builds

    settings = _settings()
    published = builds.find(settings.data_dir, as_of) if as_of else builds.current(settings.data_dir)
    if published is None:
        _fail(f"there is no build in {settings.data_dir} yet: put exports in {settings.inbox} and call `omnikpi run`", 78)
    return settings, published


def _question(
    metrics: str,
    by: str | None,
    grain: Grain | None,
    since: datetime | None,
    until: datetime | None,
    where: list[str] | None,
) -> Any:
    from dashboard.metrics import Question

    kept: dict[str, tuple[str, ...]] = {}
    for condition in where or []:
        dimension, equals, value = condition.partition("=")
        if not equals or not dimension:
            _fail(f"--where takes DIM=VALUE, not {condition!r}", 2)
        kept[dimension] = (*kept.get(dimension, ()), value)
    return Question(
        metrics=_names(metrics),
        by=_names(by or ""),
        grain=grain.value if grain else None,
        since=_day(since),
        until=_day(until),
        where=tuple(kept.items()),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _run(settings: Settings, strict: bool = False) -> None:
    """A whole run with its progress shown; `strict` exits 65 when a file was refused."""
    with _alone(settings):
        pass  # an answer within a second, before anything slow is imported
    from ingest.run import run as run_all

    with _files() as files:
        summary = run_all(settings, files.say, files.report, files.expect, files.reach)
    if summary.build_id:
        out.print(f"Published build {summary.build_id}")
    else:
        out.print("Nothing new: the current build is up to date")
    _conclude(summary.ingested, strict)


def _conclude(summary: Any, strict: bool = True) -> None:
    """Say what was loaded and what needs somebody's attention; exit 65 when a file was refused, 74 when one may not be read."""
    out.print(summary.text(), highlight=False, markup=False)
    if strict and summary.exit_code:
        raise typer.Exit(summary.exit_code)


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """The lock of the data folder; raises `LockHeld` at once when a run is at work."""
    from ingest.lock import lock

    return lock(settings)


class Files:
    """What a run says of itself: on a terminal a bar with rows, speed and time left, then the steps; else JSON lines."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("Looking into the inbox", total=None, rows="")
        self._rows = self._bytes = 0
        self._began = self._written = time.monotonic()

    def expect(self, files: int, size: int) -> None:
        """So many files and bytes will be loaded; time left goes by bytes."""
        told = "one file" if files == 1 else f"{files:,} files"
        self._progress.update(self._task, description=f"Loading {told}", total=size or None)
        self._began = time.monotonic()

    def report(self, load: Any) -> None:
        """A file's fate is known."""
        self._write(load.facts())
        if load.verdict != "waiting":  # it is none of those that were expected
            self._rows, self._bytes = self._rows + load.rows_in, self._bytes + load.bytes
        self._show(self._rows, self._bytes)

    def reach(self, load: Any, share: float) -> None:
        """This share of a large file is loaded; a line says so now and then."""
        if time.monotonic() - self._written >= SECONDS_BETWEEN_LINES:
            self._write(load.facts() | {"share": round(share, 3)})
        self._show(self._rows + load.rows_in, self._bytes + share * load.bytes)

    def _write(self, facts: dict[str, Any]) -> None:
        if not sys.stdout.isatty():
            print(json.dumps(facts, default=str), flush=True)
        self._written = time.monotonic()

    def _show(self, rows: int, size: float) -> None:
        speed = rows / max(time.monotonic() - self._began, 0.001)
        self._progress.update(self._task, completed=size, rows=f"{rows:,} rows · {speed:,.0f} rows/s")

    def say(self, step: str) -> None:
        """A model was built or a test passed."""
        self._progress.update(self._task, description=f"Building · {step}", total=None)


@contextmanager
def _files() -> Iterator[Files]:
    """The progress of a run, on stderr."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"))
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        yield Files(progress)


@contextmanager
def _working(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner with the step at hand on a terminal; silence elsewhere."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(title)
        yield lambda step: progress.update(task, description=f"{title} · {step}")


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        return float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError):
        _fail(f"--every takes a time such as 30s, 15m or 2h, not {text!r}", 2)


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _fail(message: str, code: int) -> NoReturn:
    err.print(f"omnikpi: {message}", style="red", markup=False, highlight=False)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
