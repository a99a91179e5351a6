"""Bodies are bounded also once unpacked, and packed ones are read though none were asked for."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib

import pytest

from tests.unit.raw_server import BODY, RawServer, answer, answering, read_request
from wikiembed.config import Provider
from wikiembed.embedders import EmbedderOptions
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import (
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderThrottled,
    EmbedderUnavailable,
)


async def _post(raw: bytes) -> bytes:
    """What the client makes of the answer `raw`."""
    with RawServer(answering(raw)) as server:
        client = HttpClient(
            EmbedderOptions(provider=Provider.TEI, url=server.url, model=None, request_timeout_s=9)
        )
        client.learn_dimensions(2)
        try:
            return await client.post("/embed", {}, texts=["a"])
        finally:
            await client.aclose()


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("gzip, deflate", zlib.compress(gzip.compress(BODY))),
        ("identity", BODY),
        ("br", BODY),
    ],
    ids=["gzip", "upper case", "deflate", "without its head", "twice", "identity", "unknown"],
)
async def test_body_that_is_packed_is_unpacked(packing: str, body: bytes) -> None:
    """As gzip and deflate name it; with an unknown name it stays as it is."""
    assert await _post(answer(headers=f"content-encoding: {packing}\r\n", body=body)) == BODY


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_body_that_cannot_be_unpacked_is_a_bad_answer(packing: str) -> None:
    """And says so in our words only."""
    with pytest.raises(EmbedderBadAnswer, match="gave an unreadable answer") as caught:
        await _post(answer(headers=f"content-encoding: {packing}\r\n", body=b"\xff\xff"))
    assert caught.value.__context__ is None


async def test_body_of_an_unknown_packing_does_not_hide_the_status() -> None:
    """A gateway's 503 stays one."""
    raw = answer("503 Busy", headers="content-encoding: br\r\nretry-after: 7\r\n", body=b"\x0b\x02")
    with pytest.raises(EmbedderUnavailable) as caught:
        await _post(raw)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_body_is_not_unpacked_beyond_its_bound(packing: str) -> None:
    """A small answer that would fill the memory is dropped."""
    much = bytes(200_000_000)
    body = gzip.compress(much, 1) if packing == "gzip" else zlib.compress(much, 1)
    del much
    tracemalloc.start()
    try:
        with pytest.raises(EmbedderError, match="larger") as caught:
            await _post(answer(headers=f"content-encoding: {packing}\r\n", body=body))
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert type(caught.value) is EmbedderBadAnswer


async def test_body_to_its_bound_is_taken_and_a_byte_more_is_not() -> None:
    """The bound is 40 bytes a number and a mebibyte."""
    bound = 2 * 40 + (1 << 20)
    assert len(await _post(answer(body=b"x" * bound))) == bound
    with pytest.raises(EmbedderBadAnswer, match="larger"):
        await _post(answer(body=b"x" * (bound + 1)))


async def test_body_beyond_its_bound_is_not_read_to_its_end() -> None:
    """The server that goes on sending is cut off."""
    sent = 0

    def serve(connection: socket.socket) -> None:
        nonlocal sent
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            sent += connection.send(bytes(100_000))

    with RawServer(serve) as server:
        client = HttpClient(EmbedderOptions(provider=Provider.TEI, url=server.url, model=None))
        client.learn_dimensions(2)
        with pytest.raises(EmbedderBadAnswer, match="larger"):
            await client.post("/embed", {}, texts=["a"])
        await client.aclose()
    assert sent < 50_000_000


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": {"code": 502, "message": "Provider returned error"}}', EmbedderLost),
        (b' {"error":{"code":429,"message":"Rate limit exceeded"},"id":"x"}', EmbedderThrottled),
        (b'{"error": {"code": "402", "message": "Insufficient credits"}}', EmbedderMisconfigured),
    ],
)
async def test_body_of_success_that_states_an_error_is_one(
    body: bytes, kind: type[EmbedderError]
) -> None:
    """OpenRouter sends its 200 before it knows what the provider answers."""
    with pytest.raises(kind) as caught:
        await _post(answer(body=body))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body", [b'{"error": null}', b'{"error": {"code": 200}}', b'{"error": "x"}', b'{"error": ']
)
async def test_body_with_an_error_of_no_status_is_left_to_its_reader(body: bytes) -> None:
    """What is no answer to the request is told by whoever looks for vectors in it."""
    assert await _post(answer(body=body)) == body
