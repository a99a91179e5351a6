"""Commands of wikiembed as messages print them."""

from __future__ import annotations

import shlex


def command_line(*words: str) -> str:
    """``wikiembed ready 'a b'``: the words, each quoted where a shell needs it."""
    return shlex.join(("wikiembed", *words))
