"""A translation has what its original has, one to one: so it cannot fall behind unnoticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.docs.hours import PAGES, with_hours
from tests.tools.docs.pages import DOCS, ROOT, blocks_of, links_of, prose_of

TRANSLATED = sorted(page for folder in (DOCS / "ko",) for page in folder.glob("*.md"))
OTHER_LANGUAGE = re.compile(r"^\[(?:English|한국어)\]\(.*\)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def original_of(page: Path) -> Path:
    """README at the root, all others under docs/."""
    return ROOT / page.name if page.name == "README.md" else DOCS / page.name


def pairs() -> list[tuple[Path, Path]]:
    """Each original with its translation."""
    return [(original_of(page), page) for page in TRANSLATED]


def parts_of(page: Path) -> list[tuple[str, int, list[str]]]:
    """Paragraphs, lists and tables in order: kind, number of items, what stands in backticks.

    Words in backticks are sorted within a part, or within a row of a table: languages differ in
    the order of a sentence. The line that leads to the other language is left out.
    """
    found: list[tuple[str, int, list[str]]] = []
    for part in re.split(r"\n\s*\n", OTHER_LANGUAGE.sub("", prose_of(page))):
        lines = [line for line in part.splitlines() if line.strip()]
        if not lines or lines[0].startswith("<!--"):
            continue
        if lines[0].startswith("|"):
            found += [("row", line.count(" | "), sorted(_CODE.findall(line))) for line in lines]
        elif _HEADING.match(lines[0]):
            found.append((lines[0].split()[0], len(lines), sorted(_CODE.findall(part))))
        else:
            items = sum(bool(re.match(r"(?:[-*]|\d+\.) ", line)) for line in lines)
            found.append(("list" if items else "paragraph", items, sorted(_CODE.findall(part))))
    return found


def test_there_are_translations_of_readme_and_policy() -> None:
    """The first operators read Korean."""
    names = {"README.md", "WIKI_EMBEDDINGS_POLICY.md"}
    assert {page.name for page in TRANSLATED if page.parent.name == "ko"} == names


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_commands_of_a_translation_are_those_of_its_original(original: Path, page: Path) -> None:
    """Each block, with its language and with the reason why no test runs it."""
    shown, expected = (
        [(block.language, block.not_run, block.text) for block in blocks_of(one)]
        for one in (page, original)
    )
    assert shown == expected


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_parts_of_a_translation_are_those_of_its_original(original: Path, page: Path) -> None:
    """Headings by level, paragraphs, items, rows and cells; names and commands in each."""
    shown, expected = parts_of(page), parts_of(original)
    for number, (ours, theirs) in enumerate(zip(shown, expected, strict=False)):
        assert ours == theirs, f"part {number} of {page.relative_to(ROOT)}"
    assert len(shown) == len(expected)


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_links_of_a_translation_lead_where_its_original_leads(original: Path, page: Path) -> None:
    """To the same pages; to the translation of a page where there is one."""
    translations = dict(pairs())

    def targets(one: Path) -> list[str]:
        found = []
        for link in links_of(one):
            name = link.partition("#")[0]
            path = (one.parent / name).resolve() if name else one
            if path not in {original, page} or not name:
                found.append(str(translations.get(path, path)))
        return sorted(found)

    assert targets(page) == targets(original)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_table_of_hours_is_what_was_measured(page: Path) -> None:
    """Whoever measures anew runs `python -m tests.tools.docs.hours`."""
    text = page.read_text()
    assert with_hours(text, PAGES[page]) == text
