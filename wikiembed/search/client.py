"""The client of applications: search, the vector of a question, coverage."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from wikiembed.config import Settings, load_settings
from wikiembed.db.connect import SESSION, connect_options, database_url, translate_errors
from wikiembed.search import plan
from wikiembed.search.hit import Filter, Hit, Mode, SearchOptions
from wikiembed.search.plan import Plan, Question, Reranking, Result, Statement
from wikiembed.search.question import CACHED, Questions
from wikiembed.search.reranking import Reranks
from wikiembed.store.coverage import COVERAGE, Coverage
from wikiembed.vectors import Matrix

POOL_SIZE = 4


class Connections(Protocol):
    """What a `Client` needs of a pool of psycopg connections."""

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection for one statement, which is given back."""
        ...


class OneConnection:
    """A connection that is open already in the place of a pool; one thread at a time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """The connection."""
        yield self._connection


_COVERAGE = COVERAGE + " where %s::text is null or source = %s order by source"
Source = str | Sequence[str] | None


def _settings(database_url: str | None, settings: Settings | None) -> Settings:
    found = settings or load_settings()
    return (
        found if database_url is None else found.model_copy(update={"database_url": database_url})
    )


def _names(source: Source) -> Sequence[str] | None:
    return [source] if isinstance(source, str) else source


class AsyncClient:
    """Searches the sources of one database, in an event loop.

    `database_url` and `pool` say where; without them the settings do (WIKIEMBED_DATABASE_URL and so
    on, from the environment or ``.env``). A `pool` that is given may be the application's own, with
    whatever rows and transactions: searches run with the rights of its role, and it is not
    closed. The model that made a source's vectors and the prefix of questions are read from the
    database with each search; only where its server is comes from `settings`. The last
    `cached_questions` vectors of questions are kept.

    Methods raise the classes of `wikiembed.errors`: DatabaseUnreachable, EmbedderError,
    SourceNotFound, InvalidArgument, SearchRefused, ConfigurationError.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        pool: AsyncConnectionPool[Any] | None = None,
        settings: Settings | None = None,
        cached_questions: int = CACHED,
    ) -> None:
        self._settings = _settings(database_url, settings)
        self._questions = Questions(self._settings, cached=cached_questions)
        self._reranks = Reranks(self._settings)
        self._given = pool
        self._own: AsyncConnectionPool[Any] | None = None
        self._opening = asyncio.Lock()

    async def search(
        self,
        text: str,
        *,
        source: Source = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002 - the term of the field
        mode: Mode | str = Mode.AUTO,
        vector_weight: float = 1.0,
        text_weight: float = 1.0,
        per_document: bool = False,
        rerank: bool | None = None,
    ) -> list[Hit]:
        """The chunks that answer `text` best, best first.

        `source`: a name, several of one model, or None for every source with vectors. `filter`:
        conditions on columns of the chunk or its document, see `Filter`. `mode`: ``auto`` ranks by
        vector and, where the source has an index of text, by text too. `per_document`: the best
        chunk of each document. `rerank`: put the hits in the order of the reranker
        (WIKIEMBED_RERANKER_URL); None: if one is set. In its outage they keep their order, without
        `rerank_score`, and `reranker_failure` says why.
        """
        options = SearchOptions(
            limit=limit,
            filter=filter,
            mode=Mode(mode),
            vector_weight=vector_weight,
            text_weight=text_weight,
            per_document=per_document,
            rerank=rerank,
        )
        return await self.take(
            plan.search(text, names=_names(source), options=options, settings=self._settings)
        )

    @property
    def reranker_failure(self) -> str | None:
        """Why the reranker did not answer when it was last asked; None if it did."""
        return self._reranks.failure

    async def embed_query(self, text: str, *, source: str) -> Matrix:
        """The vector of `text` as a question to `source`, `(dim,) float32`."""
        vector = await self.take(plan.embed_query(text, name=source))
        return vector.reshape(-1)

    async def coverage(self, source: str | None = None) -> list[Coverage]:
        """View ``wikiembed.coverage``, of one source or all."""
        rows = await self._execute(Statement(_COVERAGE, (source, source)))
        return [Coverage(*row) for row in rows]

    async def aclose(self) -> None:
        """Close the connections, but for those of a pool that was given."""
        await self._questions.aclose()
        await self._reranks.aclose()
        if self._own is not None:
            await self._own.close()
            self._own = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def take(self, steps: Plan[Result]) -> Result:
        """The result of a plan of `wikiembed.search.plan`."""
        given: Any = None
        while True:
            try:
                step = steps.send(given)
            except StopIteration as end:
                result: Result = end.value
                return result
            if isinstance(step, Question):
                given = await self._questions.vector(step.source, step.text, prefixed=step.prefixed)
            elif isinstance(step, Reranking):
                given = await self._reranks.scores(step.query, step.texts)
            else:
                given = await self._execute(step)

    async def _execute(self, statement: Statement) -> list[tuple[Any, ...]]:
        with translate_errors():
            pool = await self._pool()
            async with pool.connection() as connection:
                cursor = connection.cursor(row_factory=tuple_row)
                await cursor.execute(statement.sql.encode(), statement.parameters)
                rows: list[tuple[Any, ...]] = await cursor.fetchall()
                return rows

    async def _pool(self) -> AsyncConnectionPool[Any]:
        if self._given is not None:
            return self._given
        async with self._opening:
            if self._own is None:
                url = await asyncio.to_thread(database_url, self._settings)
                pool = AsyncConnectionPool(
                    url, open=False, min_size=1, max_size=POOL_SIZE, configure=_configure_async,
                    check=AsyncConnectionPool.check_connection, kwargs=_connecting(url),
                )  # fmt: skip
                # A pool would try for 30 s and then say only that it has no connection.
                await (await psycopg.AsyncConnection.connect(url, **connect_options(url))).close()
                await pool.open()
                self._own = pool
            return self._own


