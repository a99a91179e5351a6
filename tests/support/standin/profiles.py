"""How real servers refuse and fail: each column of the table of servers.

Statuses and key phrases are those of the table; the words around them are plausible, not
checked against the servers' sources. Batch limits are small, so that a batch of 64 meets them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import orjson

from tests.support.standin.dialects import Dialect
from tests.support.standin.faults import Canned, Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One server; where an answer is none, the server has no such refusal.

    `text_too_long` none: truncated silently. `crash` none: it hangs. `loading` none: it does not
    listen. `unknown_model` none: any model embeds. `nan` is the result of a
    row of NaN: the row's effect, or an error answer for the whole request.
    """

    name: str
    dialect: Dialect
    text_too_long: Canned | None
    max_batch: int | None = None
    batch_too_large: Canned | None = None
    overload: Canned | None = None
    crash: Canned | None = None
    nan: Effect | Canned = "null"
    empty: Canned | None = None
    unknown_model: Canned | None = None
    wrong_key: Canned | None = None
    loading: Canned | None = None
    quota: Canned | None = None

    def filled(self, canned: Canned, *, count: int, limit: int) -> Canned:
        """`canned` with the numbers of this request."""
        body = canned.body.replace("COUNT", str(count)).replace("LIMIT", str(limit))
        return replace(canned, body=body)


def _json(status: int, body: object) -> Canned:
    return Canned(status=status, body=orjson.dumps(body).decode())


def _ollama(status: int, words: str) -> Canned:
    return _json(status, {"error": words})


def _tei(status: int, words: str, kind: str) -> Canned:
    return _json(status, {"error": words, "error_type": kind})


def _openai(
    status: int, words: str, kind: str | None = "invalid_request_error", code: object = None
) -> Canned:
    return _json(status, {"error": {"message": words, "type": kind, "param": None, "code": code}})


def _numbered(status: int, words: str) -> Canned:
    return _json(status, {"error": {"message": words, "code": status}})


def _cloudflare(status: int, code: int, words: str) -> Canned:
    errors = [{"code": code, "message": f"AiError: {words}"}]
    return _json(status, {"success": False, "errors": errors, "result": {}, "messages": []})


def _google(status: int, kind: str, words: str) -> Canned:
    return _json(status, [{"error": {"code": status, "message": words, "status": kind}}])


def _fastapi(status: int, words: str, *, at: Literal["input", "model"] = "input") -> Canned:
    return _json(status, {"detail": [{"loc": ["body", at], "msg": words, "input": ["echo"]}]})


