"""Whether a server runs the model that the others of its group run, by the vector of the probe."""

from __future__ import annotations

from wikiembed.errors import EmbedderMisconfigured
from wikiembed.vectors import SHIFTED, Matrix, distances_of


class Identity:
    """The vector of the probe that all servers of a model must give, and which one gave it.

    Until it is known, any is accepted.
    """

    def __init__(self) -> None:
        self._vector: Matrix | None = None
        self._server = ""

    @property
    def is_known(self) -> bool:
        """Whether a server has given it."""
        return self._vector is not None

    def set(self, vector: Matrix, *, server: str) -> None:
        """`server` gave `vector`, `(1, dim) float32`, for the probe."""
        self._vector, self._server = vector, server

    def forget(self) -> None:
        """Accept any vector, until the next one is set."""
        self._vector = None

    def check(self, vector: Matrix) -> None:
        """Compare another server's vector for the probe, `(1, dim) float32`.

        Raises: EmbedderMisconfigured when it has other dimensions or is another model's.
        """
        if self._vector is None:
            return
        if vector.shape != self._vector.shape:
            raise EmbedderMisconfigured(
                f"It answers {vector.shape[1]} dimensions, and {self._server}"
                f" {self._vector.shape[1]}: serve the same model on both."
            )
        distance = float(distances_of(vector, self._vector)[0])
        if distance > SHIFTED:
            raise EmbedderMisconfigured(
                f"Its vectors are another model's than those of {self._server} (cosine distance"
                f" {distance:.2g} for one text): serve the same model on both."
            )
