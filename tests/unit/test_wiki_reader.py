"""Format and compression of a wiki file are detected from its content."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.wiki_files import export_xml, page_xml, read_all, revision_xml
from wikiembed.errors import InputError
from wikiembed.wiki import LoadCounts, read_pages
from wikiembed.wiki.reader import FORMATS
from wikiembed.wiki.unpack import unpack

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LINES = b'{"title": "A", "text": "one", "id": 7}\n\n{"text": "two", "title": "B"}\n'
XML = export_xml(page_xml("A", revision_xml("one")), page_xml("B", revision_xml("two"))).encode()
CONTENTS = {"MediaWiki XML": XML, "JSON lines of title and text": LINES}
"""Of each format: page A with text one, and B with two."""


@pytest.mark.parametrize("format_name", [each.name for each in FORMATS])
@pytest.mark.parametrize("packed", ["plain", "gz", "gz members", "bz2", "bz2 streams"])
def test_reader_detects_format_and_compression_from_content(
    tmp_path: Path, format_name: str, packed: str
) -> None:
    """Whatever the name, all formats are read plain, compressed, and in several streams."""
    content = CONTENTS[format_name]
    middle = len(content) // 2
    parts = content[:middle], content[middle:]
    packings = {
        "plain": content,
        "gz": gzip.compress(content),
        "gz members": b"".join(map(gzip.compress, parts)),
        "bz2": bz2.compress(content),
        "bz2 streams": b"".join(map(bz2.compress, parts)),
    }
    path = tmp_path / "misleading.zip"
    path.write_bytes(packings[packed])

    pages, counts = read_all(path)

    assert pages == {"A": "one", "B": "two"}
    assert counts.pages == 2


@pytest.mark.parametrize(
    "line",
    [
        "3",
        '{"title": "A"}',
        '{"title": "A", "text": null}',
        '{"title": " ", "text": "x"}',
        '{"title": 1, "text": "x"}',
        '{"title": "A", "text": "x"',
        "[" * 100_000,
    ],
)
def test_reader_refuses_a_wrong_json_line_by_number(tmp_path: Path, line: str) -> None:
    """A line that is not an object with title and text is named; the lines before are yielded."""
    path = tmp_path / "articles.jsonl"
    path.write_text(f'{{"title": "A", "text": "one"}}\n\n{line}\n')
    pages = read_pages(path, LoadCounts())

    assert next(pages).title == "A"
    with pytest.raises(InputError) as caught:
        next(pages)
    assert str(caught.value) == f"{path}, line 3: not a JSON object with title and text."


def test_reader_refuses_json_lines_that_are_not_utf_8(tmp_path: Path) -> None:
    """The line whose bytes are not UTF-8 is named."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(LINES + '{"title": "Zoë"}'.encode("latin-1"))

    with pytest.raises(InputError, match=r"x\.jsonl, line 4: not UTF-8; convert"):
        read_all(path)


def test_reader_accepts_json_lines_with_a_byte_order_mark(tmp_path: Path) -> None:
    """A UTF-8 byte order mark is not part of the first line."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + LINES)

    assert read_all(path)[0] == {"A": "one", "B": "two"}


def test_reader_counts_redirects_in_json_lines(tmp_path: Path) -> None:
    """A JSON line whose text is a redirect is left out."""
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"title": "A", "text": "#REDIRECT [[B]]"}) + "\n")

    pages, counts = read_all(path)

    assert pages == {}
    assert counts == LoadCounts(pages=1, redirects=1)


def test_reader_refuses_an_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is refused before it fills the memory."""
    monkeypatch.setattr("wikiembed.wiki.json_lines.MAX_LINE_BYTES", 50)
    path = tmp_path / "x.jsonl"
    path.write_bytes(LINES + b'{"title": "' + b"x" * 100)

    with pytest.raises(InputError, match="line 4: longer than 50 bytes"):
        read_all(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"hello", "x: not MediaWiki XML.* or JSON lines of title and text"),
        (b'[{"title": "A"}]', "a JSON array; write one object per line"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "packed with 7-Zip; unpack it"),
        (b"\xfd7zXZ\x00", "packed with xz; unpack it"),
        (b"\x1f\x8bgarbage garbage", "damaged, it does not unpack"),
        (b"BZh9garbage", "damaged, it does not unpack"),
    ],
)
def test_reader_refuses_other_files_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """Files of no known kind are refused in one sentence that names the file."""
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(InputError, match=reason) as caught:
        read_all(path)
    assert str(caught.value).startswith(str(path))


def test_reader_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    """The operating system's message is passed on."""
    with pytest.raises(InputError, match=r"none: cannot be read: No such file or directory\."):
        read_all(tmp_path / "none")
    with pytest.raises(InputError, match=r"cannot be read: Is a directory\."):
        read_all(tmp_path)


