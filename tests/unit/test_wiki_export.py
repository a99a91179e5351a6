"""MediaWiki XML exports are streamed page by page."""

from __future__ import annotations

import bz2
import gzip
import resource
import sys
import tracemalloc
from pathlib import Path

import pytest

from tests.unit.wiki_files import export_xml, page_xml, read_all, revision_xml, write_export
from wikiembed.errors import InputError
from wikiembed.wiki import LoadCounts, RawPage, read_pages


def test_export_redirects_and_other_namespaces_are_counted_and_left_out(tmp_path: Path) -> None:
    """Only pages of namespace 0 that hold wikitext and are not redirects are yielded."""
    path = write_export(
        tmp_path / "x.xml",
        page_xml("Kept", revision_xml("text")),
        page_xml("Element", revision_xml("text"), extra='<redirect title="Kept" />'),
        page_xml("Word", revision_xml("#redirect [[Kept]]")),
        page_xml("Wort", revision_xml(" #WEITERLEITUNG: [[Kept]]")),
        page_xml("Talk:Kept", revision_xml("text"), ns="1"),
        page_xml("Item", revision_xml("{}", model="wikibase-item")),
        page_xml("Blank", revision_xml(" \n")),
        page_xml("None"),
    )

    pages, counts = read_all(path)

    assert pages == {"Kept": "text"}
    assert counts == LoadCounts(
        pages=8, redirects=3, other_namespaces=1, other_models=1, empty=2, articles=0
    )


def test_export_without_ns_elements_derives_namespaces_from_titles(tmp_path: Path) -> None:
    """An old export's pages belong to the namespace that their title begins with."""
    path = write_export(
        tmp_path / "x.xml",
        page_xml("Talk:A", revision_xml("text"), ns=None),
        page_xml("2001: A Space Odyssey", revision_xml("text"), ns=None),
    )

    pages, counts = read_all(path)

    assert list(pages) == ["2001: A Space Odyssey"]
    assert counts.other_namespaces == 1


