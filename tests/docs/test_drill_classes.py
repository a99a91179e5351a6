"""Each row of the policy's table of error classes fixes its class, typed verbatim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.chunks import clear_jobs, fetch
from tests.support.database import Database
from tests.support.standin import BadText
from tests.tools.docs import code
from tests.tools.docs.drill import BAD, BAD_TITLE, Drill, drill_on
from tests.tools.docs.policy import tables_under, word_of
from wikiembed.documents import Piece, SplitOptions, split, work

ROWS = {word_of(row["error class"]): row for row in tables_under("By error class")}
DIE = "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
SKIPPED = {"empty_text", "skipped_by_operator"}
Fix = Callable[[Drill], None]


def _serve_all(drill: Drill) -> None:
    drill.standin.controls.bad_texts = []


def _no_matter(drill: Drill) -> None:
    """Nothing has to be done first."""


def _server_that(bad: BadText, fix: Fix = _serve_all) -> Callable[[Drill], Fix]:
    def provoke(drill: Drill) -> Fix:
        drill.standin.controls.bad_texts = [bad]
        drill.load()
        drill.work()
        return fix

    return provoke


def _rewrite(drill: Drill) -> None:
    """The page's text: its chunk is written by workers."""
    drill.database.execute(
        "update public.wiki_pages set content = 'A better text.' where title = %s", [BAD_TITLE]
    )


def _too_long(drill: Drill) -> Fix:
    drill.standin.controls.max_chars = 50
    drill.load("long " * 20)
    drill.work()
    return _no_matter


def _slow(drill: Drill) -> Fix:
    drill.standin.controls.slow_s = 0.6
    drill.standin.controls.bad_texts = [BadText(contains=BAD, effect="slow")]
    drill.load()
    drill.work(request_timeout_s=0.2)
    return _no_matter


def _constraint(drill: Drill) -> Fix:
    drill.database.execute(
        "alter table public.wiki_chunks add constraint bare"
        f" check (content <> '{BAD}' or embedding is null)"
    )
    drill.load()
    drill.work()
    return _drop_constraint


def _drop_constraint(drill: Drill) -> None:
    drill.database.execute("alter table public.wiki_chunks drop constraint bare")


def _deadly(drill: Drill) -> Fix:
    """A worker fetches the chunk's job three times and dies silently."""
    drill.load()
    drill.work()
    drill.database.execute(
        "update public.wiki_chunks set embedding = null where id = %s", [int(drill.key)]
    )
    for _ in range(3):
        assert fetch(drill.database, ["embed_wiki"]) is not None
        drill.database.execute(DIE)
        drill.database.execute("select wikiembed.rescue_jobs()")
    return _no_matter


def _defect(drill: Drill) -> Fix:
    """Recorded as after five unexpected errors, which would take half a minute."""
    drill.load()
    drill.database.execute(
        "select wikiembed.record_failures('wiki', array[key], array[version], 'internal_error')"
        " from wikiembed.read_chunks('wiki', array[%s])",
        [drill.key],
    )
    clear_jobs(drill.database)
    drill.database.execute("select wikiembed.enqueue('wiki')")
    drill.work()
    return _no_matter


def _blank(drill: Drill) -> Fix:
    drill.load_table(" ")
    drill.work()
    return _no_matter


def _skipped(drill: Drill) -> Fix:
    drill.load()
    drill.type(f"wikiembed skip wiki {drill.key} --why 'not worth it'")
    drill.work()
    return _no_matter


def _unreadable(drill: Drill) -> Fix:
    """Source wiki is a table of documents, and the splitter fails on one of them."""
    drill.load_documents(BAD)

    def failing(text: str, *, options: SplitOptions) -> list[Piece]:
        if text == BAD:
            raise RecursionError
        return split(text, options=options)

    with patch.object(work, "split", failing):
        drill.work()
    return _no_matter


PROVOKE: dict[str, Callable[[Drill], Fix]] = {
    "text_too_long": _too_long,
    "text_too_large": _server_that(BadText(contains=BAD, status=413)),
    "timeout": _slow,
    "no_answer": _server_that(BadText(contains=BAD, effect="reset")),
    "bad_answer": _server_that(BadText(contains=BAD, effect="nan"), _no_matter),
    "refused": _server_that(BadText(contains=BAD, status=403)),
    "rejected": _server_that(BadText(contains=BAD, status=500), _rewrite),
    "document_unreadable": _unreadable,
    "write_refused": _constraint,
    "worker_lost": _deadly,
    "internal_error": _defect,
    "empty_text": _blank,
    "skipped_by_operator": _skipped,
}


@pytest.fixture
def drill(database: Database, tmp_path: Path) -> Iterator[Drill]:
    """A wiki of six chunks before they are loaded, and its server."""
    with drill_on(database, tmp_path) as made:
        yield made


def test_policy_has_a_row_for_each_error_class_of_the_code() -> None:
    """One row and one drill per class."""
    assert set(ROWS) == code.error_classes() == set(PROVOKE)


@pytest.mark.parametrize("word", sorted(ROWS))
def test_row_of_an_error_class_fixes_it(word: str, drill: Drill) -> None:
    """The class is provoked and seen; the row's commands run; the end is the row's."""
    row = ROWS[word]
    fix = PROVOKE[word](drill)
    assert drill.failures == {word: "skipped" if word in SKIPPED else "failed"}
    shown = drill.type(f"wikiembed failures wiki --class {word}")
    assert f" {drill.key} " in shown
    if word not in SKIPPED:
        drill.type("wikiembed ready wiki", code=1)
    fix(drill)
    drill.follow(row["then run"])
    drill.assert_end(row["end"])


def test_row_of_a_text_that_is_too_long_fixes_it_in_every_dialect(drill: Drill) -> None:
    """The OpenAI dialect has no field for it: wikiembed truncates, and `status` reports it."""
    kept = drill.swap({"WIKIEMBED_EMBEDDER": "openai"})
    assert kept["WIKIEMBED_EMBEDDER"] == "ollama"
    drill.standin.controls.max_chars = 50
    drill.load("long " * 20)
    drill.type("wikiembed backfill wiki", code=1)
    assert drill.failures == {"text_too_long": "failed"}
    drill.follow(ROWS["text_too_long"]["then run"])
    drill.assert_end(ROWS["text_too_long"]["end"])
    output = "Truncated: 1 chunk of wiki, as WIKIEMBED_TRUNCATE allows"
    assert output in drill.type("wikiembed status")
    failures = drill.type("wikiembed failures").splitlines()
    assert (failures[0], failures[1][: len(output)]) == ("No failures.", output)
    marks = "select key, chars, chars_kept from wikiembed.truncated_chunks"
    assert drill.database.rows(marks) == [(drill.key, 103, 48)]
