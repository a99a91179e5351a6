"""The operator's scripts, run as an operator runs them: from the checkout, to their exit codes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chunks import add_chunks, clear_jobs, jobs_by_status, without_vector
from tests.support.cli import ROOT, Cli, Result, Running, environment
from tests.support.commands import assert_done, assert_refused, complaints, json_lines, served
from tests.support.database import Database
from tests.support.refused import no_database
from tests.support.standin import StandIn
from tests.support.standin.faults import BadText
from wikiembed.db.version import known
from wikiembed.sample import sample_path

NAMES = sorted(path.stem.removeprefix("wiki_embeddings_") for path in ROOT.glob("scripts/wiki_*"))
UNREACHABLE = {"WIKIEMBED_DATABASE_URL": no_database()}


def start(
    cli: Cli, name: str, *arguments: str, env: dict[str, str] | None = None, root: Path = ROOT
) -> Running:
    """Start a script of the checkout at `root`."""
    return cli.launch([f"{root}/scripts/wiki_embeddings_{name}.sh", *arguments], env=env)


def run(
    cli: Cli, name: str, *arguments: str, env: dict[str, str] | None = None, root: Path = ROOT
) -> Result:
    """Run a script to its end."""
    return start(cli, name, *arguments, env=env, root=root).wait(120)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Cli]:
    """Only a data folder is set: the embedded Postgres and the local model."""
    cli = Cli(env=environment(data_dir=str(tmp_path / "data")), folder=tmp_path / "cli")
    yield cli
    cli.close()


def test_scripts_are_those_of_the_procedure() -> None:
    """Eight executable scripts, without SQL."""
    assert [
        *("backfill", "enqueue", "pause", "ready", "resume", "retry", "status", "stop"),
    ] == NAMES
    for path in ROOT.glob("scripts/wiki_*"):
        assert os.access(path, os.X_OK), path.name
        words = set(path.read_text().lower().split())
        assert words & {"select", "insert", "update", "delete", "psql"} == set(), path.name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_script_prints_its_help(bare: Cli, name: str, asked: str) -> None:
    """Purpose, options and exit codes; after other arguments too, and nothing else."""
    result = run(bare, name, "docs", asked)
    assert_done(result)
    first, *rest = result.stdout.splitlines()
    assert f": scripts/wiki_embeddings_{name}.sh" in first
    assert "Exit codes: 0 " in "\n".join(rest)
    assert not (bare.folder.parent / "data").exists()


def test_procedure_from_an_empty_machine(bare: Cli) -> None:
    """Every script on the embedded default, in the order of an operator's day."""
    dry = run(bare, "backfill", "--dry-run")
    assert "run `wikiembed migrate`" in assert_refused(dry, 2)
    first = run(bare, "backfill")
    assert (first.returncode, json_lines(first)[-1]["event"]) == (0, "backfilled")
    assert complaints(first) == [f"The database is at schema version {known()[-1]}."]
    assert_done(bare.run("load", str(sample_path())))
    estimated = run(bare, "backfill", "--dry-run").stdout
    assert "wiki: 60 documents wait to be split and will give about" in estimated
    (estimate,) = [
        line
        for line in json_lines(run(bare, "backfill", "--dry-run", "--json"))
        if line["event"] == "estimate"
    ]
    assert (estimate["documents_waiting"], estimate["rate_from"]) == (60, "probe")
    assert int(str(estimate["chunks_of_documents"])) >= 60
    assert run(bare, "enqueue").stdout == "wiki: 0 documents queued in 0 jobs.\n"
    not_ready = run(bare, "ready")
    assert not_ready.stdout.splitlines()[0] == "WIKI_EMBEDDINGS_READY=false"
    assert "has 60 documents that are not split" in assert_refused(not_ready, 1)
    for pause in ("pause", "stop"):
        paused = run(bare, pause, "--why", "the GPU is being moved")
        assert paused.stdout == "Paused 1 source.\n"
        assert "the GPU is being moved" in run(bare, "status").stdout
        assert "the GPU is being moved" in assert_refused(run(bare, "backfill"), 1)
        assert run(bare, "resume").stdout == "Resumed 1 source.\n"
    done = run(bare, "backfill", "wiki", "--report-every", "1")
    assert_done(done)
    lines = json_lines(done)
    events = [line["event"] for line in lines]
    assert (events[0], set(events[1:-1]), events[-1]) == ("queued", {"progress"}, "backfilled")
    last, end = lines[-2:]
    assert (last["missing"], last["failed"], end["missing"]) == (0, 0, 0)
    assert last["done"] == end["embedded"] == end["total"] != 0
    assert run(bare, "retry").stdout == "wiki: 0 chunks queued again in 0 jobs.\n"
    ready = run(bare, "ready", "wiki")
    assert (ready.returncode, ready.stdout) == (0, "WIKI_EMBEDDINGS_READY=true\n")
    assert "100.00 %" in run(bare, "status").stdout


