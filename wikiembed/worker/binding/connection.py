"""The app's connection to Postgres."""

from __future__ import annotations

import asyncio
from typing import Any

import procrastinate
import psycopg
from psycopg_pool import AsyncConnectionPool

from wikiembed.db.connect import connect_options, database_url, translate_errors
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.db.pool import Pool, configure_session
from wikiembed.db.pooler import require_own_backend_async
from wikiembed.worker.runtime_holder import RuntimeHolder


class Connector(procrastinate.PsycopgConnector):
    """Resolves the database URL when the app is opened, not when it is imported."""

    def __init__(self, runtime: RuntimeHolder) -> None:
        super().__init__(configure=configure_session)
        self._runtime = runtime
        self.endpoint: Endpoint | None = None
        """The database that was opened last; None before that."""

    async def _create_pool(self, pool_args: dict[str, Any]) -> AsyncConnectionPool[Any]:
        with translate_errors():
            conninfo = await asyncio.to_thread(database_url, self._runtime.settings)
            return Pool(
                conninfo,
                min_size=2,
                max_size=8,
                kwargs={"application_name": "wikiembed queue", **connect_options(conninfo)},
                **pool_args,
            )

    async def open_async(self, pool: AsyncConnectionPool[Any] | None = None) -> None:
        """Open the pool after one connection succeeds: a pool would retry silently for 30 s.

        Raises: DatabaseUnreachable, ConfigurationError, procrastinate's ConnectorException.
        """
        if pool is None and self._async_pool is None:
            with translate_errors():
                conninfo = await asyncio.to_thread(database_url, self._runtime.settings)
                options = connect_options(conninfo)
                async with await psycopg.AsyncConnection.connect(
                    conninfo, autocommit=True, **options
                ) as first:
                    await require_own_backend_async(first, conninfo, options)
                    self.endpoint = endpoint(self._runtime.settings, first)
        await super().open_async(pool)

    async def close_connections(self) -> None:
        """Close both pools now: callers that wait for a connection get an error."""
        runtime = self._runtime.opened
        if runtime is not None:
            await runtime.aclose()
        if self._async_pool is not None:
            await self._async_pool.close()

    async def close_async(self) -> None:
        """Close the queue's pool and, with it, the tasks' resources."""
        await self._runtime.aclose()
        await super().close_async()
