"""A translation matches its original one to one, so it cannot become stale unnoticed.

An author of an original need not know the other language: a stale page is skipped, with
a message that names its parts. A release, with ``WIKIEMBED_RELEASE=true``, fails on it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tools.docs.hours import PAGES, with_hours
from tests.tools.docs.pages import DOCS, ROOT, blocks_of, links_of, prose_of

TRANSLATED = sorted(page for folder in (DOCS / "ko",) for page in folder.glob("*.md"))
OTHER_LANGUAGE = re.compile(r"^\[(?:English|한국어)\]\(.*\)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_SHOWN_CHARACTERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading, paragraph, list, row of a table, or block of code.

    Equal to its translation: `text` and `place`, the heading or line, are only for messages.
    """

    kind: str
    items: int
    code: tuple[str, ...]
    text: str = field(compare=False)
    place: str = field(compare=False)

    def __str__(self) -> str:
        line = " ".join(self.text.split())
        shown = line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"
        return f"{self.kind} “{shown}” {self.place}"


def original_of(page: Path) -> Path:
    """README at the root, all others under docs/."""
    return ROOT / page.name if page.name == "README.md" else DOCS / page.name


def pairs() -> list[tuple[Path, Path]]:
    """Each original with its translation."""
    return [(original_of(page), page) for page in TRANSLATED]


def prose_parts_of(page: Path) -> list[Part]:
    """Headings by level, paragraphs, lists and rows of tables in order.

    Words in backticks are sorted within a part, or within a row of a table: languages differ in
    the order of a sentence. The line that leads to the other language is left out.
    """
    found: list[Part] = []
    place = "at the top"
    for part in re.split(r"\n\s*\n", OTHER_LANGUAGE.sub("", prose_of(page))):
        lines = [line for line in part.splitlines() if line.strip()]
        if not lines or lines[0].startswith("<!--"):
            continue
        heading = _HEADING.match(lines[0])
        if heading is not None:
            place = f"under “{lines[0].lstrip('# ')}”"
            kind, items = f"heading {heading[1]}", len(lines)
        else:
            items = sum(bool(re.match(r"(?:[-*]|\d+\.) ", line)) for line in lines)
            kind = "list" if items else "paragraph"
        if lines[0].startswith("|"):
            found += [part_of("row", line.count(" | "), text=line, place=place) for line in lines]
        else:
            found.append(part_of(kind, items, text=part, place=place))
    return found


def part_of(kind: str, items: int, *, text: str, place: str) -> Part:
    """A part of prose, with its words in backticks."""
    code = tuple(sorted(_CODE.findall(text)))
    return Part(kind=kind, items=items, code=code, text=text, place=place)


def block_parts_of(page: Path) -> list[Part]:
    """The blocks of code, each with language, text, and the reason why no test runs it."""
    return [
        Part(
            kind="block",
            items=1,
            code=(block.language, block.not_run or "", block.text),
            text=block.text,
            place=f"at line {block.line}",
        )
        for block in blocks_of(page)
    ]


def stale(original: Sequence[Part], translation: Sequence[Part]) -> list[str]:
    """The parts that the translation lacks and those that are obsolete, in page order."""
    matcher = difflib.SequenceMatcher(a=original, b=translation, autojunk=False)
    found: list[str] = []
    for tag, begin, end, its_begin, its_end in matcher.get_opcodes():
        if tag != "equal":
            found += [f"not translated: {part}" for part in original[begin:end]]
            found += [f"not in the original: {part}" for part in translation[its_begin:its_end]]
    return found


def judge(page: Path, found: Sequence[str]) -> None:
    """Skip and list the stale parts; fail at a release."""
    if not found:
        return
    output = f"{page.relative_to(ROOT)} is stale: {'; '.join(found)}"
    if os.environ.get("WIKIEMBED_RELEASE") == "true":
        pytest.fail(output, pytrace=False)
    pytest.skip(output)


