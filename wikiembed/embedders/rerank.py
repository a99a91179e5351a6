"""A reranker over HTTP: how well each text answers a query, in whichever form its server takes.

Sources: https://huggingface.github.io/text-embeddings-inference (`/rerank`);
https://docs.cohere.com/v1/reference/rerank, https://api.jina.ai/redoc, the score API of vLLM, and
the README of llama.cpp's server (`/v1/rerank`); infinity, which takes it at `/rerank` unless it is
started with `--url-prefix /v1`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from wikiembed.config import Provider, Settings
from wikiembed.embedders.base import EmbedderOptions
from wikiembed.embedders.client import headers_of, root_of, url_of
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import (
    BatchTooLarge,
    ConfigurationError,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.words import count as of

_FEWEST_CHARS = 200  # of a text that is cut; of fewer a score says nothing
_SHARE_KEPT = 0.9  # of what a limit in tokens allows, as tokens are not equally long


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of the request; `most`: texts per request, as its server has it by default."""

    path: str
    field: Literal["documents", "texts"]
    most: int | None = None

    def payload(self, query: str, texts: Sequence[str], model: str | None) -> dict[str, object]:
        """The request that has a score for each of `texts` answered."""
        if self.field == "texts":
            return {"query": query, "texts": texts, "truncate": True}
        named = {} if model is None else {"model": model}
        return {**named, "query": query, "documents": texts, "top_n": len(texts)}

    def is_unknown(self, error: EmbedderError) -> bool:
        """Whether `error` is that of a server that takes another form."""
        if error.http_status in {404, 405}:
            return True
        unread = error.http_status in {400, 422} and type(error) is EmbedderRejected
        return unread and self.field == "texts"


_FORMS = (
    _Form("/v1/rerank", "documents"),
    _Form("/rerank", "texts", most=32),
    _Form("/rerank", "documents"),
)


class Reranker:
    """The reranker of the settings; safe to call from many coroutines of one event loop.

    Its form of the request, how many texts fit into one, and how long they may be are learned from
    its answers.

    Raises: ConfigurationError when its address or its key cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        options = EmbedderOptions(
            provider=Provider.OPENAI,
            url=settings.reranker_url,
            model=settings.reranker_model,
            api_key=settings.reranker_api_key,
            ca_file=settings.ca_file,
            request_timeout_s=settings.reranker_timeout_s,
        )
        _require_usable(options)
        self._http = HttpClient(options)
        self._model = options.model
        self._timeout_s = options.request_timeout_s
        self.server = root_of(url_of(options))
        self._form = _FORMS[0]
        self._most: int | None = None
        self._most_chars: int | None = None

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each of `texts` answers `query`, higher for better; texts too long are cut.

        Raises: EmbedderError, whose sentence is of the reranker, after WIKIEMBED_RERANKER_TIMEOUT_S
        at the latest.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._scores_in_any_form(query, texts)
        except TimeoutError:
            failure: EmbedderError = EmbedderTimeout(
                f"The reranker at {self.server} gave no answer within {self._timeout_s:g} s."
            )
        except EmbedderError as error:
            failure = _of_reranker(error, server=self.server)
        raise failure

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def _scores_in_any_form(self, query: str, texts: Sequence[str]) -> list[float]:
        """By the form that was taken last, else by the others.

        Raises: EmbedderError, the first that is not of the form.
        """
        errors: list[EmbedderError] = []
        for form in sorted(_FORMS, key=lambda form: form is not self._form):
            try:
                found = await self._scores(form, query, texts)
            except EmbedderError as error:
                if not form.is_unknown(error):
                    raise
                errors.append(error)
            else:
                self._form = form
                return found
        raise next((e for e in errors if e.http_status not in {404, 405}), errors[0])

    async def _scores(self, form: _Form, query: str, texts: Sequence[str]) -> list[float]:
        most, chars = self._most or form.most or len(texts), self._most_chars
        while True:
            cut = [text[:chars] for text in texts]
            try:
                return [
                    score
                    for start in range(0, len(cut), most)
                    for score in await self._ask(form, query, cut[start : start + most])
                ]
            except BatchTooLarge as error:
                sent = min(most, len(texts))
                if sent == 1:
                    raise
                stated = error.limit is not None and error.limit < sent
                self._most = most = (error.limit if stated else None) or sent // 2
            except TextTooLong as error:
                longest = max(map(len, cut))
                share = 0.5
                if error.limit is not None and error.given is not None:
                    share = min(error.limit / error.given, 1.0) * _SHARE_KEPT
                if longest * share < _FEWEST_CHARS:
                    raise
                self._most_chars = chars = int(longest * share)

    async def _ask(self, form: _Form, query: str, texts: Sequence[str]) -> list[float]:
        body = await self._http.post(
            form.path, form.payload(query, texts, self._model), texts=[query, *texts]
        )
        return scores_in(body, count=len(texts))


def scores_in(body: bytes, *, count: int) -> list[float]:
    """The scores of an answer in either form, in the order of the texts.

    Raises: EmbedderBadAnswer on a wrong count, a missing, double or foreign index, and anything but
    finite numbers.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EmbedderBadAnswer("The reranker's answer is not JSON.") from None
    items = answer.get("results") if isinstance(answer, dict) else answer
    if not isinstance(items, list):
        raise EmbedderBadAnswer("The reranker's answer has no list of results.")
    if len(items) != count:
        raise EmbedderBadAnswer(
            f"The reranker answered {of(len(items), 'score')} to {of(count, 'text')}."
        )
    found: dict[int, float] = {}
    for item in items:
        known = item if isinstance(item, dict) else {}
        index, score = known.get("index"), known.get("relevance_score", known.get("score"))
        if type(index) is not int or not 0 <= index < count:
            raise EmbedderBadAnswer("The reranker answered an index out of range.")
        if index in found:
            raise EmbedderBadAnswer("The reranker answered the same index twice.")
        if (
            isinstance(score, bool)
            or not isinstance(score, int | float)
            or not math.isfinite(score)
        ):
            raise EmbedderBadAnswer("The reranker answered a score that is not a number.")
        found[index] = float(score)
    return [found[index] for index in range(count)]


