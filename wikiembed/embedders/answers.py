"""What an error answer means: status, body and headers to one exception of ours.

The words are those of the servers' and gateways' own sources and documents; see the table of
servers in the docs. A status alone does not tell a dead server from a bad text, so what no words
explain becomes EmbedderRejected, and the probe decides (`wikiembed.servers.classify`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wikiembed.embedders.words import Words, read_words, scrub, wait_of
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderRejected,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.words import count

# 425 is "too early"; 520 to 530 are Cloudflare's of a server behind it, 529 also "overloaded".
_UNAVAILABLE = frozenset({408, 425, 502, 503, 504, *range(520, 531)})
_LOST = frozenset({502, 520})
_TOO_SLOW = frozenset({504, 524})

_TEXT_TOO_LONG = re.compile(
    r"exceeds? the (?:available |maximum )?context"  # Ollama, llama.cpp of 2026
    r"|must have less than \d+ tokens"  # TEI
    r"|too large to process"  # llama.cpp
    r"|maximum (?:context|input|model) length"  # vLLM, OpenAI
    r"|exceed_context_size|context_length_exceeded|ContextWindowExceeded"
    r"|input token count .{0,40}exceeds"  # Vertex AI
    r"|too many input tokens"  # Bedrock
    r"|at most \d+ characters",  # infinity
    re.IGNORECASE,
)
_N = r"(?P<{}>\d{{1,9}})"
_LIMIT, _GIVEN = _N.format("limit"), _N.format("given")
_STATED_TOKENS = (
    re.compile(rf"length is {_LIMIT} tokens\W.{{0,30}}requested {_GIVEN} tokens"),  # OpenAI, vLLM
    re.compile(rf"less than {_LIMIT} tokens\. Given: {_GIVEN}"),  # TEI
    re.compile(rf"\({_GIVEN} tokens\) is too large.{{0,80}}batch size: {_LIMIT}"),  # llama.cpp
    re.compile(rf"\({_GIVEN} tokens\) exceeds .{{0,40}}size \({_LIMIT} tokens\)"),  # llama.cpp
    re.compile(rf"count \({_GIVEN}\) exceeds .{{0,60}}\({_LIMIT}\)"),  # Vertex AI
)
_BATCH_TOO_LARGE = re.compile(
    r"maximum allowed batch size (?P<tei>\d{1,9})"
    r"|at most (?P<infinity>\d{1,9}) items"
    r"|at most (?P<gemini>\d{1,9}) requests can be in one batch"
    r"|array (?:is )?too long(?:.*?maximum length (?P<openai>\d{1,9}))?"
    r"|maximum array length(?: is| of)? (?P<openai_old>\d{1,9})"
    r"|batch size should not exceed (?P<others>\d{1,9})"
    r"|array length"
    r"|max_tokens_per_request|tokens per request",
    re.IGNORECASE | re.DOTALL,
)
_UNKNOWN_MODEL = re.compile(
    r"model\b.{0,120}?(?:not found|does not exist|not support embed)|model_not_found"
    r"|invalid model\b"  # LiteLLM
    r"|not a valid model"  # OpenRouter
    r"|no such model"  # Workers AI
    r"|DeploymentNotFound|does not work with the specified model"  # Azure OpenAI
    r"|model identifier is invalid",  # Bedrock
    re.IGNORECASE | re.DOTALL,
)
_WRONG_KEY = re.compile(
    r"no_db_connection|no connected db"  # LiteLLM without a database
    r"|api.?key not valid|API_KEY_INVALID"  # Gemini, Vertex AI
    r"|(?:invalid|incorrect|missing)[_ ]api[_ ]?key"
    r"|IncompleteSignature|NotAuthorized|InvalidClientTokenId",  # Bedrock
    re.IGNORECASE,
)
_QUOTA = re.compile(
    r"insufficient_quota|insufficient credits|billing_hard_limit"
    r"|budget[_ ](?:has been )?exceeded|exceeded budget"  # LiteLLM
    r"|out of call volume quota"  # Azure
    r"|daily free allocation"  # Workers AI
    r"|ServiceQuotaExceeded",  # Bedrock
    re.IGNORECASE,
)
_QUOTA_OR_RATE = re.compile(r"exceeded your current quota", re.IGNORECASE)
_RATE = re.compile(r"RESOURCE_EXHAUSTED", re.IGNORECASE)
_CUT_OFF = re.compile(r"disconnect/reset before headers", re.IGNORECASE)  # Envoy
_NEEDS_TLS = re.compile(
    r"HTTP request was sent to HTTPS port|HTTP request to an HTTPS server", re.IGNORECASE
)
_OWN_FAULT = re.compile(
    r"do embedding request"  # Ollama, of its model's process
    r"|runner (?:process )?has (?:terminated|unexpectedly stopped)|out of memory"
    r"|connection re(?:fused|set)|temporarily unavailable|connection error",
    re.IGNORECASE,
)
_ENCODING = re.compile(r"encoding_format|base64", re.IGNORECASE)


class EncodingRejected(EmbedderRejected):
    """The server does not know `encoding_format`: ask for plain numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An error answer: `said` may be shown, `own` is what no text can have put there."""

    status: int
    words: Words
    said: str
    wait_s: float | None
    address: str

    @property
    def own(self) -> str:
        """What may stop a source: never words that may be an echo of a text."""
        return f"{self.said} {self.words.codes}"

    @property
    def at(self) -> str:
        """Which server it was: pages show it of each failure."""
        return f" at {self.address}" if self.address else ""

    @property
    def tail(self) -> str:
        """The server's words behind a colon, or the end of the sentence."""
        return f": {self.said}" if self.said else "."


