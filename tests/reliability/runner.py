"""A process that has imported everything and forks a child for each piece of work: a run that is killed costs no start.

Reads one JSON object a line from stdin (`work`, `settings`, `sources`, `project`, `environment`, `hold`) and answers with the
child's wait status and what it said. Only the size is another: the mappings and the dbt project are small ones.
"""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

import ingest.build
import ingest.inbox
import ingest.mappings
import ingest.publish
import ingest.run
from ingest import exit_code
from ingest.build import BuildResult
from settings import Settings


def work(asked: dict) -> None:
    os.environ.update(asked.get("environment", {}))
    ingest.mappings.SHIPPED = Path(asked["sources"])
    if project := asked.get("project"):
        ingest.build.PROJECT = ingest.publish.PROJECT = Path(project)
    settings = Settings(_env_file=None, **asked["settings"])  # pyright: ignore
    if limit := asked.get("file_size_limit"):
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if eio := asked.get("eio"):
        os.environ["OMNIKPI_TEST_EIO"] = f"{settings.data_dir}:{eio}"
    if most := asked.get("most_files"):
        ingest.inbox.MOST_FILES = most
    if asked["work"] == "run":
        ingest.run.run(settings)
    elif asked["work"] == "build":
        ingest.run.build(settings)
    elif asked["work"] == "publish":
        ingest.publish.publish(settings, BuildResult((), settings.data_dir / "target"))
    else:
        with ingest.run.lock(settings):
            ingest.inbox.ingest(settings)


def child(asked: dict, said: int) -> None:
    begun = time.monotonic()
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if begin := asked.get("begin"):  # a file that appears when all shall begin at once
            while not Path(begin).exists():
                time.sleep(0.001)
        begun = time.monotonic()
        work(asked)
        code, message = 0, ""
    except Exception as error:
        code, message = exit_code(error) or 1, f"{type(error).__name__}: {error}"
    calls = ctypes.CDLL(None).calls_seen() if "OMNIKPI_TEST_EIO" in os.environ else 0
    os.write(said, json.dumps({"message": message, "seconds": time.monotonic() - begun, "calls": calls}).encode())
    os._exit(code)


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        children = []
        for _ in range(asked.get("times", 1)):
            hears, said = os.pipe()
            pid = os.fork()
            if not pid:
                child(asked, said)
            os.close(said)
            children.append((pid, hears))
        if asked.get("begin"):
            time.sleep(0.2)
            Path(asked["begin"]).touch()
        answers = []
        for pid, hears in children:
            heard = b"".join(iter(lambda hears=hears: os.read(hears, 1 << 16), b""))
            os.close(hears)
            status = os.waitpid(pid, 0)[1]
            answers.append({"code": os.waitstatus_to_exitcode(status), **json.loads(heard or b"{}")})
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
