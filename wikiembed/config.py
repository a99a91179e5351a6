"""Settings, from the environment (``WIKIEMBED_…``) or a ``.env`` file."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from wikiembed.environment import (
    ENV_FILE,
    DotEnv,
    errors_in_words,
    refuse_misspelt,
    refuse_unreadable,
)
from wikiembed.environment import ENV_PREFIX as ENV_PREFIX
from wikiembed.errors import ConfigurationError
from wikiembed.server_url import root_of, server_name, split_urls

LOCAL_DIMENSIONS = 256
DEFAULT_DIMENSIONS = 768


class Provider(StrEnum):
    """The API dialect of an embedding server, or the library of a model in the process."""

    OLLAMA = "ollama"
    OPENAI = "openai"
    TEI = "tei"
    LOCAL = "local"
    SENTENCE_TRANSFORMERS = "sentence-transformers"
    FASTEMBED = "fastembed"

    @property
    def in_process(self) -> bool:
        """Whether the model is in the process: no server, and no text is truncated unasked."""
        return self is Provider.LOCAL or self.needs_model

    @property
    def needs_model(self) -> bool:
        """Whether WIKIEMBED_MODEL must name a folder, or a model of the hub."""
        return self in {Provider.SENTENCE_TRANSFORMERS, Provider.FASTEMBED}


_DEFAULT_URL = {
    Provider.OLLAMA: "http://localhost:11434",
    Provider.OPENAI: "https://api.openai.com",
    Provider.TEI: "http://localhost:8080",
}
_DEFAULT_MODEL = {
    Provider.OLLAMA: "nomic-embed-text",
    Provider.OPENAI: "text-embedding-3-small",
    Provider.LOCAL: "wordllama-l2-supercat-256",
}


class Settings(BaseSettings):
    """All settings; each field is the environment variable ``WIKIEMBED_<FIELD>``.

    Raises (through `load_settings`): ConfigurationError, naming each wrong variable.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True, env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then ``.env`` for what is not in the environment."""
        return init_settings, env_settings, DotEnv(settings_cls)

    database_url: str | None = Field(
        default=None,
        description="Postgres connection URL or conninfo, or the URLs of several databases,"
        " separated by commas or blanks; unset: the embedded Postgres.",
    )
    database_name: str | None = Field(
        default=None,
        description="Database to use instead of the URL's, or instead of `wikiembed` in the"
        " embedded Postgres.",
    )
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("wikiembed"),
        description="Folder of the embedded Postgres.",
    )
    postgres_version: int = Field(
        default=18, description="Major version of the embedded Postgres: 16 or 18."
    )
    embedder: Provider = Field(
        default=Provider.LOCAL, description="Dialect of the embedding server."
    )
    embedder_url: str | None = Field(
        default=None,
        description="Base URL of the embedding server, `http://host:port`; or those of several"
        " servers of one model, separated by commas or spaces, which share the work; the key is"
        " sent to each.",
    )
    embedder_path: str | None = Field(
        default=None,
        description="Path of embedding requests below the base URL, with its query, if it is not"
        " the dialect's own: `/embeddings`.",
    )
    model: str | None = Field(
        default=None,
        description="Model to request from the server; of a model in the process, its folder or its"
        " name on the hub.",
    )
    model_device: str | None = Field(
        default=None,
        pattern="^[a-z]+(:[0-9]+)?$",
        description="Device of a model in the process, such as `cpu`, `cuda`, `cuda:1` or `mps`;"
        " unset: the library chooses.",
    )
    model_dtype: str | None = Field(
        default=None,
        pattern="^(float32|float16|bfloat16)$",
        description="Type of the weights of a model in the process: `float32`, `float16` or"
        " `bfloat16`; unset: the one of its files.",
    )
    model_batch_tokens: int = Field(
        default=16_384,
        ge=1,
        description="Tokens per batch of a model in the process, padding included; fewer need less"
        " memory.",
    )
    model_download: bool = Field(
        default=False,
        description="Download a model in the process from the hub if it is not on this machine.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key sent as a bearer token.")
    api_key_file: Path | None = Field(default=None, description="File that holds the key.")
    api_key_header: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
        description="Header that holds the key alone, such as `api-key`; unset: a bearer token.",
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of certificate authorities to trust for the server."
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        le=16000,
        description="Dimensions of the wiki's vector column, when migrated.",
    )
    request_dimensions: bool = Field(
        default=False, description="Request WIKIEMBED_DIMENSIONS dimensions from the server."
    )
    document_prefix: str = Field(default="", description="Prepended to each text that is stored.")
    query_prefix: str = Field(
        default="", description="Prepended to each text that is searched for."
    )
    truncate: bool = Field(
        default=False,
        description="Embed only the beginning of texts beyond the model's context, and list them in"
        " `wikiembed.truncated_chunks`: truncated by the server if it supports that, else by"
        " wikiembed.",
    )
    check_truncation: bool = Field(
        default=True,
        description="Check once per server and model whether it truncates long texts silently, by"
        " embedding two that differ at the end.",
    )
    verify_chunks: int = Field(
        default=3,
        ge=0,
        le=100,
        description="Chunks per source that a worker embeds again each day, to check that the"
        " server's model still makes the vectors that are stored; 0: none.",
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=4096, description="Chunks per job; unset: the source's own, 64."
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Batches in flight per worker and server; unset: as many as raise the"
        " throughput.",
    )
    request_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds that one embedding request may take."
    )
    outage_limit_s: float = Field(
        default=300.0, ge=0, description="Seconds of outage after which a drain gives up."
    )
    max_lag_s: float | None = Field(
        default=None,
        gt=0,
        description="Seconds that rows which were just written may wait for their vectors: when 5 %"
        " wait longer, `doctor` calls it a fault; unset: not checked.",
    )
    reranker_url: str | None = Field(
        default=None,
        description="Base URL of a reranker, `http://host:port`, that puts the hits of searches in"
        " order; unset: none.",
    )
    reranker_model: str | None = Field(
        default=None, description="Model to request from the reranker, if it serves several."
    )
    reranker_api_key: SecretStr | None = Field(
        default=None, description="Key sent to the reranker as a bearer token."
    )
    reranker_candidates: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Hits per search that the reranker puts in order, if the search does not ask"
        " for more.",
    )
    reranker_timeout_s: float = Field(
        default=5.0, gt=0, description="Seconds that a search waits for the reranker."
    )
    alive_file: Path | None = Field(
        default=None,
        description="File that a worker touches every 5 s while it is alive, for a liveness probe.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port on which a worker serves metrics to Prometheus, another one for each"
        " worker of a machine; 0: any free one; unset: it serves none.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address on which a worker serves metrics, without authentication.",
    )
    web_host: str = Field(
        default="127.0.0.1",
        description="Address on which `wikiembed serve` listens; any but loopback needs"
        " authentication.",
    )
    web_port: int = Field(
        default=8600, ge=0, le=65535, description="Port of `wikiembed serve`; 0: any free one."
    )
    web_root_path: str = Field(
        default="",
        description="Path below which a proxy publishes `wikiembed serve`, such as `/wikiembed`.",
    )
    web_read_only: bool = Field(
        default=False, description="Whether the pages of `wikiembed serve` offer no action."
    )
    web_token_file: Path | None = Field(
        default=None,
        description="File with the tokens that open `wikiembed serve`: a line `NAME:TOKEN` per"
        " user, or a token alone.",
    )
    web_trusted_proxy: str | None = Field(
        default=None,
        description="Addresses or networks, separated by commas, of the proxies that name the user"
        " of `wikiembed serve` in WIKIEMBED_WEB_USER_HEADER.",
    )
    web_user_header: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
        description="Header in which the trusted proxy names the user, such as `X-Forwarded-User`.",
    )
    log_format: str = Field(
        default="auto",
        pattern="^(auto|json|text)$",
        description="`json`, `text`, or `auto`: text for a terminal, else JSON lines.",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Lowest level logged."
    )

    @field_validator("data_dir")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("embedder_url")
    @classmethod
    def _server_roots(cls, value: str | None) -> str | None:
        if value is None:
            return None
        roots = [root_of(url) for url in split_urls(value)]
        names = [server_name(root) for root in roots]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names the server {twice} twice")
        return " ".join(roots)

    @field_validator("reranker_url")
    @classmethod
    def _server_root(cls, value: str | None) -> str | None:
        return None if value is None else root_of(value)

    @field_validator("embedder_path")
    @classmethod
    def _path_of_embeddings(cls, value: str | None) -> str | None:
        if value is None:
            return None
        path = value.strip()
        plain = path.isascii() and path.isprintable() and not set(path) & set(" #\\")
        if not path.startswith("/") or path.startswith("//") or not plain:
            raise ValueError("must be a path that begins with /, such as /v1/embeddings")
        return path

    @field_validator("web_root_path")
    @classmethod
    def _path_of_pages(cls, value: str) -> str:
        path = value.strip().rstrip("/")
        if path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path):
            raise ValueError("must be a path that begins with /, such as /wikiembed")
        return path

    @model_validator(mode="after")
    def _one_key(self) -> Settings:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("set WIKIEMBED_API_KEY or WIKIEMBED_API_KEY_FILE, not both")
        return self

    @property
    def column_dimensions(self) -> int:
        """Dimensions of ``wiki_chunks.embedding``: as set, else 256 for local and 768."""
        if self.dimensions is not None:
            return self.dimensions
        return LOCAL_DIMENSIONS if self.embedder is Provider.LOCAL else DEFAULT_DIMENSIONS

    def urls_of(self, provider: Provider) -> tuple[str | None, ...]:
        """The base URLs for `provider`, at least one: as set, else that provider's default.

        None: the model runs in the worker's process.
        """
        if provider.in_process or self.embedder_url is None:
            return (_DEFAULT_URL.get(provider),)
        return tuple(split_urls(self.embedder_url))

    def servers_of(self, provider: Provider) -> tuple[str, ...]:
        """The servers' names in events and in wikiembed.outages, in the order of `urls_of`."""
        return tuple(server_name(url or provider.value) for url in self.urls_of(provider))

    def model_of(self, provider: Provider) -> str | None:
        """The model for `provider`: as set, else that provider's default (TEI: none).

        A folder is an absolute path, so that it is the same from every folder.
        """
        model = self.model or _DEFAULT_MODEL.get(provider)
        if model is None or not provider.needs_model:
            return model
        path = Path(model).expanduser()
        return str(path.absolute()) if model.startswith(("~", ".")) or path.is_dir() else model

    def read_api_key(self) -> SecretStr | None:
        """The API key, from the setting or from its file.

        Raises: ConfigurationError when the file cannot be read.
        """
        if self.api_key_file is None:
            return self.api_key
        try:
            key = self.api_key_file.read_text().strip()
        except OSError as error:
            raise ConfigurationError(
                f"WIKIEMBED_API_KEY_FILE cannot be read: {error.strerror}."
            ) from None
        except UnicodeDecodeError:
            key = ""
        if not key:
            raise ConfigurationError("WIKIEMBED_API_KEY_FILE holds no key: write it there as text.")
        return SecretStr(key)


def load_settings(**given: object) -> Settings:
    """Read the settings; those that are `given`, by name of the field, take precedence.

    Raises: ConfigurationError with one sentence that names each wrong variable; values of
    secrets are never shown. A misspelt name is an error too: ignoring it would use the default,
    which may be another database.
    """
    with errors_in_words():
        refuse_unreadable()
        refuse_misspelt(Settings.model_fields)
        return Settings(**given)  # type: ignore[arg-type]
