"""Poll until a condition holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Message = str | Callable[[], object]
POLL_S = 0.02


class ConditionNotMet(AssertionError):
    """The condition did not hold within the time."""


def eventually(
    check: Callable[[], T],
    *,
    within_s: float = 30,
    message: Message = "the condition was not met",
    poll_s: float = POLL_S,
) -> T:
    """Call `check` until it returns something true, and return that.

    Raises: ConditionNotMet after `within_s` seconds, with `message` (called first if callable).
    """
    deadline = time.monotonic() + within_s
    while not (found := check()):
        if time.monotonic() > deadline:
            raise _not_met(message, within_s)
        time.sleep(poll_s)
    return found


async def eventually_async(
    check: Callable[[], T],
    *,
    within_s: float = 30,
    message: Message = "the condition was not met",
    poll_s: float = POLL_S,
) -> T:
    """Do as `eventually` does, and let the event loop run between two calls of `check`."""
    deadline = time.monotonic() + within_s
    while not (found := check()):
        if time.monotonic() > deadline:
            raise _not_met(message, within_s)
        await asyncio.sleep(poll_s)
    return found


def _not_met(message: Message, within_s: float) -> ConditionNotMet:
    text = message if isinstance(message, str) else message()
    return ConditionNotMet(f"{text} (within {within_s:g} s)")
