"""compose.yaml matches the schema of the Compose specification and has the right content."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml
from compose_pydantic import ComposeSpecification
from pydantic import ValidationError

from tests.support.server import IMAGE
from tests.tools.docs.commands import commands
from tests.tools.docs.pages import ROOT
from wikiembed.config import Settings

COMPOSE = ROOT / "compose.yaml"
Node = dict[str, Any]


def _has_compose() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    )


@pytest.fixture
def compose() -> Node:
    """The parsed file."""
    node: Node = yaml.safe_load(COMPOSE.read_text())
    return node


@pytest.fixture
def services(compose: Node) -> dict[str, Node]:
    """Its services."""
    found: dict[str, Node] = compose["services"]
    return found


def test_compose_matches_its_schema(compose: Node) -> None:
    """Each field is one of the specification's; a misspelt one is not."""
    ComposeSpecification.model_validate(compose)
    compose["services"]["worker"]["heathcheck"] = compose["services"]["worker"].pop("healthcheck")
    with pytest.raises(ValidationError, match="heathcheck"):
        ComposeSpecification.model_validate(compose)


@pytest.mark.skipif(not _has_compose(), reason="no docker compose here")
def test_compose_is_understood_by_docker() -> None:
    """`docker compose config` needs no engine."""
    done = subprocess.run(
        ["docker", "compose", "--file", str(COMPOSE), "--profile", "ollama", "config", "--quiet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_runs_postgres_and_a_worker_and_ollama_when_asked(
    services: dict[str, Node],
) -> None:
    """Ollama and the console have a profile; Postgres has pgvector, like the tests' image."""
    assert set(services) == {"postgres", "migrate", "worker", "console", "ollama"}
    assert services["postgres"]["image"] == IMAGE
    profiles = {name: one.get("profiles") for name, one in services.items()}
    assert profiles == {
        "postgres": None, "migrate": None, "worker": None,
        "console": ["console"], "ollama": ["ollama"],
    }  # fmt: skip


def test_compose_worker_starts_after_the_migration_and_restarts(
    services: dict[str, Node],
) -> None:
    """One image, of the Dockerfile; the stop timeout covers a drain."""
    migrate, worker = services["migrate"], services["worker"]
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert worker["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert (migrate["command"], worker["command"]) == (["migrate"], ["worker"])
    assert (migrate["build"], migrate["image"]) == (".", worker["image"])
    assert (worker["restart"], worker["stop_grace_period"]) == ("always", "3m")
    assert worker["healthcheck"]["test"] == ["CMD", "healthcheck"]
    assert (worker["read_only"], worker["cap_drop"]) == (True, ["ALL"])


def test_compose_opens_ports_to_this_machine_only(services: dict[str, Node]) -> None:
    """Postgres has a public password, and Ollama none."""
    ports = [port for one in services.values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:5432:5432", "127.0.0.1:8600:8600", "127.0.0.1:11434:11434"]


def test_compose_console_needs_a_token(compose: Node, services: dict[str, Node]) -> None:
    """From a file that is a secret; its options are those of the command, and it is sandboxed."""
    console = services["console"]
    (token_file,) = console["secrets"]
    assert f"/run/secrets/{token_file}" in console["command"]
    assert set(compose["secrets"]) == {token_file}
    command = next(one for one in commands() if one.name == console["command"][0])
    known = {name for parameter in command.parameters for name in parameter.names}
    assert {one for one in console["command"] if one.startswith("--")} <= known
    assert (console["read_only"], console["cap_drop"]) == (True, ["ALL"])
    assert console["image"] == services["worker"]["image"]


def test_compose_sets_only_settings_that_exist(services: dict[str, Node]) -> None:
    """Each WIKIEMBED_ variable is a field of Settings."""
    for name in ("migrate", "worker", "console"):
        ours = {one for one in services[name]["environment"] if one.startswith("WIKIEMBED_")}
        assert ours <= {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
        assert "WIKIEMBED_DATABASE_URL" in ours


def test_compose_volumes_are_declared(compose: Node, services: dict[str, Node]) -> None:
    """An undeclared volume would make the command fail."""
    named = {one.split(":")[0] for each in services.values() for one in each.get("volumes", [])}
    assert named == set(compose["volumes"])
