"""How a case of doctor is described, and what several of them need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How to cause an alarm, words of its sentence, and how to clear it.

    `env` are settings by lower-case name, `connect` parts of the database's URL; `exits` is the
    exit code if it is not that of a fault.
    """

    name: str
    level: str
    message: str
    broken: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    connect: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    dimensions: int | None = None
    listed: tuple[str, ...] | None = None
    cuts_from: int | None = None
    exits: int | None = None
    fixed_by: tuple[str, ...] = ()
    fixed_sql: str = ""


JOB = (
    "insert into public.docs (body) values ('x');"
    " update wikiembed_queue.procrastinate_jobs set {} where task_name = 'wikiembed.embed'"
)
ARTICLES = (
    "create table public.articles (id int primary key, body text);"
    " insert into public.articles values (1, 'waits');"
    " select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
    " p_dimensions => 4, p_enqueue => {});"
)
