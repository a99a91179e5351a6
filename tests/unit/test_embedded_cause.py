"""The error for a Postgres that does not start names the cause, not the last log line."""

from __future__ import annotations

import pytest

from wikiembed.db.embedded_cause import cause_of

INITDB_FULL = """\
The files belonging to this database system will be owned by user "pgserver".
running bootstrap script ... 2031-05-01 19:11:00.278 UTC [8367] FATAL:  could not write to file \
"pg_wal/xlogtemp.8367": No space left on device
2031-05-01 19:11:00.279 UTC [8367] STATEMENT:  CREATE DATABASE template0
child process exited with exit code 1
initdb: removing contents of data directory "/data/postgres.new"
"""
INITDB_ERROR = """\
initdb: error: could not create directory "/data/postgres.new/base": Permission denied
initdb: removing contents of data directory "/data/postgres.new"
"""
LOG = """\
2031-05-01 08:00:00.000 UTC [1] LOG:  starting PostgreSQL 18.1
2031-05-01 08:00:00.100 UTC [1] FATAL:  an error of an earlier start
2031-05-01 09:00:00.000 UTC [2] LOG:  starting PostgreSQL 18.1
2031-05-01 09:00:00.100 UTC [3] FATAL:  the database system is starting up
2031-05-01 09:00:00.200 UTC [4] ERROR:  canceling autovacuum task
2031-05-01 09:00:00.300 UTC [2] PANIC:  could not write to file "pg_wal/1": No space left on device
2031-05-01 09:00:00.400 UTC [5] FATAL:  terminating connection because of a crash
2031-05-01 09:00:00.500 UTC [2] LOG:  database system is shut down
"""


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (INITDB_FULL, 'could not write to file "pg_wal/xlogtemp.8367": No space left on device'),
        (INITDB_ERROR, 'could not create directory "/data/postgres.new/base": Permission denied'),
        (LOG, 'could not write to file "pg_wal/1": No space left on device'),
        (
            "FATAL:  data directory is broken\nDETAIL:  x\npg_ctl: could not start server\n",
            "data directory is broken",
        ),
        ("LOG:  something\nLOG:  the last word.\n", "LOG:  the last word"),
        ("\n", "no output"),
    ],
)
def test_cause_is_the_most_severe_line_of_the_last_start(output: str, cause: str) -> None:
    """After an error Postgres logs what it does about it: that is not the cause."""
    assert cause_of(output) == cause
