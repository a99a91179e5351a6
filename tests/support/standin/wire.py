"""The subset of HTTP/1.1 that an embedding client needs, over asyncio streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, read whole; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; `cut` sends half of the body, `drip_s` one byte at a time."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    cut: bool = False
    drip_s: float = 0.0


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None if the client has disconnected."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await _read_chunks(reader)
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
        return None
    return Request(method=method, path=target.partition("?")[0], headers=headers, body=body)


async def send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Write `reply`; False when the connection must be closed."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    whole = b"" if reply.status in {204, 304} else reply.body
    head = [
        f"HTTP/1.1 {reply.status} {phrase}",
        f"content-type: {reply.content_type}",
        f"content-length: {len(whole)}",
        *(f"{name}: {value}" for name, value in (reply.headers or {}).items()),
        "\r\n",
    ]
    body = whole[: len(whole) // 2] if reply.cut else whole
    try:
        writer.write("\r\n".join(head).encode("latin-1"))
        if reply.drip_s:
            for i in range(len(body)):
                writer.write(body[i : i + 1])
                await writer.drain()
                await asyncio.sleep(reply.drip_s)
        else:
            writer.write(body)
            await writer.drain()
    except OSError:
        return False
    return not reply.cut


async def sleep_while_connected(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Sleep; False as soon as the client has disconnected."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        if reader.at_eof() or reader.exception() is not None:
            return False
        await asyncio.sleep(min(left, 0.02))
    return True


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readline()).partition(b";")[0] or b"0", 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readline()
    return b"".join(parts)
