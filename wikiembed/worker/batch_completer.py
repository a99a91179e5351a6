"""Finish many jobs in one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

LINGER_S = 0.005
"""Wait between two statements, so that more finished jobs gather for the next one."""


class BatchCompleter:
    """Gathers the ids of finished jobs and deletes them together.

    `delete` deletes jobs by id. While it runs, the next ids gather; a failed statement raises in
    each of its own waiters.
    """

    def __init__(self, delete: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        self._delete = delete
        self._gathering: list[tuple[Sequence[int], asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def finish(self, job_ids: Sequence[int]) -> None:
        """Return when the jobs are deleted.

        Raises: what `delete` raises.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathering.append((job_ids, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="finish jobs")
        await done

    async def _run(self) -> None:
        while self._gathering:
            batch, self._gathering = self._gathering, []
            try:
                await self._delete([job_id for job_ids, _ in batch for job_id in job_ids])
            except BaseException as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)
            if self._gathering:
                await asyncio.sleep(LINGER_S)
