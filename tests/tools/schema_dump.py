"""The schema as one text, from pg_dump: ``python -m tests.tools.schema_dump`` rewrites the file.

Bodies of functions are left out: each stands in one file of migrations/current, whose diff shows a
change, and the dump shows what a caller sees.
"""

from __future__ import annotations

import re
import subprocess

from tests.support.database import create_database, make_template
from tests.support.server import start_server
from wikiembed.db import migrations_dir
from wikiembed.db.embedded_files import binaries

VERSION = 18
FILE = migrations_dir() / "schema.sql"
OURS = ["wikiembed", "wikiembed_private", "wikiembed_queue"]
_BODY = re.compile(r"AS (\$\w*\$).*?\1;", re.DOTALL)
# Of a function that was parsed when it was created: `RETURN expression`.
_PARSED_BODY = re.compile(r"\n +RETURN .*?;(?=\n)", re.DOTALL)
WIKI = ["public.wiki_pages", "public.wiki_chunks"]
HEAD = (
    "-- Written by `python -m tests.tools.schema_dump`: the schema after every migration, without\n"
    "-- the bodies of functions, which stand in migrations/current.\n"
)


def dump(url: str) -> str:
    """pg_dump's output for our schemas and the wiki's tables, without what varies.

    Owners, versions, the session's settings and the bodies of functions are omitted.
    """
    return HEAD + "".join(
        _normalise(_pg_dump(url, arguments))
        for arguments in (
            [f"--schema={name}" for name in OURS],
            [f"--table={name}" for name in WIKI],
        )
    )


def _pg_dump(url: str, arguments: list[str]) -> str:
    return subprocess.run(
        [
            str(binaries(VERSION) / "pg_dump"),
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            *arguments,
            url,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def _normalise(text: str) -> str:
    kept = [
        line.rstrip()
        for line in text.splitlines()
        if not re.match(
            r"(\\(un)?restrict |SET |SELECT pg_catalog\.set_config|-- Dumped |-- Name: |--"
            r" PostgreSQL |--$)",
            line,
        )
    ]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n\n"
    return _PARSED_BODY.sub(";", _BODY.sub("AS …;", text))


def main() -> None:
    """Migrate an empty database and write its schema to the file."""
    server = start_server()
    try:
        with create_database(server, make_template(server)) as database:
            FILE.write_text(dump(database.url))
    finally:
        server.end()


if __name__ == "__main__":
    main()
