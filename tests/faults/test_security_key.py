"""The API key is written only into the request, whatever the server answers.

/proc/PID/environ is exempt: the environment is how the key is given.
"""

from __future__ import annotations

import logging
import signal
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.chunks import add, coverage
from tests.support.cli import Call, Result, StartCli
from tests.support.database import Database
from tests.support.refused import NO_SERVER
from tests.support.standin import BadText, StandIn
from tests.support.workers import KEY, drain, environment_of, settings_of
from wikiembed.errors import WikiembedError

PASSWORD = "Tr0ub4dor-pw"
ECHO = f'{{"error": {{"message": "Incorrect API key provided: {KEY}.", "code": "{KEY}"}}}}'
LOOKS = (["status", "--json"], ["failures", "--json"], ["doctor"], ["search", "x"], ["sources"])


def assert_nowhere(database: Database, secret: str, *results: Result) -> None:
    """Assert that no output, table, running query or comment contains it."""
    for result in results:
        assert secret not in result.stdout + result.stderr
    tables = database.rows(
        "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
        " where schemaname !~ '^pg_|^information'"
    )
    assert {"public.docs", "wikiembed.sources", "wikiembed_queue.procrastinate_jobs"} <= {
        name for (name,) in tables
    }
    for name in [name for (name,) in tables] + ["pg_catalog.pg_description"]:
        found = database.one(
            f"select count(*) from {name} as t where position(%s in t::text) > 0", [secret]
        )
        assert found == 0, name
    # Our query contains it, as a parameter: no other query may.
    seen = database.one(
        "select count(*) from pg_stat_activity where pid <> pg_backend_pid()"
        " and (position(%s in query) > 0 or position(%s in application_name) > 0)",
        [secret, secret],
    )
    assert seen == 0


def test_key_of_a_run_with_every_kind_of_answer(
    docs_table: Database, standin: StandIn, start_cli: StartCli, call: Call
) -> None:
    """Successes, echoes of the key, timeouts, resets, redirects; at level debug, to the end."""
    standin.controls.bad_texts = [
        BadText(contains="echo", body=ECHO),
        BadText(contains="plain", status=422, body=f"no JSON, but {KEY}"),
        BadText(contains="hang", effect="hang"),
        BadText(contains="reset", effect="reset"),
    ]
    settings = settings_of(
        docs_table,
        standin.url,
        api_key=SecretStr(KEY),
        log_level="debug",
        request_timeout_s=0.3,
        outage_limit_s=1.0,
    )
    env = environment_of(settings)
    standin.controls.api_key = KEY
    add(docs_table, "good", "echo", "plain", "hang", "reset", "fine")
    running = start_cli("worker", env=env)
    running.wait_for(
        lambda: (coverage(docs_table)["embedded"], coverage(docs_table)["failed"]) == (2, 4)
    )
    pid = running.process.pid
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists():
        assert KEY.encode() not in command.read_bytes()
    shown = subprocess.run(
        ["ps", "-ww", "-o", "args", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    assert KEY not in shown.stdout
    assert_nowhere(docs_table, KEY)
    standin.controls.update(
        {"status_for_all": {"status": 307, "headers": {"location": f"http://x/?key={KEY}"}}}
    )
    add(docs_table, "redirected")
    running.wait_for(lambda: coverage(docs_table)["paused"])
    standin.controls.update({"status_for_all": {"status": 401, "body": ECHO}})
    docs_table.execute("select wikiembed.resume()")
    add(docs_table, "refused")
    running.wait_for(lambda: "(401)" in (coverage(docs_table)["pause_reason"] or ""))
    ended = running.stop(signal.SIGTERM)
    assert '"level":"debug"' in ended.stderr
    assert_nowhere(docs_table, KEY, ended, *[call(*look, env=env) for look in LOOKS])


@pytest.mark.parametrize("answer", ["refused", "no server"])
async def test_key_is_in_no_exception_and_no_record(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    """From any library, at any level, with causes and contexts."""
    caplog.set_level(logging.DEBUG)
    standin.controls.update({"status_for_all": {"status": 401, "body": ECHO}})
    url = standin.url if answer == "refused" else NO_SERVER
    settings = settings_of(docs_table, url, api_key=SecretStr(KEY), outage_limit_s=0.2)
    add(docs_table, "one")
    with pytest.raises(WikiembedError) as caught:
        await drain(settings)
    error: BaseException | None = caught.value
    output = [repr(settings)]
    while error is not None:
        output += [repr(error), str(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    output += [f"{r.getMessage()} {vars(r)!r}" for r in caplog.records if r.name != "tests"]
    assert len(output) >= 4  # aiohttp does not log a refused connection
    assert [one for one in output if KEY in one] == []


@pytest.mark.parametrize("server", ["up", "down"])
def test_password_in_the_servers_address(
    docs_table: Database, standin: StandIn, call: Call, server: str
) -> None:
    """Basic authentication works, and no command, event or table shows it."""
    url = standin.url if server == "up" else NO_SERVER
    address = url.replace("http://", f"http://joe:{PASSWORD}@")
    env = environment_of(settings_of(docs_table, address, log_level="debug", outage_limit_s=0.5))
    add(docs_table, "one")
    drained = call("worker", "--drain", env=env)
    assert drained.returncode == (0 if server == "up" else 3)
    results = [drained, *[call(*look, env=env) for look in LOOKS]]
    assert_nowhere(docs_table, PASSWORD, *results)
