"""The sentence on a column whose dimensions were changed after the attach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wikiembed.store.dimensions import changed_column
from wikiembed.store.source import Source

SOURCE = Source(
    version="1", name="A 2!", provider=None, model=None, dimensions=3, document_prefix=None,
    query_prefix=None, pinned=False, prefix_pinned=False,
)  # fmt: skip
NEXT = "run `wikiembed detach 'A 2!'`, then attach its table again by `wikiembed attach`."


@pytest.mark.parametrize(
    ("column", "returned", "middle"),
    [
        (4, 4, "was changed from 3 to 4 dimensions, which model 'm' gives: "),
        (5, 4, "was changed from 3 to 5 dimensions, and model 'm' gives 4: choose a model or a"
               " column that fits, "),
        (4, 3, "was changed from 3 to 4 dimensions, and model 'm' gives 3: choose a model or a"
               " column that fits, "),
    ],
)  # fmt: skip
def test_changed_column_names_detach_and_attach(column: int, returned: int, middle: str) -> None:
    """Whether the model fits the column now, or neither."""
    sentence = changed_column(SOURCE, column=column, model="m", returned=returned)
    assert sentence == f"The column of source 'A 2!' {middle}{NEXT}"


def test_changed_column_of_one_that_was_not() -> None:
    """Equal dimensions, a column that declares none, a source that is not pinned yet."""
    assert changed_column(SOURCE, column=3, model="m", returned=4) is None
    assert changed_column(SOURCE, column=None, model="m", returned=4) is None
    first = replace(SOURCE, dimensions=None)
    assert changed_column(first, column=3, model="m", returned=4) is None
