"""Bodies of answers: read up to a bound, and unpacked by servers that compress unasked."""

from __future__ import annotations

import re
import zlib

import httpx
import orjson

_GZIP = zlib.MAX_WBITS | 16
_IS_ERROR = re.compile(rb'\s*\{\s*"error"\s*:').match


async def read_body(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    """The body up to `limit` bytes, and whether that was all of it.

    Raises: zlib.error when it is not compressed as it claims; what httpx raises.
    """
    parts: list[bytes] = []
    size = 0
    # Not aread(): it knows no bound, neither of what is sent nor of what is unpacked.
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    packing = response.headers.get("content-encoding", "")
    if packing:
        body = _unpacked(body, packing, limit)
    return body[:limit], max(size, len(body)) <= limit


def status_within(body: bytes) -> int | None:
    """The status of an error that stands in a success answer; None: there is no such error.

    OpenRouter answers 200 before it knows what its provider says, and puts that into the body:
    https://openrouter.ai/docs/api-reference/errors
    """
    if not _IS_ERROR(body):
        return None
    try:
        said = orjson.loads(body)["error"]
        status = int(said["code"])
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError):
        return None
    return status if 400 <= status <= 599 else None


def _unpacked(body: bytes, packing: str, limit: int) -> bytes:
    """`body` without its content encodings, to one byte beyond `limit`; unknown ones stay.

    Source: RFC 9110, section 8.4.1.
    """
    for name in reversed(packing.lower().split(",")):
        if name.strip() == "gzip":
            body = zlib.decompressobj(_GZIP).decompress(body, limit + 1)
        elif name.strip() == "deflate":
            body = _inflated(body, limit + 1)
    return body


def _inflated(body: bytes, most: int) -> bytes:
    """With zlib's head as RFC 1950 wants it, or without, as some send it."""
    try:
        return zlib.decompressobj().decompress(body, most)
    except zlib.error:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, most)
