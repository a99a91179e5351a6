"""Where a text may be cut: between words if one ends near, never within a character of a reader."""

from __future__ import annotations

from wcwidth import grapheme_boundary_before

_MOST_BACK = 64
"""Characters that are given up for a whole word; and at most an eighth of what is kept."""


def cut_before(text: str, most: int) -> int:
    """How many characters of `text` to keep, at most `most`: whole graphemes, and words if near."""
    if len(text) <= most:
        return len(text)
    if most <= 0:
        return 0
    end = min(grapheme_boundary_before(text, most + 1), most)
    if text[end].isspace():
        return end
    start = end - min(_MOST_BACK, end // 8)
    for at in range(end - 1, start - 1, -1):
        if text[at].isspace():
            return at
    return end
