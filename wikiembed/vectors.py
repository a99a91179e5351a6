"""Matrices of embeddings: `(n, dim) float32`, what makes a row usable, and their wire format."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]

MOST_DIMENSIONS = 16_000
"""Of pgvector's `vector` type."""

SHIFTED = 0.06
"""Cosine distance up to which other weights or another quantisation of a model explain it.

Measured: see docs/how-to/verify.md.
"""
_NOISE = 5e-3
_ARRAY_HEAD = struct.Struct(">iiI")
_ARRAY_DIMENSION = struct.Struct(">ii")


def usable_rows(matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Whether each row of `(n, dim) float32` is finite and not all zeros: `(n,) bool`."""
    finite = np.isfinite(matrix).all(axis=1)
    nonzero = (matrix != 0).any(axis=1)
    usable: npt.NDArray[np.bool_] = finite & nonzero
    return usable


def alike(one: Matrix, other: Matrix) -> bool:
    """Whether two vectors of one shape are equal up to the noise of half precision."""
    left, right = one.astype(np.float64), other.astype(np.float64)
    return bool(np.linalg.norm(left - right) <= _NOISE * np.linalg.norm(left))


def distances_of(one: Matrix, other: Matrix) -> Distances:
    """Cosine distances of the rows of two `(n, dim) float32`: `(n,) float64`, 0 to 2."""
    left, right = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products: Distances = np.einsum("ij,ij->i", left, right) / np.maximum(lengths, 1e-300)
    return np.clip(1.0 - products, 0.0, 2.0)


def encode_vector_array(matrix: Matrix, element_oid: int) -> bytes:
    """`(n, dim) float32` as the binary format of a one-dimensional `vector[]`.

    `element_oid` is that of the `vector` type in the database; no rows give an empty array.

    Raises: ValueError for another shape, or dimensions that pgvector does not support.
    Source: `array_recv` in PostgreSQL's src/backend/utils/adt/arrayfuncs.c.
    """
    if matrix.ndim != 2:
        raise ValueError(f"expected (n, dim), got {matrix.shape}")
    count = len(matrix)
    if count == 0:
        return _ARRAY_HEAD.pack(0, 0, element_oid)
    head = _ARRAY_HEAD.pack(1, 0, element_oid) + _ARRAY_DIMENSION.pack(count, 1)
    return head + _elements(matrix).tobytes()


def _elements(matrix: Matrix) -> npt.NDArray[np.void]:
    """`(n, dim) float32` as `(n,)` of length and vector, big-endian, without padding."""
    count, dimensions = matrix.shape
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise ValueError(f"expected 1 to {MOST_DIMENSIONS} dimensions, got {dimensions}")
    vector = np.dtype([("dim", ">i2"), ("unused", ">i2"), ("values", ">f4", (dimensions,))])
    elements = np.empty(count, dtype=np.dtype([("length", ">i4"), ("vector", vector)]))
    elements["length"] = vector.itemsize
    elements["vector"]["dim"] = dimensions
    elements["vector"]["unused"] = 0
    elements["vector"]["values"] = matrix
    return elements
