"""Whatever httpx and aiohttp raise, and what a server sends instead of HTTP, maps to our errors."""

from __future__ import annotations

import logging
import socket
import traceback
import warnings
import zlib
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
from aiohttp import client_exceptions, http_exceptions
from pydantic import SecretStr

from tests.unit.raw_server import BODY, RawServer, answer, answering
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.failures import RAISED, failure_of
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import (
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderTimeout,
    EmbedderUnavailable,
)

_KEY = "sk-Tr0ub4dor-and-3"
_TEXT = "Agnes Kowalczyk takes lithium."


def _exceptions() -> Iterator[type[Exception]]:
    """Those of aiohttp and of httpx, each once."""
    for module in (client_exceptions, http_exceptions, httpx):
        for kind in vars(module).values():
            ours = isinstance(kind, type) and kind.__module__ == module.__name__
            if ours and issubclass(kind, Exception):
                yield kind


def _instance_of(kind: type[Exception]) -> Exception:
    """An instance of `kind`, whatever its constructor needs."""
    error = kind.__new__(kind)
    error.args = (_TEXT,)
    return error


@pytest.mark.parametrize("kind", list(_exceptions()))
def test_failure_of_maps_every_exception(kind: type[Exception]) -> None:
    """Every exception of httpx and aiohttp maps to one of ours, and its message is not repeated."""
    failure = failure_of(_instance_of(kind), root="http://host", timeout_s=5)
    assert isinstance(failure, EmbedderError)
    assert _TEXT not in str(failure)


def test_every_exception_is_caught() -> None:
    """The base classes that the client catches cover every exception of a request."""
    kinds = set(_exceptions())
    assert len(kinds) > 55
    assert {kind for kind in kinds if not issubclass(kind, RAISED)} == {
        client_exceptions.WSMessageTypeError,
        httpx.CookieConflict,
    }


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (aiohttp.SocketTimeoutError, EmbedderTimeout),
        (aiohttp.ServerTimeoutError, EmbedderTimeout),
        (TimeoutError, EmbedderTimeout),
        (aiohttp.ConnectionTimeoutError, EmbedderUnavailable),
        (aiohttp.ClientConnectorError, EmbedderUnavailable),
        (aiohttp.ClientConnectorDNSError, EmbedderUnavailable),
        (aiohttp.ClientProxyConnectionError, EmbedderUnavailable),
        (aiohttp.ClientHttpProxyError, EmbedderUnavailable),
        (UnicodeError, EmbedderUnavailable),
        (aiohttp.ClientResponseError, EmbedderLost),
        (aiohttp.ClientPayloadError, EmbedderLost),
        (aiohttp.ClientOSError, EmbedderLost),
        (aiohttp.ServerDisconnectedError, EmbedderLost),
        (http_exceptions.BadStatusLine, EmbedderLost),
        (ConnectionResetError, EmbedderLost),
        (zlib.error, EmbedderBadAnswer),
        (aiohttp.NonHttpUrlClientError, EmbedderMisconfigured),
        (aiohttp.TooManyRedirects, EmbedderMisconfigured),
        (aiohttp.InvalidURL, EmbedderMisconfigured),
        (httpx.ReadTimeout, EmbedderTimeout),
        (httpx.ConnectTimeout, EmbedderUnavailable),
        (httpx.PoolTimeout, EmbedderUnavailable),
        (httpx.ConnectError, EmbedderUnavailable),
        (httpx.ProxyError, EmbedderUnavailable),
        (httpx.ReadError, EmbedderLost),
        (httpx.RemoteProtocolError, EmbedderLost),
        (httpx.DecodingError, EmbedderBadAnswer),
        (httpx.UnsupportedProtocol, EmbedderMisconfigured),
        (httpx.InvalidURL, EmbedderMisconfigured),
    ],
)
def test_failure_of_distinguishes_the_kinds(
    raised: type[Exception], kind: type[EmbedderError]
) -> None:
    """A timeout, an unreachable server, a damaged answer and a wrong address differ."""
    assert type(failure_of(_instance_of(raised), root="http://host", timeout_s=5)) is kind


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (aiohttp.ServerDisconnectedError, EmbedderLost),
        (aiohttp.ConnectionTimeoutError, EmbedderUnavailable),
        (aiohttp.SocketTimeoutError, EmbedderTimeout),
    ],
)
def test_failure_of_goes_by_the_cause_of_what_httpx_raises(
    cause: type[Exception], kind: type[EmbedderError]
) -> None:
    """httpx-aiohttp calls each of these a ConnectTimeout, or may."""
    error = httpx.ConnectTimeout("")
    error.__cause__ = _instance_of(cause)
    assert type(failure_of(error, root="http://host", timeout_s=5)) is kind


_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_NO_ANSWER = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half a body": answer()[:-3],
    "too long a header": answer(headers=f"x: {'a' * 200_000}\r\n"),
    "no header": answer(headers=f"{_TEXT}\r\n"),
    "no length": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n" + BODY,
    "no chunk": _CHUNKED + b"zz\r\nabc\r\n",
    "half a chunk": _CHUNKED + b"5\r\nab",
}


