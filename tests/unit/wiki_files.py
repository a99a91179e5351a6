"""Builds wiki files for the tests of `wikiembed.wiki`."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from wikiembed.wiki import LoadCounts, RawPage, read_pages

SITEINFO = (
    '<siteinfo><namespaces><namespace key="0" /><namespace key="1">Talk</namespace>'
    '<namespace key="6">Datei</namespace></namespaces></siteinfo>'
)


def revision_xml(
    text: str, *, timestamp: str = "2020-01-01T00:00:00Z", model: str = "", number: int = 9
) -> str:
    """One ``<revision>``."""
    told = f"<model>{model}</model>" if model else ""
    return (
        f"<revision><id>{number}</id><timestamp>{timestamp}</timestamp>{told}"
        f"<text>{escape(text)}</text></revision>"
    )


def page_xml(title: str, *revisions: str, ns: str | None = "0", extra: str = "") -> str:
    """One ``<page>``; without `ns` like exports before 0.6."""
    told = "" if ns is None else f"<ns>{ns}</ns>"
    return f"<page><title>{escape(title)}</title>{told}{extra}{''.join(revisions)}</page>\n"


def export_xml(*pages: str, declaration: str = "") -> str:
    """A whole export."""
    return f"{declaration}<mediawiki>{SITEINFO}\n{''.join(pages)}</mediawiki>\n"


def write_export(path: Path, *pages: str) -> Path:
    """Write an export in UTF-8 to `path`."""
    path.write_text(export_xml(*pages), encoding="utf-8")
    return path


def read_all(path: Path) -> tuple[dict[str, str], LoadCounts]:
    """Return the pages of `path`, title to text, and the counts."""
    counts = LoadCounts()
    pages = {
        page.title: page.wikitext if isinstance(page, RawPage) else page.text
        for page in read_pages(path, counts)
    }
    return pages, counts
