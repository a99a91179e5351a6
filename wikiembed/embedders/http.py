"""One HTTP client for all dialects: key, deadline, bounded answers, errors of ours only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import httpx
import orjson

from wikiembed.embedders.answers import error_of
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.body import read_body, status_within
from wikiembed.embedders.client import open_client, root_of, url_of
from wikiembed.embedders.failures import RAISED, failure_of
from wikiembed.embedders.usage import count_answer, count_failure
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderRejected

_SLACK_BYTES = 1 << 20
_BYTES_A_NUMBER = 40
_MOST_DIMENSIONS = 16_000  # of pgvector's vector type
_WRITTEN_AT_ONCE_BYTES = 1 << 20  # aiohttp warns of more
_PIECE_BYTES = 1 << 16


class HttpClient:
    """Connections to one embedding server; TLS is always verified, redirects never followed.

    Made with or without a running loop, and used within one.

    Raises: ConfigurationError when the address, the key or the CA file is missing or wrong.
    """

    def __init__(self, options: EmbedderOptions) -> None:
        self._client = open_client(options)
        url = url_of(options)
        self.host = url.host
        self._root = root_of(url)
        self._key = options.api_key.get_secret_value() if options.api_key is not None else ""
        self._timeout_s = options.request_timeout_s
        self._on_headers = options.on_headers
        self._dimensions = _MOST_DIMENSIONS
        self._urls: dict[str, httpx.URL] = {}
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
        await self._client.aclose()

    async def _exchange(
        self, method: str, path: str, *, content: bytes | None, texts: Sequence[str], limit: int
    ) -> bytes:
        # The exceptions of httpx and aiohttp carry the request, key included: they must not
        # become the context of ours, hence no raise within an except block.
        failure: EmbedderError
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(
                    self._request(method, path, content), stream=True
                )
                try:
                    success = response.is_success
                    bound = limit if success else _SLACK_BYTES + 8 * len(content or b"")
                    body, whole = await read_body(response, bound)
                finally:
                    await response.aclose()
        except RAISED as error:
            failure = failure_of(
                error, root=self._root, timeout_s=self._timeout_s, answered=self._answered
            )
            if texts:
                count_failure()
        else:
            self._answered = True
            if texts and self._on_headers is not None:
                self._on_headers(response.headers)
            within = status_within(body) if success and whole else None
            if success and whole and within is None:
                if texts:
                    count_answer(texts, body, response.headers)
                return body
            if texts:
                count_failure(body, response.headers)
            failure = self._failure_in(within or response.status_code, response, body, texts, path)
        raise failure

    def _request(self, method: str, path: str, content: bytes | None) -> httpx.Request:
        if path not in self._urls:
            self._urls[path] = httpx.URL(self._root + path)
        if content is None or len(content) <= _WRITTEN_AT_ONCE_BYTES:
            return self._client.build_request(method, self._urls[path], content=content)
        length = {"content-length": str(len(content))}
        return self._client.build_request(
            method, self._urls[path], content=_pieces(content), headers=length
        )

    def _failure_in(
        self,
        status: int,
        response: httpx.Response,
        body: bytes,
        texts: Sequence[str],
        path: str,
    ) -> EmbedderError:
        if 200 <= status < 300:
            return EmbedderBadAnswer(
                "The embedding server's answer is far larger than vectors can be.",
                http_status=status,
            )
        headers = dict(response.headers)  # names in lower case, and each of them once
        address = self._root + path.partition("?")[0]
        return error_of(status, body, headers, texts=texts, secret=self._key, address=address)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """A large body piece by piece, so that other requests go on meanwhile.

    Before each the loop reads what has come, by one turn that asks the sockets and one that reads:
    a write to a server that has refused and closed drops the answer if it is unread by then.
    """
    for start in range(0, len(content), _PIECE_BYTES):
        for _ in range(2):
            await asyncio.sleep(0)
        yield content[start : start + _PIECE_BYTES]
