"""From a request to its reply, faults included, without sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from tests.support.standin import dialects
from tests.support.standin.dialects import Ask, Dialect, Tongue
from tests.support.standin.faults import BadText, Canned, Controls
from tests.support.standin.stats import Stats, is_probe
from tests.support.standin.wire import Reply, Request

_HTML = b"<html><head><title>Welcome</title></head><body>It works!</body></html>"
_ROWS: dict[str, str] = {
    "nan": "NaN",
    "infinity": "1e999",
    "zeros": "0.0",
    "null": "null",
    "nulls": "null",
    "strings": '"0.25"',
}
TRUNCATION_FIELDS = frozenset(
    {"truncate_prompt_tokens", "truncation_side", "truncation", "truncate"}
)
_BITS = {"nan": b"\x00\x00\xc0\x7f", "infinity": b"\x00\x00\x80\x7f", "zeros": bytes(4)}
_LEAST_OVERSIZE = 8 << 20


@dataclass(frozen=True, slots=True)
class Dying:
    """The last reply of a server that crashes after it."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Slow:
    """The reply of a server that is slow for a text."""

    reply: Reply


Outcome = Reply | Dying | Slow | Literal["hang", "reset", "crash", "freeze"]


def tongue_of(path: str, dialect: Dialect) -> Tongue | None:
    """The dialect of an embedding path, if this server speaks it."""
    tongue = dialects.PATHS.get(path)
    return tongue if dialect in {"all", tongue} else None


def plain_reply(request: Request, controls: Controls, dialect: Dialect) -> Reply:
    """The reply to anything but an embedding request."""
    if controls.status_for_all is not None:
        return of_canned(controls.status_for_all)
    listed = [controls.model, "another"] if controls.listed is None else controls.listed
    model: dict[str, object] = {}
    if controls.owned_by is not None:
        model = {"owned_by": controls.owned_by, "max_model_len": controls.max_model_len}
    data = [model | {"id": name} for name in listed]
    answers: dict[tuple[str, str], dict[str, object]] = {
        ("/api/version", "ollama"): {"version": "0.30.0"},
        ("/v1/models", "openai"): {"object": "list", "data": data},
        ("/models", "openai"): {"object": "list", "data": data},
        ("/health", "tei"): {},
        ("/info", "tei"): {
            "model_id": controls.model,
            "max_input_length": controls.max_chars or 512,
            "max_client_batch_size": controls.max_batch or dialects.TEI_MAX_BATCH,
            "version": "1.9.0",
        },
    }
    for (path, spoken), answer in answers.items():
        if path == "/info" and not controls.knows_info:
            continue
        if request.path == path and dialect in {"all", spoken}:
            if spoken == "tei" and not authorized(request, controls):
                return of_canned(dialects.unauthorized("tei"))
            return Reply(status=200, body=orjson.dumps(answer))
    return Reply(status=404, body=b'{"detail":"Not Found"}')


def embed_reply(tongue: Tongue, request: Request, controls: Controls, stats: Stats) -> Outcome:
    """The reply to an embedding request: refusals first, then faults, then vectors."""
    if not authorized(request, controls):
        own = controls.profile and controls.profile.wrong_key
        return of_canned(own or dialects.unauthorized(tongue))
    ask = dialects.read_ask(tongue, request.body)
    if ask is None:
        return of_canned(dialects.malformed(tongue))
    stats.count_texts(ask.texts, record=controls.record)
    spared = controls.spare_probe and is_probe(ask.texts)
    if controls.fail_next and not spared:
        return of_canned(controls.fail_next.pop(0))
    if controls.status_for_all is not None and not spared:
        return of_canned(controls.status_for_all)
    refusal = _refusal(ask, controls)
    if refusal is not None:
        return of_canned(refusal)
    effects: dict[int, BadText] = {}
    for i, text in enumerate(ask.texts):
        bad = next((bad for bad in controls.bad_texts if bad.hits(text)), None)
        if bad is not None:
            if bad.effect == "status":
                return of_canned(Canned(status=bad.status, body=bad.body))
            if bad.effect == "die":
                return Dying(of_canned(Canned(status=bad.status, body=bad.body)))
            if (
                bad.effect == "hang"
                or bad.effect == "reset"
                or bad.effect == "crash"
                or bad.effect == "freeze"
            ):
                return bad.effect
            effects[i] = bad
    reply = _vectors(ask, controls, effects, None if spared else controls.garbage)
    if reply.status == 200:
        stats.count_embedded(ask.texts)
        stats.tokens += words_of(ask.texts)
    return Slow(reply) if any(bad.effect == "slow" for bad in effects.values()) else reply


def authorized(request: Request, controls: Controls) -> bool:
    """Whether the request has the key, if there is one."""
    return controls.api_key is None or (
        request.headers.get("authorization") == f"Bearer {controls.api_key}"
    )


