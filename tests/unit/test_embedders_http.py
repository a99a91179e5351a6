"""Every HTTP failure maps to one of our errors, and neither texts nor the key leak."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import shutil
import ssl
import subprocess
import time
import traceback
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from tests.support.standin import BadText, Canned, StandIn
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.http import HttpClient
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import (
    ConfigurationError,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderTimeout,
    EmbedderUnavailable,
)

_KEY = "sk-Tr0ub4dor-and-3"
_TEXT = "Agnes Kowalczyk takes lithium."


def _options(url: str | None, *, timeout_s: float = 5.0, key: str | None = None) -> EmbedderOptions:
    return EmbedderOptions(
        provider=Provider.OLLAMA,
        url=url,
        model="m",
        api_key=SecretStr(key) if key is not None else None,
        request_timeout_s=timeout_s,
    )


async def _failure(options: EmbedderOptions, *texts: str) -> EmbedderError:
    """Embed `texts` and return the error."""
    embedder = open_embedder(options)
    try:
        with pytest.raises(EmbedderError) as caught:
            await embedder.embed(list(texts) or [_TEXT], role=Role.DOCUMENT)
    finally:
        await embedder.aclose()
    return caught.value


async def test_refused_connection_is_unavailable() -> None:
    """The error for a port without a listener names the address."""
    with StandIn() as server:
        url = server.url
    failure = await _failure(_options(url))
    assert type(failure) is EmbedderUnavailable
    assert url in str(failure)


async def test_reset_connection_is_unavailable() -> None:
    """A server that closes the connection, before or amid the answer, is unavailable."""
    with StandIn(dialect="ollama") as server:
        server.controls.down = True
        assert type(await _failure(_options(server.url))) is EmbedderLost
        server.controls.down, server.controls.garbage = False, "cut_connection"
        assert type(await _failure(_options(server.url))) is EmbedderLost


async def test_hanging_server_times_out() -> None:
    """No answer within the request timeout is a timeout, on time."""
    with StandIn() as server:
        server.controls.bad_texts = [BadText(contains="Agnes", effect="hang")]
        start = time.monotonic()
        assert type(await _failure(_options(server.url, timeout_s=0.3))) is EmbedderTimeout
    assert time.monotonic() - start < 2


async def test_slowly_dripping_server_times_out() -> None:
    """An answer byte by byte exceeds the deadline of the whole request, not of each read."""
    with StandIn() as server:
        server.controls.garbage = "drip"
        start = time.monotonic()
        assert type(await _failure(_options(server.url, timeout_s=0.3))) is EmbedderTimeout
    assert time.monotonic() - start < 2


async def test_cancelled_request_raises_cancelled_error() -> None:
    """A worker's shutdown must not look like an outage."""
    with StandIn(latency_s=30) as server:
        embedder = open_embedder(_options(server.url))
        task = asyncio.create_task(embedder.embed([_TEXT], role=Role.DOCUMENT))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await embedder.aclose()


async def test_oversize_answer_is_not_read_to_its_end() -> None:
    """An answer far larger than the texts can give is discarded, not kept in memory."""
    with StandIn() as server:
        server.controls.garbage = "oversize"
        failure = await _failure(_options(server.url))
    assert type(failure) is EmbedderBadAnswer
    assert "larger" in str(failure)


async def test_redirect_is_not_followed() -> None:
    """The key and the texts never go to an address that the operator did not set."""
    with StandIn() as other, StandIn(redirect_to=other.url + "/api/embed") as server:
        server.controls.garbage = "redirect"
        failure = await _failure(_options(server.url, key=_KEY))
        assert type(failure) is EmbedderMisconfigured
        assert "WIKIEMBED_EMBEDDER_URL" in str(failure)
        assert (server.stats.requests, other.stats.requests) == (1, 0)


async def test_key_is_sent_as_a_bearer_token_only_when_set() -> None:
    """The right key is accepted; a wrong or missing one is a misconfiguration."""
    with StandIn(api_key=_KEY) as server:
        embedder = open_embedder(_options(server.url, key=_KEY))
        assert (await embedder.embed(["a"], role=Role.DOCUMENT)).shape == (1, 768)
        await embedder.aclose()
        for key in (None, "wrong"):
            assert type(await _failure(_options(server.url, key=key))) is EmbedderMisconfigured


