"""docs/reference/client.md, from the signatures and docstrings of `wikiembed.search`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

# ruff: noqa: E501 - rows of tables
from tests.tools.docs.markdown import code, table
from wikiembed import errors
from wikiembed.search.client import AsyncClient, Client
from wikiembed.search.hit import Hit, SearchOptions

INTRODUCTION = """\
# Client for applications

`Client` (threads) and `AsyncClient` (an event loop) search the sources of one database. Both have the same parameters,
results and errors; the examples of [search](../how-to/search.md#in-python) and of
[FastAPI](../how-to/applications/fastapi.md), [SQLAlchemy](../how-to/applications/sqlalchemy.md),
[Django](../how-to/applications/django.md) and [retrievers](../how-to/applications/retrievers.md) use them.

```sh
wikiembed backfill docs
```

```python
from wikiembed import Client

with Client() as client:
    hit = client.search("Document 2", source="docs", limit=1)[0]
    print(hit.key, hit.content, hit.vector_rank)
```

```text
2 Document 2 1
```
"""
MEANINGS = {
    "database_url": "Where Postgres is; the [settings](settings.md) decide if it is not given.",
    "pool": "A pool of psycopg connections of the application, or any object with its method `connection()`. It is not closed.",
    "settings": "A `wikiembed.config.Settings`; the environment and `.env` are read if it is not given.",
    "cached_questions": "How many vectors of questions are kept, the last used ones.",
    "text": "The question. Its vector is made by the model that made the source's vectors, behind the source's prefix for questions.",
    "source": "A name, or several of one model; None: every source with vectors.",
}
OF_ONE = {
    "embed_query": "The name of the source.",
    "coverage": "The name of a source; None: all.",
}
"""What `source` is where it is one."""
RAISED: list[tuple[type[errors.WikiembedError], str]] = [
    (
        errors.InvalidArgument,
        "An empty question, an unknown mode, a filter that cannot be written as JSON, sources of several models.",
    ),
    (
        errors.SearchRefused,
        'A filter of a column that does not exist or has another type, a limit outside 1 to 1,000, `mode="text"` without an index of text, `per_document` without documents.',
    ),
    (errors.SourceNotFound, "No source has that name."),
    (
        errors.ConditionNotMet,
        "`source=None`, and nothing is embedded yet; or the source was changed three times while the question was embedded.",
    ),
    (
        errors.ConfigurationError,
        "A setting is wrong, Postgres refuses the login, the role may not search, or the server's model has other dimensions.",
    ),
    (errors.SchemaMismatch, "The database has no wikiembed schema, or one of another version."),
    (
        errors.WrongUsage,
        "The client or its pool is closed, or an `AsyncClient` is used in a second event loop.",
    ),
    (
        errors.DatabaseUnreachable,
        "Postgres is out of reach, or the pool had no free connection in its `timeout`.",
    ),
    (
        errors.DatabaseError,
        "Postgres ended the statement: a `statement_timeout`, an aborted transaction.",
    ),
    (
        errors.EmbedderUnavailable,
        "The embedding server is out of reach, busy or too slow; `http_status` and `retry_after_s` where it gave them.",
    ),
    (
        errors.EmbedderError,
        "Any other error of the embedding server; `http_status` where there was one.",
    ),
]
FILTERS = """\
## Filters

`filter` is a dict of column names and values; all conditions must hold. A column is the chunk's or else its document's.

| value | condition |
| --- | --- |
| `3`, `"en"`, `True` | The column equals it. |
| `None` | The column is null. |
| a list, tuple, set, range or numpy array | The column equals one of its values, or is null if `None` is one. |
| `{"gte": a, "lt": b}`, with `gt`, `gte`, `lt`, `lte` | The column is within the range. |
| a dict, of a `jsonb` column | The column contains it. |

Values may be `datetime`, `date`, `time`, `UUID`, `Decimal`, an enum or a number of numpy. A time without a zone is
read in the time zone of the connection. A name of a column never becomes SQL: it is looked up and quoted.

"""
PROCESSES = """\
## Threads, processes, transactions

- One `Client` serves all threads of a process. Its own pool has up to four connections, and opens with the first search.
- A process that is forked (gunicorn with `--preload`, multiprocessing, Celery) may use a client of its parent: it opens
  connections of its own. A pool that is given must be made in the child.
- An `AsyncClient` belongs to the event loop that uses it first: make it where the loop starts, such as in FastAPI's lifespan.
- A search is two short statements, and one more for each further source. The connection goes back to the pool after each,
  so none waits for the embedding server.
- With the application's pool a search is a transaction of its own. `wikiembed.search.client.OneConnection(connection)` is
  a `pool` that stays in the transaction of one connection: a search sees its uncommitted rows and its settings, and a refused
  search leaves the transaction as it was.
- Rows are read with the rights of the connection's role; row-level security holds.
- `close()` ends searches of other threads with `WrongUsage`. A script that does not close its client ends all the same.
"""


def client_page() -> str:
    """The page."""
    names = [name for name, _ in inspect.getmembers(Client, inspect.isfunction)]
    methods = [
        getattr(Client, name)
        for name in sorted(names, key=list(vars(Client)).index)
        if not name.startswith("_") and name != "take"
    ]
    lines = [INTRODUCTION, "## Constructor", "", *_parameters(Client.__init__)]
    for method in methods:
        lines += _method(method)
    lines += ["## Fields of a hit", "", f"{inspect.getdoc(Hit)} It is a frozen dataclass.", ""]
    described = {**_attributes(Hit), "similarity": _first(Hit.similarity)}
    types = {**Hit.__annotations__, "similarity": "float | None"}
    lines += table(
        ["field", "type", "meaning"],
        ([code(name), code(types[name]), text] for name, text in described.items()),
    )
    lines += ["`as_json()` returns all of them as a dict.", "", FILTERS + "## Errors", ""]
    lines += [
        "Every error is a class of `wikiembed.errors` below `WikiembedError`, and its text is one sentence. The"
        " [reference of errors](sqlstates.md#all-exceptions) has the tree.",
        "",
    ]
    lines += table(["class", "raised for"], ([code(kind.__name__), why] for kind, why in RAISED))
    return "\n".join([*lines, PROCESSES])


def _method(method: Callable[..., object]) -> Iterator[str]:
    name = method.__name__
    signature = inspect.signature(method)
    yield from (f"## {name}", "")
    twin = getattr(AsyncClient, {"close": "aclose"}.get(name, name))
    text = " ".join((inspect.getdoc(method) or "").split())
    yield from (text.partition(": see `AsyncClient")[0].rstrip(".").replace("``", "`") + ".", "")
    yield from (f"`AsyncClient`: `await client.{twin.__name__}(…)`.", "")
    if len(signature.parameters) > 1:
        yield from _parameters(method)
    if name == "coverage":
        yield from ("The fields are the columns of [the view](sql.md#wikiembedcoverage).", "")
    returned = str(signature.return_annotation)
    if returned != "None":
        yield from (f"Returns {code(_type(returned))}.", "")


def _parameters(function: Callable[..., object]) -> list[str]:
    options = _attributes(SearchOptions)
    rows = []
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        meaning = options[name] if name in options else MEANINGS[name]
        if name == "source":
            meaning = OF_ONE.get(function.__name__, meaning)
        by_name = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        default = "" if parameter.default is inspect.Parameter.empty else _shown(parameter.default)
        rows.append(
            [
                code(f"{name}=" if by_name else name),
                code(_type(str(parameter.annotation))),
                default,
                meaning,
            ]
        )
    return table(["parameter", "type", "default", "meaning"], rows)


TYPES = {
    "Source": "str | Sequence[str] | None",
    "Filter | None": "Mapping[str, object] | None",
    "Mode | str": "str",
    "Connections | None": "ConnectionPool | Connections | None",
    "Matrix": "numpy.ndarray",
}


def _type(annotation: str) -> str:
    return TYPES.get(annotation, annotation)


def _shown(default: object) -> str:
    return code(f'"{default.value}"' if isinstance(default, StrEnum) else repr(default))


def _first(function: object) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _attributes(kind: type) -> dict[str, str]:
    """Field → the docstring below it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    statements: Iterable[tuple[ast.stmt, ast.stmt]] = zip(body.body, body.body[1:], strict=False)
    for field, text in statements:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(text, ast.Expr), f"{kind.__name__}.{field.target.id} has no docstring"
            assert isinstance(text.value, ast.Constant)
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