def _require_usable(options: EmbedderOptions) -> None:
    """Check address and key in the names of their settings.

    Raises: ConfigurationError.
    """
    try:
        url = url_of(options)
    except ConfigurationError:
        raise ConfigurationError(
            "The reranker's address is not a URL: set WIKIEMBED_RERANKER_URL to http://host:port."
        ) from None
    key = options.api_key.get_secret_value() if options.api_key is not None else ""
    try:
        headers_of(url, key)
    except ConfigurationError:
        raise ConfigurationError(
            "The API key of WIKIEMBED_RERANKER_API_KEY holds a character that cannot be sent: a"
            " space, a line break, or one beyond ASCII."
        ) from None


_NAMES = (
    ("embedding server", "reranker"),
    ("an reranker", "a reranker"),
    ("rejected the batch", "rejected the request"),
    ("of the batch", "of the request"),
    ("than vectors can be", "than scores can be"),
    ("WIKIEMBED_API_KEY", "WIKIEMBED_RERANKER_API_KEY"),
    ("WIKIEMBED_EMBEDDER_URL", "WIKIEMBED_RERANKER_URL"),
    ("WIKIEMBED_MODEL", "WIKIEMBED_RERANKER_MODEL"),
    ("WIKIEMBED_REQUEST_TIMEOUT_S", "WIKIEMBED_RERANKER_TIMEOUT_S"),
)
"""Of an embedding server, in the sentences of `HttpClient`, and of a reranker."""


def _of_reranker(error: EmbedderError, *, server: str) -> EmbedderError:
    """The same error with the reranker's names and settings in its sentence."""
    sentence, status = str(error), error.http_status
    if status in {404, 405, 410}:
        sentence = (
            f"The reranker at {server} knows no such model, or neither /v1/rerank nor /rerank"
            f" ({status}): set WIKIEMBED_RERANKER_MODEL, or WIKIEMBED_RERANKER_URL to the server's"
            " root."
        )
    for name, own in _NAMES:
        sentence = sentence.replace(name, own)
    if not sentence.endswith((".", "!", "…")):
        sentence += "."
    if isinstance(error, EmbedderThrottled):
        return EmbedderThrottled(sentence, http_status=status, retry_after_s=error.retry_after_s)
    for kind in (EmbedderTimeout, EmbedderUnavailable, EmbedderMisconfigured, EmbedderBadAnswer):
        if isinstance(error, kind):
            return kind(sentence, http_status=status)
    return EmbedderRejected(sentence, http_status=status)
