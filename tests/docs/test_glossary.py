"""docs/glossary.md has each term once, in order, with the page that explains it."""

from __future__ import annotations

import re

from tests.tools.docs.pages import DOCS, anchors_of, rows_of

PAGE = DOCS / "glossary.md"
LINK = re.compile(r"\[[^\]]+\]\((?P<page>[\w./-]+\.md)(?:#(?P<anchor>[\w-]+))?\)")
ROWS = rows_of(PAGE)


def test_each_term_has_one_sentence_and_one_page() -> None:
    """Three cells: the term, its meaning, and a link alone."""
    assert ROWS
    for row in ROWS:
        assert len(row) == 3, row
        assert row[1][-1] == ".", row
        assert ". " not in row[1], row
        assert LINK.fullmatch(row[2]), row


def test_terms_are_sorted_and_unique() -> None:
    """A reader looks a term up by its first letter."""
    terms = [row[0] for row in ROWS]
    assert terms == sorted(set(terms), key=str.lower)


def test_page_of_a_term_exists_and_uses_it() -> None:
    """The file and the heading are there, and the term occurs in the text."""
    for term, _, cell in ROWS:
        found = LINK.fullmatch(cell)
        assert found, cell
        page = DOCS / found["page"]
        assert page.is_file(), cell
        assert page != PAGE, cell
        assert found["anchor"] is None or found["anchor"] in anchors_of(page), cell
        text = " ".join(page.read_text().split())
        assert re.search(rf"\b{re.escape(term)}", text, re.IGNORECASE), (term, cell)
