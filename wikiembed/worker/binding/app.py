"""procrastinate's app with wikiembed's connector, job manager and worker."""

from __future__ import annotations

import logging
from typing import Any

import procrastinate
from procrastinate import jobs

from wikiembed.db.endpoint import Endpoint
from wikiembed.worker.binding.connection import Connector
from wikiembed.worker.binding.job_manager import JobManager
from wikiembed.worker.binding.process import Process
from wikiembed.worker.binding.worker import Worker
from wikiembed.worker.runtime_holder import RuntimeHolder

# procrastinate's INFO lines contain every key of a job.
if logging.getLogger("procrastinate").level == logging.NOTSET:
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


class App(procrastinate.App):
    """Connects to the database of the settings; its workers fetch into a local queue."""

    def __init__(self) -> None:
        self.runtime = RuntimeHolder()
        self.process = Process()
        connector = Connector(self.runtime)
        self.close_connections = connector.close_connections
        super().__init__(
            connector=connector,
            worker_defaults={
                "delete_jobs": jobs.DeleteJobCondition.SUCCESSFUL,
                "additional_context": {"runtime": self.runtime},
            },
        )
        self.job_manager: JobManager = JobManager(connector=self.connector)

    @property
    def endpoint(self) -> Endpoint | None:
        """The database that was opened last; None before that."""
        return self.connector.endpoint if isinstance(self.connector, Connector) else None

    def new_worker(self, **options: Any) -> Worker:
        """Return a worker of this app; its caller handles signals."""
        return self._worker(install_signal_handlers=False, **options)

    def _worker(self, **kwargs: Any) -> Worker:
        options: dict[str, Any] = {**self.worker_defaults, **kwargs}
        return Worker(app=self, **options)
