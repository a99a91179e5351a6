"""What the stand-in counts."""

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


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset; probes are not among the texts.

    `turned_away` is the requests that came while the server was down.
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
    statuses: Counter[int] = field(default_factory=Counter)
    recorded: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)
    _repeated: set[bytes] = field(default_factory=set)

    def count_texts(self, texts: Sequence[str], *, record: bool) -> None:
        """Count one embedding request's texts; keep them when told to."""
        self.max_texts = max(self.max_texts, len(texts))
        if is_probe(texts):
            self.probes += 1
            return
        self.texts += len(texts)
        if record:
            self.recorded.extend(texts)
        for text in texts:
            digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
            (self._repeated if digest in self._seen else self._seen).add(digest)

    def as_json(self) -> dict[str, object]:
        """What `GET /_stats` answers; `repeated` is the texts seen more than once."""
        return {
            "requests": self.requests,
            "texts": self.texts,
            "texts_embedded": self.texts_embedded,
            "distinct": len(self._seen),
            "repeated": len(self._repeated),
            "probes": self.probes,
            "max_texts": self.max_texts,
            "max_concurrent": self.max_concurrent,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "recorded": list(self.recorded),
        }

    @property
    def distinct(self) -> int:
        """Texts seen at least once."""
        return len(self._seen)

    @property
    def repeated(self) -> int:
        """Texts seen more than once."""
        return len(self._repeated)
