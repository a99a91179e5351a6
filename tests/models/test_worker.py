"""The commands with a model in the process: attach, dry run, worker, search, verify, doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.conftest import NEEDS
from tests.support.chunks import table_sql
from tests.support.cli import Call
from tests.support.database import Database
from wikiembed.config import Provider

BODIES = [
    "Bees make honey of nectar.",
    "Steam trains run on rails.",
    "The river flows north.",
    " ",
    "An unbelievably long text. " * 200,
]


@pytest.fixture(params=[Provider.SENTENCE_TRANSFORMERS, Provider.FASTEMBED])
def model(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a model of 384 dimensions and 256 tokens."""
    provider: Provider = request.param
    pytest.importorskip(provider.value.replace("-", "_"), reason=NEEDS.format(provider.value))
    folder: Path = request.getfixturevalue(
        "minilm" if provider is Provider.SENTENCE_TRANSFORMERS else "minilm_onnx"
    )
    return {
        "WIKIEMBED_EMBEDDER": provider.value,
        "WIKIEMBED_MODEL": str(folder),
        "WIKIEMBED_DIMENSIONS": "384",
        "WIKIEMBED_CHECK_TRUNCATION": "true",
    }


def test_commands_work_with_a_model_in_the_process(
    database: Database, call: Call, model: dict[str, str], tmp_path: Path
) -> None:
    """From attach to a changed model; no chunk is truncated unless that is asked for."""

    def run(*arguments: str, code: int = 0, **settings: str) -> str:
        result = call(*arguments, env=model | settings)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    database.execute(table_sql("mini", vector="vector(384)"))
    options = ("--key", "id", "--text", "body", "--embedding", "vec", "--name", "mini")
    database.execute(table_sql("wrong", vector="vector(768)"))
    assert "384" in run("attach", "public.wrong", *options[:-1], "wrong", code=2)
    run("attach", "public.mini", *options)
    for body in BODIES:
        database.execute("insert into public.mini (body) values (%s)", [body])
    run("backfill", "mini", "--dry-run")
    run("worker", "--drain")
    failed = database.rows("select key, state, error_class from wikiembed.failures order by key")
    assert [tuple(row) for row in failed] == [
        ("4", "skipped", "empty_text"),
        ("5", "failed", "text_too_long"),
    ]
    pinned = database.rows(
        "select provider, model, dimensions from wikiembed.sources where name = 'mini'"
    )
    assert [tuple(row) for row in pinned] == [
        (model["WIKIEMBED_EMBEDDER"], model["WIKIEMBED_MODEL"], 384)
    ]

    run("retry", "mini")
    run("worker", "--drain", WIKIEMBED_TRUNCATE="true")
    assert database.one("select count(*) from public.mini where vec is null") == 1
    kept = database.one("select chars_kept from wikiembed.truncated_chunks")
    assert 700 < kept < len(BODIES[-1])

    assert "Bees make honey" in run(
        "search", "what do bees produce?", "--source", "mini", "--limit", "1"
    )
    assert "mini" in run("verify", "mini")
    # The template's own source has vectors of 4 dimensions.
    assert f"Embedder {model['WIKIEMBED_EMBEDDER']}" in run("doctor", code=1)

    database.execute("update public.mini set body = 'Bees sting.' where id = 1")
    # A worker that lacks the model ends, and leaves the source to the others.
    run("worker", "--drain", code=2, WIKIEMBED_MODEL=str(tmp_path))
    assert database.one("select paused_at is null from wikiembed.sources where name = 'mini'")