def error_of(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    texts: Sequence[str] = (),
    secret: str = "",
    address: str = "",
) -> EmbedderError:
    """Classify an answer that is no success; no part of `texts` or `secret` is in the message.

    Headers are looked up in lower case; `address` is what was asked, and may be shown.
    """
    words = read_words(body)
    answer = _Answer(
        status=status,
        words=words,
        said=scrub(words.message, hidden=[*texts, secret]) if words.showable else "",
        wait_s=wait_of(headers, words.message),
        address=address,
    )
    return _of_address(answer) or _of_account(answer) or _of_server(answer) or _of_batch(answer)


def _of_address(answer: _Answer) -> EmbedderError | None:
    """A wrong address, model or path."""
    status, said = answer.status, answer.said
    at = answer.at
    if 300 <= status < 400:
        return EmbedderMisconfigured(
            f"The embedding server redirects to another address ({status}); "
            "set WIKIEMBED_EMBEDDER_URL to that address.",
            http_status=status,
        )
    if status in {400, 421, 426, 497} and _NEEDS_TLS.search(answer.words.message):
        return EmbedderMisconfigured(
            f"The embedding server{at} speaks TLS ({status}):"
            " set WIKIEMBED_EMBEDDER_URL to https://….",
            http_status=status,
        )
    unknown = bool(_UNKNOWN_MODEL.search(answer.own))
    named = f", {said.rstrip('.')}" if said else ""
    if status in {404, 410} or (status in {400, 422} and unknown):
        cure = "set WIKIEMBED_MODEL to a model that it serves"
        if not unknown:
            cure = f"set WIKIEMBED_MODEL, or {_PATH_CURE}"
        return EmbedderMisconfigured(
            f"The embedding server knows no such model or path ({status}){at}{named}: {cure}.",
            http_status=status,
        )
    if status == 405:
        return EmbedderMisconfigured(
            f"The embedding server takes no embedding requests ({status}){at}{named}:"
            f" {_PATH_CURE}.",
            http_status=status,
        )
    return None


_PATH_CURE = (
    "set WIKIEMBED_EMBEDDER_URL to the server's root only, and WIKIEMBED_EMBEDDER_PATH where"
    " embeddings are at another path"
)


