"""The model of one server: as the server describes it, and as its probe shows it."""

from __future__ import annotations

import asyncio

from wikiembed.embedders.base import PROBE_TEXT, Embedder, ModelInfo, Role
from wikiembed.embedders.probe import of_probe
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderMisconfigured
from wikiembed.servers.permit import Gate
from wikiembed.telemetry import emit
from wikiembed.vectors import Matrix, usable_rows


class DescribedModel:
    """`info` is what the server describes, None until then; `lock` is held while it is fetched."""

    def __init__(
        self, embedder: Embedder, *, server: str, requested_model: str | None, gate: Gate
    ) -> None:
        self._embedder = embedder
        self._server = server
        self._gate = gate
        self.requested_model = requested_model
        self.info: ModelInfo | None = None
        self.lock = asyncio.Lock()

    async def fetch(self) -> ModelInfo:
        """Ask the server for its model, and keep it.

        Raises: EmbedderError, as the probe would.
        """
        try:
            with self._gate.unleased():
                info = await self._embedder.describe()
        except EmbedderError as error:
            raise of_probe(error) from None
        self.info = info
        return info

    def report_not_listed(self, info: ModelInfo) -> None:
        """Emit that the server lists another model than the one that is requested, if it does."""
        if info.served is not None:
            emit(
                "model_not_listed",
                level=30,
                server=self._server,
                model=self.requested_model or info.model,
                served=info.served,
            )

    async def probe(self) -> Matrix:
        """Embed the known text: `(1, dim) float32`; of the dimensions that were described.

        Raises: EmbedderError.
        """
        try:
            with self._gate.unleased():
                matrix = await self._embedder.embed([PROBE_TEXT], role=Role.DOCUMENT)
        except EmbedderError as error:
            raise of_probe(error) from None
        if matrix.shape[0] != 1 or not usable_rows(matrix).all():
            raise EmbedderBadAnswer("The server answers a known text without a usable vector.")
        if self.info is not None and matrix.shape[1] != self.info.dimensions:
            raise EmbedderMisconfigured(
                f"The server now answers {matrix.shape[1]} dimensions instead of"
                f" {self.info.dimensions}: another model runs there."
            )
        return matrix


def require_shape(matrix: Matrix, n: int, dimensions: int) -> None:
    """Check that the answer to `n` texts is `(n, dimensions)`. Raises: EmbedderBadAnswer."""
    if matrix.shape != (n, dimensions):
        raise EmbedderBadAnswer(
            f"The server answered {matrix.shape[0]} vectors of {matrix.shape[1]} dimensions"
            f" for {n} texts of {dimensions}."
        )
