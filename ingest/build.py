"""Run the dbt project on the warehouse and say, model by model and test by test, how it went."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest import failpoints
from ingest.lock import inherited
from settings import Settings

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
# What its Python models compute with.
ESTIMATORS = PROJECT.parent / "estimators"
# Beside dbt's artifacts: which models and settings made all that the warehouse holds of them.
MADE_BY = "made_by.json"
# dbt ends when the run that called it does, however that ended: else it would go on writing to the warehouse, alone. The next run
# waits until it has.
DBT = """
import os, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
from dbt.cli.main import cli
cli(prog_name="dbt")
"""


@dataclass(frozen=True)
class Node:
    """What dbt says of one model, seed or test of a build."""

    name: str
    kind: str  # model, seed, test, unit_test, snapshot
    status: str  # success, pass, warn, error, fail, skipped
    failures: int
    message: str
    seconds: float


@dataclass(frozen=True)
class BuildResult:
    """A finished dbt build; `target` holds its artifacts (manifest, semantic manifest, run results)."""

    nodes: tuple[Node, ...]
    target: Path

    @property
    def tests(self) -> list[Node]:
        return [node for node in self.nodes if node.kind in ("test", "unit_test")]


class BuildFailed(Exception):
    """A dbt build that must not be published; `exit_code` tells faulty data (65) from the disk (74) and the project (78)."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def project_checksum() -> str:
    """A digest of every file that decides what a build computes; equal digests on equal inputs build equal marts."""
    digest = hashlib.sha256()
    for path in sorted([*PROJECT.rglob("*"), *ESTIMATORS.rglob("*")]):
        inside = path.relative_to(PROJECT if path.is_relative_to(PROJECT) else ESTIMATORS)
        if path.is_file() and path.suffix in {".sql", ".yml", ".csv", ".py"} and inside.parts[0] not in {"target", "logs"}:
            digest.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def build(
    settings: Settings,
    full_refresh: bool = False,
    progress: Callable[[str], None] | None = None,
    is_proven: bool = False,
) -> BuildResult:
    """Run `dbt build`; returns when every model is built and every test has passed or only warned.

    Raises `BuildFailed` naming the models and tests at fault. dbt runs in a process of its own: it leaves neither an open
    database handle nor its memory behind. Unit tests try the models on rows of their own; where the project `is_proven`, which
    is unchanged since a build that passed them, they are left out. Tests on the data always run. Models compute what was loaded
    since they last ran, or every row when `full_refresh` is asked for or other models or settings made what is there.
    """
    target = settings.data_dir / "target"
    maker = json.dumps([project_checksum(), settings.currency, settings.timezone])
    made_by = target / MADE_BY
    if full_refresh or not made_by.exists() or made_by.read_text() != maker:
        full_refresh = True
        # Until all is made anew it is of no single maker.
        made_by.unlink(missing_ok=True)
    results_file = target / "run_results.json"
    results_file.unlink(missing_ok=True)
    command = [
        *(
            sys.executable,
            "-c",
            DBT,
            "--log-format",
            "json",
            "--no-use-colors",
            "build",
            "--no-partial-parse",
        ),
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(target), "--log-path", str(settings.data_dir / "logs")),
        *(["--full-refresh"] if full_refresh else []),
        *(["--exclude-resource-type", "unit_test"] if is_proven else []),
    ]
    environment = os.environ | {
        "OMNIKPI_DATA_DIR": str(settings.data_dir),
        "OMNIKPI_CURRENCY": settings.currency,
        "OMNIKPI_TIMEZONE": settings.timezone,
        "OMNIKPI_MEMORY": settings.memory,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    errors: list[str] = []
    printed: list[str] = []
    with (
        inherited(settings) as descriptor,
        subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(descriptor,),
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = json.loads(line)["info"]
            except (ValueError, KeyError):
                printed.append(line.strip())
                continue
            if event["level"] == "error":
                errors.append(event["msg"].strip())
            if event["name"] == "LogModelResult":
                failpoints.reach("models half built")
            if progress and event["name"] in ("LogModelResult", "LogSeedResult", "LogTestResult", "NodeFinished"):
                progress(event["msg"])
    if not results_file.exists():
        said = errors or printed or ["it printed nothing"]
        raise BuildFailed("dbt could not start: " + "\n".join(said), exit_code=74 if _is_of_the_disk(said) else 78)
    nodes = _nodes(results_file, json.loads((target / "manifest.json").read_text()))
    if process.returncode:
        raise BuildFailed(*_fault(nodes, errors or printed))
    made_by.write_text(maker)
    return BuildResult(nodes, target)


def _nodes(results_file: Path, manifest: dict) -> tuple[Node, ...]:
    known = manifest["nodes"] | manifest.get("unit_tests", {})
    nodes = []
    for result in json.loads(results_file.read_text())["results"]:
        node = known.get(result["unique_id"], {})
        kind = result["unique_id"].split(".")[0]
        name = node.get("name", result["unique_id"])
        if kind == "unit_test":
            name = f"{node.get('model', '')}: {name}"
        nodes.append(
            Node(
                name=name,
                kind=kind,
                status=str(result["status"]),
                failures=result.get("failures") or 0,
                message=(result.get("message") or "").strip(),
                seconds=result["execution_time"],
            )
        )
    return tuple(nodes)


def _fault(nodes: tuple[Node, ...], errors: list[str]) -> tuple[str, int]:
    """The sentence and exit code of a failed build: failed data tests are the data's fault, all else the project's."""
    failed = [node for node in nodes if node.status in ("error", "fail", "runtime error")]
    if not failed:
        return "dbt failed: " + "\n".join(errors or ["it gave no reason; see the log"]), 78
    lines = [f"{node.kind.replace('_', ' ')} {node.name}: {node.message or node.status}" for node in failed]
    if _is_of_the_disk([*lines, *errors]):
        return "\n".join(lines), 74
    data_at_fault = all(node.kind == "test" and node.status == "fail" for node in failed)
    return "\n".join(lines), 65 if data_at_fault else 78


def _is_of_the_disk(said: list[str]) -> bool:
    """Whether dbt or DuckDB speak of a disk that is full or refuses, or of too little memory."""
    return any(re.search(r"\[Errno (5|13|27|28|30|122)\]|IO Error|No space left|Out of Memory Error", line) for line in said)
