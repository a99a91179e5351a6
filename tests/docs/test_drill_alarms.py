"""Each row of the policy's table of doctor's alarms clears its alarm, typed verbatim."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.eventually import eventually
from tests.support.standin import BadText, blurred, vectors_of
from tests.tools.docs.drill import Drill
from tests.tools.docs.policy import tables_under, word_of
from wikiembed.cli.load import ATTACH_AGAIN
from wikiembed.control.doctor import ALARMS

NOT_DRILLED = {
    ("postgres", "fault"): "no server that old is at hand",
    ("pgvector", "fault"): "fixed by a restore: see how-to/after-a-restore.md",
    ("procrastinate", "fault"): "its command would change the interpreter of these tests",
    ("citus", "fault"): "it needs a cluster: tests/real/test_citus.py follows its row",
    ("clock", "warning"): "a clock cannot be set here",
    ("lag", "fault"): "it lasts until the hours of late vectors are past",
    ("splitter", "fault"): "its command would change the interpreter of these tests",
}
DIE = "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
Fix = Callable[[], object]
ROWS = {
    (word_of(row["alarm"]), level): row
    for row in tables_under("By alarm of doctor")
    for level in row["level"].split(" or ")
}


def _with_settings(drill: Drill, **settings: str) -> Fix:
    """Set wrong settings in the operator's shell; returns a function that restores them."""
    kept = drill.swap(settings)
    return lambda: drill.swap(kept)


def _database(drill: Drill) -> Fix:
    return _with_settings(drill, WIKIEMBED_DATABASE_URL="postgresql://localhost:1/none")


def _read_only(drill: Drill) -> Fix:
    url = make_conninfo(drill.database.url, options="-c default_transaction_read_only=on")
    return _with_settings(drill, WIKIEMBED_DATABASE_URL=url)


def _old_pgvector(drill: Drill) -> None:
    drill.database.execute(
        "set allow_system_table_mods = on;"
        " update pg_extension set extversion = '0.8.4' where extname = 'vector'"
    )


def _schema(drill: Drill) -> None:
    drill.database.execute("update wikiembed.schema_digest set digest = 'another'")


def _trigger_of_the_queue(drill: Drill) -> None:
    drill.database.execute(
        "alter table wikiembed_queue.procrastinate_jobs disable trigger wikiembed_pause_gate"
    )


def _unexamined(drill: Drill) -> Fix:
    role = drill.database.create_role("worker", grant="worker")
    url = make_conninfo(drill.database.url, options=f"-c role={role}")
    return _with_settings(drill, WIKIEMBED_DATABASE_URL=url)


def _sources(drill: Drill) -> None:
    drill.database.execute("select wikiembed.detach('wiki')")


def _relation(drill: Drill) -> None:
    drill.database.execute("drop table public.wiki_chunks")


def _replaced(drill: Drill) -> None:
    """A bulk import: a new table takes the name of the old."""
    drill.database.execute(
        "create table public.new_chunks (like public.wiki_chunks including all);"
        " insert into public.new_chunks"
        " (document_id, position, context, content, starts_at, ends_at)"
        " select document_id, position, context, content, starts_at, ends_at"
        " from public.wiki_chunks;"
        " alter table public.wiki_chunks rename to old_chunks;"
        " alter table public.new_chunks rename to wiki_chunks"
    )


def _triggers(drill: Drill) -> None:
    drill.database.execute("alter table public.wiki_chunks disable trigger all")


def _index(drill: Drill) -> None:
    drill.database.execute("drop index public.wikiembed_missing_wiki")


def _search_index(drill: Drill) -> None:
    """The rest of an interrupted build."""
    drill.work()
    drill.type("wikiembed index --source wiki")
    drill.database.execute(
        "update pg_index as i set indisvalid = false from pg_class as c, pg_am as a"
        " where c.oid = i.indexrelid and a.oid = c.relam and a.amname = 'hnsw'"
        " and i.indrelid = 'public.wiki_chunks'::regclass"
    )


def _recall(drill: Drill) -> None:
    """An index of few links, over vectors that have nothing in common."""
    drill.load_table("one more")
    drill.work()
    drill.database.execute(
        "insert into public.texts (id, body, vec) select 100 + g, 'more',"
        " array[sin(g), cos(g * g), sin(g * g * 7), cos(g * 5)]::vector"
        " from generate_series(1, 2000) as g"
    )
    drill.type("wikiembed index --source wiki --m 2 --ef-construction 4")
    drill.type("wikiembed recall wiki")


