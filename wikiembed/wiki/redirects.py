"""Detect redirects by their text, for files without a ``<redirect>`` element."""

from __future__ import annotations

import re

from wikiembed.wiki.redirect_words import REDIRECT_WORDS

_SHORT_CHARS = 6


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# A short word in Latin letters may begin a numbered list in another language ("# Stir [[butter]]"):
# it must follow the sign at once, and its link must end the line.
_SHORT = [word for word in REDIRECT_WORDS if word.isascii() and len(word) <= _SHORT_CHARS]
_LONG = [word for word in REDIRECT_WORDS if word not in _SHORT]
_REDIRECT = re.compile(
    rf"\s*[#＃](?:\s*(?:{_either(_LONG)})\s*(?::\s*)?\[\["
    rf"|(?:{_either(_SHORT)})\s*(?::\s*)?\[\[[^\[\]\n]*\]\][^\S\n]*(?:\n|\Z))",
    re.IGNORECASE,
)


def is_redirect(text: str) -> bool:
    """Whether `text` begins as a redirect does, in any of MediaWiki's languages.

    ``#REDIRECT [[…]]``, ``#넘겨주기 [[…]]``.
    """
    return _REDIRECT.match(text) is not None