def test_two_backfills_begin_at_once_on_an_empty_machine(bare: Cli) -> None:
    """Both create the same database and schema, and both exit 0."""
    both = [start(bare, "backfill") for _ in range(2)]
    assert [running.wait(120).returncode for running in both] == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_script_keeps_the_exit_codes_of_its_command(cli: Cli, name: str) -> None:
    """2 with one sentence for wrong usage, 3 where Postgres is out of reach."""
    assert "No such option" in assert_refused(run(cli, name, "--nope"), 2)
    assert "Postgres is out of reach" in assert_refused(run(cli, name, env=UNREACHABLE), 3)


def test_backfill_script_passes_its_options_on(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """JSON lines of progress, of each failure and of the end, on standard output."""
    add_chunks(docs_table, 100)
    clear_jobs(docs_table)
    standin.controls.bad_texts = [BadText(contains="body 99", status=500)]
    options = ("--batch-size", "10", "--max-chunks", "100", "--report-every", "2")
    result = run(cli, "backfill", "docs", *options, "--concurrency", "1", env=served(standin))
    assert "1 chunk is missing (docs 1 rejected)" in assert_refused(result, 1)
    lines = json_lines(result)
    assert lines[0].pop("database")
    assert lines[0] == {"event": "queued", "source": "docs", "jobs": 10, "chunks": 100}
    failed = [line for line in lines if line["event"] == "chunk_failed"]
    assert [(f["source"], f["key"], f["error_class"]) for f in failed] == [
        ("docs", "100", "rejected"),
    ]
    assert (lines[-1]["event"], lines[-1]["missing"]) == ("backfilled", 1)
    status = run(cli, "status", env=served(standin)).stdout
    assert "rejected" in status
    retried = run(cli, "retry", "docs", "--class", "rejected", env=served(standin))
    assert retried.stdout == "docs: 1 chunk queued again in 1 job.\n"


def test_backfill_script_stops_as_its_command_does(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """The signal reaches it: batches in flight finish, exit 130."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 640)
    running = start(cli, "backfill", "--concurrency", "1", env=served(standin))
    running.wait_for(lambda: without_vector(docs_table) < 640)
    result = running.stop(signal.SIGINT)
    assert "Continue: `wikiembed backfill`." in assert_refused(result, 130)
    assert 64 * jobs_by_status(docs_table)["todo"] == without_vector(docs_table) > 0


def fake(folder: Path, name: str, script: str) -> Path:
    """A command of that name in `folder`, which precedes the PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)
    return folder


def path_without_docker(folder: Path) -> str:
    """A PATH with everything except docker."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for command in Path(place).glob("*"):
            if command.name != "docker" and not (folder / command.name).exists():
                (folder / command.name).symlink_to(command)
    return str(folder)


@pytest.mark.parametrize("wanted", [("--with-ollama",), ("--with-postgres",), ()])
def test_missing_docker_is_reported_in_one_sentence(
    cli: Cli, docs_table: Database, tmp_path: Path, wanted: tuple[str, ...]
) -> None:
    """Exit 2 without docker, 3 if its engine does not answer; nothing is queued."""
    add_chunks(docs_table, 1)
    env = {} if wanted else {"WIKIEMBED_START_OLLAMA": "1"}
    without = {**env, "PATH": path_without_docker(tmp_path / "without")}
    output = assert_refused(run(cli, "backfill", *wanted, env=without), 2)
    assert output.endswith("there is no command docker here: install it, or leave that out.")
    script = '[[ "$*" == "compose version" ]]'
    bin_folder = fake(tmp_path / "bin", "docker", script)
    broken = {**env, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    output = assert_refused(run(cli, "backfill", *wanted, env=broken), 3)
    assert output.endswith("its engine does not answer: start it, or leave that out.")
    assert without_vector(docs_table) == 1


def test_ollama_is_started_and_its_model_pulled(
    cli: Cli, docs_table: Database, standin: StandIn, tmp_path: Path
) -> None:
    """Only on request; it warns of the duration; the worker then uses that server."""
    log = tmp_path / "log"
    bin_folder = fake(tmp_path / "bin", "docker", f'echo "$*" >> {shlex.quote(str(log))}')
    env = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "WIKIEMBED_EMBEDDER_URL": standin.url,
    }
    add_chunks(docs_table, 3)
    assert_done(run(cli, "backfill", env={**env, **served(standin)}))
    assert not log.exists()
    add_chunks(docs_table, 3)
    docs_table.execute(
        "update wikiembed.sources set pinned_at = null, provider = null, model = null"
    )
    result = run(cli, "backfill", "--with-ollama", env=env)
    assert (result.returncode, without_vector(docs_table)) == (0, 0)
    assert "the first pull of its image and of nomic-embed-text takes long" in complaints(result)[0]
    assert log.read_text().splitlines()[-2:] == [
        "compose up --detach --wait ollama",
        "compose exec -T ollama ollama pull nomic-embed-text",
    ]
    row = "select provider || ' ' || model from wikiembed.sources where name = 'docs'"
    assert str(docs_table.one(row)).startswith("ollama nomic-embed-text")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts in a checkout without a .venv."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    return root


def test_script_takes_wikiembed_from_the_path(cli: Cli, checkout: Path, tmp_path: Path) -> None:
    """If wikiembed is installed, no .venv is created."""
    command = f'exec {shlex.quote(sys.executable)} -m wikiembed "$@"'
    bin_folder = fake(tmp_path / "bin", "wikiembed", command)
    env = {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    result = run(cli, "status", "--json", env=env, root=checkout)
    assert_done(result)
    assert set(json.loads(result.stdout)) >= {"coverage", "queue", "failures", "workers"}
    assert not (checkout / ".venv").exists()


def test_script_creates_a_missing_venv(cli: Cli, checkout: Path, tmp_path: Path) -> None:
    """With a fake Python: wikiembed is installed with the default's extras."""
    log = shlex.quote(str(tmp_path / "log"))
    python = (
        f'echo "$*" >> {log}\n'
        'case "$*" in\n'
        '  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;\n'
        '  "-m pip install"*) printf "#!/bin/sh\\necho called: \\$*" > .venv/bin/wikiembed\n'
        "    chmod +x .venv/bin/wikiembed ;;\n"
        "esac"
    )
    bin_folder = fake(tmp_path / "bin", "python3", python)
    env = {"PATH": f"{bin_folder}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    for _ in range(2):
        result = run(cli, "retry", "docs", "--class", "timeout", env=env, root=checkout)
        assert (result.returncode, result.stdout) == (0, "called: retry docs --class timeout\n")
    installs = [
        line for line in (tmp_path / "log").read_text().splitlines() if "--editable" in line
    ]
    assert len(installs) == 1
    assert ".[embedded,wiki] --constraint constraints.txt" in installs[0]
