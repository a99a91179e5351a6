"""How each server's error answer is classified, in the words of its source code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikiembed.embedders.answers import error_of
from wikiembed.embedders.words import RETRY_AFTER_LIMIT_S, retry_after
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


def _openai(words: str, **more: str) -> dict[str, object]:
    return {"error": {"message": words, **more}}


_CASES: list[tuple[str, int, object, type[EmbedderError]]] = [
    ("ollama too long", 400, {"error": "the input length exceeds the context length"}, TextTooLong),
    ("ollama crash", 400, {"error": 'do embedding request: Post "x": EOF'}, EmbedderRejected),
    ("ollama crash before 0.13", 500, {"error": "do embedding request"}, EmbedderRejected),
    ("ollama model", 404, {"error": 'model "x" not found, try pulling it'}, EmbedderMisconfigured),
    ("ollama loading", 503, {"error": "server busy"}, EmbedderUnavailable),
    ("tei too long", 422, {"error": "must have less than 512 tokens. Given: 600"}, TextTooLong),
    ("tei 1.8 too long", 413, {"error": "must have less than 512 tokens"}, TextTooLong),
    ("tei body", 413, "Failed to buffer the request body: length limit exceeded", BatchTooLarge),
    ("tei overload", 429, {"error": "Model is overloaded"}, EmbedderThrottled),
    ("tei backend", 424, {"error": "CUDA out of memory"}, EmbedderRejected),
    ("tei empty", 400, {"error": "`inputs` cannot be empty"}, EmbedderRejected),
    ("tei key", 401, "", EmbedderMisconfigured),
    ("llama.cpp long", 500, _openai("input is too large to process. increase"), TextTooLong),
    (
        "llama.cpp context",
        400,
        _openai("the request exceeds the available context size", type="exceed_context_size_error"),
        TextTooLong,
    ),
    ("llama.cpp compute", 500, _openai("Compute error."), EmbedderRejected),
    ("llama.cpp loading", 503, _openai("Loading model"), EmbedderUnavailable),
    (
        "vllm too long",
        400,
        {"object": "error", "message": "This model's maximum context length is 512 tokens."},
        TextTooLong,
    ),
    ("vllm crash", 500, "Internal Server Error", EmbedderRejected),
    ("openai too long", 400, _openai("maximum context length is 8192 tokens"), TextTooLong),
    (
        "openai tokens",
        400,
        _openai("Requested 310000 tokens", code="max_tokens_per_request"),
        BatchTooLarge,
    ),
    ("openai rate", 429, _openai("Rate limit", code="rate_limit_exceeded"), EmbedderThrottled),
    (
        "openai quota",
        429,
        _openai("You exceeded", code="insufficient_quota"),
        EmbedderMisconfigured,
    ),
    ("openai quota type", 429, _openai("x", type="insufficient_quota"), EmbedderMisconfigured),
    ("openai model", 404, _openai("no such", code="model_not_found"), EmbedderMisconfigured),
    ("gateway model", 400, _openai("The model `x` does not exist"), EmbedderMisconfigured),
    ("wrong key", 403, _openai("denied"), EmbedderMisconfigured),
    ("nginx", 502, "<html>Bad Gateway</html>", EmbedderLost),
    (
        "envoy",
        503,
        "upstream connect error or disconnect/reset before headers. reset reason: connection"
        " termination",
        EmbedderLost,
    ),
    ("envoy without upstream", 503, "no healthy upstream", EmbedderUnavailable),
    ("gateway timeout", 504, "", EmbedderTimeout),
    ("request timeout", 408, "", EmbedderUnavailable),
    ("moved", 308, "", EmbedderMisconfigured),
    ("bare 413", 413, "", BatchTooLarge),
    ("bare 500", 500, "", EmbedderRejected),
    ("teapot", 418, "[1, 2, {}]", EmbedderRejected),
]


def _bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else orjson.dumps(body)


@pytest.mark.parametrize(
    ("status", "body", "kind"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES]
)
def test_error_of_classifies_answers_of_each_server(
    status: int, body: object, kind: type[EmbedderError]
) -> None:
    """Each cell of the table of servers maps to one exception, with its status."""
    error = error_of(status, _bytes(body), {})
    assert type(error) is kind
    assert error.http_status == status


@pytest.mark.parametrize(
    ("status", "body", "limit"),
    [
        (422, {"error": "batch size 33 > maximum allowed batch size 32"}, 32),
        (413, {"error": "batch size 33 > maximum allowed batch size 32"}, 32),
        (
            422,
            {"detail": [{"msg": "List should have at most 2048 items after", "input": []}]},
            2048,
        ),
        (400, _openai("array too long. Expected an array with maximum length 2048, but"), 2048),
        (400, _openai("'input' array length 5000 is too much"), None),
        (413, "", None),
        (422, {"error": "maximum allowed batch size 0"}, None),
    ],
)
def test_error_of_reads_the_stated_batch_limit(
    status: int, body: object, limit: int | None
) -> None:
    """A limit that the server states is returned; without one there is none."""
    error = error_of(status, _bytes(body), {})
    assert isinstance(error, BatchTooLarge)
    assert error.limit == limit


def test_error_of_keeps_retry_after() -> None:
    """Throttling and outages carry the seconds that the server requested."""
    for status in (429, 503):
        error = error_of(status, b"", {"retry-after": "7"})
        assert isinstance(error, EmbedderUnavailable)
        assert error.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 12 ", 12.0),
        ("999999999", RETRY_AFTER_LIMIT_S),
        ("9" * 400, None),
    ],
)
def test_retry_after_reads_bounded_seconds(value: str | None, seconds: float | None) -> None:
    """Numbers are bounded to an hour; anything else is ignored."""
    assert retry_after(value) == seconds


@pytest.mark.parametrize(("ahead_s", "seconds"), [(90, 90.0), (-90, 0.0), (10**7, 3600.0)])
def test_retry_after_reads_an_http_date(ahead_s: int, seconds: float) -> None:
    """A date is converted to seconds from now, never negative."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    value = format_datetime(now + timedelta(seconds=ahead_s), usegmt=True)
    assert retry_after(value, now=now) == seconds


