"""Stream the pages of a wiki file, in any format of `FORMATS`, compressed or not.

Format and compression are detected from the content, not from the file's name.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wikiembed.encodings import shown
from wikiembed.errors import InputError
from wikiembed.wiki.export import read_export
from wikiembed.wiki.json_lines import read_json_lines
from wikiembed.wiki.pages import LoadCounts, Page, Position, RawPage
from wikiembed.wiki.unpack import Binary, TrailingBytes, unpack
from wikiembed.words import count

STANDARD_INPUT = "Standard input"

_HEAD_BYTES = 1024
_BYTE_ORDER_MARKS_AND_SPACE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"


class Reader(Protocol):
    """What reads a format; it counts the pages, and says in `position` where it is."""

    def __call__(
        self,
        name: str,
        head: bytes,
        stream: io.BufferedReader,
        counts: LoadCounts,
        position: Position,
        /,
    ) -> Iterator[RawPage | Page]:
        """Stream the pages that may be articles; `head` is a copy of the stream's first bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format, and how its files begin after byte order marks and space."""

    name: str
    begins: re.Pattern[bytes]
    read: Reader


FORMATS = (
    Format(name="MediaWiki XML", begins=re.compile(rb"<"), read=read_export),
    Format(name="JSON lines of title and text", begins=re.compile(rb"\{"), read=read_json_lines),
)
"""The first that a file begins like reads it."""
FORMAT_NAMES = " or ".join(each.name for each in FORMATS).replace(" or ", ", ", len(FORMATS) - 2)


def read_pages(source: Path | Binary, counts: LoadCounts) -> Iterator[RawPage | Page]:
    """Stream the pages of a file, or of standard input, that may be articles; count all.

    Raises: InputError, after the pages before the error.
    """
    name = shown(source) if isinstance(source, Path) else STANDARD_INPUT
    position = Position()
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as raw:
            head, stream = unpack(name, raw, head_bytes=_HEAD_BYTES)
            begins = head.lstrip(_BYTE_ORDER_MARKS_AND_SPACE)
            for each in FORMATS:
                if each.begins.match(begins):
                    yield from each.read(name, head, stream, counts, position)
                    return
            if begins.startswith(b"["):
                raise InputError(f"{name}: a JSON array; write one object per line instead.")
            if not begins and len(head) < _HEAD_BYTES:
                stream.read()  # raises if the file was cut short
                raise InputError(f"{name}: is empty.")
            raise InputError(f"{name}: not {FORMAT_NAMES}.")
    except EOFError:
        raise InputError(
            f"{name}: ends in mid-stream, {_where(position, counts)}; it was cut short,"
            " copy it again."
        ) from None
    except TrailingBytes:
        raise InputError(
            f"{name}: bytes that are not bzip2 follow the bzip2 data, {_where(position, counts)};"
            " it is damaged or was cut short, copy it again."
        ) from None
    except (OSError, zlib.error) as error:
        where = _where(position, counts)
        if isinstance(error, OSError) and error.strerror is not None:
            said = f"{name}: cannot be read: {error.strerror}"
            raise InputError(f"{said} ({where})." if counts.pages else f"{said}.") from None
        raise InputError(f"{name}: damaged, it does not unpack ({error}), {where}.") from None


def _where(position: Position, counts: LoadCounts) -> str:
    return str(position) or f"after {count(counts.pages, 'page')}"
