"""The client of applications: search, the vector of a question, coverage."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from wikiembed.config import Settings, load_settings
from wikiembed.db.connect import database_url
from wikiembed.errors import WrongUsage
from wikiembed.search import plan
from wikiembed.search.connections import (
    AsyncConnections,
    Connections,
    OneConnection,
    fetch,
    fetch_async,
    open_async_pool,
    translate_search_errors,
)
from wikiembed.search.hit import Filter, Hit, SearchOptions
from wikiembed.search.mode import Mode
from wikiembed.search.plan import Plan, Question, Reranking, Result, Statement
from wikiembed.search.process import CLOSED, Process, close_process
from wikiembed.search.question import CACHED, Questions
from wikiembed.search.reranking import Reranks
from wikiembed.store.coverage import COVERAGE, Coverage
from wikiembed.vectors import Matrix

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

__all__ = ["AsyncClient", "AsyncConnections", "Client", "Connections", "OneConnection"]

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
        pool: AsyncConnections | None = None,
        settings: Settings | None = None,
        cached_questions: int = CACHED,
    ) -> None:
        self._settings = _settings(database_url, settings)
        self._questions = Questions(self._settings, cached=cached_questions)
        self._reranks = Reranks(self._settings)
        self._given = pool
        self._own: AsyncConnectionPool[Any] | None = None
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

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
        """The chunks that answer `text` best, best first; see `SearchOptions` for the others.

        `source`: a name, several of one model, or None for every source with vectors.
        """
        options = SearchOptions.of(
            limit=limit,
            filter=filter,
            mode=mode,
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
        return vector.reshape(-1).copy()

    async def coverage(self, source: str | None = None) -> list[Coverage]:
        """How much is embedded, of one source or all."""
        rows = await self._execute(Statement(_COVERAGE, (source, source)))
        return [Coverage(*row) for row in rows]

    async def aclose(self) -> None:
        """Close the connections, but for those of a pool that was given; idempotent."""
        if self._closed:
            return
        self._require_usable()
        self._closed = True
        await self._questions.aclose()
        await self._reranks.aclose()
        async with self._opening:
            if self._own is not None:
                await self._own.close()

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
        self._require_usable()
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

    async def _execute(self, statement: Statement) -> Sequence[tuple[Any, ...]]:
        self._require_usable()
        with translate_search_errors():
            async with (await self._pool()).connection() as connection:
                return await fetch_async(connection, statement)

    def _require_usable(self) -> None:
        if self._closed:
            raise WrongUsage(CLOSED)
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise WrongUsage(
                "This AsyncClient belongs to another event loop: make one in each, or use Client."
            )

    async def _pool(self) -> AsyncConnections:
        if self._given is not None:
            return self._given
        async with self._opening:
            self._require_usable()
            if self._own is None:
                url = await asyncio.to_thread(database_url, self._settings)
                self._own = await open_async_pool(url)
            return self._own


class Client:
    """The same for threads: see `AsyncClient`. It may be used by several at once.

    A child process that is forked opens connections of its own; a `pool` must do so by itself.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        pool: Connections | None = None,
        settings: Settings | None = None,
        cached_questions: int = CACHED,
    ) -> None:
        self._settings = _settings(database_url, settings)
        self._cached = cached_questions
        self._given = pool
        self._processes: dict[int, Process] = {}
        self._closed = False
        # Also at the end of a script that does not close it.
        weakref.finalize(self, close_process, self._processes)

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
        options = SearchOptions.of(
            limit=limit,
            filter=filter,
            mode=mode,
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
        found = self._processes.get(os.getpid())
        return None if found is None else found.reranks.failure

    def embed_query(self, text: str, *, source: str) -> Matrix:
        """The vector of `text` as a question to `source`, `(dim,) float32`."""
        return self.take(plan.embed_query(text, name=source)).reshape(-1).copy()

    def coverage(self, source: str | None = None) -> list[Coverage]:
        """How much is embedded, of one source or all."""
        return [Coverage(*row) for row in self._execute(Statement(_COVERAGE, (source, source)))]

    def close(self) -> None:
        """Close the connections, but for those of a pool that was given; idempotent.

        A search that another thread has begun raises WrongUsage.
        """
        self._closed = True
        close_process(self._processes)

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
            if isinstance(step, Statement):
                given = self._execute(step)
                continue
            if self._closed:
                raise WrongUsage(CLOSED)
            own = self._process()
            if isinstance(step, Question):
                asked = own.questions.vector(step.source, step.text, prefixed=step.prefixed)
                given = own.ask(asked)
            else:
                given = own.ask(own.reranks.scores(step.query, step.texts))

    def _execute(self, statement: Statement) -> list[tuple[Any, ...]]:
        if self._closed:
            raise WrongUsage(CLOSED)
        with translate_search_errors():
            own = self._process()
            pool = own.own_pool(self._settings) if self._given is None else self._given
            with pool.connection() as connection:
                return fetch(connection, statement)

    def _process(self) -> Process:
        # From a dictionary, without a lock: a fork may leave one locked for ever.
        found = self._processes.get(os.getpid())
        if found is None:
            questions = Questions(self._settings, cached=self._cached)
            made = Process(questions, Reranks(self._settings))
            found = self._processes.setdefault(os.getpid(), made)
        return found
