"""The httpx client of one embedding server: its address, key, proxies, certificates and deadlines.

Requests go over aiohttp's connections (httpx-aiohttp): over httpx's own, a batch of 64 texts costs
1.7 times the CPU.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from wikiembed.embedders.base import EmbedderOptions
from wikiembed.errors import ConfigurationError
from wikiembed.server_url import without_version

_CONNECT_TIMEOUT_S = 10.0
_CONNECT_SHARE = 0.8  # to distinguish a handshake that hangs from a slow answer
_KEEPALIVE_S = 4.0  # uvicorn closes idle connections after 5
_READ_AHEAD_BYTES = 1 << 20  # a batch's answer, so that the transport need not be paused
_HEAD_BYTES = 100 << 10  # of a line of an answer's head; gateways add long ones
_TURNS_TO_NOTICE = 2
_LAST_PORT = 65_535


def open_client(options: EmbedderOptions) -> httpx.AsyncClient:
    """Make the client; TLS is verified, redirects are not followed, cookies are not kept.

    It needs no running loop to be made. Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY
    and NO_PROXY; ~/.netrc is not read.

    Raises: ConfigurationError when the address, the key, a proxy or a CA file is missing or wrong.
    """
    url = url_of(options)
    key = options.api_key.get_secret_value() if options.api_key is not None else ""
    headers = headers_of(url, key, key_header=options.api_key_header)
    tls = _tls_of(options.ca_file)
    connect_s = min(_CONNECT_SHARE * options.request_timeout_s, _CONNECT_TIMEOUT_S)
    try:
        return _Client(
            headers=headers,
            verify=tls,
            # aiohttp takes `pool` for all of connecting: name, socket and TLS.
            timeout=httpx.Timeout(None, connect=connect_s, pool=connect_s),
        )
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(
            "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is no proxy that can be used:"
            " write it as http://host:port."
        ) from None


def url_of(options: EmbedderOptions) -> httpx.URL:
    """The server's address, with user and password, without query and fragment.

    Raises: ConfigurationError when it is missing or no URL of HTTP.
    """
    hint = "set WIKIEMBED_EMBEDDER_URL to http://host:port"
    if not options.url:
        raise ConfigurationError(f"No address of an embedding server: {hint}.")
    text = options.url.strip()
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if " " in text or not _is_http(url) or not _is_host(url.host):
        raise ConfigurationError(f"The embedding server's address is not a URL: {hint}.")
    return url.copy_with(query=None, fragment=None)


def _is_http(url: httpx.URL) -> bool:
    """Whether `url` can be connected to: httpx takes URLs without host, and ports out of range."""
    return url.scheme in {"http", "https"} and bool(url.host) and (url.port or 0) <= _LAST_PORT


def _is_host(host: str) -> bool:
    """A name or a whole IP address: of 127.1 or 2130706433 aiohttp connects to none."""
    if host.strip("0123456789."):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def root_of(url: httpx.URL) -> str:
    """The address that may be shown and that paths are put behind: no password, no `/v1`."""
    return without_version(str(url.copy_with(userinfo=b"")))


def headers_of(url: httpx.URL, key: str, *, key_header: str | None = None) -> dict[str, str]:
    """The headers of every request; a key comes before user and password of the address.

    With `key_header` the key stands alone in that header, as Azure OpenAI's `api-key` wants it.

    Raises: ConfigurationError when no header can hold the key.
    """
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if key:
        if not key.isascii() or not key.isprintable() or key != key.strip():
            raise ConfigurationError(
                "The API key of WIKIEMBED_API_KEY or WIKIEMBED_API_KEY_FILE holds a character that"
                " cannot be sent: a space, a line break, or one beyond ASCII."
            )
        if key_header is not None:
            headers[key_header.lower()] = key
        else:
            headers["authorization"] = f"Bearer {key}"
    elif url.username or url.password:
        headers["authorization"] = _basic(url.username, url.password)
    return headers


def _basic(user: str, password: str) -> str:
    """Source: RFC 7617."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _tls_of(ca_file: Path | None) -> ssl.SSLContext:
    """httpx's context, which verifies by SSL_CERT_FILE, SSL_CERT_DIR or certifi; and `ca_file`.

    Raises: ConfigurationError when a file of certificates cannot be read.
    """
    try:
        context = httpx.create_ssl_context()
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            "SSL_CERT_FILE or SSL_CERT_DIR cannot be read as PEM certificates: correct or unset it."
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise ConfigurationError(
                "WIKIEMBED_CA_FILE cannot be read as a PEM file of certificates: correct or"
                " unset it."
            ) from None
    return context


