"""The stand-in itself: in a thread of a test, or as a separate process."""

from __future__ import annotations

import asyncio
import ssl
import threading
from dataclasses import replace
from types import TracebackType
from typing import Self

import orjson

from tests.support.standin.dialects import Dialect, Tongue, read_ask
from tests.support.standin.faults import Controls
from tests.support.standin.replies import (
    Dying,
    Slow,
    embed_reply,
    of_canned,
    plain_reply,
    tongue_of,
    words_of,
)
from tests.support.standin.rerank import RERANK_PATHS, rerank_reply
from tests.support.standin.stats import Stats
from tests.support.standin.wire import Reply, Request, read_request, send, sleep_while_connected

_FOREVER_S = 3600.0
_STREAM_LIMIT = 1 << 20


class Server:
    """Answers on one port of 127.0.0.1; `controls` may be set at any time, from any thread."""

    def __init__(self, *, dialect: Dialect = "all", controls: Controls | None = None) -> None:
        self.dialect: Dialect = dialect
        self.controls = controls or Controls()
        self.stats = Stats()
        self.url = ""
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._crashes = 0
        self._down_until = 0.0
        self._frozen_until = 0.0

    def _is_down(self) -> bool:
        return self.controls.down or asyncio.get_running_loop().time() < self._down_until

    async def start(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Listen; port 0 takes a free one."""
        self._listener = await asyncio.start_server(
            self._accept, host, port, limit=_STREAM_LIMIT, backlog=1024, ssl=tls
        )
        bound = self._listener.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{bound}"

    async def stop(self) -> None:
        """Stop listening and drop what is open."""
        if self._listener is not None:
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(3):  # an aborted transport closes its socket one or two iterations later
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is over."""
        request = await read_request(reader)
        if request is None:
            return False
        if request.path.startswith("/_"):
            return await send(writer, self._control(request))
        if self._is_down():
            self.stats.turned_away += 1
            return await self._cut_off(writer)
        crashes = self._crashes
        tongue = tongue_of(request.path, self.dialect)
        stats = self.stats
        stats.requests += not request.path.endswith("/models")  # requested at a start only
        stats.concurrent += 1
        stats.max_concurrent = max(stats.max_concurrent, stats.concurrent)
        try:
            reply = await self._reply(tongue, request, reader)
        finally:
            stats.concurrent -= 1
        if isinstance(reply, Dying):
            reply = reply.reply
        elif reply is None or self._is_down() or crashes != self._crashes:
            return await self._cut_off(writer)
        stats.statuses[reply.status] += 1
        return await send(writer, reply)

    async def _cut_off(self, writer: asyncio.StreamWriter) -> bool:
        """Reset the connection, or send the proxy's answer."""
        if self.controls.behind_proxy is not None:
            return await send(writer, of_canned(self.controls.behind_proxy))
        writer.transport.abort()
        return False

    async def _reply(
        self, tongue: Tongue | None, request: Request, reader: asyncio.StreamReader
    ) -> Reply | Dying | None:
        """The reply after its latency; None to reset the connection."""
        if request.path in RERANK_PATHS and request.method == "POST":
            if not await sleep_while_connected(reader, self.controls.latency_s):
                return None
            return rerank_reply(request, self.controls, self.stats)
        if tongue is None or request.method != "POST":
            return plain_reply(request, self.controls, self.dialect)
        if self.controls.serial:
            async with self._one_at_a_time:
                return await self._embed(tongue, request, reader)
        return await self._embed(tongue, request, reader)

    async def _embed(
        self, tongue: Tongue, request: Request, reader: asyncio.StreamReader
    ) -> Reply | Dying | None:
        limit = self.controls.limit
        if limit is not None:
            ask = read_ask(tongue, request.body)
            now = asyncio.get_running_loop().time()
            refusal = limit.take(now, words_of(ask.texts) if ask else 0)
            if refusal is not None:
                return of_canned(refusal)
        wait_s = self.controls.latency_s
        if self.controls.latency_per_text_s:
            ask = read_ask(tongue, request.body)
            wait_s += self.controls.latency_per_text_s * (len(ask.texts) if ask else 0)
        if wait_s and not await sleep_while_connected(reader, wait_s):
            return None
        outcome = embed_reply(tongue, request, self.controls, self.stats)
        if limit is not None and isinstance(outcome, Reply):
            outcome = replace(outcome, headers={**(outcome.headers or {}), **limit.headers()})
        if outcome == "freeze":
            self._frozen_until = asyncio.get_running_loop().time() + self.controls.crash_s
        if isinstance(outcome, Slow):
            answered = await sleep_while_connected(reader, self.controls.slow_s)
            return outcome.reply if answered else None
        if outcome == "hang":
            await sleep_while_connected(reader, _FOREVER_S)
        elif (left_s := self._frozen_until - asyncio.get_running_loop().time()) > 0:
            await sleep_while_connected(reader, left_s)
            return None
        elif outcome == "crash" or isinstance(outcome, Dying):
            self._crashes += 1
            self.stats.crashes += 1
            self._down_until = asyncio.get_running_loop().time() + self.controls.crash_s
        return None if isinstance(outcome, str) else outcome

    def _control(self, request: Request) -> Reply:
        match request.method, request.path:
            case "GET", "/_stats":
                limit = self.controls.limit
                more = {} if limit is None else {"limit": limit.as_json()}
                return Reply(status=200, body=orjson.dumps(self.stats.as_json() | more))
            case "POST", "/_reset":
                self.stats = Stats()
                return Reply(status=200, body=b"{}")
            case "POST", "/_control":
                try:
                    self.controls.update(orjson.loads(request.body))
                except (ValueError, TypeError, AttributeError) as error:
                    return Reply(status=400, body=orjson.dumps({"error": str(error)}))
                return Reply(status=200, body=b"{}")
            case _:
                return Reply(status=404)


class StandIn:
    """A `Server` in a thread: `with StandIn(dialect="openai") as server: server.url`."""

    def __init__(
        self, *, dialect: Dialect = "all", tls: ssl.SSLContext | None = None, **controls: object
    ) -> None:
        self._tls = tls
        self.controls = Controls()
        self.controls.update(controls)
        self._server = Server(dialect=dialect, controls=self.controls)
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standin", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The server's root, `http://127.0.0.1:port`."""
        return self._server.url

    @property
    def stats(self) -> Stats:
        """The counts since the start or the last reset."""
        return self._server.stats

    def reset_stats(self) -> None:
        """Count from zero again."""
        self._server.stats = Stats()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError("the stand-in did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._server.start(tls=self._tls)
        self._listening.set()
        await self._stop.wait()
        await self._server.stop()