def _client(url: str, *, key: str = _KEY) -> HttpClient:
    return HttpClient(
        EmbedderOptions(
            provider=Provider.OLLAMA,
            url=url,
            model="m",
            api_key=SecretStr(key),
            request_timeout_s=5.0,
        )
    )


@pytest.mark.parametrize("case", _NO_ANSWER)
async def test_invalid_http_is_a_lost_connection(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No part of it, of the texts or of the key is reported, chained or logged."""
    caplog.set_level(logging.DEBUG)
    with RawServer(answering(_NO_ANSWER[case])) as server:
        client = _client(server.url)
        with pytest.raises(EmbedderLost) as caught:
            await client.post("/api/embed", {"input": [_TEXT]}, texts=[_TEXT])
        await client.aclose()
        assert server.connections == 1
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    said = caplog.text + "".join(traceback.format_exception(caught.value))
    assert [secret for secret in (_KEY, "Kowalczyk", "OpenSSH") if secret in said] == []


@pytest.mark.parametrize(
    "head",
    [
        f"x-long: {'a' * 50_000}\r\n",
        "".join(f"x-{i}: a\r\n" for i in range(100)),
        "x-folded: a\r\n b\r\n",
        "x-none: \u00e9\r\n",
        "set-cookie: \x7f=;;; =\r\n",
    ],
)
async def test_answer_with_an_odd_head_is_accepted(head: str) -> None:
    """What gateways add is accepted, as long as it is HTTP."""
    with RawServer(answering(answer(headers=head))) as server:
        client = _client(server.url)
        with warnings.catch_warnings(action="error"):
            assert await client.post("/api/embed", {}, texts=["a"]) == BODY
        await client.aclose()


@pytest.mark.parametrize("location", ["http://[::", "ftp://host", "http://host:port", "\x7f", ""])
async def test_a_redirect_to_anywhere_is_a_wrong_address(location: str) -> None:
    """Where it leads is not looked at."""
    raw = answer("307 Elsewhere", headers=f"location: {location}\r\n")
    with RawServer(answering(raw)) as server:
        client = _client(server.url)
        with pytest.raises(EmbedderMisconfigured, match="WIKIEMBED_EMBEDDER_URL"):
            await client.post("/api/embed", {}, texts=["a"])
        await client.aclose()


async def test_the_reason_of_a_status_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """httpx logs the status of each answer, which a server may put any words behind."""
    caplog.set_level(logging.DEBUG)
    with RawServer(answering(answer(f"401 Not {_KEY}"))) as server:
        client = _client(server.url)
        with pytest.raises(EmbedderMisconfigured):
            await client.post("/api/embed", {}, texts=["a"])
        await client.aclose()
    assert "401" in caplog.text
    assert _KEY not in caplog.text


@pytest.mark.parametrize("url", ["http://a..b:1", f"http://{'a' * 70}.example:1"])
async def test_host_name_invalid_in_dns_is_unreachable(url: str) -> None:
    """Such names map to one of our errors too."""
    client = _client(url)
    with pytest.raises(EmbedderUnavailable, match=r"host name cannot be resolved.: correct it"):
        await client.get("/info")
    await client.aclose()


@pytest.mark.parametrize("reads", [1, 2])
async def test_https_to_a_server_without_tls_is_reported(reads: int) -> None:
    """It closes, or waits for a request while the handshake hangs: the scheme may be wrong."""

    def serve(connection: socket.socket) -> None:
        for _ in range(reads):
            connection.recv(1 << 16)

    with RawServer(serve) as server:
        said = await _said_by(server.url.replace("http:", "https:"))
    assert "speaks no TLS" in said
    assert "http://…" in said


async def test_http_to_a_server_with_tls_is_reported() -> None:
    """A bare TLS server sends an alert, or closes: the client never received any HTTP."""
    with RawServer(answering(b"\x15\x03\x03\x00\x02\x02\x32")) as server:
        said = await _said_by(server.url)
    assert "speaks TLS: then set WIKIEMBED_EMBEDDER_URL to https://…" in said


async def test_server_that_has_answered_is_not_reported_for_its_scheme() -> None:
    """The second connection breaks off: a crash, not a wrong address."""
    answers = [answer()]
    with RawServer(lambda c: answering(answers.pop() if answers else b"")(c)) as server:
        client = _client(server.url)
        assert await client.get("/info") == BODY
        with pytest.raises(EmbedderLost) as caught:
            await client.post("/embed", {}, texts=["a"])
        await client.aclose()
    assert "TLS" not in str(caught.value)


async def test_refused_connection_and_wrong_host_name_are_distinguished() -> None:
    """Each error names its cause and its fix."""
    assert "(nothing listens on that port): start it" in await _said_by("http://127.0.0.1:1")
    assert "(its host name cannot be resolved): correct it" in await _said_by("http://no.invalid:1")


async def _said_by(url: str) -> str:
    client = HttpClient(
        EmbedderOptions(provider=Provider.OPENAI, url=url, model="m", request_timeout_s=0.5)
    )
    try:
        with pytest.raises(EmbedderError) as caught:
            await client.get("/v1/models")
    finally:
        await client.aclose()
    return str(caught.value)
