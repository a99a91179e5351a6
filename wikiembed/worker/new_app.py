"""An app for one database: procrastinate's with wikiembed's tasks."""

from __future__ import annotations

from wikiembed.worker.binding.app import App
from wikiembed.worker.tasks import register


def new_app() -> App:
    """An app with wikiembed's tasks."""
    created = App()
    register(created)
    return created
