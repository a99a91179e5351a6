"""The binary wire format of vectors, decoded back."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pgvector import Vector

from wikiembed.vectors import Matrix, encode_vector_array, usable_rows

_SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 40))
_FLOATS = st.floats(width=32)


def _decode_vector(data: bytes) -> npt.NDArray[np.float32]:
    """Decode as `vector_recv` does."""
    dimensions, unused = struct.unpack_from(">hh", data)
    assert unused == 0
    assert len(data) == 4 + 4 * dimensions
    return np.frombuffer(data, dtype=">f4", offset=4).astype(np.float32)


def _decode_array(data: bytes) -> tuple[int, list[npt.NDArray[np.float32]]]:
    """Decode as `array_recv` does: the element's oid and the elements."""
    dimensions, flags, oid = struct.unpack_from(">iiI", data)
    assert flags == 0
    if dimensions == 0:
        assert len(data) == 12
        return oid, []
    assert dimensions == 1
    count, lower = struct.unpack_from(">ii", data, 12)
    assert lower == 1
    at, rows = 20, []
    for _ in range(count):
        (size,) = struct.unpack_from(">i", data, at)
        rows.append(_decode_vector(data[at + 4 : at + 4 + size]))
        at += 4 + size
    assert at == len(data)
    return oid, rows


@given(hnp.arrays(np.float32, _SHAPES, elements=_FLOATS), st.integers(0, 2**32 - 1))
def test_encode_vector_array_decodes_to_the_same_bits(matrix: Matrix, oid: int) -> None:
    """Every matrix comes back bit by bit, NaN and infinities included."""
    got_oid, rows = _decode_array(encode_vector_array(matrix, oid))
    assert got_oid == oid
    assert np.stack(rows).tobytes() == matrix.tobytes()


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 60)), elements=_FLOATS))
def test_encode_vector_array_holds_what_pgvector_encodes(row: Matrix) -> None:
    """Each element of the array is the vector of pgvector's own adapter, byte for byte."""
    head_and_length = 12 + 8 + 4
    assert encode_vector_array(row[np.newaxis, :], 1)[head_and_length:] == Vector(row).to_binary()


@pytest.mark.parametrize("dimensions", [0, 1, 768])
def test_encode_vector_array_of_no_rows_is_an_empty_array(dimensions: int) -> None:
    """No rows give an array of no dimensions, as Postgres itself writes it."""
    encoded = encode_vector_array(np.empty((0, dimensions), dtype=np.float32), 77)
    assert encoded == struct.pack(">iiI", 0, 0, 77)


@pytest.mark.parametrize("order", ["transposed", "strided", "float64"])
def test_encode_vector_array_accepts_any_memory_layout(order: str) -> None:
    """Views and wider floats are encoded by value."""
    base = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    matrix = {
        "transposed": np.asfortranarray(base),
        "strided": np.repeat(base, 2, axis=1)[:, ::2],
        "float64": base.astype(np.float64).astype(np.float32),
    }[order]
    assert encode_vector_array(matrix, 1) == encode_vector_array(base, 1)


@pytest.mark.parametrize("dimensions", [0, 16_001])
def test_encode_vector_array_refuses_dimensions_that_pgvector_lacks(dimensions: int) -> None:
    """Zero and more than 16,000 dimensions are refused before Postgres sees them."""
    with pytest.raises(ValueError, match="16000 dimensions"):
        encode_vector_array(np.zeros((2, dimensions), dtype=np.float32), 1)


def test_encode_refuses_another_shape() -> None:
    """A row is not a matrix, and a matrix not a row."""
    with pytest.raises(ValueError, match="expected"):
        encode_vector_array(np.zeros(3, dtype=np.float32), 1)


def test_usable_rows_are_finite_and_not_all_zeros() -> None:
    """NaN, infinity and zeros make a row unusable; one zero among others does not."""
    matrix = np.array([[1, 0], [np.nan, 1], [np.inf, 1], [0, 0]], dtype=np.float32)
    assert usable_rows(matrix).tolist() == [True, False, False, False]
