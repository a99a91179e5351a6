"""Which servers of the OpenAI dialect have a field for long texts, and which one.

OpenAI, Azure OpenAI, llama.cpp, infinity, Text Embeddings Inference's `/v1/embeddings`, LiteLLM
and Mistral have none that a request could set. A field that a server does not know is refused by
strict ones, so it is sent only where it is documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Fields of a request: `whole` where no text may be truncated, `cut` where one is to be."""

    whole: Mapping[str, object] = field(default_factory=dict)
    cut: Mapping[str, object] = field(default_factory=dict)


_BY_HOST = {
    # https://docs.voyageai.com/reference/embeddings-api: truncates unless told otherwise.
    "api.voyageai.com": Fields(whole={"truncation": False}, cut={"truncation": True}),
    # https://docs.nvidia.com/nim/nemo-retriever/text-embedding/latest/reference.html
    "integrate.api.nvidia.com": Fields(cut={"truncate": "END"}),
}


def fields_of_host(host: str | None) -> Fields:
    """What the server at `host` is known to accept; nothing for any other."""
    return _BY_HOST.get((host or "").lower(), Fields())


def fields_of_owner(owner: str | None, longest: int | None) -> Fields:
    """What a server accepts whose list of models says that it is owned by `owner`.

    `longest`: tokens of a text as the list states them; vLLM before 0.9 takes no -1 for "the
    model's own". It keeps the last tokens of a text unless told the side.

    Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    """
    if owner != "vllm":
        return Fields()
    tokens = longest if longest is not None and longest > 0 else -1
    return Fields(cut={"truncate_prompt_tokens": tokens, "truncation_side": "right"})
