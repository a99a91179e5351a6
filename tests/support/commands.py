"""Arguments and settings of commands, and assertions about their output."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.cli import Result
from tests.support.standin import StandIn

ATTACH = (
    *("attach", "public.docs", "--key", "id", "--text", "body"),
    *("--embedding", "vec", "--name", "docs"),
)

_NAMES_THE_DATABASE = re.compile(r"Database \w+(?: on \S+:\d+|, embedded, in .*)")


def served(standin: StandIn, **settings: str) -> dict[str, str]:
    """Settings of a worker that uses `standin`; more settings by lower-case name."""
    given = {"embedder": "openai", "embedder_url": standin.url, "model": "m", **settings}
    return {f"WIKIEMBED_{name.upper()}": value for name, value in given.items()}


def assert_done(result: Result) -> None:
    """Exit code 0, and nothing on standard error but events."""
    assert (result.returncode, complaints(result)) == (0, [])


def assert_refused(result: Result, code: int) -> str:
    """Assert exit `code` with one sentence on standard error; returns the sentence."""
    output = complaints(result)
    assert (result.returncode, len(output)) == (code, 1), f"{result.stdout}\n{result.stderr}"
    assert output[0].endswith((".", "?"))
    assert output[0][0] == output[0][0].upper()
    assert "Traceback" not in result.stderr
    return output[0]


def complaints(result: Result) -> list[str]:
    """Lines of standard error that are no JSON event, nor the name of the database."""
    return [
        line
        for line in result.stderr.splitlines()
        if line and not line.startswith("{") and not _NAMES_THE_DATABASE.fullmatch(line)
    ]


def events(result: Result) -> list[dict[str, object]]:
    """The JSON events of standard error."""
    return [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]


def json_lines(result: Result) -> list[dict[str, object]]:
    """Standard output, which must be JSON lines and nothing else."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_pages(path: Path, pages: dict[str, str]) -> Path:
    """A file of JSON lines."""
    path.write_text(
        "".join(json.dumps({"title": title, "text": text}) + "\n" for title, text in pages.items())
    )
    return path
