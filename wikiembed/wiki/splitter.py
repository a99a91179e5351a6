"""Split an article into chunks that can be embedded."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

from wikiembed.wiki.extra import missing_extra
from wikiembed.wiki.plain import Section

# Part of every digest: raise it when the same article would produce other chunks.
CHUNKER_VERSION = 3

MAX_CHUNK_CHARS = 1_000
SMALL_CHARS = 250
MAX_HEADING_CHARS = 200

# The splitter's time grows faster than its text where no sentence ends.
_BLOCK_CHARS = 20_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` in NFC, without NUL (Postgres refuses it) and lone surrogates (invalid in UTF-8)."""
    return unicodedata.normalize("NFC", _UNSTORABLE.sub("", text))


def digest_of(title: str, chunks: Sequence[str]) -> str:
    """SHA-256, hex, of the chunker's version, `title` and `chunks`."""
    content = json.dumps([CHUNKER_VERSION, title, *chunks], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def split_article(title: str, sections: Sequence[Section]) -> tuple[str, ...]:
    """Chunks of at most `MAX_CHUNK_CHARS`, each a line ``Title`` or ``Title: Section`` and text.

    Split at paragraphs where possible, else sentences, else words; small sections are joined.
    Raises: ConfigurationError when semantic-text-splitter is not installed.
    """
    chunks: list[str] = []
    last_body_chars = 0
    for section in sections:
        label = " / ".join(clean(name) for name in section.path)
        heading = _shorten(f"{title}: {label}" if label else title)
        for number, body in enumerate(_split(clean(section.text), _room_under(heading))):
            joined = f"\n\n{_shorten(label)}\n{body}" if label and not number else f"\n\n{body}"
            is_small = min(last_body_chars, len(body)) < SMALL_CHARS and not section.is_alone
            if chunks and is_small and len(chunks[-1]) + len(joined) <= MAX_CHUNK_CHARS:
                chunks[-1] += joined
                last_body_chars += len(joined)
            else:
                chunks.append(f"{heading}\n{body}")
                last_body_chars = MAX_CHUNK_CHARS if section.is_alone else len(body)
    return tuple(chunks)


def _room_under(heading: str) -> int:
    return MAX_CHUNK_CHARS - len(heading) - 1


def _shorten(heading: str) -> str:
    line = " ".join(heading.split())
    return line if len(line) <= MAX_HEADING_CHARS else f"{line[: MAX_HEADING_CHARS - 1]}…"


def _split(text: str, room: int) -> Iterator[str]:
    """Pieces of `text` of about equal length, none longer than `room`, none blank."""
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError as error:
        raise missing_extra(error) from None
    for block in filter(str.strip, _blocks(text.strip())):
        # A range makes pieces even; a bare maximum would leave a short last one.
        even = math.ceil(len(block) / max(1, math.ceil(len(block) / room)))
        splitter = TextSplitter((min(even, room), room))
        yield from (piece.strip() for piece in splitter.chunks(block) if piece.strip())


def _blocks(text: str) -> Iterator[str]:
    """Parts of `text` that the splitter can process at once; none for an empty text."""
    while len(text) > _BLOCK_CHARS:
        cut = max(text.rfind(mark, _BLOCK_CHARS // 2, _BLOCK_CHARS) for mark in ("\n\n", ". "))
        if cut < 0:
            cut = text.rfind(" ", _BLOCK_CHARS // 2, _BLOCK_CHARS)
        cut = cut + 1 if cut >= 0 else _BLOCK_CHARS
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text