def _of_account(answer: _Answer) -> EmbedderError | None:
    """A key that is refused, or an account that has no quota left."""
    status = answer.status
    waits = status == 402 and answer.wait_s is not None  # OpenRouter: too much in flight
    used_up = _QUOTA.search(answer.own) is not None
    if status == 429 and not used_up and _QUOTA_OR_RATE.search(answer.own):
        # Google says so of a rate a minute, too, and then how long to wait.
        used_up = answer.wait_s is None and not _RATE.search(answer.own)
    if (status == 402 and not waits) or (used_up and status in {400, 403, 429}):
        return EmbedderMisconfigured(
            f"The account's quota at the embedding server is used up ({status}){answer.tail}"
            f"{'' if answer.said.endswith(('.', '!')) or not answer.said else '.'}"
            " Raise it, then resume.",
            http_status=status,
        )
    if status == 401 or (status in {400, 422} and _WRONG_KEY.search(answer.own)):
        return EmbedderMisconfigured(
            f"The embedding server refuses the API key ({status}): set WIKIEMBED_API_KEY.",
            http_status=status,
        )
    if status == 403:
        said = f" It says: {answer.said}" if answer.said else ""
        return EmbedderMisconfigured(
            f"The embedding server, or a proxy before it, refuses the API key ({status}): set"
            f" WIKIEMBED_API_KEY to one that may use the model.{said}",
            http_status=status,
        )
    if status == 407:
        return EmbedderMisconfigured(
            f"The proxy wants a user and a password ({status}): write them into HTTP_PROXY or"
            " HTTPS_PROXY as http://user:password@host:port.",
            http_status=status,
        )
    return None


def _of_server(answer: _Answer) -> EmbedderError | None:
    """A server that asks to wait, or that is not there."""
    status = answer.status
    if status in {402, 429}:
        return EmbedderThrottled(
            f"The embedding server asks for fewer requests ({status}).",
            http_status=status,
            retry_after_s=answer.wait_s,
        )
    if status in _UNAVAILABLE:
        return _kind_of_absence(status, answer.words.message)(
            f"The embedding server is not available ({status}){answer.tail}",
            http_status=status,
            retry_after_s=answer.wait_s,
        )
    return None


def _kind_of_absence(status: int, message: str) -> type[EmbedderUnavailable]:
    """What a proxy says of the server behind it: cut off under the request, too slow, or not there.

    Sources: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details
    https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
    """
    if status in _LOST or (status == 503 and _CUT_OFF.search(message)):
        return EmbedderLost
    return EmbedderTimeout if status in _TOO_SLOW else EmbedderUnavailable


def _stated_tokens(message: str) -> tuple[int | None, int | None]:
    """How many tokens a server takes and how many it was given, where it says both."""
    for pattern in _STATED_TOKENS:
        found = pattern.search(message)
        if found is not None and 0 < int(found["limit"]) <= int(found["given"]):
            return int(found["limit"]), int(found["given"])
    return None, None


def _of_batch(answer: _Answer) -> EmbedderError:
    """An error answer that concerns this batch, or at least may."""
    status, matched = answer.status, f"{answer.words.message} {answer.words.codes}"
    if _TEXT_TOO_LONG.search(matched):
        limit, given = _stated_tokens(answer.words.message)
        return TextTooLong(
            f"A text of the batch is longer than the model's context ({status}){answer.at}.",
            http_status=status,
            limit=limit,
            given=given,
        )
    too_many = _BATCH_TOO_LARGE.search(matched)
    if too_many is not None or status == 413:
        numbers = too_many.groupdict().values() if too_many is not None else ()
        limit = next((int(number) for number in numbers if number and int(number) > 0), None)
        stated = f", at most {count(limit, 'text')} a request" if limit else ""
        return BatchTooLarge(
            f"The embedding server takes smaller batches ({status}){answer.at}{stated}.",
            http_status=status,
            limit=limit,
        )
    kind = EmbedderRejected
    if status in {400, 422} and _ENCODING.search(matched):
        kind = EncodingRejected
    return kind(
        f"The embedding server rejected the batch ({status}){answer.at}{answer.tail}",
        http_status=status,
        said=answer.said,
        own_fault=_OWN_FAULT.search(answer.words.message) is not None,
    )
