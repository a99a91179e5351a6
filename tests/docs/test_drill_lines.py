"""Each row of the policy's table of early ends resumes the backfill, typed verbatim."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tools.docs.drill import Drill
from tests.tools.docs.policy import codes_of, tables_under

ROWS = tables_under("When the line stops")
Fix = Callable[[], object]
API_KEY = "sk-drill"


def _wrong_key(drill: Drill) -> Fix:
    drill.standin.controls.api_key = API_KEY
    return lambda: None


def _unknown_model(drill: Drill) -> Fix:
    drill.standin.controls.known_models = ["another-model"]
    return lambda: drill.standin.controls.update({"known_models": None})


def _wrong_dimensions(drill: Drill) -> Fix:
    drill.standin.controls.dimensions = 5
    return lambda: drill.standin.controls.update({"dimensions": 4})


def _pause(drill: Drill) -> Fix:
    drill.type("wikiembed pause wiki --why 'the GPU is needed'")
    return lambda: None


def _pinned(drill: Drill) -> Fix:
    drill.work()
    drill.database.execute("update public.wiki_chunks set embedding = null where id = 2")
    drill.swap({"WIKIEMBED_MODEL": "another-model"})
    return lambda: None


def _out_of_reach(drill: Drill) -> Fix:
    drill.standin.controls.down = True
    return lambda: drill.standin.controls.update({"down": False})


PROVOKE = [_wrong_key, _unknown_model, _wrong_dimensions, _pause, _pinned, _out_of_reach]


def test_each_row_has_its_drill() -> None:
    """In the order of the table."""
    assert len(ROWS) == len(PROVOKE)


@pytest.mark.parametrize(
    ("row", "provoke"),
    list(zip(ROWS, PROVOKE, strict=True)),
    ids=[one.__name__.strip("_") for one in PROVOKE],
)
def test_row_of_an_early_end_fixes_it(
    row: dict[str, str], provoke: Callable[[Drill], Fix], drill: Drill
) -> None:
    """A backfill exits with the row's code and words, and is complete after the commands."""
    fix = provoke(drill)
    output = drill.type("wikiembed backfill wiki 2>&1", code=int(row["exit code"]))
    output += drill.type("wikiembed status")
    # A narrow terminal breaks lines.
    output = " ".join(output.split())
    assert [words for words in codes_of(row["you see"]) if words not in output] == [], output
    assert drill.failures == {}
    fix()
    drill.follow(row["then run"], MODEL="standin-model", KEY=API_KEY)
    drill.assert_end("ready")
