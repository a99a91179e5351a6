"""Standard streams that are closed, full or broken, and Ctrl-C at any time: no traceback."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.cli import Cli, Result
from tests.support.database import Database
from wikiembed.cli.console import confirm
from wikiembed.errors import ConditionNotMet

WIKIEMBED = f"{sys.executable} -m wikiembed"
INTERRUPT_AT_IMPORT = """
import importlib.abc, os, signal, sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "wikiembed.cli":
            os.kill(os.getpid(), signal.SIGINT)
        return None

sys.meta_path.insert(0, Interrupt())
"""


def _run(cli: Cli, line: str, **env: str) -> Result:
    """Run one line of bash, with the pipe's first failure as exit code."""
    return cli.launch(["bash", "-o", "pipefail", "-c", line], env=env).wait()


@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("migrate --sql | head -1", 141, ""),
        ("status --json | true", 141, ""),
        ("status >/dev/full", 3, "The output cannot be written: No space left on device.\n"),
        ("--help >/dev/full", 3, "The output cannot be written: No space left on device.\n"),
        ("status >&-", 0, ""),
        ("status <&- >&- 2>&-", 0, ""),
        ("nosuch 2>/dev/full", 2, ""),
        ("nosuch 2>&-", 2, ""),
    ],
)
def test_streams_that_accept_no_output(cli: Cli, line: str, code: int, output: str) -> None:
    """A closed pipe ends silently, a full device with a sentence, a closed stream as usual."""
    if "| true" in line:  # the pipe must be closed before the command writes
        line = line.replace("| true", "| (exec <&-; sleep 0)")
    done = _run(cli, f"{WIKIEMBED} {line}")
    assert (done.returncode, done.stderr) == (code, output)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_output_in_an_encoding_that_lacks_characters(cli: Cli, database: Database) -> None:
    """Tables and help get replacements, JSON gets escapes; SQL files are read as UTF-8."""
    database.execute("select wikiembed.pause('wiki', '한강 😀')")
    help_ = cli.run("--help", env=ASCII)
    assert (help_.returncode, help_.stderr, "+- Options ---" in help_.stdout) == (0, "", True)
    table = cli.run("status", env=ASCII)
    assert (table.returncode, table.stderr, ": ?? ?" in table.stdout) == (0, "", True)
    output = cli.run("status", "--json", env={"PYTHONIOENCODING": "latin-1"}).stdout
    assert output.isascii()
    assert json.loads(output)["pauses"][0]["pause_reason"] == "한강 😀"
    script = cli.run("migrate", "--sql", env=ASCII)
    assert (script.returncode, script.stderr) == (0, "")
    assert "create or replace function wikiembed.load_pages" in script.stdout


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (f"{WIKIEMBED} search 한강", "Argument 2 (??) cannot be read as ASCII: "),
        (f"{WIKIEMBED} pause wiki --why 한강", "Argument 4 (??) cannot be read as ASCII: "),
        (f"WIKIEMBED_MODEL=한강 {WIKIEMBED} status", "WIKIEMBED_MODEL cannot be read as ASCII: "),
    ],
)
def test_input_that_the_locale_cannot_read(cli: Cli, line: str, named: str) -> None:
    """It would decode to lone surrogates, which neither Postgres nor a server accepts."""
    done = _run(cli, line, **ASCII)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{named}give it in UTF-8, under a UTF-8 locale such as LC_ALL=C.UTF-8.\n"
    ).replace("??", "\\ud55c\\uac15")


def test_interrupt_during_the_imports_prints_nothing(cli: Cli, tmp_path: Path) -> None:
    """Ctrl-C before the command starts ends it as a signal does."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT_AT_IMPORT)
    path = os.pathsep.join([str(tmp_path), cli.env["PYTHONPATH"]])
    done = _run(cli, f"{WIKIEMBED} status", PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize(
    ("answer", "outcome"), [("n", ConditionNotMet), ("", ConditionNotMet), ("y", None)]
)
def test_rows_are_removed_only_after_a_yes(
    monkeypatch: pytest.MonkeyPatch, answer: str, outcome: type[Exception] | None
) -> None:
    """At a terminal the prompt names the consequence, and no is the default."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        with os.fdopen(theirs, "r+b", buffering=0) as raw, io.TextIOWrapper(raw) as typed:
            monkeypatch.setattr(sys, "stdin", typed)
            with nullcontext() if outcome is None else pytest.raises(outcome):
                confirm("This drops a table with 2 rows", yes=False)
    finally:
        os.close(ours)
