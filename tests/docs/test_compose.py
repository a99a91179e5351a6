"""compose.yaml is well-formed and asks for what it should; Docker itself is not needed."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT
from tests.harness.server import IMAGE
from wikiembed.config import Settings

COMPOSE = ROOT / "compose.yaml"
_ENTRY = re.compile(r'(?P<key>[\w-]+):(?: (?P<value>\{\}|"[^"\\]*"|[\w./:@ -]+))?')
_ITEM = re.compile(r'- (?P<value>"[^"\\]*"|[\w./@-]+)')

Node = dict[str, "Node"] | list[str] | str


def read(lines: list[str]) -> Node:
    """The part of YAML that compose.yaml keeps to: mappings, lists of words, plain or "quoted".

    Raises: ValueError for anything else, such as a tab, an odd indent or a key given twice.
    """
    indent = len(lines[0]) - len(lines[0].lstrip(" "))
    if lines[0].lstrip().startswith("- "):
        return [_unquoted(_match(_ITEM, line, indent)["value"]) for line in lines]
    node: dict[str, Node] = {}
    at = 0
    while at < len(lines):
        entry = _match(_ENTRY, lines[at], indent)
        end = at + 1
        while end < len(lines) and lines[end].startswith(" " * (indent + 1)):
            end += 1
        if entry["key"] in node or (entry["value"] is None) == (end == at + 1):
            raise ValueError(f"twice, empty, or both a word and a mapping: {lines[at]!r}")
        node[entry["key"]] = (
            read(lines[at + 1 : end]) if entry["value"] is None else _unquoted(entry["value"])
        )
        at = end
    return node


def _match(pattern: re.Pattern[str], line: str, indent: int) -> re.Match[str]:
    found = pattern.fullmatch(line[indent:]) if line[:indent] == " " * indent else None
    if found is None or indent % 2:
        raise ValueError(f"not understood: {line!r}")
    return found


def _unquoted(value: str) -> str:
    return value.strip('"')


def at(node: Node, *path: str) -> Node:
    """What stands at `path`."""
    for name in path:
        assert isinstance(node, dict)
        node = node[name]
    return node


@pytest.fixture(scope="module")
def compose() -> Node:
    """The file, read."""
    lines = COMPOSE.read_text().splitlines()
    return read([line for line in lines if line.strip() and not line.lstrip().startswith("#")])


def test_compose_runs_postgres_and_a_worker_and_ollama_when_asked(compose: Node) -> None:
    """Only Ollama waits for its profile; Postgres has pgvector, as the tests' own image."""
    services = at(compose, "services")
    assert isinstance(services, dict)
    assert set(services) == {"postgres", "worker", "ollama"}
    assert at(services, "postgres", "image") == IMAGE
    assert at(services, "ollama", "profiles") == ["ollama"]
    assert "profiles" not in {*_keys(at(services, "postgres")), *_keys(at(services, "worker"))}


def test_compose_worker_waits_for_postgres_and_is_not_root(compose: Node) -> None:
    """It migrates, then works in the foreground, so that SIGTERM reaches it."""
    worker = at(compose, "services", "worker")
    assert at(worker, "depends_on", "postgres", "condition") == "service_healthy"
    assert at(worker, "user") == "1000:1000"
    assert at(worker, "volumes") == ["./:/src:ro"]
    assert at(worker, "restart") == "unless-stopped"
    command = at(worker, "command")
    assert isinstance(command, list)
    assert command[-1].endswith("wikiembed migrate && exec wikiembed worker")
    for copied in re.findall(r"/src/([\w.]+)", command[-1]):
        assert (ROOT / copied).exists(), copied


def test_compose_sets_only_settings_that_exist(compose: Node) -> None:
    """Each WIKIEMBED_ variable is a field of Settings."""
    environment = _keys(at(compose, "services", "worker", "environment"))
    ours = {name for name in environment if name.startswith("WIKIEMBED_")}
    assert ours <= {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}


def test_compose_volumes_are_declared(compose: Node) -> None:
    """A named volume that is not declared would end the command."""
    for service in _keys(at(compose, "services")):
        volumes = at(compose, "services", service).get("volumes", [])  # type: ignore[union-attr]
        assert isinstance(volumes, list)
        named = {one.split(":")[0] for one in volumes if not one.startswith(".")}
        assert named <= _keys(at(compose, "volumes"))


@pytest.mark.parametrize("text", ["a: b\na: c", "a:\n   b: c", "a:", "a: b\n  c: d", "a:\n\tb: c"])
def test_compose_reader_refuses_what_it_does_not_know(text: str) -> None:
    """The reader guesses nothing."""
    with pytest.raises(ValueError, match=r"not understood|twice"):
        read(text.splitlines())


def _keys(node: Node) -> set[str]:
    assert isinstance(node, dict)
    return set(node)
