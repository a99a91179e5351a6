"""Stream the pages of a MediaWiki XML export.

Expat is fed directly: mwxml keeps an element of every page read (about 110 bytes each, so
memory grows with the dump) and cannot refuse a document type, the door of entity bombs.
Format: https://www.mediawiki.org/wiki/Help:Export
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from wikiembed.errors import InputError
from wikiembed.wiki.pages import LoadCounts, RawPage
from wikiembed.wiki.redirects import is_redirect

MAX_FIELD_CHARS = 32 * 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_MAX_DEPTH = 32
_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_EXPAT_READS = {"utf-8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "us-ascii"}
_PAGE = "mediawiki/page"
_REVISION = "mediawiki/page/revision"
_NAMESPACE = "mediawiki/siteinfo/namespaces/namespace"
_KEPT = {
    _NAMESPACE,
    f"{_PAGE}/title",
    f"{_PAGE}/ns",
    f"{_REVISION}/timestamp",
    f"{_REVISION}/model",
    f"{_REVISION}/text",
}
_HIDDEN_NAMESPACES = {"-2", "6", "14"}  # media, file, category
_ENGLISH_HIDDEN = frozenset({"media", "file", "image", "category"})


class Readable(Protocol):
    """A binary stream that can be looked into."""

    def peek(self, n: int, /) -> bytes: ...

    def read1(self, n: int, /) -> bytes: ...


def read_export(path: Path, stream: Readable, counts: LoadCounts) -> Iterator[RawPage]:
    """Stream the last revision of each page of namespace 0 that is no redirect.

    Raises: InputError, after the pages before the trouble; what `stream` raises.
    """
    export = _Export(path, counts)
    decoder = _decoder_of(path, stream.peek(_CHUNK_BYTES))
    data = b"unread"
    while data:
        data = stream.read1(_CHUNK_BYTES)
        trouble = None
        try:
            export.feed(decoder.decode(data, not data) if decoder else data, is_last=not data)
        except (expat.ExpatError, ValueError, InputError) as error:
            trouble = error
        yield from export.take_pages()
        if isinstance(trouble, InputError):
            raise trouble
        if trouble is not None:
            raise InputError(f"{path}: not well-formed XML: {trouble}.") from None


def _decoder_of(path: Path, head: bytes) -> codecs.IncrementalDecoder | None:
    """A decoder for what expat cannot read itself, which is any multi-byte East Asian one."""
    declared = _ENCODING.search(head)
    if declared is None:
        return None
    name = declared[1].decode().lower()
    if name in _EXPAT_READS:
        return None
    try:
        "x".encode(name)  # refuses codecs that are no text encoding
        return codecs.getincrementaldecoder(name)()
    except LookupError:
        raise InputError(f"{path}: declares the unknown encoding {name}.") from None


class _Export:
    """Turns expat's events into pages."""

    def __init__(self, path: Path, counts: LoadCounts) -> None:
        self._path = path
        self._counts = counts
        self._pages: list[RawPage] = []
        self._elements: list[str] = []
        self._text: list[str] | None = None
        self._text_chars = 0
        self._namespace_key = ""
        self._namespaces: dict[str, str] = {}
        self._hidden = _ENGLISH_HIDDEN
        self._begin_page()
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, data: bytes | str, *, is_last: bool) -> None:
        """Parse `data`; the pages that end in it can be taken afterwards."""
        self._parser.Parse(data, is_last)

    def take_pages(self) -> list[RawPage]:
        """The pages parsed since the last call."""
        pages, self._pages = self._pages, []
        return pages

    def _begin_page(self) -> None:
        self._title = ""
        self._ns: str | None = None
        self._is_redirect = False
        self._latest: tuple[str, str, str] | None = None  # timestamp, model, text
        self._begin_revision()

    def _begin_revision(self) -> None:
        self._timestamp = ""
        self._model = "wikitext"
        self._wikitext = ""

    def _refused(self, why: str) -> InputError:
        return InputError(f"{self._path}: line {self._parser.CurrentLineNumber}: {why}.")

    def _refuse_doctype(self, name: str, system: object, public: object, internal: object) -> None:
        raise self._refused("a document type declaration, which no MediaWiki export has")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements.append(name)
        if len(self._elements) > _MAX_DEPTH:
            raise self._refused(f"elements nested more than {_MAX_DEPTH} deep")
        if self._elements[0] != "mediawiki":
            raise self._refused(f"not a MediaWiki export, its root is <{self._elements[0]}>")
        where = "/".join(self._elements)
        if where == _PAGE:
            self._begin_page()
        elif where == _REVISION:
            self._begin_revision()
        elif where == f"{_PAGE}/redirect":
            self._is_redirect = True
        elif where in _KEPT:
            self._namespace_key = attributes.get("key", "")
            self._text, self._text_chars = [], 0

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        self._text.append(data)
        self._text_chars += len(data)
        if self._text_chars > MAX_FIELD_CHARS:
            raise self._refused(f"a text longer than {MAX_FIELD_CHARS} characters")

    def _end(self, name: str) -> None:
        where = "/".join(self._elements)
        self._elements.pop()
        if where == _PAGE:
            self._end_page()
        elif where == _REVISION:
            # Exports come oldest first or, if asked, newest first.
            if self._latest is None or self._timestamp >= self._latest[0]:
                self._latest = (self._timestamp, self._model, self._wikitext)
        elif where in _KEPT and self._text is not None:
            self._keep(where, "".join(self._text))
            self._text = None

    def _keep(self, where: str, value: str) -> None:
        if where == _NAMESPACE:
            self._namespaces[value.lower()] = self._namespace_key
            if self._namespace_key in _HIDDEN_NAMESPACES:
                self._hidden |= {value.lower()}
        elif where == f"{_PAGE}/title":
            self._title = value
        elif where == f"{_PAGE}/ns":
            self._ns = value.strip()
        elif where == f"{_REVISION}/timestamp":
            self._timestamp = value.strip()
        elif where == f"{_REVISION}/model":
            self._model = value.strip()
        else:
            self._wikitext = value

    def _end_page(self) -> None:
        counts = self._counts
        counts.pages += 1
        _, model, wikitext = self._latest or ("", "wikitext", "")
        if self._namespace() != "0":
            counts.other_namespaces += 1
        elif self._is_redirect or is_redirect(wikitext):
            counts.redirects += 1
        elif model != "wikitext":
            counts.other_models += 1
        elif not wikitext.strip() or not self._title.strip():
            counts.empty += 1
        else:
            page = RawPage(title=self._title, wikitext=wikitext, hidden_prefixes=self._hidden)
            self._pages.append(page)

    def _namespace(self) -> str:
        """The page's namespace; exports older than 0.6 say it only in the title."""
        if self._ns is not None:
            return self._ns
        prefix, colon, _ = self._title.partition(":")
        return self._namespaces.get(prefix.lower(), "0") if colon else "0"
