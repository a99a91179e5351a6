"""Every block of the documentation runs, or states why it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.server import TestServer
from tests.tools.docs.outputs import is_shown
from tests.tools.docs.pages import (
    OUTPUT,
    RUN_AS_SHELL,
    RUN_AS_SQL,
    Block,
    blocks_of,
    pages,
    strays_of,
)
from tests.tools.docs.reader import follow
from tests.tools.docs.refresh import runnable
from wikiembed.db.version import head
from wikiembed.db.version import shown as step_of

SHOWN_ONLY = frozenset({OUTPUT, "json", "yaml"})
NOT_RUN = {
    "README.md": 5,
    "CONTRIBUTING.md": 1,
    "docs/WIKI_EMBEDDINGS_POLICY.md": 1,
    "docs/ko/README.md": 5,
    "docs/ko/WIKI_EMBEDDINGS_POLICY.md": 1,
    "docs/STEP_BY_STEP.md": 3,
    "docs/tutorial.md": 2,
    "docs/how-to/applications/retrievers.md": 1,
    "docs/how-to/console.md": 4,
    "docs/how-to/monitor.md": 4,
    "docs/how-to/priorities.md": 1,
    "docs/how-to/ray.md": 7,
    "docs/how-to/recall.md": 3,
    "docs/how-to/servers/in-process.md": 2,
    "docs/how-to/servers/several.md": 1,
    "docs/how-to/upgrade.md": 1,
    "docs/how-to/several-databases.md": 1,
    "docs/how-to/several-sources.md": 1,
    "docs/deploy/docker.md": 5,
    "docs/deploy/kubernetes.md": 1,
    "docs/deploy/systemd.md": 2,
    "docs/explanation/scale.md": 1,
    "docs/reference/doctor.md": 1,
    "docs/reference/performance.md": 1,
}
"""How many blocks of each page no test runs: raise it only with a reason in the page."""


def _name(page: Path) -> str:
    return str(page.relative_to(pages()[0].parent))


def _all_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]


@pytest.mark.parametrize("page", runnable(), ids=_name)
def test_blocks_of_a_page_run_and_print_what_it_shows(
    page: Path, postgres: TestServer, tmp_path: Path
) -> None:
    """Commands and SQL of a page print what it shows.

    `python -m tests.tools.docs.refresh` renews outputs.
    """
    for done in follow(page, server=postgres, folder=tmp_path):
        output = done.block.output
        if output is not None:
            assert is_shown(output.text, done.printed, varies=output.varies), (
                f"{output.place} shows\n{output.text}\nprinted:\n{done.printed}"
            )


def test_pages_show_the_newest_schema_version() -> None:
    """The comparison of outputs ignores it: this names all pages at once.

    To renew it: replace the number in all pages that are named.
    """
    shown = [
        (_name(page), found)
        for page in pages()
        for found in re.findall(
            r"^ *(?:The database is at|ok +S)\D*(\d{4})\.$", page.read_text(), re.M
        )
    ]
    assert len(shown) > 5
    assert [(name, version) for name, version in shown if version != step_of(head())] == []


def test_every_block_runs_or_has_a_reason() -> None:
    """No block is omitted silently: the marked ones are counted."""
    marked = [block for block in _all_blocks() if block.not_run is not None]
    assert [b.place for b in marked if b.language not in RUN_AS_SHELL | RUN_AS_SQL] == []
    counted = {_name(page): sum(b.page == page for b in marked) for page in pages()}
    assert {name: count for name, count in counted.items() if count} == NOT_RUN


def test_every_block_has_a_known_language() -> None:
    """A block of another language would never run; commands do not hide in one."""
    known = RUN_AS_SHELL | RUN_AS_SQL | SHOWN_ONLY
    assert [b.place for b in _all_blocks() if b.language not in known] == []
    shown = [b for b in _all_blocks() if b.language in SHOWN_ONLY]
    assert [b.place for b in shown if "\n$ " in f"\n{b.text}"] == []


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_no_block_hides_from_these_tests(page: Path) -> None:
    """Every fence is recognised, and no code is shown by indenting alone."""
    assert strays_of(page) == []


def test_commands_can_be_copied() -> None:
    """No prompt precedes a command, and a block of commands has no output."""
    marked = [b.place for b in _all_blocks() if b.language in RUN_AS_SHELL and "$ " in b.text[:2]]
    assert marked == []


def test_shown_output_is_real() -> None:
    """No pattern replaces output: only whole lines are omitted."""
    patterned = [
        f"{block.output.place}: {line}"
        for block in _all_blocks()
        if block.output is not None and block.runs
        for line in block.output.text.splitlines()
        if line.strip().startswith("… ") or " … " in line
    ]
    assert patterned == []


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("docs: 3 chunks queued in 1 job.", True),
        ("docs: 4 chunks queued in 1 job.", False),
        ("docs: 3 chunks queued", False),
        ("…", True),
        ("…\ndocs: 3 chunks queued in 1 job.", True),
        ("docs: 3 chunks queued in 1 job.\n…\nat 2026-01-02 03:04:05", True),
        ("…\nHello", False),
        ("docs: 3 chunks queued in 1 job.\nat 2020-12-31 23:59", False),
    ],
)
def test_shown_output_is_compared(shown: str, expected: bool) -> None:  # noqa: FBT001
    """Whole lines are compared, except times and similar values; … omits lines."""
    printed = "docs:  3 chunks queued in 1 job.\n  took 3.1 s\nat 2026-11-26 10:00:00"
    if "at" not in shown:
        printed = printed.splitlines()[0]
    assert is_shown(shown, printed) is expected


def test_output_that_varies_is_compared_by_its_first_words() -> None:
    """The rows of a table are compared, not their durations."""
    assert is_shown("docs 1 2\nwiki 0 –", "docs 7 8\nwiki 1 0 s", varies=True)
    assert not is_shown("docs 1 2", "docs 7 8\nwiki 1 0 s", varies=True)
