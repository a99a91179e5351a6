"""The console's connections: few, named, and each statement with a limit of time.

The statements are those of the commands, which are synchronous: they run in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from wikiembed.config import Settings
from wikiembed.db import version
from wikiembed.db.connect import SESSION, connect_options, database_url, translate_errors
from wikiembed.errors import DatabaseUnreachable
from wikiembed.web.access import ALONE

Connection = psycopg.Connection[Any]
P = ParamSpec("P")
Result = TypeVar("Result")
APPLICATION = "wikiembed console"
READ_MS = 5_000
"""What a statement of a page may take."""
ANSWER_S = 15.0
"""What all statements of a page may take: a Postgres that hangs ends no statement by itself."""
ACT_MS = 60_000
"""What a statement of an action may take."""
POOL_SIZE = 6
WAIT_S = 5.0
CHECK_S = 2
"""What a connection of `check` may take to open; libpq takes nothing shorter."""
THREADS = 40
"""Of each database: one that hangs takes none from the others."""
_SET = "select set_config(%s, %s, false)"


def require_schema(connection: Connection) -> None:
    """Refuse a database of another schema version.

    Raises: SchemaMismatch.
    """
    version.require_head(version.current(connection))


class Database:
    """A pool that is opened with the first use."""

    def __init__(
        self,
        settings: Settings,
        *,
        read_ms: int = READ_MS,
        wait_s: float = WAIT_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.settings = settings
        self.read_ms = read_ms
        self.wait_s = wait_s
        self.answer_s = answer_s
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = threading.Lock()
        self._threads: anyio.CapacityLimiter | None = None

    def url(self) -> str:
        """The URL of Postgres, which is started if it is the embedded one."""
        return database_url(self.settings)

    def _opened(self) -> ConnectionPool[Connection]:
        with self._opening:
            if self._pool is None:
                url = self.url()
                pool: ConnectionPool[Connection] = ConnectionPool(
                    url, open=False, min_size=1, max_size=POOL_SIZE, timeout=self.wait_s,
                    configure=self.configure, check=ConnectionPool.check_connection,
                    reconnect_timeout=WAIT_S,
                    kwargs={
                        "autocommit": True, "application_name": APPLICATION, **connect_options(url)
                    },
                )  # fmt: skip
                pool.open()
                self._pool = pool
            return self._pool

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of the pool.

        Raises: DatabaseUnreachable, ConfigurationError.
        """
        try:
            with self._opened().connection() as connection:
                yield connection
        except (PoolTimeout, PoolClosed) as error:
            raise DatabaseUnreachable(
                "No connection to Postgres is free: it is out of reach, or busy."
            ) from error

    async def read(
        self,
        work: Callable[Concatenate[Connection, P], Result],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        """Run `work` with a connection, in a thread; its statements may take `READ_MS` each.

        What Postgres has not answered within `answer_s` is given up. Its thread and connection wait
        on, at most as many as the pool has; they are of use again when Postgres answers.

        Raises: DatabaseUnreachable when Postgres hangs; WikiembedError, psycopg.Error.
        """

        def run() -> Result:
            with self.connection() as connection, translate_errors():
                return work(connection, *args, **kwargs)

        try:
            with anyio.fail_after(self.answer_s):
                return await self.in_thread(run, abandon=True)
        except TimeoutError:
            raise DatabaseUnreachable(
                f"Postgres hangs: it has not answered for {self.answer_s:g} s."
            ) from None

    async def check(self) -> None:
        """Open a connection apart from the pool, which does not say why it has none.

        Raises: WikiembedError, psycopg.Error.
        """

        def run() -> None:
            url = self.url()
            options = {**connect_options(url), "connect_timeout": CHECK_S}
            with (
                translate_errors(),
                psycopg.connect(
                    url, autocommit=True, application_name=APPLICATION, **options
                ) as connection,
            ):
                self.configure(connection)
                require_schema(connection)

        await self.in_thread(run)

    async def in_thread(self, work: Callable[[], Result], *, abandon: bool = False) -> Result:
        """The result of `work`, which blocks; the threads of this database run it.

        `abandon`: a task that is cancelled does not wait for it.
        """
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(
            work, limiter=self._threads, abandon_on_cancel=abandon
        )

    async def act(self, user: str, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in the name of `user`, which the action log has; `ACT_MS` per statement.

        Raises: WikiembedError, psycopg.Error.
        """

        def run() -> Result:
            with self.connection() as connection, translate_errors():
                connection.execute(_SET, ("wikiembed.actor", user))
                connection.execute(_SET, ("statement_timeout", str(ACT_MS)))
                try:
                    return work(connection)
                finally:
                    if not connection.closed:
                        with contextlib.suppress(psycopg.Error):
                            self.configure(connection)

        return await self.in_thread(run)

    def configure(self, connection: Connection) -> None:
        """Prepare a connection: it names the console, and limits each statement."""
        connection.execute(SESSION)
        connection.execute(_SET, ("statement_timeout", str(self.read_ms)))
        connection.execute(_SET, ("wikiembed.actor", ALONE))

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        with self._opening:
            pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.close)