async def test_neither_key_nor_texts_are_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    """No message, chained exception or log line at any level holds the key or a text."""
    caplog.set_level(logging.DEBUG)
    echo = f'{{"error": "cannot embed {_TEXT} for {_KEY}"}}'
    with StandIn() as server:
        failures = []
        for status in (400, 401, 404, 422, 500, 503):
            server.controls.fail_next = [Canned(status=status, body=echo)]
            failures.append(await _failure(_options(server.url, key=_KEY)))
        server.controls.garbage = "html"
        failures.append(await _failure(_options(server.url, key=_KEY)))
        server.controls.down = True
        failures.append(await _failure(_options(server.url, key=_KEY)))
    failures.append(await _failure(_options(server.url, key=_KEY)))
    said = caplog.text + "".join("".join(traceback.format_exception(one)) for one in failures)
    for secret in (_KEY, "Tr0ub4dor", "Kowalczyk", "lithium"):
        assert secret not in said
    for one in failures:
        assert not isinstance(one.__context__, (aiohttp.ClientError, OSError))


async def test_lone_surrogate_rejects_its_batch() -> None:
    """Text that is not Unicode is the batch's fault and reaches no server."""
    with StandIn() as server:
        failure = await _failure(_options(server.url), "fine", "half \ud800 pair")
        assert type(failure) is EmbedderRejected
        assert server.stats.requests == 0


async def test_echoed_batch_does_not_hide_the_stated_limit() -> None:
    """infinity's 422 echoes every input; the limit after the echo is still read."""
    texts = [f"{_TEXT} {i}" for i in range(3000)]
    echo = '{"detail":[{"input":["%s"],"msg":"List should have at most 2048 items"}]}'
    with StandIn() as server:
        server.controls.fail_next = [Canned(status=422, body=echo % '","'.join(texts))]
        failure = await _failure(_options(server.url), *texts)
    assert getattr(failure, "limit", None) == 2048


async def test_trailing_v1_is_accepted() -> None:
    """The root of the server may end with `/v1` or a slash."""
    with StandIn(dimensions=4) as server:
        for url in (server.url + "/v1", server.url + "/v1/", server.url + "/"):
            client = HttpClient(_options(url))
            assert await client.get("/v1/models")
            await client.aclose()


@pytest.mark.parametrize(
    "url", [None, "", "localhost:11434", "ftp://host", "http://", "http://[::"]
)
def test_wrong_address_is_a_configuration_error(url: str | None) -> None:
    """An invalid http URL is refused in one sentence that names the setting."""
    with pytest.raises(ConfigurationError, match="WIKIEMBED_EMBEDDER_URL"):
        open_embedder(_options(url))


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", " padded", "tab\t"])
def test_key_that_is_not_a_valid_header_value_is_refused(key: str) -> None:
    """The settings refuse such a key without showing it."""
    with pytest.raises(ConfigurationError, match="WIKIEMBED_API_KEY") as caught:
        open_embedder(_options("http://host", key=key))
    assert key not in str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=standin", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(
        [openssl, "req", "-x509", "-days", "2", *made, *subject], check=True, capture_output=True
    )
    return pem, key


async def test_tls_is_verified(certificate: tuple[Path, Path]) -> None:
    """An unknown certificate is a misconfiguration; with its CA file it is trusted."""
    pem, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    with StandIn(tls=tls) as server:
        failure = await _failure(_options(server.url, key=_KEY))
        assert type(failure) is EmbedderMisconfigured
        assert "WIKIEMBED_CA_FILE" in str(failure)
        assert server.stats.requests == 0
        embedder = open_embedder(dataclasses.replace(_options(server.url), ca_file=pem))
        assert len(await embedder.embed(["a"], role=Role.DOCUMENT)) == 1
        await embedder.aclose()


def test_wrong_ca_file_is_a_configuration_error(tmp_path: Path) -> None:
    """A CA file that is missing or not PEM is reported on opening."""
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for path in (broken, tmp_path / "missing.pem"):
        options = EmbedderOptions(
            provider=Provider.TEI, url="https://host", model=None, ca_file=path
        )
        with pytest.raises(ConfigurationError, match="WIKIEMBED_CA_FILE"):
            open_embedder(options)


async def test_passwords_in_the_address_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Basic authentication in the URL works, but stays out of messages and logs."""
    caplog.set_level(logging.DEBUG)
    with StandIn(api_key="x") as server:
        address = server.url.replace("http://", "http://joe:Tr0ub4dor@")
        failures = [await _failure(_options(address))]
    failures.append(await _failure(_options(address)))
    assert "Tr0ub4dor" not in caplog.text + "".join(map(str, failures))
