"""Wrong settings of the embedder: the error, the exit code, and the changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.faults.fake_postgres import answering
from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.fingerprint import changed, fingerprint
from tests.support.refused import NO_SERVER
from tests.support.standin import StandIn
from wikiembed.config import Settings
from wikiembed.embedders.base import EmbedderOptions

DRAINS = (["worker", "--drain"], ["backfill"])
UNTOUCHED = (["status"], ["enqueue"], ["failures"], ["sources"], ["pause"], ["resume"])
PAUSE = {"wikiembed.sources", "wikiembed.action_log"}
REFUSED = '{"error": {"message": "No such luck", "type": "oddity", "code": "400"}}'
QUOTA = '{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}'


@pytest.fixture
def asked(docs_table: Database) -> Database:
    """Two chunks in one job, and one with a vector, so that search uses the model."""
    add_chunks(docs_table, 2)
    docs_table.execute("insert into public.docs (body, vec) values ('known', '[1,0,0,0]')")
    return docs_table


def assert_diagnosed(call: Call, env: dict[str, str], code: int, output: str) -> None:
    """`search` exits `code`, and `doctor` 1 with the same message."""
    sentence = assert_refused(call("search", "x", env=env), code)
    assert output in sentence
    assert "None" not in sentence
    examined = call("doctor", env=env)
    assert examined.returncode == 1
    assert any(output in line for line in examined.stdout.splitlines() if line.startswith("fault"))


def assert_untouched(call: Call, env: dict[str, str]) -> None:
    """Commands without an embedder succeed."""
    for command in UNTOUCHED:
        assert_done(call(*command, env=env))


def files(folder: Path) -> dict[str, dict[str, str]]:
    """Settings that name nothing usable on this machine."""
    for name, content in (("empty", b"\n"), ("bytes", b"\xff\xfe"), ("two", b"a\nb\n")):
        (folder / name).write_bytes(content)
    return {
        "holds no key": {"api_key_file": str(folder / "empty")},
        "holds no key: write": {"api_key_file": str(folder / "bytes")},
        "character that cannot be sent": {"api_key_file": str(folder / "two")},
        "cannot be sent": {"api_key": "schlüssel"},
        "cannot be read: Is a directory": {"api_key_file": str(folder)},
        "cannot be read: No such file": {"api_key_file": str(folder / "none")},
        "WIKIEMBED_CA_FILE cannot be read": {"ca_file": str(folder / "none")},
        "as a PEM file": {"ca_file": str(folder / "two")},
        "address is not a URL": {"embedder_url": "http://host:abc"},
        "is not a URL: set": {"embedder_url": "http://127.0.0.1:99999"},
        "is not a URL": {"embedder_url": "http://two words/"},
    }


def test_configuration_embedder_that_cannot_be_opened(
    call: Call, asked: Database, standin: StandIn, tmp_path: Path
) -> None:
    """Exit 2; the worker returns its job and pauses nothing: another worker may succeed."""
    before = fingerprint(asked)
    for output, setting in files(tmp_path).items():
        env = served(standin, **setting)
        assert_diagnosed(call, env, 2, output)
        assert output in assert_refused(call("worker", "--drain", env=env), 2)
        asked.execute("update wikiembed_queue.procrastinate_jobs set scheduled_at = null")
    assert standin.stats.requests == 0
    assert changed(before, fingerprint(asked)) == set()
    assert_untouched(call, env)


@pytest.mark.parametrize("proxy", ["foo://host", "http://127.0.0.1:abc"])
def test_configuration_invalid_proxy(
    call: Call, asked: Database, standin: StandIn, proxy: str
) -> None:
    """The variable is named, though it is not ours."""
    env = {**served(standin), "HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": ""}
    assert_diagnosed(call, env, 2, "HTTP_PROXY")
    assert "HTTP_PROXY" in assert_refused(call("worker", "--drain", env=env), 2)


MISCONFIGURED: dict[str, tuple[dict[str, object], str]] = {
    "wrong key": ({"api_key": "another"}, "refuses the API key (401)"),
    "forbidden": ({"status_for_all": {"status": 403}}, "refuses the API key (403)"),
    "unknown model": ({"known_models": ["other"]}, "knows no such model or path (404)"),
    "wrong path": ({"status_for_all": {"status": 404}}, "knows no such model or path (404)"),
    "refused probe": (
        {"status_for_all": {"status": 400, "body": REFUSED}},
        "refuses even a short known text (400): No such luck",
    ),
    "quota": ({"status_for_all": {"status": 429, "body": QUOTA}}, "quota"),
    "redirect": ({"garbage": "redirect"}, "redirects to another address"),
    "dimensions": ({"dimensions": 5}, "holds 4 dimensions"),
}


@pytest.mark.parametrize("wrong", MISCONFIGURED)
def test_configuration_embedder_refuses(
    call: Call, asked: Database, standin: StandIn, wrong: str
) -> None:
    """The source is paused with the reason, and that is all: no pin, no failure."""
    controls, output = MISCONFIGURED[wrong]
    standin.controls.update(controls)
    env = served(standin, api_key="key")
    before = fingerprint(asked)
    doubted = "dimensions" if wrong == "dimensions" else output
    if wrong == "refused probe":  # search has no probe: its query may be the cause
        assert any(output in line for line in call("doctor", env=env).stdout.splitlines())
    else:
        assert_diagnosed(call, env, 2, doubted)
    assert changed(before, fingerprint(asked)) == set()
    for command in DRAINS:
        sentence = assert_refused(call(*command, env=env), 1)
        assert output in sentence
        assert "wikiembed resume docs" in sentence
    assert changed(before, fingerprint(asked)) == PAUSE
    ((reason, model, provider, generation),) = asked.rows(
        "select pause_reason, model, provider, generation from wikiembed.sources"
        " where name = 'docs'"
    )
    assert output in reason
    assert (model, provider, generation) == (None, None, 1)
    assert asked.rows("select action, source from wikiembed.action_log where action = 'pause'") == [
        ("pause", "docs")
    ]
    assert asked.one("select paused from wikiembed.coverage where source = 'wiki'") is False
    assert_untouched(call, env)


def test_configuration_embedder_out_of_reach(call: Call, asked: Database, standin: StandIn) -> None:
    """Exit 3 after the limit, and the job is unchanged."""
    with answering(b"SSH-2.0-x\r\n") as ssh, answering(b"") as closing:
        servers = {
            "cannot be reached": NO_SERVER,
            "no.invalid": "http://no.invalid:80",
            "broke off": f"http://127.0.0.1:{ssh}",
            "broke off the connection": f"http://127.0.0.1:{closing}",
            "not JSON": standin.url,
        }
        standin.controls.garbage = "html"
        before = fingerprint(asked)
        for output, server in servers.items():
            env = served(standin, embedder_url=server, outage_limit_s="0.2")
            assert_diagnosed(call, env, 3, output)
            assert output in assert_refused(call("worker", "--drain", env=env), 3)
            asked.execute("update wikiembed_queue.procrastinate_jobs set scheduled_at = null")
    assert changed(before, fingerprint(asked)) <= {"wikiembed.outages"}


def test_configuration_https_to_a_port_without_tls(call: Call, asked: Database) -> None:
    """Not an outage: waiting does not fix it."""
    with answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n") as port:
        env = {
            "WIKIEMBED_EMBEDDER": "openai",
            "WIKIEMBED_EMBEDDER_URL": f"https://127.0.0.1:{port}",
        }
        assert_diagnosed(call, env, 2, "speaks no TLS")
        assert "speaks no TLS" in assert_refused(call("worker", "--drain", env=env), 1)


def test_configuration_worker_of_another_model_changes_nothing(
    call: Call, asked: Database, standin: StandIn
) -> None:
    """It exits 2, returns its job, and pauses nothing."""
    assert_done(call("worker", "--drain", env=served(standin)))
    add_chunks(asked, 1)
    before = fingerprint(asked)
    for setting in ({"model": "n"}, {"embedder": "tei"}, {"document_prefix": "other: "}):
        assert_refused(call("worker", "--drain", env=served(standin, **setting)), 2)
        asked.execute("update wikiembed_queue.procrastinate_jobs set scheduled_at = null")
    assert changed(before, fingerprint(asked)) == set()


def test_configuration_keeps_the_key_out_of_what_it_shows() -> None:
    """Tracebacks and debuggers print settings and options."""
    settings = Settings(api_key=SecretStr("sk-secret"))
    options = EmbedderOptions.each(settings, settings.embedder, None)[0]
    assert "sk-secret" not in f"{settings!r} {settings} {options!r} {settings.model_dump_json()}"
