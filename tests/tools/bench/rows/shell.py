"""How long `wikiembed search` takes from the shell, with nothing set: embedded, local model."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.tools.bench.place import Place
from tests.tools.bench.result import Form, Measured, middle

RUNS = 7
SEARCH = [sys.executable, "-m", "wikiembed", "search", "how is chocolate made"]
IMPORTS = [sys.executable, "-c", "import psycopg, httpx, numpy; print()"]
"""What any such program imports: says how fast the machine is."""


def first_output(command: Sequence[str], environment: dict[str, str]) -> float:
    """The seconds until a command has printed something."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.stdout.read()
    assert process.returncode == 0
    return seconds


def first_answer(place: Place, form: Form) -> Iterator[Measured]:
    """Of the demo's articles; Postgres, which no other process uses, starts with each search."""
    with tempfile.TemporaryDirectory(prefix="wikiembed-bench-") as name:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("WIKIEMBED_")
        } | {
            "WIKIEMBED_DATA_DIR": str(Path(name) / "data"),
            "WIKIEMBED_DATABASE_NAME": "wikiembed_demo",
        }
        Path(name).chmod(0o755)
        demo = [sys.executable, "-m", "wikiembed", "demo"]
        subprocess.run(demo, env=environment, check=True, stdout=subprocess.DEVNULL)
        answers, imports = [], []
        first_output(SEARCH, environment)
        for _ in range(RUNS):
            answers.append(first_output(SEARCH, environment))
            imports.append(first_output(IMPORTS, environment))
    yield Measured(
        row="first answer",
        what=f"first line of `wikiembed search` from the shell, nothing set, median of {RUNS}",
        value=middle(answers),
        unit="s",
        better="less",
        goal=1.0,
        detail={"imports_s": middle(imports), "fastest_s": min(answers)},
    )
