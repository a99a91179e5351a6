"""Proxies of the environment are used as httpx uses them; keys and ~/.netrc stay where they are."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.unit.raw_server import BODY, RawServer, answer, read_request
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.client import _Client, _Transport
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import ConfigurationError, EmbedderUnavailable

_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_KEY = "sk-Tr0ub4dor-and-3"
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: httpx takes 20 ms for its own


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the machine's own proxies."""
    for name in (*_NAMES, "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _client(url: str, *, key: str | None = None) -> HttpClient:
    return HttpClient(
        EmbedderOptions(
            provider=Provider.TEI,
            url=url,
            model=None,
            api_key=SecretStr(key) if key is not None else None,
            request_timeout_s=5.0,
        )
    )


def _by_httpx(address: str) -> str | None:
    """The proxy that httpx would use for `address`."""
    with httpx.Client(verify=_TLS) as client:
        chosen = client._transport_for_url(httpx.URL(address))
        assert isinstance(chosen, httpx.HTTPTransport)
        proxy = getattr(chosen._pool, "_proxy_url", None)
    return None if proxy is None else f"{proxy.scheme.decode()}://{proxy.host.decode()}"


_HOSTS = ["host", "www.host", "xhost", "localhost", "127.0.0.1", "10.0.0.1", "[::1]", "a.b.example"]
_ADDRESSES = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(_HOSTS),
    st.sampled_from(["", ":80", ":443", ":8080"]),
)
_SPARED = st.sampled_from(
    [
        *(
            "host",
            ".host",
            "www.host",
            "HOST",
            "localhost",
            "127.0.0.1",
            "10.0.0.0/8",
            "10.0.0.1/8",
        ),
        *(
            "10.0.0.1/8",
            "::1",
            "host:8080",
            "host:80",
            "example",
            ".b.example",
            "*.example",
            "*",
            "",
            " host ",
        ),
        *("http://host", "https://host", "http://host:8080", "all://host", "127.0.0.1:8080"),
    ]
)


@given(
    address=_ADDRESSES,
    proxies=st.dictionaries(
        st.sampled_from(_NAMES[:3]), st.sampled_from(["http://p1:1", "p2:2", "https://p3:3", ""])
    ),
    spared=st.lists(_SPARED, max_size=3),
)
@example(address="http://host", proxies={"ALL_PROXY": "p2:2"}, spared=["https://host"])
@example(address="https://host", proxies={"ALL_PROXY": "p2:2"}, spared=["https://host"])
@example(address="http://host:8080", proxies={"HTTP_PROXY": "p2:2"}, spared=["host:8080"])
@settings(max_examples=200, deadline=None)
def test_proxy_equals_the_one_that_httpx_uses(
    address: str, proxies: dict[str, str], spared: list[str]
) -> None:
    """By scheme, with exceptions by host, domain, address and port."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in proxies.items():
            patched.setenv(name, value)
        patched.setenv("NO_PROXY", ",".join(spared))
        chosen = _Client(verify=_TLS)._transport_for_url(httpx.URL(address))
        assert isinstance(chosen, _Transport)
        proxy = chosen.proxy
        taken = None if proxy is None else f"{proxy.url.scheme}://{proxy.url.host}"
        assert taken == _by_httpx(address)


@pytest.mark.parametrize("name", _NAMES[:3])
@pytest.mark.parametrize(
    "value", ["socks5://host:1080", "ftp://host", "http://[::", "http://host:port", "http://"]
)
def test_unusable_proxy_is_reported_on_opening(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Also one for other addresses, in one sentence that names the variables."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"):
        _client("http://host")
    monkeypatch.setenv("NO_PROXY", "*")
    _client("http://host")


class _Proxy:
    """Records requests to the proxy; answers in place of the server, but opens no tunnel."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        """Serve one request after another."""
        while request := read_request(connection):
            self.asked.append(request)
            refused = request.startswith(b"CONNECT")
            connection.sendall(answer("403 Forbidden") if refused else answer())


def _values_of(name: bytes, head: bytes) -> list[bytes]:
    """Values of the headers called `name`; aiohttp writes some names with capitals."""
    lines = [line.partition(b": ") for line in head.split(b"\r\n")]
    return [value for found, _, value in lines if found.lower() == name]


async def test_proxy_receives_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own password and the server's key, as HTTP requires."""
    proxy = _Proxy()
    with RawServer(proxy.serve) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//j%C3%B6:p%40ss@"))
        client = _client("http://embedder.example:8080/base/v1", key=_KEY)
        for _ in range(2):  # the second over the connection of the first
            assert await client.post("/embed", {}, texts=["a"]) == BODY
        await client.aclose()
        assert server.connections == 1
    assert len(proxy.asked) == 2
    for request in proxy.asked:
        head = request.partition(b"\r\n\r\n")[0]
        assert head.startswith(b"POST http://embedder.example:8080/base/embed HTTP/1.1\r\n")
        assert b"\r\nhost: embedder.example:8080" in head.lower().replace(b"host:  ", b"host: ")
        assert _values_of(b"proxy-authorization", head) == [b"Basic asO2OnBAc3M="]
        assert _values_of(b"authorization", head) == [f"Bearer {_KEY}".encode()]


async def test_proxy_of_a_tunnel_never_receives_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONNECT is sent in clear text: it holds the proxy's password, and nothing of the server's."""
    proxy = _Proxy()
    with RawServer(proxy.serve) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url.replace("//", "//joe:pass@"))
        client = _client("https://embedder.example/v1", key=_KEY)
        with pytest.raises(EmbedderUnavailable, match=r"https://embedder\.example cannot"):
            await client.post("/embed", {}, texts=["a"])
        await client.aclose()
    (request,) = proxy.asked
    assert request.startswith(b"CONNECT embedder.example:443 HTTP/1.1\r\n")
    assert _values_of(b"proxy-authorization", request) == [b"Basic am9lOnBhc3M="]
    assert _KEY.encode() not in request
    assert b"\r\nauthorization" not in request.lower()


async def test_proxy_that_is_down_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like the server behind it."""
    monkeypatch.setenv("ALL_PROXY", "127.0.0.1:1")
    client = _client("http://embedder.example")
    with pytest.raises(EmbedderUnavailable, match="cannot be reached"):
        await client.get("/info")
    await client.aclose()


@pytest.mark.parametrize(
    ("user", "key", "sent"),
    [
        ("", None, None),
        ("joe:p%40ss@", None, b"authorization: Basic am9lOnBAc3M="),
        ("joe@", None, b"authorization: Basic am9lOg=="),
        ("joe:pass@", _KEY, f"authorization: Bearer {_KEY}".encode()),
    ],
)
async def test_netrc_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str, key: str | None, sent: bytes | None
) -> None:
    """Only the address and the key authenticate."""
    (tmp_path / ".netrc").write_text("default login eve password stolen\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    asked = _Proxy()
    with RawServer(asked.serve) as server:
        client = _client(server.url.replace("//", f"//{user}"), key=key)
        await client.get("/info")
        await client.aclose()
    (request,) = asked.asked
    proofs = [line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization")]
    assert proofs == ([] if sent is None else [sent])