@pytest.mark.parametrize("packer", ["gzip", "bzip2"])
@pytest.mark.parametrize("kind", ["jsonl", "xml"])
def test_reader_yields_pages_before_a_truncation(tmp_path: Path, packer: str, kind: str) -> None:
    """A truncated compressed file gives its first pages, then the error."""
    texts = [os.urandom(20_000).hex() for _ in range(60)]
    if kind == "xml":
        pages = [page_xml(f"T{n}", revision_xml(text)) for n, text in enumerate(texts)]
        content = export_xml(*pages).encode()
    else:
        objects = ({"title": f"T{n}", "text": text} for n, text in enumerate(texts))
        content = b"".join(json.dumps(value).encode() + b"\n" for value in objects)
    packed = gzip.compress(content) if packer == "gzip" else bz2.compress(content)
    path = tmp_path / "x"
    path.write_bytes(packed[: len(packed) - 100])
    titles: list[str] = []

    with pytest.raises(InputError, match="it was cut short, copy it again") as caught:
        titles.extend(collect(path, titles))

    # bzip2 decompresses only whole blocks of 900 kB.
    least = 20 if packer == "bzip2" else 59
    assert titles == [f"T{n}" for n in range(len(titles))]
    assert len(titles) >= least
    cut = f"in line {len(titles) + 1}" if kind == "jsonl" else f"in page “T{len(titles)}”"
    assert f"ends in mid-stream, {cut};" in str(caught.value)


class Dribble(io.RawIOBase):
    """A pipe that returns one byte at a time and cannot seek."""

    def __init__(self, content: bytes) -> None:
        self._content = iter(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        given = bytes(islice(self._content, 1))
        memoryview(buffer)[: len(given)] = given
        return len(given)


@pytest.mark.parametrize("content", [LINES, XML, XML + XML], ids=["jsonl", "xml", "two"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_reader_reads_a_pipe_byte_by_byte(content: bytes, pack: Callable[[bytes], bytes]) -> None:
    """Format and compression are detected without seeking, however small the first piece is."""
    counts = LoadCounts()
    pages = read_pages(io.BufferedReader(Dribble(pack(content)), 1), counts)
    assert [page.title for page in pages][:2] == ["A", "B"]
    assert counts.pages == (4 if content == XML + XML else 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Standard input: is empty."),
        (LINES + b"x", "Standard input, line 4: not a JSON object with title and text."),
        (LINES.decode().encode("utf-16"), "Standard input: not UTF-8; convert it with iconv"),
        (LINES.decode().encode("utf-16-be"), "Standard input: not UTF-8; convert it with iconv"),
        ('{"title": "한강", "text": "강"}'.encode("cp949"), "Standard input, line 1: not UTF-8;"),
        (b'{"title": "' + b"x" * 1025 + b'", "text": ""}', "line 1: a title longer than 1024"),
    ],
)
def test_reader_names_standard_input(content: bytes, reason: str) -> None:
    """There is no path to name, and encodings that are not UTF-8 are reported as such."""
    with pytest.raises(InputError, match=reason):
        list(read_pages(io.BytesIO(content), LoadCounts()))


@pytest.mark.parametrize("trailing", [b"no bzip2 data", b"BZh9 or nearly so", b"B", b"\0\0x"])
def test_reader_reports_what_follows_bzip2_data(tmp_path: Path, trailing: bytes) -> None:
    """A second stream with a damaged head is not the end of the file: its pages would be lost."""
    path = tmp_path / "x"
    path.write_bytes(bz2.compress(LINES[:50]) + trailing)
    with pytest.raises(InputError, match=r"bytes that are not bzip2 follow.*cut short"):
        read_all(path)
    page = export_xml(page_xml("A", revision_xml("one")), page_xml("B", revision_xml("two")))
    path.write_bytes(bz2.compress(page[: page.index("two")].encode()) + trailing)
    titles: list[str] = []
    with pytest.raises(InputError, match=r"follow the bzip2 data, in page “B”; it is damaged"):
        titles.extend(collect(path, titles))
    assert titles == ["A"]


def test_reader_treats_zeros_after_bzip2_data_as_padding(tmp_path: Path) -> None:
    """Tapes and block devices pad with zeros."""
    path = tmp_path / "x"
    path.write_bytes(bz2.compress(LINES) + bytes(100_000))
    assert read_all(path)[0] == {"A": "one", "B": "two"}


def test_reader_bounds_memory_for_a_decompression_bomb(tmp_path: Path) -> None:
    """A hundred bytes that decompress to a hundred megabytes are read in pieces."""
    packed = bz2.compress(b" " * 100_000_000)
    tracemalloc.start()
    try:
        head, stream = unpack("x", io.BytesIO(packed), head_bytes=1)
        read = sum(map(len, iter(lambda: stream.read1(100_000), b"")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (head[:1], read) == (b" ", 100_000_000)
    assert peak < 3_000_000


def collect(path: Path, into: list[str]) -> list[str]:
    """Append each title to `into` as it is read."""
    for page in read_pages(path, LoadCounts()):
        into.append(page.title)
    return []
