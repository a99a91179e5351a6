"""What the fleet reads of Postgres: the queue, and what of it may be worked on."""

from __future__ import annotations

from wikiembed.db import version
from wikiembed.db.pool import Pool, open_pool
from wikiembed.store.chunks import Backlog, ChunkStore
from wikiembed.worker.fleet.policy import Demand


class QueueWatch:
    """Reads the demand, and rescues the jobs of workers that died, also while none is alive."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Pool | None = None

    async def store(self) -> ChunkStore:
        """The store, connected on first use to a schema of this version.

        Raises: DatabaseUnreachable, ConfigurationError, SchemaMismatch.
        """
        if self._pool is None:
            pool = await open_pool(self._url, size=2)
            try:
                version.require_head(await ChunkStore(pool).schema_version())
            except BaseException:
                await pool.close()
                raise
            self._pool = pool
        return ChunkStore(self._pool)

    async def read(self) -> Demand:
        """What waits and runs now.

        Raises: DatabaseUnreachable, psycopg.Error.
        """
        store = await self.store()
        return demand_of(await store.backlog(), upkeep=await store.reconciles_left(None))

    async def rescue(self) -> None:
        """Requeue the jobs of workers without a heartbeat."""
        await (await self.store()).upkeep("select * from wikiembed.rescue_jobs()")

    async def aclose(self) -> None:
        """Close the connections, those in use as well; the next use opens others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


def demand_of(backlog: list[Backlog], *, upkeep: int) -> Demand:
    """The demand of the sources that are not paused; also those that a budget has paused are."""
    open_sources = [one for one in backlog if not one.paused and one.opens_at is None]
    return Demand(
        todo=sum(one.todo for one in open_sources),
        doing=sum(one.doing for one in open_sources),
        upkeep=upkeep,
        open_sources=len(open_sources),
    )
