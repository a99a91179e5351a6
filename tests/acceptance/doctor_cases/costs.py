"""Alarms of budgets, of limits and of lag."""

from __future__ import annotations

from tests.acceptance.doctor_cases.case import JOB, Case

COSTS = (
    Case(
        name="budget",
        level="warning",
        message="Source docs will soon reach its budget: 90 of 100 tokens of the day (90 %), until",
        broken="select wikiembed.set_budget('docs', 100);"
        " select wikiembed.record_batches('docs', 1, '{1,0,10,90,0}');",
        fixed_by=("budget", "docs", "--tokens", "1000"),
    ),
    Case(
        name="budget",
        level="warning",
        message="Source docs is paused by its budget: 0 of 100 tokens of the day (0 %), until",
        broken="select wikiembed.set_budget('docs', 100);"
        " select wikiembed.reserve_budget('docs', 1, 101);",
        fixed_by=("budget", "docs", "--remove"),
    ),
    Case(
        name="limit",
        level="warning",
        message="The limit of http://host of m is set to more than the server states (60 requests"
        " where it states 50 a minute)",
        broken="select wikiembed.report_limit('http://host', 'm', 50, 900);"
        " select wikiembed.set_limit('http://host', 'm', 60);",
        fixed_by=("limit", "http://host", "--model", "m", "--remove"),
    ),
    Case(
        name="lag",
        level="fault",
        message="rows of docs have waited for their vectors for 1 min",
        broken=JOB.format("queued_at = now() - interval '61 s'"),
        env={"max_lag_s": "60"},
        fixed_by=("pause", "docs"),
    ),
    Case(
        name="lag",
        level="fault",
        message="of docs, 5 % of the rows of the last hour waited for 1 min",
        broken="select wikiembed.record_batches('docs', 1, '{1,0,10,50,0}', false,"
        " array[true, true], array[0, 43]::smallint[], array[9, 1]);",
        env={"max_lag_s": "60"},
        fixed_sql="select wikiembed.record_batches('docs', 2, '{1,0,10,50,0}', false, array[true],"
        " array[0]::smallint[], array[10]);",
    ),
)
