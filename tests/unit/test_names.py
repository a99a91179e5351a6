"""The nearest known name for an unknown one."""

from __future__ import annotations

import pytest

from wikiembed.error_class import ErrorClass
from wikiembed.names import nearest, unknown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("text_to_long", "text_too_long"), ("text-too-long", "text_too_long")),
        *(("Timeout", "timeout"), ("rejcted", "rejected"), ("write_refuse", "write_refused")),
        *(("nosuch", None), ("", None), ("한강", None)),
    ],
)
def test_nearest_error_class(typed: str, meant: str | None) -> None:
    """A misspelling, another case and a hyphen are understood; another word is not."""
    assert nearest(typed, ErrorClass) == meant


def test_unknown_names_the_nearest_or_the_list_or_all() -> None:
    """One sentence, with the most helpful part."""
    see = "`wikiembed sources`"
    assert unknown("source", "한강문사", ["wiki", "한강문서"], see=see) == (
        'No source is named "한강문사": did you mean "한강문서"?'
    )
    assert unknown("source", "x", ["wiki"], see=see) == (
        'No source is named "x": see `wikiembed sources`.'
    )
    assert unknown("class", "x", ["b", "a"]) == 'No class is named "x": choose a, b.'
