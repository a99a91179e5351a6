"""Requests, answers and refusals of each dialect; formats and messages are its servers'."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np
import numpy.typing as npt
import orjson

from tests.support.standin.faults import Canned

Tongue = Literal["ollama", "openai", "tei"]
Dialect = Literal[Tongue, "all"]
TONGUES: tuple[Tongue, ...] = get_args(Tongue)
TEI_MAX_BATCH = 32
PATHS: dict[str, Tongue] = {
    "/api/embed": "ollama",
    "/v1/embeddings": "openai",
    "/embeddings": "openai",
    "/embed": "tei",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One embedding request, whatever its dialect."""

    tongue: Tongue
    texts: list[str]
    model: str | None
    base64: bool
    truncate: bool
    dimensions: int | None
    fields: frozenset[str]


def read_ask(tongue: Tongue, body: bytes) -> Ask | None:
    """Parse a request's body; None when it is malformed."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(payload, dict):
        return None
    texts = payload.get("inputs" if tongue == "tei" else "input")
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return None
    model = payload.get("model")
    return Ask(
        tongue=tongue,
        texts=texts,
        model=model if isinstance(model, str) else None,
        base64=tongue == "openai" and payload.get("encoding_format") == "base64",
        truncate=tongue != "openai" and payload.get("truncate", True) is not False,
        dimensions=payload.get("dimensions"),
        fields=frozenset(payload),
    )


def vector_fragments(matrix: npt.NDArray[np.float32], *, as_base64: bool) -> list[bytes]:
    """Each row of `(n, dim)` as JSON."""
    if as_base64:
        little = matrix.astype("<f4", copy=False)
        return [base64_fragment(row.tobytes()) for row in little]
    return [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in matrix]


def base64_fragment(raw: bytes) -> bytes:
    """Bytes as a JSON string of base64."""
    return b'"' + base64.b64encode(raw) + b'"'


def answer_body(
    ask: Ask,
    fragments: Sequence[bytes],
    indexes: Sequence[int | None],
    model: str,
    tokens: int | None = 1,
) -> bytes:
    """The success answer around `fragments`; `indexes` are shown in OpenAI's dialect only.

    `tokens` are counted in it where the dialect has a field for that; None: not counted.
    """
    named = orjson.dumps(ask.model or model)
    match ask.tongue:
        case "ollama":
            counted = b"" if tokens is None else b',"prompt_eval_count":%d' % tokens
            return b'{"model":%b,"embeddings":[%b]%b}' % (named, b",".join(fragments), counted)
        case "tei":
            return b"[%b]" % b",".join(fragments)
        case "openai":
            items = b",".join(
                b'{"object":"embedding",%b"embedding":%b}'
                % (b"" if index is None else b'"index":%b,' % orjson.dumps(index), fragment)
                for index, fragment in zip(indexes, fragments, strict=True)
            )
            usage = b',"usage":{"prompt_tokens":%d,"total_tokens":%d}'
            counted = b"" if tokens is None else usage % (tokens, tokens)
            return b'{"object":"list","data":[%b],"model":%b%b}' % (items, named, counted)
        case _:
            assert_never(ask.tongue)


def malformed(tongue: Tongue) -> Canned:
    """A body that is not a request."""
    return _error(tongue, 422 if tongue == "tei" else 400, "invalid request body")


def unauthorized(tongue: Tongue | None) -> Canned:
    """A key is missing or wrong; TEI's answer has no body."""
    if tongue == "tei":
        return Canned(status=401)
    return _error(tongue or "openai", 401, "Incorrect API key provided", code="invalid_api_key")


def unknown_model(ask: Ask) -> Canned:
    """The model is not served."""
    words = (
        f'model "{ask.model}" not found, try pulling it first'
        if ask.tongue == "ollama"
        else f"The model `{ask.model}` does not exist."
    )
    return _error(ask.tongue, 404, words, code="model_not_found")


def text_too_long(tongue: Tongue, limit: int) -> Canned:
    """A text is beyond the context; `limit` is in characters here."""
    match tongue:
        case "ollama":
            return _error(tongue, 400, "the input length exceeds the context length")
        case "tei":
            return _error(
                tongue, 422, f"`inputs` must have less than {limit} tokens. Given: {limit + 1}"
            )
        case "openai":
            return _error(tongue, 400, f"This model's maximum context length is {limit} tokens.")
        case _:
            assert_never(tongue)


def batch_too_large(tongue: Tongue, count: int, limit: int) -> Canned:
    """More texts than a request may hold; Ollama has no such limit and gives 413."""
    match tongue:
        case "ollama":
            return _error(tongue, 413, "request body too large")
        case "tei":
            return _error(tongue, 422, f"batch size {count} > maximum allowed batch size {limit}")
        case "openai":
            words = (
                "Invalid 'input': array too long. Expected an array with maximum length "
                f"{limit}, but got an array with length {count} instead."
            )
            return _error(tongue, 400, words, code="array_above_max_length")
        case _:
            assert_never(tongue)


def unknown_field(tongue: Tongue, name: str) -> Canned:
    """A strict server that refuses the field `name`."""
    return _error(tongue, 400, f"Unrecognized request argument supplied: {name}")


def no_base64(tongue: Tongue) -> Canned:
    """A strict server that refuses `encoding_format`."""
    return _error(tongue, 400, "Unrecognized request argument supplied: encoding_format")


def _error(tongue: Tongue, status: int, words: str, *, code: str | None = None) -> Canned:
    body: dict[str, object]
    match tongue:
        case "ollama":
            body = {"error": words}
        case "tei":
            body = {"error": words, "error_type": "Validation"}
        case "openai":
            body = {"error": {"message": words, "type": "invalid_request_error", "code": code}}
        case _:
            assert_never(tongue)
    return Canned(status=status, body=orjson.dumps(body).decode())
