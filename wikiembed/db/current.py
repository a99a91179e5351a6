"""Write the functions, views and triggers of ``migrations/current``: all of them, each time.

They are edited in place. A body may name what a later file creates, as check_function_bodies is
off; 99_finish drops what no file creates any more, and grants the rights to call the rest.
"""

from __future__ import annotations

from importlib.metadata import version

from wikiembed.db.digest import current_files, digest
from wikiembed.db.step import run

_RECORD = """
insert into wikiembed.schema_digest as d (digest, package_version) values ('{digest}', '{package}')
    on conflict (only_row) do update
       set digest = excluded.digest, package_version = excluded.package_version,
           migrated_at = now();
"""


def write_current() -> None:
    """Run every file, then record the digest that workers compare with their own."""
    run("set local check_function_bodies = off;")
    for file in current_files():
        run(file.read_text(encoding="utf-8"))
    run("set local check_function_bodies = on;")
    run(_RECORD.format(digest=digest(), package=version("wikiembed")))
