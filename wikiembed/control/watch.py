"""Snapshots of a running operation, repeated through losses of Postgres."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control.overview import overview
from wikiembed.db.connect import as_ours, translate_errors
from wikiembed.errors import WikiembedError
from wikiembed.times import now

Connection = psycopg.Connection[Any]
MINUTES = 60

# A minute in which nothing was embedded has no row.
_THROUGHPUT = """
select coalesce(sum(t.chunks), 0)::bigint
  from generate_series(date_trunc('minute', now()) - make_interval(mins => %s - 1),
                       date_trunc('minute', now()), '1 minute') as m (minute)
  left join wikiembed.throughput as t on t.minute = m.minute
 group by m.minute order by m.minute
"""
_ACTIONS = "select at, who, action, source, why from wikiembed.action_log order by id desc limit %s"
MOST_ACTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The overview, the chunks embedded in each of the last 60 minutes, and when it was taken.

    `actions`: the last rows of the action log, newest first; none if the role may not read it.
    """

    state: dict[str, list[dict[str, Any]]]
    throughput: list[int]
    at: dt.datetime
    actions: list[dict[str, Any]] = field(default_factory=list)


def nothing_yet() -> Snapshot:
    """In place of the first snapshot of a database that has not answered yet."""
    return Snapshot(state=defaultdict(list), throughput=[], at=now())


@dataclass(frozen=True, slots=True)
class View:
    """The last snapshot; if there is no newer one, for how many seconds and why."""

    snapshot: Snapshot
    lost_s: float = 0.0
    why: str | None = None


def look(connection: Connection) -> Snapshot:
    """One snapshot.

    Raises: WikiembedError, psycopg.Error.
    """
    with translate_errors():
        state = overview(connection)
        rows = connection.execute(_THROUGHPUT, (MINUTES,)).fetchall()
    return Snapshot(
        state=state,
        throughput=[row[0] for row in rows],
        at=now(),
        actions=_actions(connection),
    )


def _actions(connection: Connection) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(_ACTIONS, (MOST_ACTIONS,)).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            return []


class Watcher:
    """Takes snapshots in a thread of its own, so that a Postgres that hangs blocks nothing else.

    `why`: the first one could not be taken.
    """

    def __init__(
        self,
        open_connection: Callable[[], AbstractContextManager[Connection]],
        first: Snapshot,
        *,
        every_s: float,
        patience_s: float = 3.0,
        why: str | None = None,
    ) -> None:
        self._open = open_connection
        self._every_s = every_s
        self._patience_s = patience_s
        self._snapshot = first
        self._taken_at = time.monotonic()
        self._why = why
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def view(self) -> View:
        """The last snapshot, and how old it is if newer ones fail."""
        age_s = time.monotonic() - self._taken_at
        late = age_s > self._every_s + self._patience_s
        if self._why is None and not late:
            return View(self._snapshot)
        return View(self._snapshot, age_s, self._why or "Postgres does not answer.")

    def _run(self) -> None:
        while True:
            try:
                with self._open() as connection:
                    while True:
                        self._snapshot = look(connection)
                        self._taken_at = time.monotonic()
                        self._why = None
                        time.sleep(self._every_s)
            except WikiembedError as error:
                self._why = str(error)
            except psycopg.Error as error:
                self._why = str(as_ours(error))
            time.sleep(self._every_s)
