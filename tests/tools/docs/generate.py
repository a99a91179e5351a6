"""`python -m tests.tools.docs.generate`: rewrite the generated pages of docs/reference.

client.md comes from the signatures and docstrings of `wikiembed.search`, commands.md from the typer
app, doctor.md from the list of its alarms, the table in
failures.md from the error classes, metrics.md and the files of docs/deploy/monitoring from the
catalogue of metrics, scripts.md from the scripts' --help, settings.md from the
pydantic fields, sql.md from the catalogue of a freshly migrated database; the pictures of
architecture.md come from the layers in pyproject.toml.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.support.database import Database, create_database, make_template
from tests.support.server import start_server
from tests.tools.docs.architecture import PICTURES
from tests.tools.docs.catalogue import sql_page
from tests.tools.docs.client import client_page
from tests.tools.docs.commands import commands_page
from tests.tools.docs.doctor import doctor_page
from tests.tools.docs.failures import failures_page
from tests.tools.docs.metrics import collector_file, dashboard_file, metrics_page
from tests.tools.docs.pages import DOCS, REFERENCE
from tests.tools.docs.scripts import scripts_page
from tests.tools.docs.settings import settings_page

FILES = {
    "deploy/monitoring/wikiembed.collector.yml": collector_file,
    "deploy/monitoring/grafana-dashboard.json": dashboard_file,
}
"""Generated files of docs/ that are no pages."""
NOTICE = "<!-- Written by `python -m tests.tools.docs.generate`; do not edit. -->"


def generated_pages(database: Database) -> dict[str, str]:
    """File name → text of every generated page."""
    whole = {
        name: f"{NOTICE}\n\n{text.rstrip()}\n"
        for name, text in (
            ("client.md", client_page()),
            ("commands.md", commands_page()),
            ("doctor.md", doctor_page()),
            ("metrics.md", metrics_page()),
            ("scripts.md", scripts_page()),
            ("settings.md", settings_page()),
            ("sql.md", sql_page(database)),
        )
    }
    return {**whole, "failures.md": failures_page()}


def main() -> Sequence[str]:
    """Write the pages; returns the names of the changed ones."""
    server = start_server()
    try:
        with create_database(server, make_template(server)) as database:
            pages = generated_pages(database)
    finally:
        server.end()
    changed = []
    files = {REFERENCE / name: text for name, text in pages.items()}
    files |= {DOCS / name: make() for name, make in (PICTURES | FILES).items()}
    for path, text in files.items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            changed.append(path.name)
    return changed


if __name__ == "__main__":
    sys.stdout.write(f"Changed: {', '.join(main()) or 'nothing'}.\n")
