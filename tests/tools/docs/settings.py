"""docs/reference/settings.md, from the fields of `wikiembed.config.Settings`."""

from __future__ import annotations

import types
from enum import Enum
from pathlib import Path
from typing import Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

# ruff: noqa: E501 - rows of tables
from tests.tools.docs.markdown import code, table
from wikiembed.config import ENV_PREFIX, Provider, Settings

INTRODUCTION = """\
# Settings

Every setting is an environment variable, or a line of a file `.env` in the folder where the
command runs; the environment wins. An empty variable means the default, also where `.env` has
another value. A wrong one ends the command with exit code 2 and one sentence that names it; so does a
misspelt one, with the nearest name, and any `WIKIEMBED_…` of `.env` that is not on this page.

A source may fix its own provider, model and prefixes (`wikiembed attach --provider …`); what it
leaves open comes from these settings.
"""
OTHERS = """\
## Variables of others that count

| variable | meaning |
|---|---|
| `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | The way to the embedding server. It also stands between a worker and `http://localhost`, unless `NO_PROXY` names that. |
| `SSL_CERT_FILE`, `SSL_CERT_DIR` | Certificate authorities to trust instead of certifi's; `WIKIEMBED_CA_FILE` adds to whichever are trusted. |
| `PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE`, … | What libpq reads for what `WIKIEMBED_DATABASE_URL` leaves out. `PGCLIENTENCODING` does not count: texts travel as UTF-8. |
| `HF_HUB_OFFLINE`, `HF_HOME`, `FASTEMBED_CACHE_PATH` | Of a model in the process: whether the hub may be reached at all, and where what was downloaded is kept. |
| `OMP_NUM_THREADS` | Cores that a model in the process uses, all without it: set it where several workers share a machine. |
| `NO_COLOR` | No colours in output. |

## Secrets and TLS

The key and a password in `WIKIEMBED_EMBEDDER_URL` go into requests and nowhere else: into no log line,
table, error or list of processes, whatever the server answers. The environment of a process can be read
by its user and by root; `WIKIEMBED_API_KEY_FILE` keeps the key out of it.

The certificate of an `https://` server is always verified, before a key or a text is sent. One from an
unknown authority, for another host or out of date pauses the source, and `search` exits 2. A database
connection waits 10 s unless its URL's `connect_timeout` or `PGCONNECT_TIMEOUT` says otherwise.
"""


def settings_page() -> str:
    """The page."""
    defaults = Settings.model_construct()
    lines = [
        INTRODUCTION,
        *table(
            ["variable", "type", "default", "meaning"],
            (
                [code(variable_of(name)), type_of(field), default_of(name, field), meaning(field)]
                for name, field in Settings.model_fields.items()
            ),
        ),
        "## What a provider brings with it",
        "",
        "Where `WIKIEMBED_EMBEDDER_URL` and `WIKIEMBED_MODEL` are not set:",
        "",
        *table(
            ["`WIKIEMBED_EMBEDDER`", "server", "model"],
            (
                [
                    code(provider.value),
                    code(defaults.urls_of(provider)[0] or "") or "in the worker's process",
                    code(defaults.model_of(provider) or "") or _no_model(provider),
                ]
                for provider in Provider
            ),
        ),
        OTHERS,
    ]
    return "\n".join(lines)


def _no_model(provider: Provider) -> str:
    """What a provider without a default model embeds with."""
    return "none: set it" if provider.needs_model else "the one that the server runs"


def variable_of(name: str) -> str:
    """The environment variable of a field."""
    return f"{ENV_PREFIX}{name}".upper()


def meaning(field: FieldInfo) -> str:
    """The meaning of a field, with its bounds."""
    bounds = [
        f"{word} {bound:g}"
        for limit in field.metadata
        for kind, word, bound in (
            (Ge, "at least", getattr(limit, "ge", None)),
            (Gt, "above", getattr(limit, "gt", None)),
            (Le, "at most", getattr(limit, "le", None)),
        )
        if isinstance(limit, kind) and isinstance(bound, int | float)
    ]
    text = (field.description or "").rstrip(".")
    return f"{text} ({', '.join(bounds)})." if bounds else f"{text}."


def type_of(field: FieldInfo) -> str:
    """The kind of value, in words."""
    kind = field.annotation
    if get_origin(kind) in {Union, types.UnionType}:
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(code(one.value) for one in kind)
    words: dict[object, str] = {
        str: "text",
        SecretStr: "secret",
        int: "number",
        float: "number",
        bool: "true or false",
        Path: "path",
    }
    return words[kind]


def default_of(name: str, field: FieldInfo) -> str:
    """The default, in words where it depends on the machine."""
    if name == "data_dir":
        return "`wikiembed` in the user's data folder"
    value = field.default
    match value:
        case None | "":
            return "–"
        case bool():
            return code(str(value).lower())
        case Enum():
            return code(value.value)
        case float():
            return code(f"{value:g}")
        case _:
            return code(value)
