"""The worker's calls: read chunks, write vectors, record failures."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg

from wikiembed.db import version
from wikiembed.db.connect import translate_errors
from wikiembed.db.pool import Pool, VectorArray
from wikiembed.error_class import ErrorClass
from wikiembed.errors import SourceNotFound
from wikiembed.store.batch_entry import BatchEntry
from wikiembed.store.calls import fetch_all
from wikiembed.store.coverage import COVERAGE, DOCUMENT_COUNTS, Coverage, DocumentCounts
from wikiembed.store.dimensions import COLUMN_DIMENSIONS
from wikiembed.store.outcome import Outcome
from wikiembed.store.source import SOURCE, Source
from wikiembed.times import local
from wikiembed.vectors import Matrix


@dataclass(frozen=True, slots=True)
class Chunk:
    """A missing chunk: its key, its text, and the version to write with (None: no text).

    `source_version` is that of the source's row when the chunk was read.
    """

    key: str
    content: str | None
    version: int | None
    source_version: str | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """One source's jobs, in numbers of jobs, and its pause.

    `opens_at`: when its window opens, where it has only bulk work, outside of its windows.
    """

    source: str
    todo: int
    doing: int
    later: int
    paused: bool
    paused_by: str | None
    paused_at: dt.datetime | None
    pause_reason: str | None
    opens_at: dt.datetime | None = None

    @property
    def left(self) -> int:
        """Jobs that are not done."""
        return self.todo + self.doing + self.later

    @property
    def pause_sentence(self) -> str:
        """Who paused it, when and why."""
        why = f": {self.pause_reason}" if self.pause_reason else ""
        at = f" at {local(self.paused_at)}" if self.paused_at else ""
        return f"Source {self.source!r} was paused by {self.paused_by}{at}{why}"


class ChunkStore:
    """Calls of the functions granted to workers; each is one short transaction.

    Every method raises DatabaseUnreachable, LockNotAvailable, SourceNotFound or psycopg.Error.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sources: dict[str, Source] = {}
        self._pausing = asyncio.Lock()

    async def _all(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object]
    ) -> list[Any]:
        return await fetch_all(self._pool, statement, parameters)

    async def _of_source(
        self, source: str, statement: str, prefix: str, parameters: Sequence[object]
    ) -> list[Any]:
        """Call the source's own function whose name begins with `prefix`.

        The public function would plan each call again, with a copy of its vectors.
        """
        name = f"{prefix}_{source}".replace('"', '""').replace("%", "%%")
        try:
            return await self._all(statement.format(f'wikiembed_private."{name}"'), parameters)
        except psycopg.errors.UndefinedFunction:
            await self.get_source(source)  # raises SourceNotFound, when that is why
            raise

    async def read_chunks(self, source: str, keys: Sequence[str], *, attempt: int) -> list[Chunk]:
        """The chunks of `keys` that still lack a vector; see wikiembed.read_chunks."""
        rows = await self._of_source(
            source,
            "select key, content, version, source_version from {}(%s::text[], %s)",
            "read",
            (list(keys), attempt),
        )
        return [Chunk(*row) for row in rows]

    async def source_of(self, name: str, chunks: Sequence[Chunk]) -> Source:
        """The row of the source as of when `chunks` were read, or its present one.

        Never an older one: a model that was changed since makes the write stale, not wrong.

        Raises: SourceNotFound.
        """
        known = self._sources.get(name)
        if known is None or any(c.source_version != known.version for c in chunks):
            known = self._sources[name] = await self.get_source(name)
        return known

    async def get_source(self, name: str) -> Source:
        """The source's present row.

        Raises: SourceNotFound.
        """
        rows = await self._all(SOURCE, (name,))
        if not rows:
            raise SourceNotFound(f"No source is named {name!r}.")
        return Source.from_row(rows[0])

    async def column_dimensions(self, name: str) -> int | None:
        """The dimensions that the source's column declares now; None: none, or no such source."""
        rows = await self._all(COLUMN_DIMENSIONS, (name,))
        return rows[0][0] if rows else None

    async def write_embeddings(
        self,
        source: str,
        keys: Sequence[str],
        versions: Sequence[int | None],
        matrix: Matrix,
        *,
        attempt: int,
    ) -> dict[str, Outcome]:
        """Store row i of `(n, dim) float32` for key i; see wikiembed.write_embeddings."""
        rows = await self._of_source(
            source,
            "select key, outcome from {}(%s::text[], %s::bigint[], %b, %s)",
            "store",
            (list(keys), list(versions), VectorArray(matrix), attempt),
        )
        return {key: Outcome(outcome) for key, outcome in rows}

    async def write_truncated(
        self,
        source: str,
        keys: Sequence[str],
        versions: Sequence[int | None],
        matrix: Matrix,
        *,
        chars: Sequence[int],
        kept: Sequence[int | None],
        attempt: int,
    ) -> dict[str, Outcome]:
        """Store vectors of texts that were cut, and mark them; see wikiembed.write_truncated."""
        rows = await self._all(
            "select key, outcome from wikiembed.write_truncated("
            "%s, %s::text[], %s::bigint[], %b, %s::int[], %s::int[], %s)",
            (
                source,
                list(keys),
                list(versions),
                VectorArray(matrix),
                list(chars),
                list(kept),
                attempt,
            ),
        )
        return {key: Outcome(outcome) for key, outcome in rows}

    async def record_batches(self, entry: BatchEntry) -> None:
        """Record what batches cost; see wikiembed.record_batches and settle_budget."""
        await self._all(entry.statement, entry.parameters())

    async def record_failures(
        self,
        source: str,
        chunks: Sequence[Chunk],
        *,
        error_class: ErrorClass,
        message: str = "",
        http_status: int | None = None,
        attempts: int = 1,
        job_id: int | None = None,
        attempt: int = 0,
    ) -> dict[str, Outcome]:
        """Record why `chunks` are not embedded; see wikiembed.record_failures."""
        rows = await self._all(
            "select key, outcome from wikiembed.record_failures("
            "%s, %s::text[], %s::bigint[], %s, %s, %s::int, %s::int, %s::bigint, %s, %s::int)",
            (
                source,
                [c.key for c in chunks],
                [c.version for c in chunks],
                error_class,
                message,
                http_status,
                attempts,
                job_id,
                error_class.state,
                attempt,
            ),
        )
        return {key: Outcome(outcome) for key, outcome in rows}

    async def reserve_budget(self, source: str, reservation: int, tokens: int) -> bool | None:
        """Whether the source's budget has `tokens` left; None: by what is in flight not now.

        See wikiembed.reserve_budget.
        """
        rows = await self._all(
            "select wikiembed.reserve_budget(%s, %s::bigint, %s::bigint)",
            (source, reservation, tokens),
        )
        granted: bool | None = rows[0][0]
        return granted

    async def pin_model(
        self,
        source: str,
        *,
        provider: str,
        model: str,
        dimensions: int,
        document_prefix: str,
        query_prefix: str | None,
    ) -> None:
        """Pin what the settings resolved to, or compare with it, but for the prefix of questions.

        Raises: ModelMismatch.
        """
        await self._all(
            "select wikiembed.pin_model(%s, %s, %s, %s::int, %s, %s)",
            (source, provider, model, dimensions, document_prefix, query_prefix),
        )

    async def pause(self, source: str, why: str) -> bool:
        """Pause `source` in the worker's name; False when it is paused already.

        Batches in flight hit the same error at the same time, so the calls are serialized.
        """
        async with self._pausing:
            rows = await self._all(
                "select wikiembed.pause(s.name, %s) from wikiembed.sources as s where s.name = %s"
                " and (s.paused_at is null or s.resume_at <= now())",
                (why, source),
            )
        return bool(rows)

    async def is_paused(self, source: str) -> bool:
        """Whether `source` is paused now."""
        rows = await self._all(
            "select s.paused_at is not null and (s.resume_at is null or s.resume_at > now())"
            " from wikiembed.sources as s where s.name = %s",
            (source,),
        )
        return bool(rows and rows[0][0])

    async def coverage(self) -> list[Coverage]:
        """View wikiembed.coverage, with the counts of documents."""
        counts = [DocumentCounts(*row) for row in await self._all(DOCUMENT_COUNTS, ())]
        of = {one.source: one for one in counts}
        rows = [Coverage(*row) for row in await self._all(COVERAGE, ())]
        return [replace(row, documents=of.get(row.source)) for row in rows]

    async def schema_version(self) -> str | None:
        """The database's schema version; None where wikiembed is not installed."""
        if not await self._one(version.HAS_VERSION):
            return None
        revision = await self._one(version.REVISION)
        if revision is None:
            return None
        digest = await self._one(version.DIGEST) if await self._one(version.HAS_DIGEST) else None
        return version.joined(str(revision), digest)

    async def _one(self, query: LiteralString) -> Any:
        rows = await self._all(query, ())
        return rows[0][0] if rows else None

    async def backlog(self) -> list[Backlog]:
        """What waits or runs in each source, and whether it is paused."""
        rows = await self._all(
            "select q.source, q.todo, q.doing, q.scheduled_later,"
            " s.paused_at is not null and (s.resume_at is null or s.resume_at > now()),"
            " s.paused_by, s.paused_at, s.pause_reason,"
            " case when wikiembed_private.is_bulk_closed(s.bulk_opens_at, s.bulk_closes_at)"
            " and not exists (select from wikiembed_queue.procrastinate_jobs as j"
            " where j.queue_name = s.queue_name and j.status in ('todo', 'doing')"
            " and j.priority >= 5) then s.bulk_opens_at end"
            " from wikiembed.queue as q join wikiembed.sources as s on s.name = q.source",
            (),
        )
        return [Backlog(*row) for row in rows]

    async def reconciles_left(self, source: str | None) -> int:
        """Number of reconciles of `source` (None: of any) that triggers queued, not yet done."""
        rows = await self._all("select wikiembed.reconciles_left(%s)", (source,))
        return int(rows[0][0])

    async def jobs_of_worker(self, worker_id: int) -> list[int]:
        """Ids of a worker's jobs in state `doing`."""
        rows = await self._all("select wikiembed.jobs_of_worker(%s)", (worker_id,))
        return list(rows[0][0])

    async def release_jobs(self, worker_id: int, job_ids: Sequence[int]) -> int:
        """Requeue jobs of a worker; return their number."""
        rows = await self._all(
            "select wikiembed.release_jobs(%s, %s::bigint[])", (worker_id, list(job_ids))
        )
        return int(rows[0][0])

    async def upkeep(self, statement: str, parameters: Sequence[object] = ()) -> dict[str, object]:
        """Run one of the upkeep functions: its row, as column → value."""
        with translate_errors():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement, parameters)
                row = await cursor.fetchone()
                names = [c.name for c in cursor.description or ()]
        return {} if row is None else dict(zip(names, row, strict=True))
