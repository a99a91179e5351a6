"""A fake on a port instead of Postgres: a refusal, another protocol, or silence."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping

_TLS_REQUESTS = (80877103, 80877104)  # SSLRequest and GSSENCRequest


@contextlib.contextmanager
def answering(answer: Mapping[str, str] | bytes | None) -> Iterator[int]:
    """A port of 127.0.0.1 that gives each client the same answer.

    A mapping is the fields of a FATAL error ("C" its SQLSTATE, "M" its message), bytes are sent
    as they are, and None is silence.

    Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, clients, answer), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for client in clients:
                client.close()


def _accept(
    listener: socket.socket, clients: list[socket.socket], answer: Mapping[str, str] | bytes | None
) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        clients.append(client)
        if answer is not None:
            with contextlib.suppress(OSError):
                _serve(client, answer)
                client.shutdown(socket.SHUT_RDWR)


def _serve(client: socket.socket, answer: Mapping[str, str] | bytes) -> None:
    while head := client.recv(8):
        if isinstance(answer, bytes):
            client.sendall(answer)
            return
        length, code = struct.unpack("!II", head)
        if code in _TLS_REQUESTS:
            client.sendall(b"N")
            continue
        client.recv(length - 8)
        fields = {"S": "FATAL", "V": "FATAL", **answer}
        body = b"".join(f"{kind}{text}\0".encode() for kind, text in fields.items()) + b"\0"
        client.sendall(b"E" + struct.pack("!I", len(body) + 4) + body)
        return
