"""Compiled SQL that outlives a server: a question's shape costs MetricFlow 30 to 200 ms, reading it back a tenth of one.

Kept beside the builds in `shapes.sqlite`, by the definitions it was compiled from, so a build with the same definitions finds
it and one with others does not. It is a cache: it may be removed at any time, and where it cannot be written, nothing is kept.
"""

import sqlite3
from contextlib import closing
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

FILE = "shapes.sqlite"
# Servers and the warming write side by side; a writer waits this long for another.
WAIT_SECONDS = 5.0


class Shapes:
    """The shapes compiled from one text of definitions."""

    def __init__(self, data_dir: Path, definitions: str) -> None:
        self._file = data_dir / FILE
        self._definitions = sha256(f"{version('metricflow')} {definitions}".encode()).hexdigest()[:16]

    def get(self, shape: tuple) -> str | None:
        """The SQL of a shape, where it was compiled before."""
        if not self._file.exists():
            return None
        query = "select sql from shapes where definitions = ? and shape = ?"
        try:
            with closing(self._connect()) as connection:
                found = connection.execute(query, (self._definitions, repr(shape))).fetchone()
        except sqlite3.Error:
            return None
        return found[0] if found else None

    def keep(self, shape: tuple, sql: str) -> str:
        """The SQL, kept where that can be."""
        try:
            with closing(self._connect()) as connection, connection:
                connection.execute(
                    "create table if not exists shapes (definitions text, shape text, sql text, primary key (definitions, shape))"
                )
                connection.execute("insert or replace into shapes values (?, ?, ?)", (self._definitions, repr(shape), sql))
        except sqlite3.Error:
            return sql
        return sql

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=WAIT_SECONDS)
