"""Decompress a stream without seeking: plain, gzip or bzip2, detected from its content."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from wikiembed.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 64 * 1024

_OTHER_PACKERS = {
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
_BZIP2 = re.compile(
    rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"
)  # the header, and the first block's or end's
_BZIP2_BYTES = 10


class TrailingBytes(Exception):
    """Bytes that are not bzip2 follow bzip2 data."""


class Binary(Protocol):
    """A stream whose bytes can be read as they arrive."""

    def read1(self, n: int = -1, /) -> bytes: ...


def unpack(name: str, raw: Binary, *, head_bytes: int) -> tuple[bytes, io.BufferedReader]:
    """The first decompressed bytes of `raw`, at least `head_bytes` if there are as many, and all.

    Reading raises EOFError where a compressed stream ends too early, OSError or zlib.error where
    it is damaged, TrailingBytes.
    Raises: the same; InputError for other formats.
    """
    magic, pieces = _ahead(_pieces_of(raw), max(map(len, _OTHER_PACKERS)))
    if magic.startswith(b"BZh"):
        pieces = _unbzip2(pieces)
    elif magic.startswith(b"\x1f\x8b"):
        pieces = _pieces_of(gzip.GzipFile(fileobj=io.BufferedReader(_Pieces(pieces))))
    for other, packer in _OTHER_PACKERS.items():
        if magic.startswith(other):
            raise InputError(f"{name}: packed with {packer}; unpack it, or pack it with bzip2.")
    head, pieces = _ahead(pieces, head_bytes)
    return head, io.BufferedReader(_Pieces(pieces), PIECE_BYTES)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        into = memoryview(buffer)
        size = min(len(into), len(self._rest))
        into[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _pieces_of(raw: Binary) -> Iterator[bytes]:
    return iter(lambda: raw.read1(PIECE_BYTES), b"")


def _ahead(pieces: Iterator[bytes], least: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `least` bytes or more, and all pieces: a pipe may return them one by one.

    An error of the pieces is raised when reading reaches it.
    """
    head, rest = b"", pieces
    try:
        while len(head) < least and (piece := next(pieces, b"")):
            head += piece
    except (EOFError, OSError, zlib.error, TrailingBytes) as error:
        rest = _failing(error)
    return head, chain([head] if head else [], rest)


def _failing(error: Exception) -> Iterator[bytes]:
    raise error
    yield b""


def _unbzip2(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The streams of a bzip2 file; zeros after them are padding, other bytes are an error."""
    packed_bytes, data = 0, b""
    while True:
        while len(data) < _BZIP2_BYTES and (piece := next(pieces, b"")):
            data = (data + piece).lstrip(b"\0")
        if not data:
            return
        if packed_bytes and not _BZIP2.match(data):
            raise TrailingBytes
        stream = bz2.BZ2Decompressor()
        while not stream.eof:
            if not data and stream.needs_input:
                data = next(pieces, b"")
                if not data:
                    raise EOFError
            plain = stream.decompress(data, PIECE_BYTES)
            packed_bytes += len(data)
            data = b""
            if plain:
                yield plain
        data = stream.unused_data.lstrip(b"\0")
