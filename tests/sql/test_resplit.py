"""wikiembed.resplit: options, state, jobs and locks."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.chunks import in_background, start, wait_until_blocked
from tests.support.database import Database
from wikiembed.documents import SPLITTER_VERSION

OPTIONS = "select * from wikiembed.document_options('docs')"
STATE = "select key, version is null from wikiembed_private.documents_docs order by key"
JOBS = (
    "select priority, args -> 'documents' from wikiembed_queue.procrastinate_jobs"
    " where task_name = 'wikiembed.split' and status = 'todo' order by id"
)
SPLIT_ALL = (
    "select w.outcome"
    "  from wikiembed.read_documents('docs', array(select id::text from public.documents)) as d,"
    " wikiembed.write_splits('docs', array[d.key], array[d.version], '{}', '{}', array[1],"
    " array[null]::bigint[], array[null]::text[], array[d.content], array[''], array[0],"
    " array[length(d.content)]) as w"
)


@pytest.fixture
def docs(database: Database) -> Iterator[Database]:
    """Source docs of 20 documents, each split into one chunk; nothing is queued."""
    database.execute(
        "create table public.documents (id int primary key, body text);"
        "select wikiembed.attach_documents('public.documents', 'id', 'body', 'docs',"
        " p_dimensions => 4);"
        "insert into public.documents select i, 'text ' || i from generate_series(1, 20) as i"
    )
    assert database.rows(SPLIT_ALL) == [("written",)] * 20
    database.execute("delete from wikiembed_queue.procrastinate_jobs")
    database.execute("update public.docs_chunks set embedding = '[1,0,0,0]'")
    yield database
    database.check_invariants()


def read(database: Database, number: int) -> tuple[str, int, list[int]]:
    """The key of a document, its version and the ids of its chunks."""
    ((key, version, chunks),) = database.rows(
        "select key, version, chunks from wikiembed.read_documents('docs', array[%s])",
        [str(number)],
    )
    return key, version, [chunk["id"] for chunk in chunks]


def write(connection: psycopg.Connection, key: str, version: int, old: list[int]) -> str:
    """Write a document's text as its only chunk."""
    row = connection.execute(
        "select w.outcome from public.documents as d, wikiembed.write_splits('docs',"
        " array[%(key)s], array[%(version)s]::bigint[],"
        " array_fill(1, array[cardinality(%(old)s::bigint[])]), %(old)s::bigint[], array[1],"
        " array[(%(old)s::bigint[])[1]], array[null]::text[], array[d.body], array[''], array[0],"
        " array[length(d.body)]) as w where d.id = %(key)s::int",
        {"key": key, "version": version, "old": old},
    ).fetchone()
    return str(row[0]) if row else "no such document"


def test_resplit_queues_all_documents_once(docs: Database) -> None:
    """In bulk jobs; a second call does not lengthen the queue, jobs of edits stay."""
    docs.execute("update public.documents set body = 'edited' where id = 7")
    docs.execute("delete from public.documents where id = 8")
    for _ in range(2):
        assert docs.one("select wikiembed.resplit('docs', p_force => true)") == 19
        jobs = docs.rows(JOBS)
        assert [priority for priority, _ in jobs] == [10, 0, 0]
        assert sorted(key for _, keys in jobs[1:] for key in keys) == sorted(
            str(number) for number in range(1, 21) if number != 8
        )
    assert {waits for _, waits in docs.rows(STATE)} == {True}
    assert docs.one("select wikiembed.is_ready('docs', true)") is False
    assert docs.one("select count(*) from public.docs_chunks where embedding is null") == 0


def test_resplit_that_changes_nothing_queues_nothing(docs: Database) -> None:
    """Neither the options nor the version of the splitter: no state, job or entry of the log."""
    before = docs.rows("select to_jsonb(d) from wikiembed.document_sources as d")
    for options in ("'docs'", "'docs', 'text', 1000, 0, 'title_heading', 0"):
        assert docs.one(f"select wikiembed.resplit({options})") == 0
    assert docs.rows("select to_jsonb(d) from wikiembed.document_sources as d") == before
    assert (docs.rows(JOBS), {waits for _, waits in docs.rows(STATE)}) == ([], {False})
    assert docs.one("select count(*) from wikiembed.action_log where action = 'resplit'") == 0


