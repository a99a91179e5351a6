"""A liveness file of this process, for probes that need neither Postgres nor a server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from wikiembed.errors import ConfigurationError

TOUCH_EVERY_S = 5.0


@contextlib.asynccontextmanager
async def alive(file: Path | None) -> AsyncIterator[None]:
    """Touch `file` every 5 s from the event loop, also while Postgres is lost; None: do nothing.

    Raises: ConfigurationError when it cannot be written.
    """
    if file is None:
        yield
        return
    _touch(file)
    task = asyncio.create_task(_keep_touching(file), name="alive")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        _remove(file)


async def _keep_touching(file: Path) -> None:
    while True:
        await asyncio.sleep(TOUCH_EVERY_S)
        with contextlib.suppress(ConfigurationError):  # a full disk: the probe fails in time
            _touch(file)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()


def _touch(file: Path) -> None:
    try:
        file.touch()
    except OSError as error:
        raise ConfigurationError(
            f"WIKIEMBED_ALIVE_FILE cannot be written: {error.strerror}."
        ) from None
