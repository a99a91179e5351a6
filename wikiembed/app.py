"""The procrastinate app: ``procrastinate --app=wikiembed.app.app worker``.

Importing it reads no setting and opens no connection; opening the app does.
"""

from __future__ import annotations

from wikiembed.worker.binding.app import App
from wikiembed.worker.tasks import register


def new_app() -> App:
    """An app with wikiembed's tasks."""
    created = App()
    register(created)
    return created


app = new_app()
