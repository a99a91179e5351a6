"""The procrastinate app: ``procrastinate --app=wikiembed.app.app worker``.

Importing it reads no setting and opens no connection; opening the app does.
"""

from __future__ import annotations

from wikiembed.worker.new_app import new_app

app = new_app()