def _refusal(ask: Ask, controls: Controls) -> Canned | None:
    """The refusal of the dialect's server, or of the profile's."""
    own = controls.profile
    named = ask.tongue != "tei" and ask.model is not None
    if named and controls.known_models is not None and ask.model not in controls.known_models:
        return dialects.unknown_model(ask) if own is None else own.unknown_model
    if ask.base64 and not controls.knows_base64:
        return dialects.no_base64(ask.tongue)
    most = controls.max_batch
    if most is None and ask.tongue == "tei":
        most = dialects.TEI_MAX_BATCH
    if most is not None and len(ask.texts) > most:
        if own is not None and own.batch_too_large is not None:
            return own.filled(own.batch_too_large, count=len(ask.texts), limit=most)
        return dialects.batch_too_large(ask.tongue, len(ask.texts), most)
    if controls.permits is not None and len(ask.texts) > controls.permits:
        return (own and own.overload) or Canned(status=429)
    known = {controls.truncation_field, "truncation_side"} if controls.truncation_field else set()
    unknown = (ask.fields & TRUNCATION_FIELDS) - known if ask.tongue == "openai" else ()
    if controls.strict and unknown:
        return dialects.unknown_field(ask.tongue, min(unknown))
    longest = controls.max_chars
    if (
        longest is not None
        and not _cuts(ask, controls)
        and any(len(t) > longest for t in ask.texts)
    ):
        if own is not None:
            return own.text_too_long
        return dialects.text_too_long(ask.tongue, longest)
    if own is not None and own.empty is not None and "" in ask.texts:
        return own.empty
    return None


def _cuts(ask: Ask, controls: Controls) -> bool:
    """Whether long texts are truncated: always, by the profile, or by the request."""
    own = controls.profile
    silently = controls.cuts_silently or (own is not None and own.text_too_long is None)
    return silently or ask.truncate or controls.truncation_field in ask.fields


def _vectors(
    ask: Ask, controls: Controls, effects: dict[int, BadText], garbage: str | None
) -> Reply:
    """The success answer, with the faults of `effects` and of the controls."""
    match garbage:
        case "redirect":
            return Reply(status=307, headers={"location": controls.redirect_to})
        case "html":
            return Reply(status=200, body=_HTML, content_type="text/html")
        case "empty":
            return Reply(status=200)
        case "drip":
            return Reply(status=200, body=b" " * 1_000_000, drip_s=0.02)
        case _:
            pass
    dimensions = ask.dimensions if isinstance(ask.dimensions, int) else controls.dimensions
    dimensions += garbage == "wrong_dimension"
    part = slice(controls.max_chars if _cuts(ask, controls) else None)
    if controls.keeps_end and part.stop is not None:
        part = slice(-part.stop, None)
    matrix = controls.vectors([text[part] for text in ask.texts], dimensions, controls.salt)
    rows = dialects.vector_fragments(matrix, as_base64=ask.base64)
    for i in range(len(rows)):
        effect = effects[i].effect if i in effects else garbage
        if effect in _ROWS:
            rows[i] = _spoilt(effect, dimensions, as_base64=ask.base64)
    indexes: list[int | None] = list(range(len(rows)))
    if garbage == "wrong_count":
        rows = rows[:-1] if len(rows) > 1 else rows * 2
        indexes = list(range(len(rows)))
    elif garbage == "shuffled" and ask.tongue == "openai":
        rows, indexes = rows[::-1], indexes[::-1]
    elif garbage == "duplicate_index":
        indexes = [0 if len(rows) > 1 else 1 for _ in rows]
    elif garbage == "missing_index":
        indexes = [None] * len(rows)
    elif garbage == "foreign_index":
        indexes = [len(rows) + number for number in range(len(rows))]
    tokens = words_of(ask.texts) if controls.counts_tokens else None
    body = dialects.answer_body(ask, rows, indexes, controls.model, tokens)
    if garbage == "truncated_json":
        body = body[: len(body) // 2]
    elif garbage == "oversize":
        body += b" " * max(9 * len(body), _LEAST_OVERSIZE)
    said = {} if tokens is None or ask.tongue != "tei" else {"x-compute-tokens": str(tokens)}
    return Reply(status=200, body=body, cut=garbage == "cut_connection", headers=said)


def words_of(texts: Sequence[str]) -> int:
    """What the stand-in counts as tokens: words between blanks."""
    return sum(len(text.split()) for text in texts)


def _spoilt(effect: str, dimensions: int, *, as_base64: bool) -> bytes:
    """One row's JSON without a usable number; a list where base64 cannot express it."""
    if as_base64 and effect in {"null", "nulls"}:
        return b"null"
    if as_base64 and effect in _BITS:
        return dialects.base64_fragment(_BITS[effect] * dimensions)
    return f"[{','.join([_ROWS[effect]] * dimensions)}]".encode()


def of_canned(canned: Canned) -> Reply:
    html = canned.body.lstrip().startswith("<")
    return Reply(
        status=canned.status,
        body=canned.body.encode(),
        content_type="text/html" if html else "application/json",
        headers=canned.headers,
    )
