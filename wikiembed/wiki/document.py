"""Parse one document of a MediaWiki XML export into pages, by expat's events.

Uses expat directly: mwxml keeps an element of every page read (about 110 bytes each, so
memory grows with the dump) and cannot refuse a document type, which enables entity bombs.
Format: https://www.mediawiki.org/wiki/Help:Export
"""

from __future__ import annotations

from xml.parsers import expat

from wikiembed.errors import InputError
from wikiembed.wiki.pages import (
    ENGLISH_HIDDEN,
    MAX_TITLE_BYTES,
    LoadCounts,
    Position,
    RawPage,
    article_of,
)
from wikiembed.wiki.unpack import PIECE_BYTES

MAX_FIELD_CHARS = 32 * 1024 * 1024

_MAX_DEPTH = 32
_RECENT_BYTES = 4 * PIECE_BYTES
_CUT_SHORT = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
}
_PAGE = "mediawiki/page"
_REVISION = "mediawiki/page/revision"
_NAMESPACE = "mediawiki/siteinfo/namespaces/namespace"
_KEPT = {
    _NAMESPACE,
    f"{_PAGE}/title",
    f"{_PAGE}/ns",
    f"{_REVISION}/id",
    f"{_REVISION}/timestamp",
    f"{_REVISION}/model",
    f"{_REVISION}/text",
}
_HIDDEN_NAMESPACES = {"-2", "6", "14"}  # media, file, category


def _begins_document(data: bytes) -> bool:
    """Whether `data` may begin another export; it may be as short as one byte."""
    head = data[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return any(head.startswith(one) or one.startswith(head) for one in (b"<?xml", b"<mediawiki"))


class Document:
    """Turns expat's events for one document into pages."""

    def __init__(
        self,
        name: str,
        counts: LoadCounts,
        position: Position,
        *,
        encoding: str | None,
        lines_before: int = 0,
    ) -> None:
        self._name = name
        self._counts = counts
        self._position = position
        self._lines_before = lines_before
        self._pages: list[RawPage] = []
        self._elements: list[str] = []
        self._is_closed = False
        self._fed_bytes = 0
        self._recent = b""
        self._text: list[str] | None = None
        self._text_chars = 0
        self._namespace_key = ""
        self._namespaces: dict[str, str] = {}
        self._hidden = ENGLISH_HIDDEN
        self._language = ""
        self._begin_page()
        self._parser = expat.ParserCreate(encoding)
        # expat 2.6 and later defers a token that was cut by the end of a piece; pages would come
        # late, and the error of a cut file with them.
        if hasattr(self._parser, "SetReparseDeferralEnabled"):
            self._parser.SetReparseDeferralEnabled(False)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Parse `data`; `take_pages` then returns the pages that end in it.

        Returns the beginning of another document that follows in it, else b"".
        Raises: InputError.
        """
        self._recent = (self._recent + data)[-_RECENT_BYTES:] if self._is_closed else data
        self._fed_bytes += len(data)
        try:
            self._parser.Parse(data, is_last)
        except expat.ExpatError as error:
            before = self._parser.ErrorByteIndex - (self._fed_bytes - len(self._recent))
            following = self._recent[max(before, 0) :]
            if self._is_closed and _begins_document(following):
                return following
            line = self._lines_before + error.lineno
            where = f"line {line}, column {error.offset}"
            if error.code in _CUT_SHORT and self._position.title:
                where += f", {self._position}; it was cut short, copy it again"
            said = expat.ErrorString(error.code)
            raise InputError(f"{self._name}: not well-formed XML: {said}: {where}.") from None
        except (ValueError, LookupError) as error:  # raised for the declared encoding
            raise self._refused(f"not well-formed XML, {error}") from None
        return b""

    @property
    def lines(self) -> int:
        """Lines before the parser's position."""
        return self._lines_before + self._parser.CurrentLineNumber - 1

    def take_pages(self) -> list[RawPage]:
        """The pages parsed since the last call."""
        pages, self._pages = self._pages, []
        return pages

    def _begin_page(self) -> None:
        self._title = ""
        self._ns: str | None = None
        self._is_redirect = False
        self._position.title = ""
        self._latest: tuple[tuple[str, int], str, str] | None = None  # order, model, text
        self._begin_revision()

    def _begin_revision(self) -> None:
        self._timestamp = ""
        self._id = 0
        self._is_deleted = False
        self._model = "wikitext"
        self._wikitext = ""

    def _refused(self, why: str) -> InputError:
        return InputError(f"{self._name}: line {self.lines + 1}: {why}.")

    def _refuse_doctype(self, name: str, system: object, public: object, internal: object) -> None:
        raise self._refused("a document type declaration, which no MediaWiki export has")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements.append(name)
        if len(self._elements) > _MAX_DEPTH:
            raise self._refused(f"elements nested more than {_MAX_DEPTH} deep")
        if self._elements[0] != "mediawiki":
            raise self._refused(f"not a MediaWiki export, its root is <{self._elements[0]}>")
        where = "/".join(self._elements)
        if where == "mediawiki":
            self._language = attributes.get("xml:lang", "")
        elif where == _PAGE:
            self._begin_page()
        elif where == _REVISION:
            self._begin_revision()
        elif where == f"{_PAGE}/redirect":
            self._is_redirect = True
        elif where in _KEPT:
            if where == f"{_REVISION}/text":
                self._is_deleted = "deleted" in attributes
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
        self._is_closed = not self._elements
        if where == _PAGE:
            self._end_page()
            self._position.title = ""
        elif where == _REVISION:
            self._end_revision()
        elif where in _KEPT and self._text is not None:
            self._keep(where, "".join(self._text))
            self._text = None

    def _end_revision(self) -> None:
        """Keep the revision if it is the latest so far: exports begin with the oldest or newest.

        Within one second the higher id is later. A deleted revision has no text to load: the
        latest one before it is used.
        """
        order = (self._timestamp, self._id)
        if not self._is_deleted and (self._latest is None or order >= self._latest[0]):
            self._latest = (order, self._model, self._wikitext)

    def _keep(self, where: str, value: str) -> None:
        if where == _NAMESPACE:
            self._namespaces[value.lower()] = self._namespace_key
            if self._namespace_key in _HIDDEN_NAMESPACES:
                self._hidden |= {value.lower()}
        elif where == f"{_PAGE}/title":
            if len(value.encode()) > MAX_TITLE_BYTES:
                raise self._refused(f"a title longer than {MAX_TITLE_BYTES} bytes")
            self._title = self._position.title = value
        elif where == f"{_PAGE}/ns":
            self._ns = value.strip()
        elif where == f"{_REVISION}/timestamp":
            self._timestamp = value.strip()
        elif where == f"{_REVISION}/id":
            self._id = int(value) if value.strip().isdecimal() else 0
        elif where == f"{_REVISION}/model":
            self._model = value.strip()
        else:
            self._wikitext = value

    def _end_page(self) -> None:
        _, model, wikitext = self._latest or ("", "wikitext", "")
        page = RawPage(
            title=self._title,
            wikitext=wikitext,
            hidden_prefixes=self._hidden,
            language=self._language,
        )
        self._pages += article_of(
            page,
            self._counts,
            namespace=self._namespace(),
            model=model,
            redirects=self._is_redirect,
        )

    def _namespace(self) -> str:
        """The page's namespace; exports older than 0.6 have it only in the title."""
        if self._ns is not None:
            return self._ns
        prefix, colon, _ = self._title.partition(":")
        return self._namespaces.get(prefix.lower(), "0") if colon else "0"
