"""Alarms of embedding servers and models."""

from __future__ import annotations

from tests.acceptance.doctor_cases.case import Case

OUTAGE = "select wikiembed.report_outage('http://gpu', 5, 'timeout', null, 'it hangs');"
CHECK = "select wikiembed.record_model_check('docs', 'm', 3, 0.4, 0.9, {})"
SERVERS = (
    Case(
        name="outage",
        level="fault",
        message="Workers cannot reach http://gpu since",
        broken=OUTAGE,
        fixed_sql="select wikiembed.end_outage('http://gpu')",
    ),
    Case(
        name="outage",
        level="warning",
        message="`select wikiembed.end_outage('http://gpu')`",
        broken=OUTAGE + " update wikiembed.outages set last_seen_at = now() - interval '1 h',"
        " since = now() - interval '2 h'",
        fixed_sql="select wikiembed.end_outage('http://gpu')",
    ),
    Case(
        name="embedder",
        level="fault",
        message="Embedder openai m: The embedding server at",
        down=True,
    ),
    Case(
        name="model",
        level="fault",
        message="Source docs is pinned to openai other, these settings select openai m:",
        broken="update wikiembed.sources set provider = 'openai', model = 'other',"
        " pinned_at = now() where name = 'docs'",
    ),
    Case(
        name="served_model",
        level="warning",
        message="The server serves nomic-embed-text but accepts requests for m: set",
        listed=("nomic-embed-text",),
    ),
    Case(
        name="silent_truncation",
        level="warning",
        message=" silently truncates texts of source docs, wiki longer than about 2,000 characters",
        env={"check_truncation": "true"},
        cuts_from=2000,
    ),
    Case(
        name="model_drift",
        level="fault",
        message="are not those that are stored (another model, pooling or prefix; median cosine"
        " distance 0.4 of 3 chunks, ",
        broken=CHECK.format("'different'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="model_drift",
        level="fault",
        message="(a part of its chunks is off; median",
        broken=CHECK.format("'mixed'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="model_drift",
        level="warning",
        message="then run `wikiembed verify docs`",
        broken=CHECK.format("'shifted'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="dimensions",
        level="fault",
        message="Embedder openai m returns 5 dimensions, source docs has 4: choose another model",
        dimensions=5,
    ),
)
