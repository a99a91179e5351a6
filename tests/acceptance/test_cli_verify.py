"""`verify` distinguishes the model that made the vectors from others, and finds cut texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.chunks import add, add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn, blurred, vectors_of
from wikiembed.vectors import Matrix

CHECKS = "select model, sample, outcome from wikiembed.model_checks order by at"
LONG = "some words of a long text that follow one another " * 20


def fill(call: Call, database: Database, standin: StandIn, n: int = 30, **settings: str) -> None:
    """Embed `n` chunks of source docs."""
    add_chunks(database, n)
    assert_done(call("worker", "--drain", env=served(standin, **settings)))


def test_verify_passes_the_model_that_made_the_vectors(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Exit 0, with the distribution, and the result is recorded."""
    fill(call, docs_table, standin)
    standin.reset_stats()
    result = call("verify", "docs", env=served(standin))
    assert_done(result)
    first, *rest, last = result.stdout.splitlines()
    assert first == "docs: 30 chunks embedded again by openai m; cosine distances:"
    assert last == "docs: same model: openai m makes the vectors that are stored."
    assert rest[0] == "  up to 1e-06       30  " + "█" * 40
    assert rest[1].startswith("  min 0  median 0  p90 0  ")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert (standin.stats.texts, standin.stats.probes) == (30, 1)
    assert docs_table.rows(CHECKS) == [("m", 30, "same")]


@pytest.mark.parametrize(
    ("controls", "outcome", "words"),
    [
        ({"salt": "another model "}, "different", "another model, another pooling or another"),
        ({"vectors": blurred}, "shifted", "other weights, another quantisation or precision"),
        ({"salt": "passage: "}, "different", "or another prefix"),
    ],
)
def test_verify_finds_another_model_under_the_same_name(
    call: Call,
    docs_table: Database,
    standin: StandIn,
    controls: dict[str, object],
    outcome: str,
    words: str,
) -> None:
    """Exit 1; doctor says it until the right model runs again and is verified."""
    fill(call, docs_table, standin)
    standin.controls.update(controls)
    result = call("verify", "docs", env=served(standin))
    assert assert_refused(result, 1) == "Not verified: docs; see docs/how-to/verify.md."
    assert "not verified, 30 of 30 chunks are off: " in result.stdout
    assert words in result.stdout
    (found,) = json_lines(call("verify", "docs", "--json", env=served(standin)))
    assert (found["passed"], found["outcome"], found["sample"]) == (False, outcome, 30)
    assert docs_table.rows(CHECKS) == [("m", 30, outcome)] * 2
    doctor = call("doctor", env=served(standin))
    assert "Source docs: the server's vectors of m are not those that are stored" in doctor.stdout
    standin.controls.update({"salt": "", "vectors": vectors_of})
    assert_done(call("verify", "docs", env=served(standin)))
    assert "are not those that are stored" not in call("doctor", env=served(standin)).stdout


