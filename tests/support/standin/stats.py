"""The stand-in's counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PROBE = "wikiembed probe"
"""Spelled out, not imported: the stand-in must not depend on what it tests."""


def is_probe(texts: Sequence[str]) -> bool:
    """Whether a request holds the probe text alone, with or without a prefix."""
    return len(texts) == 1 and texts[0].endswith(PROBE)


class _Twice:
    """The digests of texts that came once, and of those that came again."""

    def __init__(self) -> None:
        self.once: set[bytes] = set()
        self.again: set[bytes] = set()

    def add(self, texts: Sequence[str]) -> None:
        for text in texts:
            digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
            (self.again if digest in self.once else self.once).add(digest)


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset; probes are not among the texts.

    `turned_away` is the requests while the server was down; `repeated` the texts that
    were answered with vectors more than once, `resent` those that were received more than once.
    `tokens`: the words of the texts that were answered, probes included.
    """

    requests: int = 0
    texts: int = 0
    texts_embedded: int = 0
    probes: int = 0
    max_texts: int = 0
    concurrent: int = 0
    max_concurrent: int = 0
    turned_away: int = 0
    crashes: int = 0
    tokens: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    rerank_paths: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    _seen: _Twice = field(default_factory=_Twice)
    _embedded: _Twice = field(default_factory=_Twice)

    def count_texts(self, texts: Sequence[str], *, record: bool) -> None:
        """Count one embedding request's texts; keep them if `record` is set."""
        self.max_texts = max(self.max_texts, len(texts))
        if is_probe(texts):
            self.probes += 1
            return
        self.texts += len(texts)
        if record:
            self.recorded.extend(texts)
        self._seen.add(texts)

    def count_embedded(self, texts: Sequence[str]) -> None:
        """Count the texts of a request that is answered with vectors."""
        if not is_probe(texts):
            self.texts_embedded += len(texts)
            self._embedded.add(texts)

    def as_json(self) -> dict[str, object]:
        """What `GET /_stats` answers."""
        return {
            "requests": self.requests,
            "texts": self.texts,
            "texts_embedded": self.texts_embedded,
            "distinct": self.distinct,
            "repeated": self.repeated,
            "resent": self.resent,
            "probes": self.probes,
            "max_texts": self.max_texts,
            "max_concurrent": self.max_concurrent,
            "turned_away": self.turned_away,
            "crashes": self.crashes,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "recorded": list(self.recorded),
        }

    @property
    def distinct(self) -> int:
        """Texts seen at least once."""
        return len(self._seen.once)

    @property
    def resent(self) -> int:
        """Texts seen more than once."""
        return len(self._seen.again)

    @property
    def repeated(self) -> int:
        """Texts embedded more than once: wasted work."""
        return len(self._embedded.again)
