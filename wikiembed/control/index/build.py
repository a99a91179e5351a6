"""Build an index of a source while its table is written to, and drop it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql

from wikiembed.control.index.parts import Part, parts_of, state_of
from wikiembed.control.index.running import Progress, Watched
from wikiembed.control.index.target import NewIndex

Connection = psycopg.Connection[Any]
LOCK_EVERY_S = 0.5
BRIEFLY = "10s"
_LOCK = "select pg_try_advisory_lock(hashtextextended('wikiembed index ' || %s, 0))"
_SIZE = """
select coalesce(sum(pg_relation_size(c.oid)), 0)::bigint
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where n.nspname || '.' || c.relname = any(%s)
"""
_UNLOCK = "select pg_advisory_unlock(hashtextextended('wikiembed index ' || %s, 0))"


class Builder:
    """Builds on `connection`, which must be used for nothing else; polls through `watcher`."""

    def __init__(
        self,
        connection: Connection,
        watcher: Connection,
        *,
        say: Callable[[str], None],
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._say = say
        self._watched = Watched(connection, watcher, on_progress)

    @contextlib.contextmanager
    def alone(self, new: NewIndex) -> Iterator[None]:
        """Hold the lock under which one session at a time builds indexes of this source.

        The lock is polled: a session that waits for it would hold the snapshot that a concurrent
        build waits for.
        """
        reported = False
        while not self._try_lock(new):
            if not reported:
                self._say(f"{new.target.source}: another session is building its index; waiting.")
            reported = True
            time.sleep(LOCK_EVERY_S)
        try:
            yield
        finally:
            with contextlib.suppress(psycopg.Error):  # a closed connection holds no lock
                self._connection.execute(_UNLOCK, (new.target.source,))

    def _try_lock(self, new: NewIndex) -> bool:
        """Take the lock; False if another session has it, or builds such an index without it."""
        if self._connection.execute(_LOCK, (new.target.source,)).fetchone() != (True,):
            return False
        states = (state_of(self._connection, part) for part in parts_of(self._connection, new))
        if not any(state and state.building for state in states):
            return True
        self._connection.execute(_UNLOCK, (new.target.source,))
        return False

    def build(self, new: NewIndex, *, memory: int) -> None:
        """Build the index with `memory` bytes; drop an invalid one first.

        If interrupted, it leaves nothing, or an invalid index that the next build drops, and
        reports which. Raises: psycopg.Error.
        """
        self._set(maintenance_work_mem=f"{memory >> 10}kB", statement_timeout="0")
        parts = parts_of(self._connection, new)
        # Partitioned tables allow no concurrent build; their own index has no rows.
        for part in (p for p in parts if not p.is_leaf):
            if state_of(self._connection, part) is None:
                self._set(lock_timeout=BRIEFLY)
                self._connection.execute(_create(part, new.using, how="only"))
        for part in (p for p in parts if p.is_leaf):
            self._build_leaf(part, _create(part, new.using, how="concurrently"))
        self._attach(parts)

    def size(self, new: NewIndex) -> int:
        """Size of the index on disk, in bytes."""
        names = [part.label for part in parts_of(self._connection, new) if part.is_leaf]
        row = self._connection.execute(_SIZE, (names,)).fetchone()
        return int(row[0]) if row is not None else 0

    def drop(self, new: NewIndex) -> list[str]:
        """Drop the index that `build` makes, even if invalid; returns the names."""
        self._set(statement_timeout="0")
        dropped = []
        for part in parts_of(self._connection, new):  # the root drops what is attached to it
            if state_of(self._connection, part) is not None:
                self._drop_part(part)
                dropped.append(part.label)
        return dropped

    def _build_leaf(self, part: Part, statement: sql.Composed) -> None:
        state = state_of(self._connection, part)
        if state is not None and state.valid:
            return
        if state is not None:
            self._say(f"Dropping index {part.label} first: a build of it was interrupted.")
            self._drop_part(part)
        self._set(lock_timeout="0")
        try:
            try:
                self._watched.run(statement)
            except pg.DiskFull as error:
                if "shared memory" not in str(error):
                    raise
                # Parallel workers keep the graph in /dev/shm, of which a container has 64 MB.
                self._set(max_parallel_maintenance_workers="0")
                self._drop_part(part)
                self._watched.run(statement)
        except BaseException as error:
            self._clean(part, word="Failed" if isinstance(error, Exception) else "Interrupted")
            raise

    def _attach(self, parts: list[Part]) -> None:
        """Attach the parts' indexes, from the leaves up; the last one makes the root's valid."""
        by_oid = {part.oid: part for part in parts}
        self._set(lock_timeout=BRIEFLY)
        for part in reversed(parts):
            state = state_of(self._connection, part)
            if part.parent in by_oid and state is not None and not state.attached:
                self._connection.execute(
                    sql.SQL("alter index {} attach partition {}").format(
                        by_oid[part.parent].identifier, part.identifier
                    )
                )

    def _drop_part(self, part: Part) -> None:
        self._set(lock_timeout="0" if part.is_leaf else BRIEFLY)
        how = sql.SQL("concurrently " if part.is_leaf else "")
        self._connection.execute(sql.SQL("drop index {}if exists {}").format(how, part.identifier))

    def _clean(self, part: Part, *, word: str) -> None:
        """Drop the index of an interrupted build, unless its locks take more than seconds."""
        try:
            if word == "Failed" and state_of(self._connection, part) is None:
                return  # it was refused before it started, and the error has the reason
            self._set(lock_timeout="3s", statement_timeout=BRIEFLY)
            self._connection.execute(
                sql.SQL("drop index concurrently if exists {}").format(part.identifier)
            )
        except psycopg.Error:
            self._say(
                f"{word}: an invalid index {part.label} is left; searches do not use it, and the"
                " next `wikiembed index` drops it."
            )
        else:
            self._say(f"{word}: nothing is left of index {part.label}.")

    def _set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._connection.execute("select set_config(%s, %s, false)", (name, value))


def _create(part: Part, using: sql.Composable, *, how: str) -> sql.Composed:
    """The statement that creates the part's index: `how` is ``concurrently`` or ``only``."""
    return sql.SQL("create index {}{} on {}{} {}").format(
        sql.SQL("concurrently " if how == "concurrently" else ""),
        sql.Identifier(part.index),
        sql.SQL("only " if how == "only" else ""),
        sql.Identifier(part.schema, part.table),
        using,
    )