def test_verify_finds_the_prefix_that_was_changed(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """And says which one made the vectors."""
    fill(call, docs_table, standin, document_prefix="passage: ")
    verified = call("verify", "docs", env=served(standin))
    assert_done(verified)
    assert "by openai m, prefix 'passage: '; cosine" in verified.stdout
    docs_table.execute(
        "alter table wikiembed.sources disable trigger user;"
        " update wikiembed.sources set document_prefix = 'query: ' where name = 'docs'"
    )
    result = call("verify", "docs", env=served(standin))
    assert_refused(result, 1)
    assert "they were made with prefix 'passage: ', not 'query: '." in result.stdout


def test_verify_names_chunks_that_are_off(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Their text was changed behind the triggers, or another model made them."""
    fill(call, docs_table, standin)
    docs_table.execute(
        "alter table public.docs disable trigger user;"
        " update public.docs set body = 'another text' where id in (3, 7)"
    )
    result = call("verify", env=served(standin))
    assert_refused(result, 1)
    assert "docs: not verified, 2 of 30 chunks are off (keys " in result.stdout
    (found,) = json_lines(call("verify", "--json", env=served(standin)))
    assert (found["outcome"], sorted(found["off"])) == ("mixed", ["3", "7"])  # type: ignore[call-overload]


def test_verify_finds_texts_whose_end_is_ignored(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Silent truncation: exit 1, unless it is allowed."""
    add(docs_table, *(f"{n} {LONG}" for n in range(2)), *(f"{n} {LONG[:300]}" for n in range(2)))
    standin.controls.update({"max_chars": 500, "cuts_silently": True})
    fill(call, docs_table, standin)
    result = call("verify", "docs", env=served(standin))
    assert_refused(result, 1)
    assert "docs: same model: openai m makes the vectors that are stored." in result.stdout
    assert "does not change the vector of 2 of 4 long chunks, which" in result.stdout
    (found,) = json_lines(call("verify", "docs", "--json", env=served(standin)))
    assert (sorted(found["ends_ignored"]), found["ends_replaced"]) == (["1", "2"], 4)  # type: ignore[call-overload]
    assert_done(call("verify", "docs", env=served(standin, truncate="true")))
    standin.controls.cuts_silently = False
    result = call("verify", "docs", env=served(standin))
    assert_refused(result, 1)
    assert "docs: the server refuses 2 texts that have a vector: keys " in result.stdout


def test_verify_passes_marked_truncation_and_halfvec(
    call: Call, database: Database, standin: StandIn
) -> None:
    """A text that was cut is cut again in the same place; half precision is no difference."""
    database.execute(
        f"create table public.docs (id int primary key, body text, vec halfvec({DIMENSIONS}));"
        " select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');"
    )
    database.execute("insert into public.docs values (1, %s), (2, 'short')", [LONG])
    standin.controls.max_chars = 500
    standin.controls.update({"vectors": _fine})
    settings = served(standin, truncate="true")
    assert_done(call("worker", "--drain", env=settings))
    assert database.one("select count(*) from wikiembed.truncated_chunks") == 1
    result = call("verify", "docs", env=settings)
    assert_done(result)
    assert "2 chunks embedded again" in result.stdout


def _fine(texts: Sequence[str], dimensions: int, salt: str) -> Matrix:
    """Vectors that halfvec rounds."""
    made: Matrix = (vectors_of(texts, dimensions, salt) * np.float32(1.2345)).astype(np.float32)
    return made


def test_verify_says_what_it_cannot_do(call: Call, docs_table: Database, standin: StandIn) -> None:
    """No vectors 1; unknown source, wrong sample, other dimensions 2; no server 3."""
    env = served(standin)
    assert assert_refused(call("verify", env=env), 1).startswith("Nothing is embedded yet")
    assert 'did you mean "docs"' in assert_refused(call("verify", "dogs", env=env), 2)
    assert call("verify", "docs", "--sample", "0", env=env).returncode == 2
    assert call("verify", "docs", "--sample", "1001", env=env).returncode == 2
    empty = call("verify", "docs", env=env)
    assert_refused(empty, 1)
    assert "docs: no chunk with a vector was found" in empty.stdout
    fill(call, docs_table, standin, 3)
    standin.controls.dimensions = 5
    assert "have 4 dimensions, this model returns 5" in assert_refused(call("verify", env=env), 2)
    standin.controls.dimensions = DIMENSIONS
    standin.controls.down = True
    assert_refused(call("verify", "docs", env=env), 3)
    assert docs_table.rows(CHECKS) == []


def test_verify_uses_the_model_of_the_source(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Not that of the settings; and a role that may not sample gets a refusal."""
    fill(call, docs_table, standin, 3)
    standin.controls.known_models = ["m"]
    assert_done(call("verify", "docs", env=served(standin, model="another")))
    role = docs_table.create_role("reader", grant="reader")
    url = make_conninfo(docs_table.url, options=f"-c role={role}")
    refused = call("verify", "docs", env=served(standin, database_url=url))
    assert "ermission denied" in assert_refused(refused, 2)
