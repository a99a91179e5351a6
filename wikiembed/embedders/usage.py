"""What requests cost: counted for the batch in whose context a request is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from wikiembed.embedders.tokens import estimated_tokens

_NAMES = (b"prompt_tokens", b"prompt_eval_count", b"input_tokens", b"total_tokens")
_COUNT = re.compile(rb'"(' + b"|".join(_NAMES) + rb')"\s*:\s*(\d{1,15})\b')
_WITHIN = 4096
"""Bytes of either end of a response in which its count is: beside the vectors, never among them."""
_HEADER = "x-compute-tokens"
"""Of Text Embeddings Inference, whose `/embed` answers nothing but vectors."""


@dataclass(slots=True)
class Usage:
    """Requests, of which `failed` brought no vectors; texts of the others, and their tokens.

    `estimated`: those of the tokens that no server counted.
    """

    requests: int = 0
    failed: int = 0
    texts: int = 0
    tokens: int = 0
    estimated: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to record."""
        return bool(self.requests or self.tokens)

    def add(self, other: Usage) -> None:
        """Add what `other` counted."""
        self.requests += other.requests
        self.failed += other.failed
        self.texts += other.texts
        self.tokens += other.tokens
        self.estimated += other.estimated

    def copy(self) -> Usage:
        """What was counted so far."""
        return replace(self)

    def minus(self, before: Usage) -> Usage:
        """What was counted after `before`."""
        return Usage(*(a - b for a, b in zip(self.numbers(), before.numbers(), strict=True)))

    def numbers(self) -> list[int]:
        """As `wikiembed.record_batches` takes them."""
        return [self.requests, self.failed, self.texts, self.tokens, self.estimated]


_meter: ContextVar[Usage | None] = ContextVar("wikiembed_usage", default=None)


@contextmanager
def metered(usage: Usage) -> Iterator[Usage]:
    """Count into `usage` what is requested in this context, by tasks that begin in it too."""
    token = _meter.set(usage)
    try:
        yield usage
    finally:
        _meter.reset(token)


def count_answer(
    texts: Sequence[str],
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    tokens: int | None = None,
) -> None:
    """Count a response to `texts`: its `tokens` if known, else as it says, else by an estimate."""
    usage = _meter.get()
    if usage is None:
        return
    usage.requests += 1
    usage.texts += len(texts)
    if tokens is None:
        tokens = tokens_said(body, headers or {})
    if tokens is None:
        tokens = sum(map(estimated_tokens, texts))
        usage.estimated += tokens
    usage.tokens += tokens


def count_failure(body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
    """Count a request that brought no vectors, and the tokens that its response says it cost."""
    usage = _meter.get()
    if usage is None:
        return
    usage.requests += 1
    usage.failed += 1
    usage.tokens += tokens_said(body, headers or {}) or 0


def tokens_said(body: bytes, headers: Mapping[str, str]) -> int | None:
    """Tokens of a request by its response; None where it names none, or 0.

    Sources: https://platform.openai.com/docs/api-reference/embeddings/create (`usage`),
    https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings,
    https://huggingface.github.io/text-embeddings-inference/ (headers).
    """
    said = headers.get(_HEADER, "")
    if said.isascii() and said.isdigit() and len(said) <= 15:
        return int(said) or None
    for start, end in ((max(0, len(body) - _WITHIN), len(body)), (0, _WITHIN)):
        found: dict[bytes, int] = {}
        for name, count in _COUNT.findall(body, start, end):
            found.setdefault(name, int(count))
        for name in _NAMES:
            if found.get(name):
                return found[name]
    return None


@contextmanager
def metered_apart() -> Iterator[Usage]:
    """Count what is requested in this context apart; at the end it counts for the outer one too."""
    outer = _meter.get()
    with metered(Usage()) as usage:
        try:
            yield usage
        finally:
            if outer is not None:
                outer.add(usage)
