"""The wheel is complete: installed in an empty environment, it embeds a row."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, sys
import psycopg
from wikiembed.config import load_settings
from wikiembed.db import start_embedded
settings = load_settings()
with psycopg.connect(start_embedded(settings.data_dir, settings.postgres_version)) as connection:
    cursor = connection.execute(sys.argv[1])
    print(json.dumps(cursor.fetchone() if cursor.description else None, default=float))
"""
TABLE = """
create table public.docs (
  id bigint generated always as identity primary key, body text, vec vector(256))
"""


def run(command: Sequence[str | Path], *, folder: Path, env: dict[str, str]) -> str:
    """Run `command` in `folder`; its standard output."""
    __tracebackhide__ = True  # its arguments hold the environment
    done = subprocess.run(
        command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.xdist_group("wheel")
def test_wheel_embeds_a_row_outside_the_checkout(tmp_path: Path) -> None:
    """Built, installed with the extra `embedded` and run elsewhere, it reaches 100 %."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIKIEMBED_")}
    kept.pop("PYTHONPATH", None)
    env = {**kept, "WIKIEMBED_DATA_DIR": str(tmp_path / "data")}
    dist, home, elsewhere = tmp_path / "dist", tmp_path / "venv", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, ROOT],
        folder=elsewhere,
        env=env,
    )
    (wheel,) = dist.glob("*.whl")
    venv.create(home, with_pip=False, system_site_packages=False)
    python = home / "bin" / "python"
    run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
            *("--disable-pip-version-check", "--no-compile"),
            *("--constraint", ROOT / "constraints.txt", f"wikiembed[embedded] @ {wheel.as_uri()}"),
        ],
        folder=elsewhere,
        env=env,
    )
    script = home / "bin" / "wikiembed"
    run([script, "migrate"], folder=elsewhere, env=env)
    run(
        [
            *(python, "-c", ASK),
            TABLE,
        ],
        folder=elsewhere,
        env=env,
    )
    run(
        [
            *(script, "attach", "public.docs"),
            *("--key", "id", "--text", "body", "--embedding", "vec", "--name", "docs"),
        ],
        folder=elsewhere,
        env=env,
    )
    run(
        [python, "-c", ASK, "insert into public.docs (body) values ('A wheel carries it all.')"],
        folder=elsewhere,
        env=env,
    )
    run([script, "worker", "--drain"], folder=elsewhere, env=env)
    counted = run(
        [
            *(python, "-c", ASK),
            "select embedded, total, coverage_pct from wikiembed.coverage where source = 'docs'",
        ],
        folder=elsewhere,
        env=env,
    )
    assert counted.strip() == "[1, 1, 100.0]"
