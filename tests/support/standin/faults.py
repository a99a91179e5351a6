"""The faults of the stand-in that a test can set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, get_args

from tests.support.standin.proof import vectors_of
from wikiembed.vectors import Matrix

if TYPE_CHECKING:
    from tests.support.standin.limit import SlidingLimit
    from tests.support.standin.profiles import Profile

Effect = Literal[
    "status", "hang", "slow", "reset", "nan", "null", "zeros", "crash", "die", "freeze"
]
Garbage = Literal[
    "wrong_count",
    "wrong_dimension",
    "nan",
    "infinity",
    "zeros",
    "nulls",
    "strings",
    "truncated_json",
    "cut_connection",
    "html",
    "empty",
    "oversize",
    "shuffled",
    "duplicate_index",
    "missing_index",
    "foreign_index",
    "redirect",
    "drip",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """An answer instead of the real one."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadText:
    """What happens to a request that holds a text with `contains` or matching `regex`.

    The effects nan, null and zeros change that text's row only; the others the whole request;
    slow answers correctly after `slow_s`; crash takes the server down for `crash_s`, with what it
    has in flight; die does so too, after it has answered this request with the status; freeze lets
    every request hang for as long.
    """

    contains: str | None = None
    regex: str | None = None
    effect: Effect = "status"
    status: int = 500
    body: str = '{"error": "cannot embed"}'

    def __post_init__(self) -> None:
        if (self.contains is None) == (self.regex is None):
            raise ValueError("a bad text has either `contains` or `regex`")
        if self.effect not in get_args(Effect):
            raise ValueError(f"no such effect: {self.effect}")

    def hits(self, text: str) -> bool:
        """Whether `text` is such a text."""
        if self.contains is not None:
            return self.contains in text
        return re.search(self.regex or "", text) is not None


@dataclass(slots=True, kw_only=True)
class Controls:
    """Everything that can be set while the server runs; times in seconds.

    `max_batch` none: 32 for TEI, else unbounded. `known_models` none: all. `spare_probe` keeps
    `fail_next`, garbage and `status_for_all` from requests of the probe text alone.
    `permits`: more texts than these are always answered 429, as TEI does.
    `counts_tokens` false: no answer says how many tokens its texts had; else their words.
    `knows_base64` false: a request with `encoding_format` is refused, as strict servers do.
    `owned_by`, `max_model_len`: what `/v1/models` says of each model. `truncation_field`: the field
    of the OpenAI dialect with which long texts are cut; any other one of `TRUNCATION_FIELDS` is
    refused where `strict`, else ignored. `cuts_silently`: texts beyond `max_chars` are cut, always.
    `keeps_end`: what is cut loses its beginning.
    `listed`: the models of `/v1/models`; none: `model` and another one.
    `knows_info` false: TEI's `/info` is not there, as behind a gateway.
    `behind_proxy`: the answer instead of the server's while it is down, and to requests it had
    in flight then; none: connections are reset.
    `limit`: of requests and tokens in any window; their words are its texts' tokens.
    `vectors`: (texts, dimensions, salt) → `(n, dim) float32`; those that prove their text, or a
    model's.
    `rerank_forms`: how it reranks: `v1` (`/v1/rerank`), `tei` (`/rerank`), `root` (the form of
    `v1` at `/rerank`, as infinity has it).
    `profile`: which server's statuses and words the refusals have; none: the dialect's own.
    """

    dimensions: int = 768
    salt: str = ""
    latency_s: float = 0.0
    latency_per_text_s: float = 0.0
    serial: bool = False
    down: bool = False
    crash_s: float = 0.5
    slow_s: float = 1.0
    behind_proxy: Canned | None = None
    profile: Profile | None = None
    limit: SlidingLimit | None = None
    fail_next: list[Canned] = field(default_factory=list)
    status_for_all: Canned | None = None
    bad_texts: list[BadText] = field(default_factory=list)
    garbage: Garbage | None = None
    redirect_to: str = "http://127.0.0.1:9/elsewhere"
    max_batch: int | None = None
    max_chars: int | None = None
    permits: int | None = None
    api_key: str | None = None
    known_models: list[str] | None = None
    model: str = "standin-model"
    listed: list[str] | None = None
    owned_by: str | None = None
    max_model_len: int | None = None
    truncation_field: str | None = None
    strict: bool = False
    cuts_silently: bool = False
    keeps_end: bool = False
    knows_base64: bool = True
    knows_info: bool = True
    counts_tokens: bool = True
    spare_probe: bool = False
    record: bool = False
    rerank_forms: list[str] = field(default_factory=lambda: ["v1", "tei"])
    vectors: Callable[[Sequence[str], int, str], Matrix] = vectors_of

    def update(self, values: Mapping[str, object]) -> None:
        """Set the named controls from JSON values.

        Raises: ValueError for an unknown name or garbage mode; TypeError for a wrong field.
        """
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no such control: {name}")
            setattr(self, name, _converted(name, value))


def _converted(name: str, value: object) -> object:
    if name == "fail_next" and isinstance(value, list):
        return [_canned(item) for item in value]
    if name in {"status_for_all", "behind_proxy"}:
        return None if value is None else _canned(value)
    if name == "bad_texts" and isinstance(value, list):
        return [item if isinstance(item, BadText) else BadText(**item) for item in value]
    if name == "limit" and isinstance(value, Mapping):
        from tests.support.standin.limit import SlidingLimit

        return SlidingLimit(**value)
    if name == "garbage" and value is not None and value not in get_args(Garbage):
        raise ValueError(f"no such garbage: {value}")
    return value


def _canned(value: object) -> Canned:
    if isinstance(value, Canned):
        return value
    if isinstance(value, int):
        return Canned(status=value)
    if isinstance(value, Mapping):
        return Canned(**value)
    raise TypeError("a canned answer is a status or an object with a status")
