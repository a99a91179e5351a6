"""One HTTP client for all dialects: key, deadline, bounded answers, errors of ours only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx
import orjson

from wikiembed.embedders.answers import error_of
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.tls import refusal_of_tls, tls_of
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

_CONNECT_TIMEOUT_S = 10.0
_KEEPALIVE_S = 4.0  # uvicorn closes idle connections after 5
_SLACK_BYTES = 1 << 20
_BYTES_A_NUMBER = 40
_MOST_DIMENSIONS = 16_000  # of pgvector's vector type
_START = "start it, or set WIKIEMBED_EMBEDDER_URL"


class HttpClient:
    """Connections to one embedding server; TLS is always verified, redirects never followed.

    Raises: ConfigurationError when the address, the key or the CA file is missing or wrong.
    """

    def __init__(self, options: EmbedderOptions) -> None:
        url = _address_of(options)
        self._key = options.api_key.get_secret_value() if options.api_key is not None else ""
        self._timeout_s = options.request_timeout_s
        self._dimensions = _MOST_DIMENSIONS
        self._root = str(url.copy_with(userinfo=b"")).rstrip("/").removesuffix("/v1")
        headers, tls = _headers_of(self._key), tls_of(options.ca_file)
        try:
            self._client = httpx.AsyncClient(
                headers=headers,
                auth=(url.username, url.password) if url.userinfo and not self._key else None,
                verify=tls,
                timeout=httpx.Timeout(
                    self._timeout_s, connect=min(self._timeout_s, _CONNECT_TIMEOUT_S)
                ),
                limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEPALIVE_S),
                follow_redirects=False,
            )
        except (ValueError, ImportError, httpx.InvalidURL):  # httpx has read the proxies
            raise ConfigurationError(
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is no proxy that can be used:"
                " write it as http://host:port."
            ) from None

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
        await self._client.aclose()

    async def _exchange(
        self, method: str, path: str, *, content: bytes | None, texts: Sequence[str], limit: int
    ) -> bytes:
        # httpx's exceptions carry the request, key and texts included: they must not become
        # the context of ours, hence no raise within an except block.
        failure: EmbedderError
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(method, self._root + path, content=content) as response,
            ):
                if response.is_success:
                    body, whole = await _read(response, limit)
                else:
                    body, whole = await _read(response, _SLACK_BYTES + 8 * len(content or b""))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            failure = failure_of(error, root=self._root, timeout_s=self._timeout_s)
        else:
            if response.is_success and whole:
                return body
            failure = self._failure_in(response, body, texts)
        raise failure

    def _failure_in(
        self, response: httpx.Response, body: bytes, texts: Sequence[str]
    ) -> EmbedderError:
        status = response.status_code
        if response.is_success:
            return EmbedderBadAnswer(
                "The embedding server's answer is far larger than vectors can be.",
                http_status=status,
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return error_of(status, body, headers, texts=texts, secret=self._key)


def failure_of(error: Exception, *, root: str, timeout_s: float) -> EmbedderError:
    """Map what httpx or the system raised to an error of ours; its own message is not used.

    Source: https://www.python-httpx.org/exceptions/
    """
    if isinstance(error, httpx.ConnectTimeout):
        return EmbedderUnavailable(
            f"The embedding server at {root} cannot be reached in time: {_START}."
        )
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return EmbedderTimeout(
            f"The embedding server at {root} gave no answer within {timeout_s:g} s."
        )
    if (refusal := refusal_of_tls(error, root=root)) is not None:
        return refusal
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects)):
        return EmbedderMisconfigured(
            f"{root} is not the address of an embedding server: set WIKIEMBED_EMBEDDER_URL."
        )
    if isinstance(error, (httpx.DecodingError, httpx.StreamError, httpx.HTTPStatusError)):
        return EmbedderBadAnswer(f"The embedding server at {root} gave an unreadable answer.")
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return EmbedderUnavailable(f"The embedding server at {root} cannot be reached: {_START}.")
    return EmbedderLost(f"The embedding server at {root} broke off the connection.")


async def _read(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    """The body up to `limit` bytes, and whether that was all of it."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > limit:
            return b"".join(parts)[:limit], False
    return b"".join(parts), True


def _address_of(options: EmbedderOptions) -> httpx.URL:
    hint = "set WIKIEMBED_EMBEDDER_URL to http://host:port"
    if not options.url:
        raise ConfigurationError(f"No address of an embedding server: {hint}.")
    try:
        url = httpx.URL(options.url.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    usable = url.scheme in {"http", "https"} and url.host and (url.port or 1) in range(1, 65536)
    if not usable or any(char.isspace() for char in options.url.strip()):
        raise ConfigurationError(f"The embedding server's address is not a URL: {hint}.")
    return url.copy_with(query=None, fragment=None)


def _headers_of(key: str) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if key:
        if not key.isascii() or not key.isprintable() or key != key.strip():
            raise ConfigurationError(
                "The API key of WIKIEMBED_API_KEY or WIKIEMBED_API_KEY_FILE holds a character that"
                " cannot be sent: a space, a line break, or one beyond ASCII."
            )
        headers["authorization"] = f"Bearer {key}"
    return headers
