"""Connections are reused, closed ones are detected, and no POST is sent twice."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from tests.support.standin import StandIn
from tests.unit.raw_server import BODY, RawServer, answer, answering, read_request
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import BatchTooLarge, EmbedderError, EmbedderLost, EmbedderUnavailable


def _client(url: str, *, ca_file: Path | None = None, timeout_s: float = 5.0) -> HttpClient:
    return HttpClient(
        EmbedderOptions(
            provider=Provider.OLLAMA,
            url=url,
            model="m",
            ca_file=ca_file,
            request_timeout_s=timeout_s,
        )
    )


async def _post(client: HttpClient) -> bytes:
    return await client.post("/api/embed", {"input": ["a"]}, texts=["a"])


def _serving(connection: socket.socket) -> None:
    """Answers as long as the client sends requests."""
    while read_request(connection):
        connection.sendall(answer(headers="set-cookie: seen=1; path=/\r\n"))


@pytest.fixture
def authority() -> trustme.CA:
    """The authority that signs the server's certificate."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate, as PEM."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("pause", ["waits", "works"])
async def test_connection_that_the_server_closed_loses_no_request(
    authority: trustme.CA, ca_file: Path, scheme: str, pause: str
) -> None:
    """Closed after each answer, unannounced; the loop waits, or is kept busy, in between."""
    tls = None
    if scheme == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
    with RawServer(answering(answer()), tls=tls) as server:
        client = _client(server.url, ca_file=ca_file)
        for _ in range(50):
            assert await _post(client) == BODY
            if pause == "waits":
                assert await asyncio.to_thread(server.closed.acquire, timeout=10)
            else:
                assert server.closed.acquire(timeout=10)  # keeps the loop, as decoding a batch does
        await client.aclose()
        assert server.connections == 50


async def test_connection_over_tls_negotiates_http_1(authority: trustme.CA, ca_file: Path) -> None:
    """A gateway that prefers HTTP/2 must not choose it."""
    chosen: list[str | None] = []

    def serve(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        chosen.append(connection.selected_alpn_protocol())
        answering(answer())(connection)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with RawServer(serve, tls=tls) as server:
        client = _client(server.url, ca_file=ca_file)
        assert await _post(client) == BODY
        await client.aclose()
    assert chosen == ["http/1.1"]


async def test_connection_is_reused_and_cookies_are_not_kept() -> None:
    """One connection for consecutive requests; cookies are not sent back."""
    heads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while request := read_request(connection):
            heads.append(request.partition(b"\r\n\r\n")[0].lower())
            connection.sendall(answer(headers="set-cookie: seen=1; path=/\r\n"))

    with RawServer(serve) as server:
        client = _client(server.url)
        for _ in range(5):
            await _post(client)
        await client.aclose()
        assert server.connections == 1
    assert [head for head in heads if b"cookie" in head] == []
    assert all(b"\r\naccept-encoding: identity" in head for head in heads)
    assert all(b"\r\ncontent-type: application/json" in head for head in heads)


async def test_connection_idle_for_long_is_not_reused() -> None:
    """Before the 5 s after which uvicorn closes one, just when a request may be in flight."""
    with RawServer(_serving) as server:
        client = _client(server.url)
        await _post(client)
        await asyncio.sleep(4.2)
        await _post(client)
        await client.aclose()
        assert server.connections == 2


async def test_connections_are_not_limited() -> None:
    """The pipeline decides how many requests are in flight, and the client sends them all."""
    met = threading.Barrier(120)

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        met.wait(8)
        connection.sendall(answer())

    with RawServer(serve) as server:
        client = _client(server.url, timeout_s=9)
        async with asyncio.TaskGroup() as group:
            for _ in range(120):
                group.create_task(_post(client))
        await client.aclose()


async def test_post_is_never_sent_twice() -> None:
    """Not even where the server closes a reused connection on receiving it."""
    requests = 0

    def serve(connection: socket.socket) -> None:
        nonlocal requests
        while read_request(connection):
            requests += 1
            if requests == 2:
                return
            connection.sendall(answer())

    with RawServer(serve) as server:
        client = _client(server.url)
        await _post(client)
        with pytest.raises(EmbedderLost):
            await _post(client)
        await client.aclose()
    assert requests == 2


async def test_post_beyond_a_mebibyte_arrives_whole() -> None:
    """A batch of long texts is sent like any other, without a warning."""
    texts = ["wiki " * 1000 for _ in range(600)]
    with StandIn(dialect="ollama", dimensions=4) as server:
        client = _client(server.url)
        assert await client.post("/api/embed", {"model": "m", "input": texts}, texts=texts)
        await client.aclose()
        assert server.stats.texts == 600


async def test_answer_before_the_whole_request_was_read_is_received() -> None:
    """A proxy that refuses a large body need not read it."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(answer("413 Too Large", "connection: close\r\n"))
        time.sleep(0.2)

    texts = ["wiki " * 1000 for _ in range(2000)]
    with RawServer(serve) as server:
        client = _client(server.url)
        with pytest.raises(BatchTooLarge):
            await client.post("/api/embed", {"input": texts}, texts=texts)
        await client.aclose()


async def test_answer_of_a_server_that_closes_immediately_is_mostly_received() -> None:
    """A reset that meets a write drops what is unread: 2 of 100 are lost, by aiohttp alone 50."""

    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(answer("413 Too Large", "connection: close\r\n"))

    texts = ["wiki " * 1000 for _ in range(400)]
    received = 0
    with RawServer(serve) as server:
        client = _client(server.url)
        for _ in range(20):
            with pytest.raises(EmbedderError) as caught:
                await client.post("/api/embed", {"input": texts}, texts=texts)
            received += type(caught.value) is BatchTooLarge
        await client.aclose()
    assert received >= 15


def test_client_can_be_created_without_a_running_loop() -> None:
    """Nor to detect a wrong setting; an unused client closes without error."""
    with RawServer(_serving) as server:
        client, unused = _client(server.url), _client(server.url)

        async def use() -> bytes:
            await unused.aclose()
            try:
                return await _post(client)
            finally:
                await client.aclose()

        assert asyncio.run(use()) == BODY


async def test_connection_timeout_differs_from_a_request_timeout() -> None:
    """No listener accepts in time: the server is unreachable, and has sent nothing."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            client = _client(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_s=60)
            # aiohttp would round the deadline up to a whole second of the loop's clock.
            await asyncio.sleep(1.05 - asyncio.get_running_loop().time() % 1)
            start = time.monotonic()
            with pytest.raises(EmbedderUnavailable, match="cannot be reached in time"):
                await _post(client)
            assert 9.9 < time.monotonic() - start < 10.7
            await client.aclose()
        finally:
            for one in waiting:
                one.close()
