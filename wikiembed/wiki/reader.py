"""Stream the pages of a wiki file: MediaWiki export XML or JSON lines, packed or not.

Format and packing are found in the content; the file's name means nothing.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from wikiembed.errors import InputError
from wikiembed.wiki.export import read_export
from wikiembed.wiki.pages import LoadCounts, Page, RawPage
from wikiembed.wiki.redirects import is_redirect

Stream: TypeAlias = io.BufferedReader | bz2.BZ2File | gzip.GzipFile

MAX_LINE_BYTES = 64 * 1024 * 1024

_BYTE_ORDER_MARKS_AND_SPACE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
_OTHER_PACKERS = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


def read_pages(path: Path, counts: LoadCounts) -> Iterator[RawPage | Page]:
    """Stream the pages of the file at `path` that may be articles; count them and the others.

    Raises: InputError, after the pages before the trouble.
    """
    try:
        with path.open("rb") as raw, _unpack(path, raw) as stream:
            head = stream.peek(1024)
            match head.lstrip(_BYTE_ORDER_MARKS_AND_SPACE)[:1]:
                case b"<":
                    yield from read_export(path, stream, counts)
                case b"{":
                    yield from _read_json_lines(path, stream, counts)
                case b"[":
                    raise InputError(f"{path}: a JSON array; write one object a line instead.")
                case b"":
                    raise InputError(f"{path}: is empty.")
                case _:
                    raise InputError(f"{path}: neither a MediaWiki XML export nor JSON lines.")
    except EOFError:
        raise InputError(f"{path}: ends in mid-stream; it was cut short, copy it again.") from None
    except (OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror is not None:
            raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
        raise InputError(f"{path}: damaged, it does not unpack ({error}).") from None


def _unpack(path: Path, raw: io.BufferedReader) -> Stream:
    magic = raw.peek(8)[:8]
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    for other, packer in _OTHER_PACKERS.items():
        if magic.startswith(other):
            raise InputError(f"{path}: packed with {packer}; unpack it, or pack it with bzip2.")
    return raw


def _read_json_lines(path: Path, stream: Stream, counts: LoadCounts) -> Iterator[Page]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        where = f"{path}, line {number}"
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
        raise InputError(f"{where}: not UTF-8.") from None
    except (ValueError, RecursionError):
        value = None
    match value:
        case {"title": str(title), "text": str(text)} if re.search(r"[^\s\0\ud800-\udfff]", title):
            return Page(title=title, text=text)
        case _:
            raise InputError(f"{where}: not a JSON object with title and text.")