def test_resplit_applies_a_new_version_of_the_splitter(docs: Database) -> None:
    """Without options; the version is recorded and logged."""
    version = "select splitter_version from wikiembed.document_sources where source = 'docs'"
    assert docs.one("select wikiembed_private.splitter_version()") == SPLITTER_VERSION
    assert docs.one(version) == SPLITTER_VERSION
    docs.execute("update wikiembed.document_sources set splitter_version = 0")
    assert docs.one("select wikiembed.resplit('docs')") == 20
    assert docs.one(version) == SPLITTER_VERSION
    logged = "select detail from wikiembed.action_log where action = 'resplit'"
    assert docs.rows(logged) == [({"documents": 20, "splitter_version": SPLITTER_VERSION},)]
    assert docs.one("select wikiembed.resplit('docs')") == 0


def test_resplit_changes_the_options_that_are_given(docs: Database) -> None:
    """Others stay; 0 removes the bound of tokens. The action log has what changed."""
    docs.execute("select wikiembed.resplit('docs', p_max_chars => 800, p_max_tokens => 128)")
    assert docs.rows(OPTIONS) == [("text", 800, 0, "title_heading", 128)]
    generation = "select generation from wikiembed.document_sources where source = 'docs'"
    first = docs.one(generation)
    docs.execute("select wikiembed.resplit('docs', 'markdown', null, 200, 'none')")
    assert docs.rows(OPTIONS) == [("markdown", 800, 200, "none", 128)]
    docs.execute("select wikiembed.resplit('docs', p_max_tokens => 0)")
    assert docs.rows(OPTIONS) == [("markdown", 800, 200, "none", None)]
    assert docs.one(generation) == first + 2
    details = docs.rows("select detail from wikiembed.action_log where action = 'resplit'")
    assert [detail for (detail,) in details] == [
        {"documents": 20, "max_chars": 800, "max_tokens": 128},
        {"documents": 20, "splitter": "markdown", "overlap_chars": 200, "context": "none"},
        {"documents": 20, "max_tokens": None},
    ]


@pytest.mark.parametrize(
    "options",
    [
        "p_splitter => 'xml'", "p_max_chars => 31", "p_max_chars => 1000001",
        "p_overlap_chars => 251", "p_overlap_chars => -1", "p_context => 'all'",
        "p_max_tokens => 7", "p_max_tokens => 1000001", "p_max_tokens => -1",
    ],
)  # fmt: skip
def test_resplit_refuses_options_that_are_not_valid(docs: Database, options: str) -> None:
    """As attach_documents does; nothing changes."""
    before = docs.rows(OPTIONS), docs.rows(STATE)
    with pytest.raises(psycopg.Error) as raised:
        docs.execute(f"select wikiembed.resplit('docs', {options})")
    assert raised.value.sqlstate == "WE010"
    assert (docs.rows(OPTIONS), docs.rows(STATE)) == before
    assert docs.rows(JOBS) == []


@pytest.mark.parametrize("tokens", [7, 1_000_001, 0])
def test_attach_refuses_a_bound_of_tokens_that_is_not_valid(docs: Database, tokens: int) -> None:
    """One that is null is none."""
    docs.execute("create table public.others (id int primary key, body text)")
    attach = (
        "select wikiembed.attach_documents('public.others', 'id', 'body', 'others',"
        " p_dimensions => 4, p_max_tokens => %s)"
    )
    with pytest.raises(psycopg.Error, match=f"at most 8 to 1,000,000 tokens, not {tokens}"):
        docs.execute(attach, [tokens])
    docs.execute(attach, [256])
    assert docs.one("select max_tokens from wikiembed.document_options('others')") == 256


def test_resplit_needs_a_source_of_documents(docs: Database) -> None:
    """WE001, also when its document table was dropped."""
    for name in ("none", None):
        with pytest.raises(psycopg.Error) as raised:
            docs.execute("select wikiembed.resplit(%s)", [name])
        assert raised.value.sqlstate == "WE001"
    docs.execute("drop table public.documents cascade")
    with pytest.raises(psycopg.Error, match=r"the document table of source .* was dropped"):
        docs.execute("select wikiembed.resplit('docs', p_force => true)")
    docs.execute("select wikiembed.detach('docs')")