OLLAMA = Profile(
    name="ollama",
    dialect="ollama",
    text_too_long=_ollama(400, "the input length exceeds the context length"),
    overload=_ollama(503, "server busy, please try again.  maximum pending requests exceeded"),
    crash=_ollama(400, 'do embedding request: Post "http://127.0.0.1:41/embedding": EOF'),
    nan="zeros",
    unknown_model=_ollama(404, 'model "other" not found, try pulling it first'),
)
OLLAMA_0_12 = replace(
    OLLAMA,
    name="ollama-0.12",
    crash=_ollama(500, 'do embedding request: Post "http://127.0.0.1:41/embedding": EOF'),
    nan=_ollama(500, "failed to encode response: json: unsupported value: NaN"),
)
TEI = Profile(
    name="tei",
    dialect="tei",
    text_too_long=_tei(
        422,
        "Input validation error: `inputs` must have less than 512 tokens. Given: 900",
        "Validation",
    ),
    max_batch=32,
    batch_too_large=_tei(422, "batch size COUNT > maximum allowed batch size LIMIT", "Validation"),
    overload=_tei(429, "Model is overloaded", "Overloaded"),
    crash=_tei(424, "DriverError(CUDA_ERROR_OUT_OF_MEMORY)", "Backend"),
    empty=_tei(400, "`inputs` cannot be empty", "Empty"),
    wrong_key=Canned(status=401),
)
TEI_1_8 = replace(
    TEI,
    name="tei-1.8",
    text_too_long=_tei(
        413,
        "Input validation error: `inputs` must have less than 512 tokens. Given: 900",
        "Validation",
    ),
    batch_too_large=_tei(413, "batch size COUNT > maximum allowed batch size LIMIT", "Validation"),
)
LLAMA_CPP = Profile(
    name="llama.cpp",
    dialect="openai",
    text_too_long=_openai(
        500,
        "input (900 tokens) is too large to process. increase the physical batch size",
        "server_error",
        500,
    ),
    max_batch=20,
    batch_too_large=Canned(status=413, body="Payload Too Large"),
    crash=_openai(500, "Compute error.", "server_error", 500),
    wrong_key=_openai(401, "Invalid API Key", "authentication_error", 401),
    loading=_openai(503, "Loading model", "unavailable_error", 503),
)
VLLM = Profile(
    name="vllm",
    dialect="openai",
    text_too_long=_openai(
        400,
        "This model's maximum context length is 512 tokens. However, you requested 900 tokens"
        " in the input for embedding generation. Please reduce the length of the input.",
        "BadRequestError",
        400,
    ),
    overload=_openai(503, "The server is overloaded.", "ServiceUnavailable", 503),
    crash=_openai(500, "EngineCore encountered an issue.", "InternalServerError", 500),
    empty=_openai(400, "The prompt has no token.", "BadRequestError", 400),
    unknown_model=_openai(404, "The model `other` does not exist.", "NotFoundError", 404),
    wrong_key=_json(401, {"error": "Unauthorized"}),
)
INFINITY = Profile(
    name="infinity",
    dialect="openai",
    text_too_long=None,
    max_batch=48,
    batch_too_large=_fastapi(422, "List should have at most LIMIT items after validation"),
    overload=_openai(429, "Rate limit exceeded, too many inputs in queue.", "overloaded", 429),
    crash=None,
    wrong_key=_json(401, {"detail": "Unauthorized"}),
)
OPENAI = Profile(
    name="openai",
    dialect="openai",
    text_too_long=_openai(
        400,
        "This model's maximum context length is 8192 tokens, however you requested 9000 tokens"
        " (9000 in your prompt; 0 for the completion). Please reduce your prompt.",
    ),
    max_batch=50,
    batch_too_large=_openai(
        400,
        "Invalid 'input': array too long. Expected an array with maximum length LIMIT, but got"
        " an array with length COUNT instead.",
        code="array_above_max_length",
    ),
    overload=Canned(
        status=429,
        body=_openai(429, "Rate limit reached", "requests", "rate_limit_exceeded").body,
        headers={"retry-after": "1"},
    ),
    crash=_openai(500, "The server had an error processing your request.", "server_error"),
    nan="nan",
    empty=_openai(400, "'$.input' is invalid."),
    unknown_model=_openai(404, "The model `other` does not exist", code="model_not_found"),
    wrong_key=_openai(401, "Incorrect API key provided: sk-xxx.", code="invalid_api_key"),
    loading=_openai(503, "The engine is currently overloaded", "server_error"),
    quota=_openai(429, "You exceeded your current quota", "insufficient_quota"),
)
OPENAI_TOKENS = replace(
    OPENAI,
    name="openai-tokens",
    batch_too_large=_openai(
        400,
        "Requested 400000 tokens, max 300000 tokens per request",
        code="max_tokens_per_request",
    ),
)
_LITELLM_TAIL = (
    "\n\nLiteLLM: model group 'good' failed with the error above. No fallback was attempted."
)
LITELLM = Profile(
    name="litellm",
    dialect="openai",
    text_too_long=_openai(
        400,
        "litellm.BadRequestError: OpenAIException - Error code: 400 - This model's maximum context"
        f" length is 512 tokens.{_LITELLM_TAIL}",
        "invalid_request_error",
        "400",
    ),
    overload=_openai(
        429,
        "No deployments available for selected model, Try again in 1 seconds. Passed model=good.",
        "None",
        "429",
    ),
    crash=_openai(
        500,
        "litellm.InternalServerError: InternalServerError: OpenAIException - Error code: 500 -"
        f" Compute error.{_LITELLM_TAIL}",
        "internal_server_error",
        "500",
    ),
    unknown_model=_openai(
        400,
        "/embeddings: Invalid model name passed in model=other. Call `/v1/models` to view available"
        " models for your key.",
        "invalid_request_error",
        "400",
    ),
    wrong_key=_openai(400, "No connected db.", "no_db_connection", "400"),
    loading=_openai(
        500,
        "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error."
        f"{_LITELLM_TAIL}",
        "internal_server_error",
        "500",
    ),
    quota=_openai(
        400, "Budget has been exceeded! Current cost: 1.1, Max budget: 1.0", "budget_exceeded"
    ),
)
OPENROUTER = Profile(
    name="openrouter",
    dialect="openai",
    text_too_long=_numbered(400, "This model's maximum context length is 8192 tokens."),
    overload=replace(_numbered(429, "Rate limit exceeded"), headers={"retry-after": "1"}),
    crash=_numbered(500, "Internal Server Error"),
    unknown_model=_numbered(400, "other is not a valid model ID"),
    wrong_key=_numbered(401, "No auth credentials found"),
    loading=_numbered(503, "No available model provider that meets your routing requirements"),
    quota=_numbered(402, "Insufficient credits. Add more credits and retry the request."),
)
WORKERS_AI = Profile(
    name="workers-ai",
    dialect="openai",
    text_too_long=None,
    max_batch=40,
    batch_too_large=_cloudflare(413, 3006, "Request is too large"),
    overload=_cloudflare(429, 3040, "No more data centers to forward the request to"),
    crash=_cloudflare(500, 8001, "Internal error"),
    unknown_model=_cloudflare(400, 5007, "No such model @cf/other or task"),
    wrong_key=_cloudflare(401, 10000, "Authentication error"),
    loading=_cloudflare(408, 3007, "Request timeout"),
    quota=_cloudflare(
        429,
        3036,
        "You have used up your daily free allocation of 10,000 neurons. Please upgrade.",
    ),
)
AZURE = Profile(
    name="azure-openai",
    dialect="openai",
    text_too_long=OPENAI.text_too_long,
    max_batch=50,
    batch_too_large=OPENAI.batch_too_large,
    overload=replace(
        _openai(
            429,
            "Requests to the Embeddings_Create Operation have exceeded call rate limit of your"
            " pricing tier. Please retry after 1 second.",
            "",
            "429",
        ),
        headers={"retry-after": "1"},
    ),
    crash=_openai(500, "The server had an error processing your request.", "server_error"),
    unknown_model=_openai(
        404, "The API deployment for this resource does not exist.", "", "DeploymentNotFound"
    ),
    wrong_key=_openai(
        401, "Access denied due to invalid subscription key or wrong API endpoint.", "", "401"
    ),
    loading=_openai(503, "The service is temporarily unable to process your request.", "", "503"),
    quota=_openai(403, "Out of call volume quota. Quota will be replenished in 2 days.", "", "403"),
)
VERTEX = Profile(
    name="vertex-ai",
    dialect="openai",
    text_too_long=_google(
        400,
        "INVALID_ARGUMENT",
        "The input token count (9000) exceeds the maximum number of tokens allowed (2048).",
    ),
    max_batch=30,
    batch_too_large=_google(
        400,
        "INVALID_ARGUMENT",
        "* BatchEmbedContentsRequest.requests: at most LIMIT requests can be in one batch",
    ),
    overload=_google(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details."
        " Please retry in 0.5s.",
    ),
    crash=_google(500, "INTERNAL", "An internal error has occurred."),
    unknown_model=_google(404, "NOT_FOUND", "Publisher model `other` was not found."),
    wrong_key=_google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    loading=_google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
)
BEDROCK = Profile(
    name="bedrock",
    dialect="openai",
    text_too_long=_json(400, {"message": "Too many input tokens. Max input tokens: 8192"}),
    overload=_json(429, {"message": "Too many requests, please wait before trying again."}),
    crash=_json(424, {"message": "The model returned an error while processing the request."}),
    unknown_model=_json(400, {"message": "The provided model identifier is invalid."}),
    wrong_key=_json(403, {"message": "You don't have access to the model with this key."}),
    loading=_json(503, {"message": "The service isn't currently available."}),
)
GATEWAYS = (LITELLM, OPENROUTER, WORKERS_AI, AZURE, VERTEX, BEDROCK)
"""Not what embeds, but what stands before it; LiteLLM 1.108's refusals were seen
(not its budget's and its own 429); the others follow documents and issue threads, some in
other words."""

PROFILES = (OLLAMA, OLLAMA_0_12, TEI, TEI_1_8, LLAMA_CPP, VLLM, INFINITY, OPENAI)
