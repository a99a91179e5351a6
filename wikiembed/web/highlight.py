"""The words of a question, marked in the text of a hit."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

MOST_WORDS = 32
LONGEST_TEXT = 1200


def marked(text: str, question: str) -> Markup:
    """`text`, shortened, with each word of `question` in ``<mark>``.

    Words of one letter are left out, unless they are of a script without spaces.
    """
    shown = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip() + " …"
    words = {w for w in re.findall(r"\w+", question) if len(w) > 1 or not w.isascii()}
    if not words:
        return escape(shown)
    longest = sorted(words, key=len, reverse=True)[:MOST_WORDS]
    pattern = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE)
    parts, at = [], 0
    for found in pattern.finditer(shown):
        parts += [escape(shown[at : found.start()]), Markup("<mark>"), escape(found[0])]
        parts.append(Markup("</mark>"))
        at = found.end()
    return Markup("").join([*parts, escape(shown[at:])])
