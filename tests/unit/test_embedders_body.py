"""Decompressed bodies are bounded too, and compressed ones are read though none were requested."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib

import pytest

from tests.unit.raw_server import BODY, RawServer, answer, answering, read_request
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions
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
    """What the client returns for the answer `raw`."""
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
async def test_compressed_body_is_decompressed(packing: str, body: bytes) -> None:
    """As gzip and deflate name it; with an unknown encoding it stays compressed."""
    assert await _post(answer(headers=f"content-encoding: {packing}\r\n", body=body)) == BODY


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_body_that_cannot_be_decompressed_is_a_bad_answer(packing: str) -> None:
    """The message is in our own words only."""
    with pytest.raises(EmbedderBadAnswer, match="gave an unreadable answer") as caught:
        await _post(answer(headers=f"content-encoding: {packing}\r\n", body=b"\xff\xff"))
    assert caught.value.__context__ is None


async def test_body_with_an_unknown_encoding_does_not_hide_the_status() -> None:
    """A gateway's 503 stays one."""
    raw = answer("503 Busy", headers="content-encoding: br\r\nretry-after: 7\r\n", body=b"\x0b\x02")
    with pytest.raises(EmbedderUnavailable) as caught:
        await _post(raw)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_body_is_not_decompressed_beyond_its_bound(packing: str) -> None:
    """A small answer that would fill the memory is discarded."""
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


async def test_body_up_to_its_bound_is_accepted_and_one_byte_more_refused() -> None:
    """The bound is 40 bytes per number plus one mebibyte."""
    bound = 2 * 40 + (1 << 20)
    assert len(await _post(answer(body=b"x" * bound))) == bound
    with pytest.raises(EmbedderBadAnswer, match="larger"):
        await _post(answer(body=b"x" * (bound + 1)))


async def test_body_beyond_its_bound_is_not_read_to_its_end() -> None:
    """The connection to a server that keeps sending is closed."""
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
async def test_body_of_success_that_states_an_error_is_an_error(
    body: bytes, kind: type[EmbedderError]
) -> None:
    """OpenRouter sends its 200 before the provider has answered."""
    with pytest.raises(kind) as caught:
        await _post(answer(body=body))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body", [b'{"error": null}', b'{"error": {"code": 200}}', b'{"error": "x"}', b'{"error": ']
)
async def test_body_with_an_error_without_a_status_is_left_to_the_decoder(body: bytes) -> None:
    """The decoder reports an answer without vectors."""
    assert await _post(answer(body=body)) == body
