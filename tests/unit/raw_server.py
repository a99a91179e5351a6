"""A byte-level server: a function of the test handles each connection."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Serve = Callable[[socket.socket], None]
BODY = b'{"embeddings": [[1.0, 2.0]]}'


class RawServer:
    """Calls `serve` for each connection in its own thread, and records the heads of requests."""

    def __init__(self, serve: Serve, *, tls: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)  # released once for each connection that is closed
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, run: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._start(lambda connection=connection: self._run(connection))  # type: ignore[misc]

    def _run(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._serve(connection)
        except OSError:
            pass
        finally:
            connection.close()
            self.closed.release()


def read_request(connection: socket.socket) -> bytes:
    """Read head and body of one request; empty when the client has disconnected."""
    said = b""
    while b"\r\n\r\n" not in said:
        part = connection.recv(1 << 16)
        if not part:
            return b""
        said += part
    head, _, body = said.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def answer(status: str = "200 OK", headers: str = "", body: bytes = BODY) -> bytes:
    """Return the bytes of an answer; each line of `headers` ends with CR LF."""
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def answering(raw: bytes) -> Serve:
    """Read one request, send `raw`, and close."""

    def serve(connection: socket.socket) -> None:
        if read_request(connection):
            connection.sendall(raw)

    return serve
