"""Names of models, as servers and people write them."""

from __future__ import annotations

import re

_NOT_NAME = re.compile(r":latest$|\.gguf$")


def same_model(one: str, other: str) -> bool:
    """Whether two names may be of one model: a folder, a tag, a file's ending do not count.

    A pattern (LiteLLM's `openai/*`) may be of any, and so may a name of which the other is the
    beginning (`nomic-embed-text` and `nomic-embed-text-v1.5.Q8_0.gguf`).
    """
    if "*" in one + other:
        return True
    first, second = _short(one), _short(other)
    return first.startswith(second) or second.startswith(first)


def _short(name: str) -> str:
    return _NOT_NAME.sub("", re.split(r"[/\\]", name.strip().casefold())[-1])
