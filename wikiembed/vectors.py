"""Matrices of embeddings: `(n, dim) float32`, and what makes a row usable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


def usable_rows(matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Say which rows of `(n, dim) float32` are finite and not all zeros: `(n,) bool`."""
    finite = np.isfinite(matrix).all(axis=1)
    nonzero = (matrix != 0).any(axis=1)
    usable: npt.NDArray[np.bool_] = finite & nonzero
    return usable