def _owner(drill: Drill) -> Fix:
    role = drill.database.create_role("app")
    drill.database.execute(f"alter table public.wiki_chunks owner to {role}")
    return lambda: drill.database.execute("alter table public.wiki_chunks owner to current_user")


def _prefix(drill: Drill) -> Fix:
    kept = drill.swap({"WIKIEMBED_MODEL": "nomic-embed-text"})
    drill.type("wikiembed backfill wiki")
    assert kept

    def fix() -> None:
        drill.database.execute("update wikiembed.sources set model = null where name = 'wiki'")
        drill.database.execute("update public.wiki_chunks set embedding = null")
        drill.swap(
            {
                "WIKIEMBED_DOCUMENT_PREFIX": "search_document: ",
                "WIKIEMBED_QUERY_PREFIX": "search_query: ",
            }
        )

    return fix


def _documents_dropped(drill: Drill) -> None:
    drill.load_documents("one more")
    drill.database.execute("set client_min_messages = error; drop table public.articles cascade")


def _chunk_table(drill: Drill) -> Fix:
    drill.load_documents("one more")
    rename = "alter table public.article_chunks rename {} to {}"
    drill.database.execute(rename.format("heading", "other"))
    return lambda: drill.database.execute(rename.format("other", "heading"))


def _document_triggers(drill: Drill) -> None:
    drill.load_documents("one more")
    drill.database.execute("alter table public.articles disable trigger all")


def _documents_waiting(drill: Drill) -> None:
    """A restore without the queue's rows."""
    drill.load_documents("one more")
    drill.database.execute("delete from wikiembed_queue.procrastinate_jobs")


def _documents_failed(drill: Drill) -> None:
    drill.load_documents("one more")
    drill.database.execute(
        "select wikiembed.record_document_failure("
        "'wiki', d.key, d.version, 'document_unreadable', 'No.')"
        " from wikiembed.read_documents('wiki', array['1']) as d"
    )


def _splitter_version(drill: Drill) -> None:
    """An upgrade whose splitter cuts elsewhere."""
    drill.load_documents("one more")
    drill.database.execute("update wikiembed.document_sources set splitter_version = 0")


def _paused(drill: Drill) -> None:
    drill.type("wikiembed pause wiki --why 'the GPU is needed'")


def _held_back(drill: Drill) -> None:
    """A table that had rows when it was attached."""
    drill.type("wikiembed detach wiki")
    drill.type(ATTACH_AGAIN)


def _failures(drill: Drill) -> Fix:
    drill.standin.controls.bad_texts = [BadText(contains="number 3")]
    drill.work()
    return lambda: drill.standin.controls.update({"bad_texts": []})


def _no_worker_needed(drill: Drill) -> None:
    drill.work()


def _stuck(drill: Drill) -> None:
    drill.database.execute("update wikiembed_queue.procrastinate_jobs set status = 'doing'")


def _old_job(drill: Drill) -> None:
    drill.database.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = now() - interval '11 min'"
    )


def _budget(drill: Drill) -> None:
    drill.type("wikiembed budget wiki --tokens 1")
    drill.type("wikiembed worker --drain", code=1)


def _limit(drill: Drill) -> None:
    drill.database.execute("select wikiembed.report_limit('http://gpu:8080', null, 50, null)")
    drill.type("wikiembed limit http://gpu:8080 --requests-per-minute 60")


def _invariants(drill: Drill) -> None:
    drill.database.execute("delete from wikiembed.ledger")


def _outage(drill: Drill) -> Fix:
    drill.database.execute(
        "select wikiembed.report_outage(%s, 5, 'no_answer', null, 'Gone.')", [drill.standin.url]
    )
    return lambda: None


def _old_outage(drill: Drill) -> Fix:
    fix = _outage(drill)
    drill.database.execute(
        "update wikiembed.outages set last_seen_at = now() - interval '5 min',"
        " since = now() - interval '2 h'"
    )
    return fix


def _embedder(drill: Drill) -> Fix:
    drill.standin.controls.down = True
    return lambda: drill.standin.controls.update({"down": False})


def _one_of_two_servers(drill: Drill) -> Fix:
    both = f"{drill.standin.url} http://127.0.0.1:9"
    return _with_settings(drill, WIKIEMBED_EMBEDDER_URL=both)


def _model(drill: Drill) -> None:
    drill.work()
    drill.database.execute("update public.wiki_chunks set embedding = null where id = 2")
    drill.swap({"WIKIEMBED_MODEL": "another-model"})


