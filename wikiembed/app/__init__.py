"""The procrastinate app: ``procrastinate --app=wikiembed.app.app worker``.

Importing it reads no setting and opens no connection; opening the app does.
"""

from __future__ import annotations

import logging
from typing import Any

import procrastinate
from procrastinate import jobs

from wikiembed import tasks
from wikiembed.app.connection import Connector, RuntimeHolder
from wikiembed.app.fetch import JobManager
from wikiembed.app.process import Process
from wikiembed.app.worker import Worker
from wikiembed.db.endpoint import Endpoint
from wikiembed.tasks import UPKEEP_QUEUE


class App(procrastinate.App):
    """procrastinate's app with wikiembed's connector, job manager and worker."""

    def __init__(self) -> None:
        self.runtime = RuntimeHolder()
        self.process = Process()
        connector = Connector(self.runtime)
        self.hang_up = connector.hang_up
        super().__init__(
            connector=connector,
            worker_defaults={
                "delete_jobs": jobs.DeleteJobCondition.SUCCESSFUL,
                "additional_context": {"runtime": self.runtime},
            },
        )
        self.job_manager: JobManager = JobManager(connector=self.connector)
        tasks.register(self)

    @property
    def endpoint(self) -> Endpoint | None:
        """The database that the last opening led to; None before it."""
        return self.connector.endpoint if isinstance(self.connector, Connector) else None

    def new_worker(self, **options: Any) -> Worker:
        """A worker of this app that leaves signals to its caller."""
        return self._worker(install_signal_handlers=False, **options)

    def _worker(self, **kwargs: Any) -> Worker:
        options: dict[str, Any] = {**self.worker_defaults, **kwargs}
        return Worker(app=self, **options)


# procrastinate's INFO lines hold every key of a job.
if logging.getLogger("procrastinate").level == logging.NOTSET:
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
app = App()

__all__ = ["UPKEEP_QUEUE", "App", "RuntimeHolder", "Worker", "app"]