class Client:
    """The same for threads: see `AsyncClient`. It may be used by several at once."""

    def __init__(
        self,
        database_url: str | None = None,
        *,
        pool: Connections | None = None,
        settings: Settings | None = None,
        cached_questions: int = CACHED,
    ) -> None:
        self._settings = _settings(database_url, settings)
        self._questions = Questions(self._settings, cached=cached_questions)
        self._reranks = Reranks(self._settings)
        self._given = pool
        self._own: ConnectionPool[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def search(
        self,
        text: str,
        *,
        source: Source = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002 - the term of the field
        mode: Mode | str = Mode.AUTO,
        vector_weight: float = 1.0,
        text_weight: float = 1.0,
        per_document: bool = False,
        rerank: bool | None = None,
    ) -> list[Hit]:
        """The chunks that answer `text` best, best first: see `AsyncClient.search`."""
        options = SearchOptions(
            limit=limit,
            filter=filter,
            mode=Mode(mode),
            vector_weight=vector_weight,
            text_weight=text_weight,
            per_document=per_document,
            rerank=rerank,
        )
        return self.take(
            plan.search(text, names=_names(source), options=options, settings=self._settings)
        )

    @property
    def reranker_failure(self) -> str | None:
        """Why the reranker did not answer when it was last asked; None if it did."""
        return self._reranks.failure

    def embed_query(self, text: str, *, source: str) -> Matrix:
        """The vector of `text` as a question to `source`, `(dim,) float32`."""
        return self.take(plan.embed_query(text, name=source)).reshape(-1)

    def coverage(self, source: str | None = None) -> list[Coverage]:
        """View ``wikiembed.coverage``, of one source or all."""
        return [Coverage(*row) for row in self._execute(Statement(_COVERAGE, (source, source)))]

    def close(self) -> None:
        """Close the connections, but for those of a pool that was given."""
        with self._lock:
            loop, self._loop = self._loop, None
            pool, self._own = self._own, None
        if loop is not None:
            for close in (self._questions.aclose, self._reranks.aclose):
                asyncio.run_coroutine_threadsafe(close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
        if pool is not None:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, steps: Plan[Result]) -> Result:
        """The result of a plan of `wikiembed.search.plan`."""
        given: Any = None
        while True:
            try:
                step = steps.send(given)
            except StopIteration as end:
                result: Result = end.value
                return result
            if isinstance(step, Question):
                given = self._run(
                    self._questions.vector(step.source, step.text, prefixed=step.prefixed)
                )
            elif isinstance(step, Reranking):
                given = self._run(self._reranks.scores(step.query, step.texts))
            else:
                given = self._execute(step)

    def _execute(self, statement: Statement) -> list[tuple[Any, ...]]:
        with translate_errors(), self._pool().connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            cursor.execute(statement.sql.encode(), statement.parameters)
            return cursor.fetchall()

    def _pool(self) -> Connections:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None:
                url = database_url(self._settings)
                pool = ConnectionPool(
                    url, open=False, min_size=1, max_size=POOL_SIZE, configure=_configure,
                    check=ConnectionPool.check_connection, kwargs=_connecting(url),
                )  # fmt: skip
                psycopg.connect(url, **connect_options(url)).close()
                pool.open()
                self._own = pool
            return self._own

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`, done by the event loop of the connections to servers."""
        return asyncio.run_coroutine_threadsafe(work, self._background()).result()

    def _background(self) -> asyncio.AbstractEventLoop:
        """The event loop of the connections to servers, in a thread of its own."""
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(loop,), name="wikiembed", daemon=True).start()
                self._loop = loop
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _connecting(url: str) -> dict[str, Any]:
    return {"autocommit": True, "application_name": "wikiembed search", **connect_options(url)}


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.execute(SESSION)


async def _configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(SESSION)
