"""wikiembed.switch: which source searches for a name use, what is refused, and who did it."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import VECTOR, add, in_background, start, wait_until_blocked
from tests.support.database import Database
from tests.support.switch import two_sources

NAMES = "select name, source from wikiembed.search_names order by name"
LOG = (
    "select source, detail from wikiembed.action_log where action = 'switch' and who = session_user"
    " order by id"
)


@pytest.fixture
def docs(database: Database) -> Database:
    """Row 1 is nearest to (1, 0, 0, 0) by the old vectors, row 2 by the new ones."""
    two_sources(database)
    database.execute(
        "insert into public.docs (body, vec, vec_new) values"
        " ('one', '[1,0,0,0]', '[0,1,0,0]'), ('two', '[0,1,0,0]', '[1,0,0,0]')"
    )
    return database


def nearest(database: Database, source: str, *more: str) -> str:
    """The key of the first hit of a search by vector."""
    options = "".join(f", {one}" for one in more)
    key: str = database.one(
        f"select key from wikiembed.search('{source}', '{VECTOR}', p_limit => 1{options})"
    )
    return key


def switch(database: Database, arguments: str) -> str | None:
    """Call wikiembed.switch; returns the source that was used before."""
    before: str | None = database.one(f"select wikiembed.switch({arguments})")
    return before


def refused(database: Database, arguments: str, state: str = "WE010") -> str:
    """The message with which a switch is refused; nothing was changed."""
    before = database.rows(NAMES)
    with pytest.raises(psycopg.Error) as caught:
        switch(database, arguments)
    assert caught.value.sqlstate == state, caught.value
    assert database.rows(NAMES) == before
    return str(caught.value.diag.message_primary)


def test_switch_has_searches_use_the_other_source(docs: Database) -> None:
    """And back; the source itself is found with p_switched."""
    assert nearest(docs, "docs") == "1"
    assert switch(docs, "'docs', 'docs_new'") == "docs"
    assert (nearest(docs, "docs"), nearest(docs, "docs_new")) == ("2", "2")
    assert nearest(docs, "docs", "p_switched => false") == "1"
    assert nearest(docs, "docs", "p_filter => '{}'") == "2"
    assert nearest(docs, "docs", """p_filter => '{"id": [1]}'""") == "1"
    assert switch(docs, "'docs', 'docs'") == "docs_new"
    assert nearest(docs, "docs") == "1"
    assert docs.rows(NAMES) == []


def test_switch_writes_one_row_and_one_line_of_the_log(docs: Database) -> None:
    """By whom, from what and to what; none for a switch that changes nothing."""
    switch(docs, "'docs', 'docs_new'")
    assert switch(docs, "'docs', 'docs_new'") == "docs_new"
    assert docs.rows(
        "select name, source, by = session_user, since <= clock_timestamp()"
        " from wikiembed.search_names"
    ) == [("docs", "docs_new", True, True)]
    switch(docs, "'docs', 'docs'")
    switch(docs, "'docs', 'docs'")
    assert docs.rows(LOG) == [
        ("docs", {"from": "docs", "to": "docs_new"}),
        ("docs", {"from": "docs_new", "to": "docs"}),
    ]


def test_switch_takes_a_name_of_its_own(docs: Database) -> None:
    """Which no source has; it is forgotten on request."""
    assert switch(docs, "'live', 'docs'") is None
    assert nearest(docs, "live") == "1"
    assert switch(docs, "'live', 'docs_new'") == "docs"
    assert nearest(docs, "live") == "2"
    assert switch(docs, "'live', null") == "docs_new"
    with pytest.raises(psycopg.Error, match='no source is named "live"'):
        nearest(docs, "live")
    assert refused(docs, "'live', null") == '"live" was not switched to a source'
    assert "has 1 to 32 bytes" in refused(docs, "'', 'docs'", "WE002")


@pytest.mark.parametrize("anyway", ["false", "true"])
def test_switch_refuses_an_unknown_source(docs: Database, anyway: str) -> None:
    """Whatever the options."""
    assert refused(docs, f"'docs', 'none', {anyway}", "WE001") == 'no source is named "none"'
    assert refused(docs, f"'live', 'live', {anyway}", "WE001") == 'no source is named "live"'


def test_switch_refuses_a_chain(docs: Database) -> None:
    """A name leads to a source in one step, whichever is switched first."""
    switch(docs, "'live', 'docs'")
    assert refused(docs, "'docs', 'docs_new', true") == (
        'searches for "live" use source "docs", so that cannot be switched itself'
    )
    switch(docs, "'live', null")
    switch(docs, "'docs', 'docs_new'")
    assert refused(docs, "'live', 'docs', true") == (
        'searches for "docs" use source "docs_new", so no other name can be switched to it'
    )
    assert refused(docs, "'docs_new', 'docs', true").startswith('searches for "docs" use')


def test_switch_refuses_a_source_that_is_not_ready(docs: Database) -> None:
    """Unless it is wanted anyway."""
    docs.execute("insert into public.docs (body, vec) values ('three', '[0,0,1,0]')")
    assert refused(docs, "'docs', 'docs_new'") == 'source "docs_new" is not ready'
    assert switch(docs, "'docs', 'docs_new', true") == "docs"
    assert nearest(docs, "docs") == "2"


def test_switch_refuses_another_table(docs: Database) -> None:
    """Unless it is wanted anyway: keys of hits would be those of other rows."""
    docs.execute("create table public.notes (id bigint primary key, body text, vec vector(4))")
    docs.execute("select wikiembed.attach('public.notes', 'id', 'body', 'vec', 'notes')")
    docs.execute("insert into public.notes values (7, 'seven', '[1,0,0,0]')")
    assert refused(docs, "'docs', 'notes'") == 'source "notes" has another table or key than "docs"'
    switch(docs, "'live', 'docs'")
    assert "another table or key" in refused(docs, "'live', 'notes'")
    assert switch(docs, "'live', 'notes', true") == "docs"
    assert nearest(docs, "live") == "7"


def test_switch_refuses_a_source_without_the_same_indexes(docs: Database) -> None:
    """Searches would be slow, or find nothing by words."""
    docs.execute("create index on public.docs using hnsw (vec vector_cosine_ops)")
    assert refused(docs, "'docs', 'docs_new'") == (
        'source "docs_new" has no index of vectors, as "docs" has'
    )
    docs.execute(
        "create index on public.docs using hnsw ((vec_new::halfvec(4)) halfvec_cosine_ops)"
    )
    docs.execute("select wikiembed.set_text_config('docs', 'simple')")
    assert refused(docs, "'docs', 'docs_new'") == (
        'source "docs_new" has no index for search by text, as "docs" has'
    )
    docs.execute("select wikiembed.set_text_config('docs_new', 'simple')")
    assert switch(docs, "'docs', 'docs_new'") == "docs"


@pytest.mark.parametrize("name", ["docs", "live"])
def test_switch_back_needs_no_index(docs: Database, name: str) -> None:
    """The source was used before: it may lack anything but vectors."""
    docs.execute("create index on public.docs using hnsw (vec_new vector_cosine_ops)")
    switch(docs, f"'{name}', 'docs'")
    switch(docs, f"'{name}', 'docs_new'")
    docs.execute("insert into public.docs (body, vec_new) values ('three', '[0,0,1,0]')")
    assert refused(docs, f"'{name}', 'docs'") == 'source "docs" is not ready'
    docs.execute("delete from public.docs where body = 'three'")
    assert switch(docs, f"'{name}', 'docs'") == "docs_new"


def test_switch_refuses_a_source_without_documents(database: Database) -> None:
    """Hits would lose their document; two chunk tables of the same documents are alike."""
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    attach = (
        "select wikiembed.attach_documents('public.articles', 'id', 'body', '{}', 'title',"
        " p_dimensions => 4)"
    )
    database.execute(attach.format("a"))
    database.execute("alter table public.a_chunks add column more vector(4)")
    database.execute(
        "select wikiembed.attach('public.a_chunks', 'id', 'content', 'more', 'a_more')"
    )
    assert refused(database, "'a', 'a_more'").startswith('source "a_more" has no documents')
    database.execute(attach.format("b"))
    assert refused(database, "'a', 'b'") == 'source "b" is not ready'
    assert switch(database, "'a', 'b', true") == "a"


def test_detach_refuses_a_source_that_a_name_uses(docs: Database) -> None:
    """The former source may go: its name leads to the other from then on."""
    switch(docs, "'docs', 'docs_new'")
    with pytest.raises(psycopg.Error) as caught:
        docs.execute("select wikiembed.detach('docs_new')")
    assert caught.value.sqlstate == "WE010"
    assert caught.value.diag.message_primary == 'searches for "docs" use source "docs_new"'
    assert "wikiembed switch docs --drop" in str(caught.value.diag.message_hint)
    docs.execute("select wikiembed.detach('docs')")
    docs.execute("alter table public.docs drop column vec")
    assert nearest(docs, "docs") == "2"
    docs.check_invariants()


def test_attach_refuses_a_name_that_was_switched(docs: Database) -> None:
    """Searches for it would use another source."""
    switch(docs, "'docs', 'docs_new'")
    docs.execute("select wikiembed.detach('docs')")
    with pytest.raises(psycopg.Error) as caught:
        docs.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    assert caught.value.sqlstate == "WE003"
    assert caught.value.diag.message_primary == 'searches for "docs" use source "docs_new"'


def test_a_source_that_is_moved_keeps_its_names(docs: Database) -> None:
    """It is detached and attached again within one transaction."""
    switch(docs, "'docs', 'docs_new'")
    docs.execute("create table public.other (like public.docs including all)")
    docs.execute(
        "select wikiembed.attach('public.other', 'id', 'body', 'vec_new', 'docs_new',"
        " p_move => true)"
    )
    assert docs.rows(NAMES) == [("docs", "docs_new")]


def test_a_source_whose_column_was_dropped_loses_its_names(docs: Database) -> None:
    """So that reconcile is not refused; searches use the source of that name again."""
    switch(docs, "'docs', 'docs_new'")
    docs.execute("alter table public.docs drop column vec_new")
    docs.execute("select wikiembed.reconcile()")
    assert docs.rows(NAMES) == []
    assert nearest(docs, "docs") == "1"
    assert docs.rows(LOG)[-1] == ("docs", {"from": "docs_new", "to": None})


def test_switch_waits_for_a_detach(docs: Database) -> None:
    """And then refuses: no name leads to a source that is gone."""
    other = docs.connect(autocommit=False)
    other.execute("select wikiembed.detach('docs_new')")
    waiting = docs.connect()
    with in_background() as pool:
        call = start(pool, waiting, "select wikiembed.switch('docs', 'docs_new', true)")
        wait_until_blocked(docs, waiting)
        other.commit()
        with pytest.raises(psycopg.Error, match='no source is named "docs_new"'):
            call.result()
    assert docs.rows(NAMES) == []


def test_readers_search_by_a_switched_name(docs: Database) -> None:
    """They see the names, and may not switch them."""
    switch(docs, "'live', 'docs_new'")
    reader = docs.create_role("reader", grant="reader")
    docs.execute(f"grant select on public.docs to {reader}")
    with docs.connect(role=reader) as connection:
        found = connection.execute(
            f"select key from wikiembed.search('live', '{VECTOR}', p_limit => 1)".encode()
        ).fetchall()
        assert found == [("2",)]
        assert connection.execute(NAMES.encode()).fetchall() == [("live", "docs_new")]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select wikiembed.switch('live', 'docs')")


def test_switch_is_visible_with_its_commit(docs: Database) -> None:
    """Another session's searches go on meanwhile, unblocked."""
    other = docs.connect(autocommit=False)
    other.execute("select wikiembed.switch('docs', 'docs_new')")
    assert nearest(docs, "docs") == "1"
    other.commit()
    assert nearest(docs, "docs") == "2"


def test_rows_are_written_and_queued_as_before(docs: Database) -> None:
    """A switch concerns searches alone."""
    switch(docs, "'docs', 'docs_new'")
    add(docs, "three")
    assert docs.rows(
        "select source, missing from wikiembed.coverage where source like 'docs%%' order by source"
    ) == [("docs", 1), ("docs_new", 1)]
    docs.check_invariants()