def _served_model(drill: Drill) -> None:
    drill.standin.controls.listed = ["standin-model"]
    drill.swap({"WIKIEMBED_EMBEDDER": "openai", "WIKIEMBED_MODEL": "a-typing-error"})


def _silent_truncation(drill: Drill) -> Fix:
    """A server that truncates silently at 2,000 characters; then one that refuses."""
    drill.swap({"WIKIEMBED_EMBEDDER": "openai", "WIKIEMBED_CHECK_TRUNCATION": "true"})
    drill.standin.controls.update({"max_chars": 2000, "cuts_silently": True})
    drill.type("wikiembed backfill wiki")
    status = drill.type("wikiembed status")
    assert "Truncated silently: texts of wiki longer than about 2," in status
    return lambda: drill.standin.controls.update({"cuts_silently": False})


def _other_model(drill: Drill) -> Fix:
    """The server is updated, and has another model of the same name."""
    drill.work()
    drill.standin.controls.salt = "another model"
    drill.type("wikiembed verify wiki", code=1)
    return lambda: drill.standin.controls.update({"salt": ""})


def _other_weights(drill: Drill) -> Fix:
    """The same with another quantisation."""
    drill.work()
    drill.standin.controls.vectors = blurred
    drill.type("wikiembed verify wiki", code=1)
    return lambda: drill.standin.controls.update({"vectors": vectors_of})


def _dimensions(drill: Drill) -> Fix:
    drill.standin.controls.dimensions = 5
    return lambda: drill.standin.controls.update({"dimensions": 4})


PROVOKE: dict[tuple[str, str], Callable[[Drill], Fix | None]] = {
    ("database", "fault"): _database,
    ("read_only", "fault"): _read_only,
    ("pgvector", "warning"): _old_pgvector,
    ("schema", "fault"): _schema,
    ("queue_schema", "fault"): _trigger_of_the_queue,
    ("unexamined", "fault"): _unexamined,
    ("sources", "warning"): _sources,
    ("relation", "fault"): _relation,
    ("replaced", "fault"): _replaced,
    ("triggers", "fault"): _triggers,
    ("documents_relation", "fault"): _documents_dropped,
    ("chunk_table", "fault"): _chunk_table,
    ("document_triggers", "fault"): _document_triggers,
    ("documents_waiting", "warning"): _documents_waiting,
    ("documents_failed", "warning"): _documents_failed,
    ("splitter_version", "warning"): _splitter_version,
    ("index", "warning"): _index,
    ("search_index", "warning"): _search_index,
    ("recall", "warning"): _recall,
    ("owner", "warning"): _owner,
    ("prefix", "warning"): _prefix,
    ("paused", "warning"): _paused,
    ("budget", "warning"): _budget,
    ("limit", "warning"): _limit,
    ("held_back", "warning"): _held_back,
    ("failures", "warning"): _failures,
    ("workers", "warning"): _no_worker_needed,
    ("workers", "fault"): lambda drill: None,
    ("stuck_jobs", "warning"): _stuck,
    ("oldest_job", "warning"): _old_job,
    ("invariants", "fault"): _invariants,
    ("outage", "fault"): _outage,
    ("outage", "warning"): _old_outage,
    ("embedder", "fault"): _embedder,
    ("embedder", "warning"): _one_of_two_servers,
    ("model", "fault"): _model,
    ("served_model", "warning"): _served_model,
    ("silent_truncation", "warning"): _silent_truncation,
    ("model_drift", "fault"): _other_model,
    ("model_drift", "warning"): _other_weights,
    ("dimensions", "fault"): _dimensions,
}


def test_policy_has_a_row_for_each_alarm_of_doctor() -> None:
    """One row per alarm; all are drilled except those with a reason."""
    alarms = {(alarm.name, alarm.level) for alarm in ALARMS}
    assert set(ROWS) == alarms
    assert set(PROVOKE) | set(NOT_DRILLED) == alarms
    assert set(PROVOKE) & set(NOT_DRILLED) == set()


@pytest.mark.parametrize("alarm", sorted(PROVOKE), ids="-".join)
def test_row_of_an_alarm_clears_it(alarm: tuple[str, str], drill: Drill) -> None:
    """The alarm is provoked and seen; the row's commands run; the alarm is cleared."""
    fix = PROVOKE[alarm](drill)
    assert alarm in drill.alarms()
    if fix is not None:
        fix()
    drill.follow(ROWS[alarm]["then run"], MODEL="standin-model")
    eventually(lambda: alarm not in drill.alarms(), within_s=60, poll_s=0.5)
    if alarm[0] not in {"relation"}:
        drill.database.check_invariants()
