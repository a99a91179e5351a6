"""Requests to rerank and their answers: those of `/v1/rerank`, and those of TEI's `/rerank`.

A text's score is the share of the query's words that it contains, so a test can tell the order.
"""

from __future__ import annotations

import re

import orjson

from tests.support.standin import dialects
from tests.support.standin.dialects import Tongue
from tests.support.standin.faults import Canned, Controls
from tests.support.standin.replies import authorized, of_canned
from tests.support.standin.stats import Stats
from tests.support.standin.wire import Reply, Request

RERANK_PATHS = ("/v1/rerank", "/rerank")
_NOT_FOUND = Canned(status=404, body='{"detail":"Not Found"}')
_SPOILT = {"nan": b"NaN", "infinity": b"1e999", "nulls": b"null", "strings": b'"0.25"'}


def score_of(query: str, text: str) -> float:
    """The share of the words of `query` that `text` contains."""
    words = set(re.findall(r"\w+", query.lower()))
    return len(words & set(re.findall(r"\w+", text.lower()))) / max(len(words), 1)


def rerank_reply(request: Request, controls: Controls, stats: Stats) -> Reply:
    """The reply to a request to rerank: refusals first, then scores, best first."""
    stats.rerank_paths.append(request.path)
    at_root = request.path == "/rerank"
    forms = [form for form in controls.rerank_forms if (form != "v1") == at_root]
    if not forms:
        return of_canned(_NOT_FOUND)
    tongue: Tongue = "tei" if "tei" in forms else "openai"
    if not authorized(request, controls):
        return of_canned(dialects.unauthorized(tongue))
    if controls.fail_next:
        return of_canned(controls.fail_next.pop(0))
    if controls.status_for_all is not None:
        return of_canned(controls.status_for_all)
    asked = orjson.loads(request.body)
    texts = asked.get("texts" if tongue == "tei" else "documents")
    if texts is None:
        return of_canned(dialects.malformed("tei"))  # FastAPI's status, too
    stats.count_texts(texts, record=controls.record)
    refusal = _refusal(tongue, texts, asked, controls)
    return of_canned(refusal) if refusal else _scores(tongue, asked["query"], texts, controls)


def _refusal(
    tongue: Tongue, texts: list[str], asked: dict[str, object], controls: Controls
) -> Canned | None:
    most = controls.max_batch or (dialects.TEI_MAX_BATCH if tongue == "tei" else None)
    if most is not None and len(texts) > most:
        return dialects.batch_too_large(tongue, len(texts), most)
    longest = controls.max_chars
    if longest is not None and not asked.get("truncate") and max(map(len, texts)) > longest:
        return dialects.text_too_long(tongue, longest)
    if controls.known_models is not None and asked.get("model") not in controls.known_models:
        return Canned(status=404, body='{"message":"The model does not exist."}')
    return None


def _scores(tongue: Tongue, query: str, texts: list[str], controls: Controls) -> Reply:
    garbage = controls.garbage
    if garbage == "html":
        return Reply(status=200, body=b"<html></html>", content_type="text/html")
    if garbage == "empty":
        return Reply(status=200)
    if garbage == "redirect":
        return Reply(status=307, headers={"location": controls.redirect_to})
    found = sorted(((score_of(query, text), i) for i, text in enumerate(texts)), reverse=True)
    if garbage == "wrong_count":
        found = found[:-1]
    name = b"score" if tongue == "tei" else b"relevance_score"
    items = []
    for score, i in found:
        index = {"duplicate_index": 0, "foreign_index": len(texts), "missing_index": None}.get(
            garbage or "", i
        )
        number = _SPOILT.get(garbage or "", orjson.dumps(score))
        items.append(b'{"index":%b,"%b":%b}' % (orjson.dumps(index), name, number))
    body = b"[%b]" % b",".join(items)
    if tongue == "openai":
        body = b'{"model":"standin-model","results":%b,"usage":{"total_tokens":1}}' % body
    if garbage == "truncated_json":
        body = body[: len(body) // 2]
    return Reply(status=200, body=body, cut=garbage == "cut_connection")