@pytest.mark.parametrize("order", [("2019", "2020", "2021"), ("2021", "2020", "2019")])
def test_export_of_full_history_gives_the_latest_revision(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    """Of several revisions the latest counts, whichever way they are sorted."""
    revisions = [revision_xml(f"text of {year}", timestamp=year) for year in order]
    path = write_export(tmp_path / "x.xml", page_xml("A", *revisions))

    assert read_all(path)[0] == {"A": "text of 2021"}


@pytest.mark.parametrize("order", [(11, 12, 13), (13, 12, 11), (12, 13, 11)])
def test_export_with_equal_timestamps_gives_the_revision_of_the_highest_id(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Revisions with equal timestamps are ordered by id, whichever way they are sorted."""
    revisions = [revision_xml(f"text {number}", number=number) for number in order]
    path = write_export(tmp_path / "x.xml", page_xml("A", *revisions))

    assert read_all(path)[0] == {"A": "text 13"}


@pytest.mark.parametrize(
    "deleted", [('deleted="deleted"'), ('bytes="9" sha1="" deleted="deleted"')]
)
def test_export_with_a_deleted_last_revision_gives_the_one_before(
    tmp_path: Path, deleted: str
) -> None:
    """The latest revision with a text represents the page; a page without one is empty."""
    gone = revision_xml("", timestamp="2021").replace("<text></text>", f"<text {deleted} />")
    kept = [revision_xml(f"text of {year}", timestamp=year) for year in ("2019", "2020")]
    path = write_export(
        tmp_path / "x.xml",
        page_xml("A", *kept, gone),
        page_xml("B", gone, *reversed(kept)),
        page_xml("C", gone),
    )

    pages, counts = read_all(path)

    assert pages == {"A": "text of 2020", "B": "text of 2020"}
    assert (counts.pages, counts.empty) == (3, 1)


DECLARED = '<?xml version="1.0" encoding="{}"?>\n'


@pytest.mark.parametrize("between", ["", "\n", "\n<!-- more -->\n"])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        *((name, text) for name in ("utf-8", "utf-8-sig", "utf-16") for text in ("", DECLARED)),
        ("euc-kr", DECLARED),
    ],
)
def test_export_of_several_documents_is_read_whole(
    tmp_path: Path, encoding: str, declared: str, between: str
) -> None:
    """Two exports in one bzip2 file: each with its own namespace names and line numbers."""
    declaration = declared.format(encoding.removesuffix("-sig"))
    documents = [
        export_xml(page_xml("한강", revision_xml("강")), declaration=declaration).rstrip("\n"),
        export_xml(page_xml("Talk:B", revision_xml("b"), ns=None), declaration=declaration),
        export_xml(page_xml("C", revision_xml("c")), "<page><br></page>", declaration=declaration),
    ]
    path = tmp_path / "x.xml.bz2"
    parts = [part.encode(encoding) for part in (documents[0] + between, *documents[1:])]
    path.write_bytes(b"".join(map(bz2.compress, parts)))
    counts = LoadCounts()
    titles: list[str] = []

    with pytest.raises(InputError, match="mismatched tag: line ") as caught:
        titles.extend(read_titles(path, counts, titles))

    assert titles == ["한강", "C"]
    assert (counts.pages, counts.other_namespaces) == (3, 1)
    before = "".join(documents[:2]) + between
    line = before.count("\n") + documents[2][: documents[2].index("<br>")].count("\n") + 1
    assert f"line {line}, " in str(caught.value)


def test_export_that_starts_in_any_piece_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the bytes are split, no document is missed."""
    declaration = '<?xml version="1.0"?>\n'
    xml = "".join(
        export_xml(page_xml(title, revision_xml("x")), declaration=declaration) for title in "ABC"
    )
    path = tmp_path / "x.xml"
    path.write_text(xml)
    for size in (1, 2, 3, 7, 50):
        monkeypatch.setattr("wikiembed.wiki.export.PIECE_BYTES", size)
        assert list(read_all(path)[0]) == ["A", "B", "C"]


def test_export_text_of_other_slots_is_ignored(tmp_path: Path) -> None:
    """Only the main slot's text is the page's, in exports of version 0.11 too."""
    slot = "<content><role>mediainfo</role><text>{}</text></content>"
    revision = revision_xml("main").replace("</revision>", f"{slot}</revision>")
    path = write_export(tmp_path / "x.xml", page_xml("A", revision))

    assert read_all(path)[0] == {"A": "main"}


def test_export_knows_the_wikis_own_names_of_hidden_namespaces(tmp_path: Path) -> None:
    """File and category names in the wiki's language come with the pages."""
    path = write_export(tmp_path / "x.xml", page_xml("A", revision_xml("text")))

    (page,) = read_pages(path, LoadCounts())

    assert isinstance(page, RawPage)
    assert page.hidden_prefixes == {"media", "file", "image", "category", "datei"}


@pytest.mark.parametrize(
    "encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "windows-1252", "GB18030", "Shift_JIS"]
)
def test_export_is_read_in_the_encoding_it_declares(tmp_path: Path, encoding: str) -> None:
    """Single-byte, double-byte and multi-byte encodings give the same characters."""
    text = "日本語" if encoding in {"GB18030", "Shift_JIS"} else "Zoë café"
    xml = export_xml(
        page_xml("A", revision_xml(text)),
        declaration=f'<?xml version="1.0" encoding="{encoding}"?>\n',
    )
    path = tmp_path / "x.xml"
    path.write_bytes(xml.encode(encoding))

    assert read_all(path)[0] == {"A": text}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_export_byte_order_mark_is_understood(tmp_path: Path, encoding: str) -> None:
    """A byte order mark alone determines the encoding."""
    path = tmp_path / "x.xml"
    path.write_bytes(export_xml(page_xml("A", revision_xml("Zoë"))).encode(encoding))

    assert read_all(path)[0] == {"A": "Zoë"}


@pytest.mark.parametrize("name", ["klingon", "zlib"])
def test_export_unknown_encoding_is_refused(tmp_path: Path, name: str) -> None:
    """An encoding that Python lacks, or that is not a text encoding, is named."""
    path = tmp_path / "x.xml"
    path.write_text(export_xml(declaration=f'<?xml version="1.0" encoding="{name}"?>'))

    with pytest.raises(InputError, match=f"declares the unknown encoding {name}"):
        read_all(path)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://example.org/x.dtd">',
    ],
)
def test_export_document_type_is_refused(tmp_path: Path, doctype: str) -> None:
    """Entity bombs and external entities end at the document type declaration."""
    path = tmp_path / "x.xml"
    path.write_text(doctype + export_xml(page_xml("A", revision_xml("b")).replace("b", "&b;")))

    with pytest.raises(InputError, match=r"line 1: a document type declaration"):
        read_all(path)


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("<html><body/></html>", "its root is <html>"),
        ("<mediawiki>" + "<a>" * 40, "nested more than 32 deep"),
        ("<mediawiki><page></mediawiki>", "not well-formed XML: mismatched tag: line 1, column 19"),
        (export_xml(page_xml("A", revision_xml("x"))) + "<more/>", "junk after document element"),
        (export_xml() + "<?xml version='1.0' encoding='klingon'?>", "unknown encoding"),
        (export_xml() + export_xml(declaration="<?xml version='1.0' encoding='big5'?>"), "encodin"),
        (export_xml(page_xml("A" * 1025)), "line 2: a title longer than 1024 bytes"),
    ],
)
def test_export_other_xml_is_refused(tmp_path: Path, xml: str, reason: str) -> None:
    """XML that is not an export, or not well-formed, is refused with the position."""
    path = tmp_path / "x.xml"
    path.write_text(xml)

    with pytest.raises(InputError, match=reason) as caught:
        read_all(path)
    assert str(caught.value).startswith(str(path))


