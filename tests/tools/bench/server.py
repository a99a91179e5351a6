"""A server that costs next to nothing: ``python -m tests.tools.bench.server --mode instant``.

It speaks the OpenAI dialect over bare asyncio, with one prepared answer per number of texts.
``instant`` answers at once; ``serial`` takes 10 ms per request and 1 ms per text, one request after
another (``--request-ms``, ``--text-ms``); ``latency`` takes 100 ms per request, all in parallel
(``--latency-ms``).
With ``--lists`` it never answers in base64, as some servers do. It accepts OpenTelemetry's exports,
and drops them.
``GET /stats`` reports requests and how much of the time it was busy; ``POST /reset`` resets the
counts.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

REQUEST_MS = 10.0
TEXT_MS = 1.0
LATENCY_MS = 100.0


class Stats:
    """Counts since the last reset; times as of time.monotonic()."""

    def __init__(self) -> None:
        self.requests = 0
        self.texts = 0
        self.busy_s = 0.0
        self.first: float | None = None
        self.begun = 0.0
        self.answered = 0
        self.last = 0.0

    def as_json(self) -> dict[str, Any]:
        """Its numbers, and the seconds from the first request to the last answer."""
        seconds = 0.0 if self.first is None else self.last - self.first
        return {
            "requests": self.requests,
            "texts": self.texts,
            "busy_s": self.busy_s,
            "seconds": seconds,
            "first_begun": self.first,
            "last_begun": self.begun,
            "answered": self.answered,
        }


class Answers:
    """Bodies by the number of texts, as lists of numbers or base64."""

    def __init__(self, dimensions: int) -> None:
        row = np.random.default_rng(1).normal(size=dimensions).astype(np.float32)
        self._vectors: dict[bool, Any] = {
            False: [float(f"{x:.7f}") for x in row],
            True: base64.b64encode(row.tobytes()).decode(),
        }
        self._made: dict[tuple[int, bool], bytes] = {}

    def of(self, texts: int, *, base64_wanted: bool) -> bytes:
        """The whole answer to `texts` texts."""
        key = (texts, base64_wanted)
        if key not in self._made:
            vector = self._vectors[base64_wanted]
            self._made[key] = orjson.dumps(
                {
                    "object": "list",
                    "model": "bench",
                    "data": [
                        {"object": "embedding", "index": i, "embedding": vector}
                        for i in range(texts)
                    ],
                    "usage": {"prompt_tokens": texts, "total_tokens": texts},
                }
            )
        return self._made[key]


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = 0
            if (at := head.find(b"content-length:")) >= 0:
                length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._server.handle(head.split(b" ", 2)[1], body, self._send)

    def _send(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(
                [
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ",
                    str(len(body)).encode() + b"\r\n\r\n",
                    body,
                ]
            )


class Server:
    """Answers after the time of its mode."""

    def __init__(
        self,
        mode: str,
        dimensions: int,
        *,
        lists: bool,
        request_s: float,
        text_s: float,
        latency_s: float,
    ) -> None:
        self._mode = mode
        self._request_s, self._text_s, self._latency_s = request_s, text_s, latency_s
        self._lists = lists
        self._answers = Answers(dimensions)
        self._free_at = 0.0
        self._stats = Stats()

    def handle(self, path: bytes, body: bytes, send: Callable[[bytes], None]) -> None:
        """Answer one request."""
        if path == b"/stats":
            send(orjson.dumps(self._stats.as_json()))
        elif path == b"/reset":
            self._stats = Stats()
            send(b"{}")
        elif path in (b"/v1/traces", b"/v1/metrics"):
            send(b"")
        elif not body:  # the list of models, which this server does not have
            send(b"{}")
        else:
            self._embed(orjson.loads(body), send)

    def _embed(self, asked: dict[str, Any], send: Callable[[bytes], None]) -> None:
        texts = len(asked["input"]) if isinstance(asked["input"], list) else 1
        stats, now = self._stats, time.monotonic()
        stats.begun = now
        stats.requests += 1
        stats.texts += texts
        if stats.first is None:
            stats.first = now
        wanted = not self._lists and asked.get("encoding_format") == "base64"
        answer = self._answers.of(texts, base64_wanted=wanted)
        ready = now
        if self._mode == "serial":
            cost = self._request_s + texts * self._text_s
            ready = self._free_at = max(now, self._free_at) + cost
            stats.busy_s += cost
        elif self._mode == "latency":
            ready = now + self._latency_s

        def done() -> None:
            stats.last = time.monotonic()
            stats.answered += texts
            send(answer)

        if ready <= now:
            done()
        else:
            loop = asyncio.get_running_loop()
            loop.call_at(loop.time() + ready - now, done)


async def serve(server: Server) -> None:
    """Serve on a free port of 127.0.0.1, which is printed, until the process ends."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


def main() -> None:
    """Parse arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=["instant", "serial", "latency"], default="instant")
    parser.add_argument("--dimensions", type=int, default=768)
    parser.add_argument("--lists", action="store_true")
    parser.add_argument("--request-ms", type=float, default=REQUEST_MS, help="of serial")
    parser.add_argument("--text-ms", type=float, default=TEXT_MS, help="of serial")
    parser.add_argument("--latency-ms", type=float, default=LATENCY_MS, help="of latency")
    arguments = parser.parse_args()
    server = Server(
        arguments.mode,
        arguments.dimensions,
        lists=arguments.lists,
        request_s=arguments.request_ms / 1000,
        text_s=arguments.text_ms / 1000,
        latency_s=arguments.latency_ms / 1000,
    )
    asyncio.run(serve(server))


if __name__ == "__main__":
    main()
