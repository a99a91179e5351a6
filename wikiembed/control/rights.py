"""Which actions the role of a connection may do."""

from __future__ import annotations

from typing import Any

import psycopg

from wikiembed.db.connect import translate_errors

SIGNATURES = {
    "pause": "wikiembed.pause(text, text, timestamptz)",
    "resume": "wikiembed.resume(text, text)",
    "retry": "wikiembed.retry_failures(text, text[], text)",
    "skip": "wikiembed.skip(text, text[], text)",
    "enqueue": "wikiembed.enqueue(text, bigint, integer, boolean)",
    "reconcile": "wikiembed.reconcile(text, boolean)",
}
"""The function behind each action."""

_RIGHTS = """
select a.name
  from unnest(%s::text[], %s::text[]) as a (name, signature)
 where not pg_is_in_recovery()
   and has_schema_privilege('wikiembed', 'usage')
   and has_function_privilege(to_regprocedure(a.signature), 'execute')
"""


def permitted(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """The names of `SIGNATURES` that this role may call; none on a standby."""
    with translate_errors():
        rows = connection.execute(_RIGHTS, (list(SIGNATURES), list(SIGNATURES.values()))).fetchall()
    return frozenset(row[0] for row in rows)