def test_export_cut_short_yields_the_pages_before(tmp_path: Path) -> None:
    """Nothing that was read is lost when the XML ends too early."""
    xml = export_xml(*(page_xml(f"T{n}", revision_xml("text")) for n in range(10)))
    path = tmp_path / "x.xml"
    path.write_text(xml[: xml.index("<ns>0</ns>", xml.index("T7"))])
    counts = LoadCounts()
    titles: list[str] = []

    said = r"no element found: line 9, column \d+, in page “T7”; it was cut short, copy it again\."
    with pytest.raises(InputError, match=said):
        titles.extend(read_titles(path, counts, titles))

    assert titles == [f"T{n}" for n in range(7)]
    assert counts.pages == 7


def read_titles(path: Path, counts: LoadCounts, into: list[str]) -> list[str]:
    """Append each title to `into` as it is read."""
    for page in read_pages(path, counts):
        into.append(page.title)
    return []


def test_export_text_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One endless text cannot fill the memory."""
    monkeypatch.setattr("wikiembed.wiki.document.MAX_FIELD_CHARS", 100)
    path = write_export(tmp_path / "x.xml", page_xml("A", revision_xml("x" * 101)))

    with pytest.raises(InputError, match="longer than 100 characters"):
        read_all(path)


def test_export_of_100_mb_is_read_in_constant_memory(tmp_path: Path) -> None:
    """Reading 100 MB of pages takes no more memory than reading 10 MB, to a megabyte."""
    page = page_xml("A", revision_xml("words of an article " * 1000)).encode()
    head, tail = export_xml().encode().split(b"</mediawiki>")

    def peak_of(megabytes: int) -> int:
        path = tmp_path / f"{megabytes}.xml.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(head)
            for _ in range(megabytes * 50):
                file.write(page)
            file.write(b"</mediawiki>" + tail)
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_pages(path, LoadCounts())) == megabytes * 50
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak_of(10)
    resident_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large = peak_of(100)
    resident_grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident_before

    assert large < small + 1_000_000
    assert large < 8_000_000
    assert resident_grown < 32_000 * (1024 if sys.platform == "darwin" else 1)


def test_export_many_pages_leave_nothing_behind(tmp_path: Path) -> None:
    """Twenty thousand tiny pages, for which a tree would keep an element each, cost no memory."""
    path = write_export(
        tmp_path / "x.xml", *(page_xml(f"T{n}", revision_xml("tiny")) for n in range(20_000))
    )
    counts = LoadCounts()
    tracemalloc.start()
    try:
        pages = read_pages(path, counts)
        for _ in range(100):
            next(pages)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(19_800):
            next(pages)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown < 300_000
