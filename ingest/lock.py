"""One writer for a data folder; imports nothing slow, so that a second start is turned away at once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from settings import Settings


class LockHeld(Exception):
    """Another run is at work on the same data folder."""

    exit_code = 75


@contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Hold the data folder for one writer; raises `LockHeld` at once when another has it. The system frees it on a crash."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise LockHeld(f"another run (process {holder}) holds {settings.data_dir}; wait for it to end") from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield
