"""Which role may change wikiembed's schemas: the advice that follows `permission denied`."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.db.connect import sentence_of
from wikiembed.errors import ConfigurationError

_OWNER = """
select pg_get_userbyid(n.nspowner), pg_has_role(current_user, n.nspowner, 'usage')
  from pg_namespace as n
 where n.nspname = 'wikiembed'
"""


def advice(connection: psycopg.Connection[Any], *, verb: str, unowned: str) -> str:
    """What to do without the rights to `verb`, such as `migrate as poor, …`.

    `unowned`: the advice for a database without wikiembed's schemas.
    """
    row = connection.execute(_OWNER).fetchone()
    if row is None:
        return unowned
    owner, is_owner = row
    if is_owner:
        # Functions that change a user's table run as this role, for every caller.
        return f"give role {owner} that right (to another role's table: membership in that role)"
    return f"{verb} as role {owner}, which owns wikiembed's schemas, or as a superuser"


def refused(error: pg.InsufficientPrivilege, advised: str) -> ConfigurationError:
    """The sentence of Postgres with the advice."""
    return ConfigurationError(f"{sentence_of(error)[:-1]}; {advised}.")
