"""Stream the pages of MediaWiki XML exports, of one or of several in a row."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator

from wikiembed.errors import InputError
from wikiembed.wiki.document import Document
from wikiembed.wiki.pages import LoadCounts, Position, RawPage
from wikiembed.wiki.unpack import PIECE_BYTES

_ENCODING = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']"
)
_EXPAT_READS = {"utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "us-ascii"}


def read_export(
    name: str, head: bytes, stream: io.BufferedReader, counts: LoadCounts, position: Position
) -> Iterator[RawPage]:
    """Stream the last revision of each page of namespace 0 that is not a redirect.

    `head` is a copy of the stream's first bytes. Concatenated exports are all read.
    Raises: InputError, after the pages before the error; what `stream` raises.
    """
    decoder = _decoder_of(name, head)
    encoding = "utf-8" if decoder else None
    document = Document(name, counts, position, encoding=encoding)
    is_last = False
    while not is_last:
        data = stream.read1(PIECE_BYTES)
        is_last = not data
        if decoder is not None:
            data = _decoded(name, decoder, data, position)
        while True:
            trouble, following = None, b""
            try:
                following = document.feed(data, is_last=is_last)
            except InputError as error:
                trouble = error
            yield from document.take_pages()
            if trouble is not None:
                raise trouble
            if not following:
                break
            lines = document.lines
            document = Document(name, counts, position, encoding=encoding, lines_before=lines)
            data = following


def _decoded(
    name: str, decoder: codecs.IncrementalDecoder, data: bytes, position: Position
) -> bytes:
    try:
        return decoder.decode(data, not data).encode()
    except ValueError as error:
        raise InputError(
            f"{name}: not well-formed XML, {str(position) or 'before any page'}: {error}."
        ) from None


def _decoder_of(file: str, head: bytes) -> codecs.IncrementalDecoder | None:
    """A decoder for encodings that expat cannot read, such as multi-byte East Asian ones."""
    declared = _ENCODING.match(head)
    if declared is None:
        return None
    name = declared[1].decode().lower()
    if name in _EXPAT_READS:
        return None
    try:
        "x".encode(name)  # refuses codecs that are not text encodings
        return codecs.getincrementaldecoder(name)()
    except LookupError:
        raise InputError(f"{file}: declares the unknown encoding {name}.") from None