def test_there_are_translations_of_readme_and_policy() -> None:
    """The first operators read Korean."""
    names = {"README.md", "WIKI_EMBEDDINGS_POLICY.md"}
    assert {page.name for page in TRANSLATED if page.parent.name == "ko"} == names


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_translation_and_original_link_to_each_other(original: Path, page: Path) -> None:
    """In their first lines. All other links are tested for every page."""
    for one, other in ((original, page), (page, original)):
        lines = OTHER_LANGUAGE.findall(one.read_text())
        assert [(one.parent / re.findall(r"\((.*)\)", line)[0]).resolve() for line in lines] == [
            other
        ]


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_commands_of_a_translation_are_those_of_its_original(original: Path, page: Path) -> None:
    """Each block, with its language and with the reason why no test runs it."""
    judge(page, stale(block_parts_of(original), block_parts_of(page)))


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_parts_of_a_translation_are_those_of_its_original(original: Path, page: Path) -> None:
    """Headings by level, paragraphs, items, rows and cells; names and commands in each."""
    judge(page, stale(prose_parts_of(original), prose_parts_of(page)))


@pytest.mark.parametrize(("original", "page"), pairs(), ids=lambda page: page.name)
def test_links_of_a_translation_match_its_original(original: Path, page: Path) -> None:
    """To the same pages; to the translation of a page where there is one."""
    translations = dict(pairs())

    def targets(one: Path) -> Counter[str]:
        found: Counter[str] = Counter()
        for link in links_of(one):
            name = link.partition("#")[0]
            path = (one.parent / name).resolve() if name else one
            if path not in {original, page} or not name:
                found[os.path.relpath(translations.get(path, path), ROOT)] += 1
        return found

    shown, expected = targets(page), targets(original)
    judge(
        page,
        [f"no link to {one}" for one in sorted((expected - shown).elements())]
        + [
            f"a link to {one}, not in the original" for one in sorted((shown - expected).elements())
        ],
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_table_of_hours_is_what_was_measured(page: Path) -> None:
    """After a new measurement, run `python -m tests.tools.docs.hours`."""
    text = page.read_text()
    assert with_hours(text, PAGES[page]) == text


def test_stale_parts_are_named(tmp_path: Path) -> None:
    """A changed row, a new paragraph and an obsolete one, but no unchanged part."""
    original, page = tmp_path / "original.md", tmp_path / "page.md"
    page.write_text("# T\n\nGone `now`.\n\n| a | b |\n|---|---|\n| `x` | one |\n\nThe same.\n")
    original.write_text("# T\n\n| a | b |\n|---|---|\n| `y` | one |\n\nThe same.\n\nNew `word`.\n")
    assert stale(prose_parts_of(original), prose_parts_of(page)) == [
        "not in the original: paragraph “Gone `now`.” under “T”",
        "not translated: row “| `y` | one |” under “T”",
        "not in the original: row “| `x` | one |” under “T”",
        "not translated: paragraph “New `word`.” under “T”",
    ]
    assert stale(prose_parts_of(page), prose_parts_of(page)) == []


@pytest.mark.parametrize(
    ("release", "outcome"),
    [(None, pytest.skip.Exception), ("", pytest.skip.Exception), ("true", pytest.fail.Exception)],
)
def test_stale_page_fails_only_at_a_release(
    monkeypatch: pytest.MonkeyPatch, release: str | None, outcome: type[BaseException]
) -> None:
    """Otherwise it is skipped, with the same message."""
    monkeypatch.delenv("WIKIEMBED_RELEASE", raising=False)
    if release is not None:
        monkeypatch.setenv("WIKIEMBED_RELEASE", release)
    with pytest.raises(outcome, match=r"docs/ko/README.md is stale: one; two"):
        judge(DOCS / "ko" / "README.md", ["one", "two"])
    judge(DOCS / "ko" / "README.md", [])
