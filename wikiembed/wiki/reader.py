"""Stream the pages of a wiki file: MediaWiki export XML or JSON lines, compressed or not.

Format and compression are detected from the content, not from the file's name.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from wikiembed.encodings import shown
from wikiembed.errors import InputError
from wikiembed.wiki.export import read_export
from wikiembed.wiki.pages import MAX_TITLE_BYTES, LoadCounts, Page, Position, RawPage
from wikiembed.wiki.redirects import is_redirect
from wikiembed.wiki.unpack import Binary, TrailingBytes, unpack
from wikiembed.words import count

MAX_LINE_BYTES = 64 * 1024 * 1024

STANDARD_INPUT = "Standard input"

_HEAD_BYTES = 1024
_BYTE_ORDER_MARKS_AND_SPACE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"


def read_pages(source: Path | Binary, counts: LoadCounts) -> Iterator[RawPage | Page]:
    """Stream the pages of a file, or of standard input, that may be articles; count all.

    Raises: InputError, after the pages before the error.
    """
    name = shown(source) if isinstance(source, Path) else STANDARD_INPUT
    position = Position()
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as raw:
            head, stream = unpack(name, raw, head_bytes=_HEAD_BYTES)
            match head.lstrip(_BYTE_ORDER_MARKS_AND_SPACE)[:1]:
                case b"<":
                    yield from read_export(name, head, stream, counts, position)
                case b"{":
                    yield from _read_json_lines(name, head, stream, counts, position)
                case b"[":
                    raise InputError(f"{name}: a JSON array; write one object per line instead.")
                case b"" if len(head) < _HEAD_BYTES:
                    stream.read()  # raises if the file was cut short
                    raise InputError(f"{name}: is empty.")
                case _:
                    raise InputError(f"{name}: neither a MediaWiki XML export nor JSON lines.")
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


def _read_json_lines(
    name: str, head: bytes, stream: io.BufferedReader, counts: LoadCounts, position: Position
) -> Iterator[Page]:
    if b"\0" in head:
        raise InputError(f"{name}: not UTF-8; convert it with iconv (UTF-16 is likely).")
    position.line = 1
    while line := stream.readline(MAX_LINE_BYTES + 1):
        where = f"{name}, line {position.line}"
        position.line += 1
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"{where}: longer than {MAX_LINE_BYTES} bytes.")
        if not line.strip():
            continue
        page = _page_of_line(line, where)
        counts.pages += 1
        if is_redirect(page.text):
            counts.redirects += 1
        else:
            yield page


def _page_of_line(line: bytes, where: str) -> Page:
    try:
        value: object = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{where}: not UTF-8; convert the file with iconv.") from None
    except (ValueError, RecursionError):
        value = None
    match value:
        case {"title": str(title), "text": str(text)} if re.search(r"[^\s\0\ud800-\udfff]", title):
            if len(title.encode(errors="surrogatepass")) > MAX_TITLE_BYTES:
                raise InputError(f"{where}: a title longer than {MAX_TITLE_BYTES} bytes.")
            return Page(title=title, text=text)
        case _:
            raise InputError(f"{where}: not a JSON object with title and text.")
