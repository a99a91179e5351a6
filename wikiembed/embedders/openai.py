"""OpenAI and what speaks like it (vLLM, llama.cpp, infinity, LiteLLM): `/v1/embeddings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wikiembed.config import Provider
from wikiembed.embedders.answers import EncodingRejected
from wikiembed.embedders.base import PROBE_TEXT, Cut, EmbedderOptions, ModelInfo, Role
from wikiembed.embedders.decode import items_in, no_rows
from wikiembed.embedders.http import HttpClient
from wikiembed.embedders.names import same_model
from wikiembed.embedders.served import list_path, listed_models, sole_model
from wikiembed.embedders.truncation import Fields, fields_of_host, fields_of_owner
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderRejected
from wikiembed.vectors import Matrix, alike

_MORE = " and then something else, at some length: " + ", ".join(f"number {n}" for n in range(40))


class OpenAIEmbedder:
    """One model on an OpenAI-compatible server; base64 is asked for while the server knows it.

    Source: https://platform.openai.com/docs/api-reference/embeddings/create
    """

    def __init__(self, options: EmbedderOptions, *, http: HttpClient) -> None:
        self._http = http
        self._path = options.path or "/v1/embeddings"
        self._model = options.model
        self._request_dimensions = options.request_dimensions
        self._asks_base64 = True
        self._fields = fields_of_host(http.host)
        self._knows_owner = bool(self._fields.cut)
        self._keeps_beginning = False  # as far as is known

    async def describe(self) -> ModelInfo:
        """Embed the probe; without a model in the options, the answer names it.

        Raises: EmbedderError.
        """
        matrix, answered = await self._request([PROBE_TEXT])
        model = self._model or answered
        if not model:
            raise EmbedderBadAnswer(
                "The embedding server names no model in its answer: set WIKIEMBED_MODEL."
            )
        served = await self._other_model(model) if self._model else None
        return ModelInfo(
            provider=Provider.OPENAI,
            model=model,
            dimensions=int(matrix.shape[1]),
            served=served,
            ignores_name=served is not None and await self._answers_alike(served, matrix),
        )

    async def _other_model(self, model: str) -> str | None:
        """The only model that the server lists, where it is not `model`."""
        path = list_path(self._path)
        names = await sole_model(self._http, path) if path is not None else ()
        return None if any(same_model(model, name) for name in names) else next(iter(names), None)

    async def _answers_alike(self, served: str, matrix: Matrix) -> bool:
        """Whether the probe gets the vector `matrix` under the server's own name, too."""
        try:
            other, _ = await self._request([PROBE_TEXT], model=served)
        except EmbedderError:
            return False
        return other.shape == matrix.shape and alike(other, matrix)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`.

        Raises: EmbedderError.
        """
        if not texts:
            return no_rows()
        matrix, _ = await self._request(texts)
        return matrix

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Let the server truncate, where it has a field for that; one that refuses it has none.

        The first time it is made sure that it keeps the beginning: vLLM without `truncation_side`
        may keep the end.

        Raises: EmbedderError.
        """
        if not self._knows_owner:
            self._fields = await self._fields_of_owner()
            self._knows_owner = True
        if not self._fields.cut:
            return None
        try:
            matrix, _ = await self._request([text], fields=self._fields.cut)
            if not self._keeps_beginning:
                longer, _ = await self._request([text + _MORE], fields=self._fields.cut)
                self._keeps_beginning = alike(matrix, longer)
        except EmbedderRejected as error:
            if error.http_status is None or not 400 <= error.http_status < 500:
                raise
            self._fields = Fields(whole=self._fields.whole)
            return None
        if not self._keeps_beginning:
            self._fields = Fields(whole=self._fields.whole)
            return None
        return Cut(matrix=matrix, chars_kept=None)

    async def _fields_of_owner(self) -> Fields:
        """What the server that lists the model accepts."""
        path = list_path(self._path)
        models = await listed_models(self._http, path) if path is not None else []
        for model in models:
            if len(models) == 1 or self._model in model.names:
                return fields_of_owner(model.owner, model.longest)
        return Fields()

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def _request(
        self,
        texts: Sequence[str],
        *,
        model: str | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> tuple[Matrix, str | None]:
        model = model or self._model
        more = self._fields.whole if fields is None else fields
        try:
            body = await self._post(texts, more, base64=self._asks_base64, model=model)
        except EncodingRejected:
            body = await self._post(texts, more, base64=False, model=model)
            self._asks_base64 = False
        matrix, answered = items_in(body, count=len(texts))
        self._http.learn_dimensions(int(matrix.shape[1]))
        return matrix, answered

    async def _post(
        self,
        texts: Sequence[str],
        fields: Mapping[str, object],
        *,
        base64: bool,
        model: str | None,
    ) -> bytes:
        payload: dict[str, object] = {"input": list(texts), **fields}
        if model:
            payload["model"] = model
        if base64:
            payload["encoding_format"] = "base64"
        if self._request_dimensions is not None:
            payload["dimensions"] = self._request_dimensions
        return await self._http.post(self._path, payload, texts=texts)
