"""What passes between the fleet and its actors: plain values that both sides can read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from wikiembed import __version__
from wikiembed.config import ENV_PREFIX, Settings
from wikiembed.worker.several import Trouble

OWN = frozenset({"alive_file", "metrics_port", "metrics_host", "data_dir", "postgres_version"})
"""Settings of the fleet's own process; those of `serve` have a prefix of their own."""
KEYS = frozenset({f"{ENV_PREFIX}API_KEY", f"{ENV_PREFIX}API_KEY_FILE"})


class Environment(Mapping[str, str]):
    """Settings as variables of an environment; its text shows their names only.

    It is an argument of the actor: Ray logs the environment of its runtime, but no arguments.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment({', '.join(sorted(self._values))})"

    def apply(self, to: MutableMapping[str, str] | None = None) -> None:
        """Set them in an environment, by default this process's; what is not set here stays.

        The node's other form of the key goes where this has one: a worker takes only one.
        """
        environ = os.environ if to is None else to
        if KEYS & self.keys():
            for name in KEYS:
                environ.pop(name, None)
        environ.update(self._values)


def environment_of(settings: Settings, url: str) -> Environment:
    """The settings that the operator has set, with `url` as that of the database.

    Of several databases, their URLs with spaces between them.
    """
    values = {f"{ENV_PREFIX}DATABASE_URL": url}
    for name in settings.model_fields_set - OWN - {"database_url", "database_name"}:
        if name.startswith("web_"):
            continue
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        values[f"{ENV_PREFIX}{name}".upper()] = text
    return Environment(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an actor is to run; `poll_s` None: as an ordinary worker does."""

    environment: Environment
    concurrency: int | None = None
    poll_s: float | None = None
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an actor runs: host and process, and Ray's ids of node and actor."""

    host: str
    pid: int
    node: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an actor has done since it started, in all databases together.

    `jobs`, `chunks`, `documents`: finished, embedded, split. `troubles`: what keeps it from its
    work on each database, in the order of their URLs; empty until its workers start.
    """

    place: Place
    jobs: int = 0
    chunks: int = 0
    documents: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    documents_failed: dict[str, int] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()

    def trouble_of(self, position: int) -> Trouble:
        """That of the database at `position`."""
        return self.troubles[position] if self.troubles else Trouble()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Why an actor's worker ended: `exit_code` 0 when it was asked to, else with one sentence."""

    exit_code: int
    sentence: str = ""
    report: Report | None = None
