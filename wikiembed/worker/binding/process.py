"""Identity of this process, as view wikiembed.workers shows it."""

from __future__ import annotations

import datetime as dt
import os
import socket
import uuid
from dataclasses import dataclass, field

from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException

from wikiembed import __version__
from wikiembed.config import Settings
from wikiembed.telemetry import emit

REGISTER = """
select wikiembed.register_worker(
         %(worker_id)s::bigint, %(process_id)s::uuid, %(host)s, %(pid)s::integer, %(version)s,
         %(model)s, %(started_at)s::timestamptz, %(node)s, %(actor)s) as registered
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """This process; the same for all its registrations, one per slot and per reconnect.

    `node` and `actor`: Ray's ids of them, of an actor of a fleet.
    """

    process_id: uuid.UUID = field(default_factory=uuid.uuid4)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    node: str | None = None
    actor: str | None = None

    async def register(
        self, connector: BaseAsyncConnector, worker_id: int, settings: Settings
    ) -> None:
        """Register procrastinate's worker `worker_id` as a slot of this process.

        Only the view needs it: after an error the worker works without.
        """
        provider = settings.embedder
        try:
            await connector.execute_query_one_async(
                query=REGISTER,
                worker_id=worker_id,
                process_id=str(self.process_id),
                host=self.host,
                pid=self.pid,
                version=__version__,
                model=f"{provider.value} {settings.model_of(provider) or ''}".strip(),
                started_at=self.started_at,
                node=self.node,
                actor=self.actor,
            )
        except ConnectorException as error:
            reason = str(error.__cause__ or error).splitlines()[0]
            emit("worker_not_registered", level=30, reason=reason)