@given(st.text(max_size=60))
def test_retry_after_accepts_any_text(value: str) -> None:
    """No header value raises, and none gives more than an hour."""
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_LIMIT_S


@given(st.integers(300, 599), st.binary(max_size=300))
def test_error_of_accepts_any_answer(status: int, body: bytes) -> None:
    """Any status and body give one of our errors with a short message."""
    error = error_of(status, body, {"retry-after": "x"})
    assert isinstance(error, EmbedderError)
    assert len(str(error)) < 300


def test_error_of_accepts_deeply_nested_details() -> None:
    """Hostile nesting of details is not followed down."""
    body = b'{"error":' * 900 + b'"deep"' + b"}" * 900
    assert "deep" not in str(error_of(500, body, {}))


_SECRET_TEXT = "Agnes Kowalczyk, born 1961 in Sopot, account 4711-0815, takes lithium."


@pytest.mark.parametrize(
    "body",
    [
        {"error": f"cannot embed {_SECRET_TEXT!r}"},
        {"error": f"cannot embed {_SECRET_TEXT[:31]}... (cut)"},
        {"detail": [{"msg": "bad value", "input": [_SECRET_TEXT]}]},
        {"message": _SECRET_TEXT},
        {"error": {"message": f"at 'Kowalczyk, born 1961': {_SECRET_TEXT * 20}"}},
        _SECRET_TEXT,
        orjson.dumps(_SECRET_TEXT).decode(),
        f"<html>{_SECRET_TEXT}</html>",
    ],
)
@pytest.mark.parametrize("status", [400, 404, 413, 422, 500, 503])
def test_error_of_never_shows_a_text(status: int, body: object) -> None:
    """The message holds no part of an echoed text, whole or truncated."""
    message = str(error_of(status, _bytes(body), {}, texts=["other", _SECRET_TEXT]))
    for part in ("Kowalczyk", "1961", "Sopot", "4711", "lithium"):
        assert part not in message


def test_error_of_never_shows_the_key() -> None:
    """A key that the server echoes is not in the message."""
    body = orjson.dumps({"error": "bad header: Bearer sk-Tr0ub4dor-xyz!"})
    assert "Tr0ub4dor" not in str(error_of(500, body, {}, secret="sk-Tr0ub4dor-xyz!"))


def test_error_of_shows_the_servers_own_words() -> None:
    """Words that are not an echo help the operator, and stay."""
    error = error_of(424, b'{"error": "CUDA out of memory on device 0"}', {}, texts=["a text"])
    assert "CUDA out of memory on device 0" in str(error)


def test_error_of_does_not_report_misconfiguration_for_an_echo() -> None:
    """A text about missing models, echoed in a 400, must not pause the source."""
    text = "If the model was not found, the pipeline stops."
    error = error_of(400, orjson.dumps({"error": f"cannot parse: {text}"}), {}, texts=[text])
    assert type(error) is EmbedderRejected
