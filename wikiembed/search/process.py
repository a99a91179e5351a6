"""What a `Client` has open in one process.

A child that is forked has neither the threads of its parent nor connections of its own, and must
leave those of its parent alone: it gets another `Process`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from wikiembed.config import Settings
from wikiembed.db.connect import database_url
from wikiembed.errors import WrongUsage
from wikiembed.search.connections import open_pool
from wikiembed.search.question import Questions
from wikiembed.search.reranking import Reranks

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

CLOSED = "This client is closed: make another one, and close it after its last search."
Value = TypeVar("Value")


class Process:
    """A background event loop for questions, and a pool for statements, opened when first used."""

    def __init__(self, questions: Questions, reranks: Reranks) -> None:
        self.lock = threading.Lock()
        self.questions = questions
        self.reranks = reranks
        self.pool: ConnectionPool[Any] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None
        self.closed = False

    def ask(self, asked: Coroutine[Any, Any, Value]) -> Value:
        """The result of a coroutine in the background.

        Raises: WrongUsage when the client is closed before it has one.
        """
        with self.lock:
            if self.closed:
                asked.close()
                raise WrongUsage(CLOSED)
            future = asyncio.run_coroutine_threadsafe(asked, self._background())
        try:
            return future.result()
        except CancelledError:
            raise WrongUsage(CLOSED) from None
        finally:
            future.cancel()

    def own_pool(self, settings: Settings) -> ConnectionPool[Any]:
        """The pool of the client itself, opened when it is first used."""
        with self.lock:
            if self.closed:
                raise WrongUsage(CLOSED)
            if self.pool is None:
                self.pool = open_pool(database_url(settings))
            return self.pool

    def close(self) -> None:
        """Cancel the questions that are in flight, and close everything."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
        if self.loop is not None and self.thread is not None:
            ended = asyncio.run_coroutine_threadsafe(self._end(), self.loop)
            if threading.current_thread() is not self.thread:  # which may collect a client
                ended.result()
                self.thread.join()
        if self.pool is not None:
            self.pool.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            await self.questions.aclose()
            await self.reranks.aclose()
        finally:
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)

    def _background(self) -> asyncio.AbstractEventLoop:
        """The event loop of the connections to servers, in a thread of its own."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            self.thread = threading.Thread(
                target=_run, args=(self.loop,), name="wikiembed", daemon=True
            )
            self.thread.start()
        return self.loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def close_process(processes: Mapping[int, Process]) -> None:
    """Close what the present process has open, if anything."""
    found = processes.get(os.getpid())
    if found is not None:
        found.close()
