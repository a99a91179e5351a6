"""Success answers become matrices or EmbedderBadAnswer, and nothing else."""

from __future__ import annotations

import base64
import json
import math

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wikiembed.embedders.decode import (
    field_of,
    matrix_of_base64,
    matrix_of_items,
    matrix_of_rows,
    read_json,
)
from wikiembed.errors import EmbedderBadAnswer
from wikiembed.vectors import Matrix

_SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 16))
_MATRICES = hnp.arrays(np.float32, _SHAPES, elements=st.floats(width=32, allow_nan=False))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["data", "embeddings", "index", "embedding"]), inner)
    ),
    max_leaves=30,
)


def _base64(row: Matrix) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode()


def _decode_all(body: bytes, count: int) -> list[Matrix]:
    """Run every decoder on the same body; those that raise are left out."""
    matrices: list[Matrix] = []
    for name in (None, "embeddings", "data"):
        for decode in (matrix_of_rows, matrix_of_base64, matrix_of_items):
            try:
                answer = read_json(body)
                rows = answer if name is None else field_of(answer, name)
                matrices.append(decode(rows, count=count))
            except EmbedderBadAnswer:
                continue
    return matrices


@given(st.binary(max_size=200), st.integers(1, 4))
def test_decoders_accept_any_bytes(body: bytes, count: int) -> None:
    """Any bytes give a matrix of the right row count or EmbedderBadAnswer."""
    for matrix in _decode_all(body, count):
        assert (matrix.dtype.name, len(matrix)) == ("float32", count)


@given(_JSON, st.integers(1, 4))
def test_decoders_accept_any_json(value: object, count: int) -> None:
    """Any JSON gives a matrix of the right row count or EmbedderBadAnswer."""
    for matrix in _decode_all(json.dumps(value).encode(), count):
        assert (matrix.dtype.name, matrix.ndim, len(matrix)) == ("float32", 2, count)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "index": st.integers(-1, 4) | st.booleans() | st.none(),
                "embedding": st.none()
                | st.text(max_size=9)
                | st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode())
                | st.lists(st.none() | st.floats() | st.booleans() | st.integers(), max_size=3),
            }
        ),
        max_size=4,
    ),
)
def test_decoders_accept_nearly_valid_items(items: list[object]) -> None:
    """Items that are almost OpenAI's give a matrix or EmbedderBadAnswer."""
    for matrix in _decode_all(json.dumps({"data": items}).encode(), len(items)):
        assert (matrix.dtype.name, len(matrix)) == ("float32", len(items))


@given(_MATRICES)
def test_base64_and_numbers_give_the_same_matrix(matrix: Matrix) -> None:
    """Base64 is lossless, and equals the JSON numbers where JSON can represent them."""
    encoded = matrix_of_base64([_base64(row) for row in matrix], count=len(matrix))
    assert encoded.tobytes() == matrix.tobytes()
    if np.isfinite(matrix).all():
        rows = orjson.loads(orjson.dumps(matrix, option=orjson.OPT_SERIALIZE_NUMPY))
        assert np.array_equal(matrix_of_rows(rows, count=len(matrix)), matrix)


@given(_MATRICES, st.data())
def test_items_are_put_in_the_order_of_their_index(matrix: Matrix, data: st.DataObject) -> None:
    """Whatever the order of the answer, row i belongs to text i."""
    items = [{"index": i, "embedding": _base64(row)} for i, row in enumerate(matrix)]
    shuffled = data.draw(st.permutations(items))
    assert matrix_of_items(shuffled, count=len(items)).tobytes() == matrix.tobytes()


def test_rows_with_a_null_are_all_nan_and_spare_their_neighbours() -> None:
    """A null anywhere, or a null row, makes only that row NaN."""
    matrix = matrix_of_rows([[1, 2], [None, 2.5], None, [3, 4]], count=4)
    assert np.isnan(matrix).all(axis=1).tolist() == [False, True, True, False]
    assert matrix[[0, 3]].tolist() == [[1, 2], [3, 4]]


def test_a_null_row_among_base64_is_all_nan() -> None:
    """A null instead of base64 makes only that row NaN."""
    row = np.array([1, 2], dtype=np.float32)
    matrix = matrix_of_base64([None, _base64(row)], count=2)
    assert np.isnan(matrix[0]).all()
    assert matrix[1].tolist() == [1, 2]


def test_numbers_beyond_float32_become_infinite() -> None:
    """A double that float32 cannot hold is left to usable_rows, without a warning."""
    assert math.isinf(matrix_of_rows([[1e300, 1.0]], count=1)[0, 0])


def test_decoded_matrices_are_writable() -> None:
    """No view of a read-only buffer is returned."""
    row = np.ones(3, dtype=np.float32)
    assert matrix_of_base64([_base64(row)], count=1).flags.writeable


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html></html>",
        b"[[0.5, 0.25], [0.5, 0.",
        b"[[NaN, 1], [1, 2]]",
        b"[[1e400, 1], [1, 2]]",
        b"\xff\xfe",
        b"[" * 3000 + b"]" * 3000,
        b'"text"',
        b"{}",
        b"null",
        b"[[1, 2]]",
        b"[[1, 2], [1, 2], [1, 2]]",
        b"[[1, 2], [1]]",
        b"[[], []]",
        b"[null, null]",
        b'[["1", "2"], ["3", "4"]]',
        b"[[1, 2], [true, 2]]",
        b"[[1, 2], [[1], [2]]]",
        b"[[1, 2], 3]",
        b'[[1, 2], "AAAA"]',
        b'[[1, 2], {"0": 1}]',
    ],
)
def test_rows_refuse_anything_but_a_list_of_two_vectors(body: bytes) -> None:
    """Wrong counts, ragged rows, strings, bools, HTML and truncated JSON are bad answers."""
    with pytest.raises(EmbedderBadAnswer):
        matrix_of_rows(read_json(body), count=2)


@pytest.mark.parametrize("rows", [["AAA=x"], ["AAAA!AA=="], ["AAAA"], [""], ["é"], [5], [["AAAA"]]])
def test_base64_refuses_what_is_not_float32(rows: list[object]) -> None:
    """Damaged base64, odd sizes and other types are bad answers."""
    with pytest.raises(EmbedderBadAnswer):
        matrix_of_base64(rows, count=1)


@pytest.mark.parametrize("indexes", [[0, 0], [1, 2], [-1, 0], [0, None], [0, True], [0, "1"]])
def test_items_refuse_a_wrong_index(indexes: list[object]) -> None:
    """A duplicate, foreign or missing index leaves no reliable order."""
    items = [{"index": index, "embedding": [1.0, 2.0]} for index in indexes]
    with pytest.raises(EmbedderBadAnswer, match="index"):
        matrix_of_items(items, count=2)


def test_items_refuse_a_missing_field() -> None:
    """An item without `index` or `embedding` is a bad answer."""
    for item in ({"embedding": [1.0]}, {"index": 0}, 5):
        with pytest.raises(EmbedderBadAnswer):
            matrix_of_items([item], count=1)
