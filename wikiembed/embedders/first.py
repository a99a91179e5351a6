"""Several servers of one model as one embedder, for what is asked seldom: the first to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from wikiembed.embedders.base import Cut, Embedder, ModelInfo, Role
from wikiembed.errors import BatchTooLarge, EmbedderError, EmbedderMisconfigured, TextTooLong
from wikiembed.vectors import Matrix

Answer = TypeVar("Answer", bound="ModelInfo | Matrix | Cut | None")


class FirstAnswering:
    """Asks `embedders` in their order, beginning with the one that answered last.

    `dimensions`: a server that gives others is passed over; None: any are taken.
    """

    def __init__(self, embedders: Sequence[Embedder], *, dimensions: int | None = None) -> None:
        self._embedders = list(embedders)
        self._dimensions = dimensions

    async def describe(self) -> ModelInfo:
        """See `Embedder.describe`.

        Raises: EmbedderError, the first server's, when none answers.
        """
        return await self._first(lambda embedder: embedder.describe())

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """See `Embedder.embed`.

        Raises: EmbedderError, the first server's, when none answers.
        """
        return await self._first(lambda embedder: embedder.embed(texts, role=role))

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """See `Embedder.embed_cut`.

        Raises: EmbedderError, the first server's, when none answers.
        """
        return await self._first(lambda embedder: embedder.embed_cut(text, role=role))

    async def aclose(self) -> None:
        """Give back the connections of all."""
        for embedder in self._embedders:
            await embedder.aclose()

    async def _first(self, ask: Callable[[Embedder], Awaitable[Answer]]) -> Answer:
        failures: list[EmbedderError] = []
        for embedder in tuple(self._embedders):
            try:
                answer = await ask(embedder)
                self._check(answer)
            except (TextTooLong, BatchTooLarge):
                raise  # the text is at fault, at any of them
            except EmbedderError as error:
                failures.append(error)
                continue
            self._embedders.remove(embedder)
            self._embedders.insert(0, embedder)
            return answer
        raise failures[0]

    def _check(self, answer: ModelInfo | Matrix | Cut | None) -> None:
        """Raises: EmbedderMisconfigured when the answer has other dimensions."""
        match answer:
            case None:
                return
            case ModelInfo():
                found = answer.dimensions
            case Cut():
                found = int(answer.matrix.shape[1])
            case _:
                found = int(answer.shape[1])
        if self._dimensions not in (None, found):
            raise EmbedderMisconfigured(
                f"The server gives {found} dimensions instead of {self._dimensions}."
            )
