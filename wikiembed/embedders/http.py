"""One HTTP client for all dialects: key, deadline, bounded answers, errors of ours only."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence

import aiohttp
import orjson
from yarl import URL

from wikiembed.embedders.address import address_of, headers_of, root_of
from wikiembed.embedders.answers import error_of
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.body import read_body, status_within
from wikiembed.embedders.failures import RAISED, failure_of
from wikiembed.embedders.proxy import proxy_of
from wikiembed.embedders.tls import tls_of
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderRejected

_CONNECT_TIMEOUT_S = 10.0
_CONNECT_SHARE = 0.8  # so that a handshake that hangs is told from an answer that is slow
_KEEPALIVE_S = 4.0  # uvicorn closes idle connections after 5
_SLACK_BYTES = 1 << 20
_BYTES_A_NUMBER = 40
_MOST_DIMENSIONS = 16_000  # of pgvector's vector type
_READ_AHEAD_BYTES = 1 << 20  # a batch's answer, so that the transport need not be paused
_HEAD_BYTES = 100 << 10  # of a line of an answer's head; gateways add long ones
_WRITTEN_AT_ONCE_BYTES = 1 << 20  # aiohttp warns of more
_TURNS_TO_HEAR = 2


class HttpClient:
    """Connections to one embedding server; TLS is always verified, redirects never followed.

    Made with or without a running loop, and used within one.

    Raises: ConfigurationError when the address, the key or the CA file is missing or wrong.
    """

    def __init__(self, options: EmbedderOptions) -> None:
        address = address_of(options)
        self._key = options.api_key.get_secret_value() if options.api_key is not None else ""
        self._timeout_s = options.request_timeout_s
        self._dimensions = _MOST_DIMENSIONS
        self._root = root_of(address)
        # Of each request, not of the session: aiohttp shows the session's headers to a proxy.
        self._headers = headers_of(address, self._key, key_header=options.api_key_header)
        self._proxy_headers: dict[str, str] | None = None
        self._tls = tls_of(options.ca_file)
        self._proxy = proxy_of(address)
        if self._proxy is not None and self._proxy.authorization is not None:
            proof = {"proxy-authorization": self._proxy.authorization}
            if address.scheme == "https":
                self._proxy_headers = proof
            else:
                self._headers |= proof
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None
        self._answered = False  # so far; a server that has answered speaks the address's scheme

    def learn_dimensions(self, dimensions: int) -> None:
        """Bound the next answers by the dimensions that the server is known to give."""
        self._dimensions = dimensions

    async def post(
        self, path: str, payload: Mapping[str, object], *, texts: Sequence[str]
    ) -> bytes:
        """Send `payload`, which holds `texts`, and return the body of a success answer.

        Raises: EmbedderError; the message holds none of `texts`.
        """
        try:
            content = orjson.dumps(payload)
        except orjson.JSONEncodeError:
            content = b""
        if not content:
            raise EmbedderRejected(
                "A text of the batch is not valid Unicode (half a surrogate pair), "
                "so it cannot be sent."
            )
        limit = len(texts) * self._dimensions * _BYTES_A_NUMBER + _SLACK_BYTES
        return await self._exchange("POST", path, content=content, texts=texts, limit=limit)

    async def get(self, path: str) -> bytes:
        """Return the body of a success answer to a plain GET.

        Raises: EmbedderError.
        """
        return await self._exchange("GET", path, content=None, texts=(), limit=_SLACK_BYTES)

    async def aclose(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()

    async def _exchange(
        self, method: str, path: str, *, content: bytes | None, texts: Sequence[str], limit: int
    ) -> bytes:
        # aiohttp's exceptions carry the request, key included: they must not become the context
        # of ours, hence no raise within an except block.
        failure: EmbedderError
        try:
            async with asyncio.timeout(self._timeout_s):
                await _hear_goodbyes()
                async with self._opened().request(
                    method,
                    self._url_of(path),
                    data=_data_of(content),
                    headers=self._headers,
                    proxy_headers=self._proxy_headers,
                    allow_redirects=False,
                ) as response:
                    success = 200 <= response.status < 300
                    bound = limit if success else _SLACK_BYTES + 8 * len(content or b"")
                    body, whole = await read_body(response, bound)
        except RAISED as error:
            failure = failure_of(
                error, root=self._root, timeout_s=self._timeout_s, answered=self._answered
            )
        else:
            self._answered = True
            within = status_within(body) if success and whole else None
            if success and whole and within is None:
                return body
            failure = self._failure_in(within or response.status, response, body, texts, path)
        raise failure

    def _opened(self) -> aiohttp.ClientSession:
        """The session; aiohttp makes one only where a loop runs, so the first request does."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls,
                    limit=0,
                    keepalive_timeout=_KEEPALIVE_S,
                    resolver=aiohttp.ThreadedResolver(),
                    use_dns_cache=False,
                ),
                # total is asyncio.timeout's; ceil_threshold, lest it be rounded up to a second.
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=min(_CONNECT_SHARE * self._timeout_s, _CONNECT_TIMEOUT_S),
                    ceil_threshold=_CONNECT_TIMEOUT_S,
                ),
                proxy=self._proxy.url if self._proxy is not None else None,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,  # it would send what ~/.netrc holds
                auto_decompress=False,
                read_bufsize=_READ_AHEAD_BYTES,
                max_line_size=_HEAD_BYTES,
                max_field_size=_HEAD_BYTES,
            )
        return self._session

    def _url_of(self, path: str) -> URL:
        if path not in self._urls:
            self._urls[path] = URL(self._root + path)
        return self._urls[path]

    def _failure_in(
        self,
        status: int,
        response: aiohttp.ClientResponse,
        body: bytes,
        texts: Sequence[str],
        path: str,
    ) -> EmbedderError:
        if 200 <= status < 300:
            return EmbedderBadAnswer(
                "The embedding server's answer is far larger than vectors can be.",
                http_status=status,
            )
        said = response.headers
        headers = {name.lower(): ", ".join(said.getall(name)) for name in said}
        address = self._root + path.partition("?")[0]
        return error_of(status, body, headers, texts=texts, secret=self._key, address=address)


async def _hear_goodbyes() -> None:
    """Let the loop notice which idle connections the server has closed by now.

    One turn asks the sockets, and the next marks what ended; a request into a closed connection
    would be lost, and none is sent twice.
    """
    for _ in range(_TURNS_TO_HEAR):
        await asyncio.sleep(0)


def _data_of(content: bytes | None) -> bytes | io.BytesIO | None:
    """A large body is written piece by piece, so that other requests go on meanwhile."""
    if content is None or len(content) <= _WRITTEN_AT_ONCE_BYTES:
        return content
    return io.BytesIO(content)
