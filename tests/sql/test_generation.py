"""Generation: another model is another generation, and their vectors do not mix."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, fail, in_background, read, start, wait_until_blocked, write
from tests.support.database import Database

PIN = "select wikiembed.pin_model('docs', %s, %s, %s, %s)"
OURS = ["ollama", "nomic", 4, "search: "]


def generation(database: Database) -> int:
    """Return the generation of source docs."""
    return int(database.one("select generation from wikiembed.sources where name = 'docs'"))


@pytest.mark.parametrize(
    ("change", "raised"),
    [
        ("model = 'other'", 1),
        ("model = null", 1),
        ("document_prefix = 'passage: '", 1),
        ("dimensions = 8", 1),
        ("query_prefix = 'query: '", 0),
        ("batch_size = 7", 0),
        ("model = model", 0),
    ],
)
def test_generation_grows_with_the_model(docs_table: Database, change: str, raised: int) -> None:
    """Model, document prefix and dimensions determine a vector; the rest does not."""
    docs_table.execute(PIN, OURS)
    before = generation(docs_table)
    docs_table.execute(f"update wikiembed.sources set {change} where name = 'docs'")
    assert generation(docs_table) - before == raised


def test_old_version_cannot_be_written(docs_table: Database) -> None:
    """A batch that was read before the change is stale, for vectors and for failures."""
    docs_table.execute(PIN, OURS)
    keys = add(docs_table, "one")
    versions = read(docs_table, keys)
    docs_table.execute("update wikiembed.sources set model = 'other' where name = 'docs'")
    assert write(docs_table, versions) == {"1": "stale"}
    assert fail(docs_table, versions) == {"1": "stale"}
    assert write(docs_table, read(docs_table, keys)) == {"1": "written"}


def test_change_of_model_waits_for_a_writer(docs_table: Database) -> None:
    """A write that began under the old generation ends before the new one applies."""
    docs_table.execute(PIN, OURS)
    versions = read(docs_table, add(docs_table, "one"))
    writer, operator = docs_table.connect(autocommit=False), docs_table.connect()
    writer.execute(
        "select * from wikiembed.write_embeddings('docs', array['1'], %s,"
        " array['[1,0,0,0]']::vector[])",
        [[versions["1"]]],
    )
    with in_background() as pool:
        change = start(
            pool, operator, "update wikiembed.sources set model = 'b' where name = 'docs'"
        )
        wait_until_blocked(docs_table, operator)
        assert not change.done()
        writer.commit()
        change.result(timeout=5)
    assert generation(docs_table) == 2


def test_write_does_not_wait_for_a_change_of_model(docs_table: Database) -> None:
    """While an operator locks the source, a batch is requeued instead."""
    docs_table.execute(PIN, OURS)
    versions = read(docs_table, add(docs_table, "one"))
    with docs_table.connect(autocommit=False) as operator:
        operator.execute("update wikiembed.sources set model = 'b' where name = 'docs'")
        assert write(docs_table, versions) == {"1": "locked"}
        assert fail(docs_table, versions) == {"1": "locked"}
    docs_table.check_invariants()


def test_first_worker_pins_the_model(docs_table: Database) -> None:
    """The resolved settings are in sources, and in the log."""
    docs_table.execute(PIN, OURS)
    assert docs_table.rows(
        "select provider, model, dimensions, document_prefix, pinned_at is not null"
        " from wikiembed.sources where name = 'docs'"
    ) == [("ollama", "nomic", 4, "search: ", True)]
    assert docs_table.one("select count(*) from wikiembed.action_log where action = 'pin'") == 1
    assert docs_table.one(PIN, OURS) == generation(docs_table) == 1
    assert docs_table.one("select count(*) from wikiembed.action_log where action = 'pin'") == 1


@pytest.mark.parametrize(
    "other",
    [
        ["tei", "nomic", 4, "search: "],
        ["ollama", "bge", 4, "search: "],
        ["ollama", "nomic", 8, "search: "],
        ["ollama", "nomic", 4, ""],
    ],
)
def test_worker_with_other_settings_is_refused(docs_table: Database, other: list[object]) -> None:
    """Provider, model, dimensions and prefix are compared."""
    docs_table.execute(PIN, OURS)
    with pytest.raises(psycopg.Error) as caught:
        docs_table.execute(PIN, other)
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE011", True)


def test_source_may_fix_its_model_and_nothing_else(docs_table: Database) -> None:
    """What a source leaves null comes from the worker's settings."""
    docs_table.execute("update wikiembed.sources set model = 'nomic' where name = 'docs'")
    assert docs_table.one(PIN, OURS) == 1