class _NoCookies(httpx.Cookies):
    """Keeps none, and looks for none, which would cost 20 µs of CPU an answer."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing."""


class _Client(httpx.AsyncClient):
    """An httpx client whose transports are aiohttp's, set up by the same two methods as
    httpx-aiohttp's own client: a transport that is passed in would turn off proxies.
    """

    _none = _NoCookies()

    @property  # type: ignore[misc]  # is never set
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return self._none

    def _init_transport(self, *, verify: ssl.SSLContext, **_: Any) -> httpx.AsyncBaseTransport:  # type: ignore[override]
        return _Transport(verify, proxy=None)

    def _init_proxy_transport(  # type: ignore[override]
        self, proxy: httpx.Proxy, *, verify: ssl.SSLContext, **_: Any
    ) -> httpx.AsyncBaseTransport:
        if not _is_http(proxy.url):
            raise ValueError
        if proxy.auth is not None:
            # Not as `auth`, which aiohttp deprecates and encodes as Latin-1; it sends this
            # header as Proxy-Authorization, to the proxy alone.
            proxy = httpx.Proxy(proxy.url, headers={"authorization": _basic(*proxy.auth)})
        return _Transport(verify, proxy=proxy)


class _Transport(AiohttpTransport):
    """One pool of connections, direct or by `proxy`; none is used that the server has closed."""

    def __init__(self, tls: ssl.SSLContext, *, proxy: httpx.Proxy | None) -> None:
        super().__init__(verify=tls, proxy=proxy, client=self._session)

    def _session(self) -> aiohttp.ClientSession:
        """Made at the first request, as aiohttp makes one only where a loop runs."""
        return aiohttp.ClientSession(
            connector=_Connector(
                ssl=self.ssl_context,
                limit=0,
                keepalive_timeout=_KEEPALIVE_S,
                resolver=aiohttp.ThreadedResolver(),
                use_dns_cache=False,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # it would send what ~/.netrc holds
            read_bufsize=_READ_AHEAD_BYTES,
            max_line_size=_HEAD_BYTES,
            max_field_size=_HEAD_BYTES,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # Let the loop notice which idle connections the server has closed by now: one turn asks
        # the sockets, and the next marks what ended. A request into a closed connection would be
        # lost, and none is sent twice.
        for _ in range(_TURNS_TO_NOTICE):
            await asyncio.sleep(0)
        response = await super().handle_async_request(request)
        # The server's words: httpx would log the one, and judge the other, which is not followed.
        response.extensions.pop("reason_phrase", None)
        response.headers.pop("location", None)
        if isinstance(response.stream, AiohttpResponseStream):
            response.stream.CHUNK_SIZE = _READ_AHEAD_BYTES  # 16 KiB are 64 rounds a batch
        return response


class _Connector(aiohttp.TCPConnector):
    """Connections whose deadline is met to the millisecond: aiohttp rounds those above 5 s up."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's name for it
    ) -> Connection:
        exact = aiohttp.ClientTimeout(
            connect=timeout.connect,
            sock_connect=timeout.sock_connect,
            ceil_threshold=_CONNECT_TIMEOUT_S,
        )
        return await super().connect(req, traces, exact)
