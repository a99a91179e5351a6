"""The fast decoder gives the same result as the strict decoder, or defers to it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wikiembed.embedders.decode import field_of, matrix_of_items, matrix_of_rows, read_json
from wikiembed.embedders.plain import plain_items, plain_rows

_NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_NEARLY = _NUMBER | st.none() | st.booleans() | st.just("1") | st.lists(_NUMBER, max_size=2)
_ROW = st.lists(_NUMBER, min_size=2, max_size=2) | st.lists(_NEARLY, max_size=3)
_ROWS = st.lists(_ROW | st.none(), min_size=1, max_size=4)


@given(_ROWS)
@example([[[1], [2]], [[3, 4], []]])
@example([[1e300, 1], [2**63, -1]])
@example([[2**70, 1.5]])
def test_fast_decoder_agrees_with_the_strict_one_on_rows(rows: list[object]) -> None:
    """Whatever is in the rows, under a field or without one."""
    for field in (None, "embeddings"):
        body = json.dumps(rows if field is None else {field: rows}).encode()
        plain = plain_rows(body, field, count=len(rows))
        if plain is not None:
            answer = read_json(body)
            careful = matrix_of_rows(
                answer if field is None else field_of(answer, field), count=len(rows)
            )
            assert plain.tobytes() == careful.tobytes()


@given(
    st.lists(
        st.fixed_dictionaries(
            {"index": st.integers(-1, 3) | st.booleans() | st.none(), "embedding": _ROW}
        ),
        min_size=1,
        max_size=4,
    ),
    st.none() | st.permutations(range(4)),
)
def test_fast_decoder_agrees_with_the_strict_one_on_items(
    items: list[dict[str, object]], indexes: list[int] | None
) -> None:
    """Whatever their indexes and vectors are."""
    if indexes is not None:
        wanted = [index for index in indexes if index < len(items)]
        items = [{**item, "index": at} for item, at in zip(items, wanted, strict=True)]
    body = json.dumps({"data": items, "model": "m"}).encode()
    plain = plain_items(body, count=len(items))
    if plain is not None:
        careful = matrix_of_items(field_of(read_json(body), "data"), count=len(items))
        assert plain[0].tobytes() == careful.tobytes()
        assert plain[1] == "m"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fast_decoder_accepts_plain_answers(dtype: type[np.floating]) -> None:
    """Otherwise the speed would be lost unnoticed."""
    rows = np.random.default_rng(1).normal(size=(3, 5)).astype(dtype).tolist()
    listed = plain_rows(json.dumps({"embeddings": rows}).encode(), "embeddings", count=3)
    bare = plain_rows(json.dumps(rows).encode(), None, count=3)
    items = [{"index": 2 - i, "embedding": rows[2 - i]} for i in range(3)]
    found = plain_items(json.dumps({"data": items}).encode(), count=3)
    assert listed is not None
    assert bare is not None
    assert found is not None
    for matrix in (listed, bare, found[0]):
        assert np.array_equal(matrix, np.array(rows, dtype=np.float32))


@pytest.mark.parametrize(
    "body",
    [b"", b"[[1, 2]", b"[[NaN, 1]]", b"[[1e999, 1]]", b'{"embeddings": 1}', b"null", b"[{}]"],
)
def test_fast_decoder_defers_other_answers_to_the_strict_one(body: bytes) -> None:
    """The next plain answer is decoded again."""
    assert plain_rows(body, None, count=1) is None
    assert plain_rows(body, "embeddings", count=1) is None
    assert plain_items(b'{"data": [{"index": 0, "embedding": [1, 2]}' + body, count=1) is None
    assert plain_rows(b"[[1, 2]]", None, count=1) is not None