def test_model_set_to_null_is_pinned_again(docs_table: Database) -> None:
    """Provider and prefix pinned with it are cleared, so that the next worker decides."""
    docs_table.execute(PIN, OURS)
    docs_table.execute("update wikiembed.sources set model = null where name = 'docs'")
    assert docs_table.one(PIN, ["tei", "bge", 4, ""]) == 2
    assert docs_table.rows(
        "select provider, model, document_prefix from wikiembed.sources where name = 'docs'"
    ) == [("tei", "bge", "")]
    assert docs_table.one(PIN, ["tei", "bge", 4, ""]) == 2


PREFIX = "select document_prefix, prefix_pinned from wikiembed.sources where name = 'docs'"


def test_prefix_fixed_by_the_source_survives_a_change_of_model(docs_table: Database) -> None:
    """Fixed before the pin, or manually after it; only a prefix set by a pin is cleared with it."""
    unpin = "update wikiembed.sources set model = null where name = 'docs'"
    fix = "update wikiembed.sources set document_prefix = %s where name = 'docs'"
    docs_table.execute(fix, ["own: "])
    docs_table.execute(PIN, ["ollama", "nomic", 4, "own: "])
    docs_table.execute(unpin)
    assert docs_table.rows(PREFIX) == [("own: ", False)]
    docs_table.execute(fix, [None])
    docs_table.execute(PIN, OURS)
    assert docs_table.rows(PREFIX) == [("search: ", True)]
    docs_table.execute(unpin)
    assert docs_table.rows(PREFIX) == [(None, False)]
    docs_table.execute(PIN, OURS)
    docs_table.execute(fix, ["by hand: "])
    assert docs_table.rows(PREFIX) == [("by hand: ", False)]
    docs_table.execute(unpin)
    assert docs_table.rows(PREFIX) == [("by hand: ", False)]


def test_pinned_prefix_is_cleared_though_the_source_fixed_its_provider(
    docs_table: Database,
) -> None:
    """Its provider stays."""
    docs_table.execute("update wikiembed.sources set provider = 'ollama' where name = 'docs'")
    docs_table.execute(PIN, OURS)
    assert docs_table.rows(PREFIX) == [("search: ", True)]
    docs_table.execute("update wikiembed.sources set model = null where name = 'docs'")
    assert docs_table.rows(PREFIX) == [(None, False)]
    assert docs_table.one("select provider from wikiembed.sources where name = 'docs'") == "ollama"


def test_two_workers_that_pin_concurrently_agree(docs_table: Database) -> None:
    """The second waits for the first, then compares."""
    first, second = docs_table.connect(autocommit=False), docs_table.connect()
    first.execute(PIN.encode(), OURS)
    with in_background() as pool:
        waiting = start(pool, second, PIN, ["tei", "bge", 4, ""])
        wait_until_blocked(docs_table, second)
        first.commit()
        with pytest.raises(psycopg.Error) as caught:
            waiting.result(timeout=5)
    assert caught.value.sqlstate == "WE011"


def test_workers_that_pin_do_not_wait_for_each_others_key_share(docs_table: Database) -> None:
    """Two first writes that both lock the source would otherwise deadlock."""
    other = docs_table.connect(autocommit=False)
    other.execute("select wikiembed_private.get_source('docs')")
    with docs_table.connect() as connection:
        connection.execute("set statement_timeout = '5s'")
        assert connection.execute(PIN.encode(), OURS).fetchone() == (1,)
    assert other.execute(PIN.encode(), OURS).fetchone() == (1,)


def test_prefix_of_questions_is_pinned_with_the_model(docs_table: Database) -> None:
    """It goes when the source is unpinned, unless an operator has set it since."""
    prefix = "select query_prefix, query_prefix_pinned from wikiembed.sources where name = 'docs'"
    pin = "select wikiembed.pin_model('docs', %s, %s, %s, %s, 'query: ')"
    unpin = "update wikiembed.sources set model = null where name = 'docs'"
    docs_table.execute(pin, OURS)
    assert docs_table.rows(prefix) == [("query: ", True)]
    docs_table.execute(unpin)
    assert docs_table.rows(prefix) == [(None, False)]
    docs_table.execute(pin, OURS)
    docs_table.execute("update wikiembed.sources set query_prefix = 'q: ' where name = 'docs'")
    docs_table.execute(unpin)
    assert docs_table.rows(prefix) == [("q: ", False)]
    docs_table.execute(PIN, OURS)
    assert docs_table.rows(prefix) == [("q: ", False)]


def test_worker_without_a_prefix_of_questions_pins_none(docs_table: Database) -> None:
    """Then each question is asked with the settings of who asks it."""
    docs_table.execute(PIN, OURS)
    assert docs_table.one("select query_prefix from wikiembed.sources where name = 'docs'") is None