def test_resplit_refuses_other_isolation(docs: Database) -> None:
    """A snapshot from before the lock would miss documents."""
    connection = docs.connect(autocommit=False)
    connection.execute("set transaction isolation level repeatable read")
    with pytest.raises(psycopg.Error) as raised:
        connection.execute("select wikiembed.resplit('docs', p_force => true)")
    assert raised.value.sqlstate == "WE008"


def test_resplit_ends_failures_and_keeps_a_pause(docs: Database) -> None:
    """What failed may succeed with other options."""
    docs.execute("update public.documents set body = 'other' where id = 3")
    assert docs.one(
        "select wikiembed.record_document_failure('docs', d.key, d.version, 'document_unreadable',"
        " 'x') from wikiembed.read_documents('docs', array['3']) as d"
    )
    docs.execute("select wikiembed.pause('docs')")
    assert docs.one("select wikiembed.resplit('docs', p_max_chars => 500)") == 20
    assert docs.one("select count(*) from wikiembed.document_failures") == 0
    assert docs.one("select paused_at is not null from wikiembed.sources where name = 'docs'")


def test_resplit_queues_documents_that_were_held_back(database: Database) -> None:
    """Afterwards none waits for an enqueue."""
    database.execute(
        "create table public.documents (id int primary key, body text);"
        "insert into public.documents values (1, 'one');"
        "select wikiembed.attach_documents('public.documents', 'id', 'body', 'docs',"
        " p_dimensions => 4)"
    )
    held = "select held_back_at is not null from wikiembed.sources where name = 'docs'"
    assert database.one(held) is True
    assert database.one("select wikiembed.resplit('docs', p_force => true)") == 1
    assert database.one(held) is False
    database.check_invariants()


def test_version_that_was_read_before_is_stale(docs: Database) -> None:
    """Even with the same options: the splitter may be another."""
    docs.execute("update public.documents set body = 'other' where id = 1")
    former = read(docs, 1)
    docs.execute("select wikiembed.resplit('docs', p_force => true)")
    assert write(docs.connect(), *former) == "stale"
    assert write(docs.connect(), *read(docs, 1)) == "written"


def test_write_during_a_resplit_is_locked(docs: Database) -> None:
    """It could record a version of the former options."""
    docs.execute("update public.documents set body = 'other' where id = 1")
    former = read(docs, 1)
    operator = docs.connect(autocommit=False)
    operator.execute("select wikiembed.resplit('docs', p_force => true)")
    assert write(docs.connect(), *former) == "locked"
    operator.commit()
    assert write(docs.connect(), *former) == "stale"


def test_resplit_waits_for_a_write_that_began_before(docs: Database) -> None:
    """And resets its state too."""
    docs.execute("update public.documents set body = 'other' where id = 1")
    worker, operator = docs.connect(autocommit=False), docs.connect()
    assert write(worker, *read(docs, 1)) == "written"
    with in_background() as pool:
        waiting = start(pool, operator, "select wikiembed.resplit('docs', p_force => true)")
        wait_until_blocked(docs, operator)
        worker.commit()
        assert waiting.result(timeout=20) == [(20,)]
    assert ("1", True) in docs.rows(STATE)


def test_resplit_waits_for_writers_of_documents_without_a_deadlock(docs: Database) -> None:
    """A transaction that edits in any order goes first, and what it inserts is split again."""
    user, operator = docs.connect(autocommit=False), docs.connect()
    user.execute("update public.documents set body = 'edited' where id = 20")
    with in_background() as pool:
        waiting = start(pool, operator, "select wikiembed.resplit('docs', p_force => true)")
        wait_until_blocked(docs, operator)
        user.execute("update public.documents set body = 'edited' where id = 1")
        user.execute("insert into public.documents values (21, 'new')")
        user.commit()
        assert waiting.result(timeout=20) == [(21,)]
    assert docs.rows(STATE) == sorted((str(number), True) for number in range(1, 22))


def test_resplit_queues_a_document_that_a_live_job_has_split_already(docs: Database) -> None:
    """The job goes on with others, and does not split this one again."""
    docs.execute(
        "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, status, args)"
        " values ('embed_docs', 'wikiembed.split', 'doing',"
        """ '{"source": "docs", "documents": ["1", "2"]}')"""
    )
    docs.execute("select wikiembed.resplit('docs', p_force => true)")
    assert {"1", "2"} <= {key for _, keys in docs.rows(JOBS) for key in keys}
