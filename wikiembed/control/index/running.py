"""Run a statement that takes hours, with progress and cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
LOOK_EVERY_S = 0.25
CANCEL_S = 10.0

_PROGRESS = """
select phase, tuples_done, blocks_done, blocks_total, current_locker_pid
  from pg_catalog.pg_stat_progress_create_index where pid = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The number of rows in the graph, and the phase of the build."""

    rows: int
    phase: str


class Watched:
    """Runs statements on `connection`, one after the other, and polls through `watcher`."""

    def __init__(
        self, connection: Connection, watcher: Connection, on_progress: Callable[[Progress], None]
    ) -> None:
        self._connection = connection
        self._watcher = watcher
        self._on_progress = on_progress
        self._rows_before = 0

    def run(self, statement: sql.Composed) -> None:
        """Run `statement` to its end; an exception of this thread, Ctrl-C too, cancels it.

        Raises: psycopg.Error.
        """
        failures: list[BaseException] = []

        def work() -> None:
            try:
                self._connection.execute(statement)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        rows = 0
        try:
            while thread.is_alive():
                thread.join(LOOK_EVERY_S)
                rows = max(rows, self._look())
        except BaseException:
            self._connection.cancel_safe(timeout=CANCEL_S)
            thread.join(CANCEL_S)
            raise
        if failures:
            raise failures[0]
        self._rows_before += rows

    def _look(self) -> int:
        try:
            pid = self._connection.info.backend_pid
            row = self._watcher.execute(_PROGRESS, (pid,)).fetchone()
        except psycopg.Error:  # the build may continue without progress
            return 0
        if row is None:
            return 0
        phase, rows, blocks, total, locker = row
        phase = phase.removeprefix("building index: ")
        if locker:
            phase = f"{phase} (process {locker})"
        elif total and "validation" in phase:
            phase = f"{phase}, {100 * blocks // total} %"
        self._on_progress(Progress(rows=self._rows_before + rows, phase=phase))
        return int(rows)
