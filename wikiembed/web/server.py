"""The process of `wikiembed serve`: uvicorn, with limits for slow clients and an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from wikiembed.errors import ConfigurationError
from wikiembed.telemetry import emit
from wikiembed.web.site import Site

HEADER_S = 10.0
"""Within this time the head of a request has to arrive, also of the second of a connection."""
KEEP_ALIVE_S = 30
STOP_S = 10
MOST_CONNECTIONS = 2000
LARGEST_HEAD = 32 * 1024
STOPS = (signal.SIGTERM, signal.SIGINT)
_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""The machine has no such address, or not its family: `localhost` where there is no IPv6."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose client sends the head of a request too slowly."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take data; between requests, its head has until the deadline."""
        super().data_received(data)
        if self._busy():
            self._stop_waiting()
        elif self._deadline is None:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """Wait for the next head if a part of it has arrived; else it is keep-alive."""
        super().on_response_complete()
        self._stop_waiting()
        if self.conn.trailing_data[0] and not self._busy():
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _busy(self) -> bool:
        cycle = getattr(self, "cycle", None)  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEADER_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if not self._busy() and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Ends the streams of pages before it waits for the requests in progress."""

    def __init__(self, console: Site, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._console = console

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and Ctrl-C; uvicorn's own would raise them again, and exit with 143."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in STOPS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and log where."""
        await super().startup(sockets)
        for server in self.servers:
            for one in server.sockets:
                host, port = one.getsockname()[:2]
                named = f"[{host}]" if ":" in host else host
                url = f"http://{named}:{port}{self._console.options.root_path}/"
                emit("console_started", url=url, read_only=self._console.access.read_only)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: pages reconnect to another process, requests in progress finish within 10 s."""
        streams = self._console.streams
        self._console.stop()
        await super().shutdown(sockets)
        emit("console_stopped", streams=streams)


def config(console: Site, *, host: str, port: int, **options: Any) -> uvicorn.Config:
    """How the console is served: no access log, since paths hold names of sources."""
    return uvicorn.Config(
        console,
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who may set them is decided by `Access`
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        **options,
    )


def serve(console: Site, *, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises: ConfigurationError if the address cannot be listened on.
    """
    sockets = listen(host, port)
    Server(console, config(console, host=host, port=port)).run(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """A listening socket per address of `host`; one of a family that is missing here is left out.

    Raises: ConfigurationError if the port is in use, or no address can be listened on.
    """
    listening: list[socket.socket] = []
    failed: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((one[0], one[4]) for one in found):
            try:
                listening.append(socket.create_server(address, family=family))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                failed = error
        if failed is not None and not listening:
            raise failed
    except OSError as error:
        for one in listening:
            one.close()
        # `create_server` adds the address to its reason; those of names have numbers of their own.
        of_name = isinstance(error, socket.gaierror)
        why = error.strerror if of_name else os.strerror(error.errno or 0)
        raise ConfigurationError(
            f"The console cannot listen on {host}, port {port} ({why}): choose another with --host"
            " and --port, or WIKIEMBED_WEB_HOST and WIKIEMBED_WEB_PORT."
        ) from None
    return listening
