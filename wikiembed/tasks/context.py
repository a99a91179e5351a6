"""Where tasks find their resources: ``context.additional_context["runtime"]``."""

from __future__ import annotations

from typing import Protocol

from procrastinate import JobContext

from wikiembed.pipeline import Runtime


class RuntimeHolder(Protocol):
    """Opens the process's `Runtime` on first use."""

    async def get(self) -> Runtime:
        """The runtime.

        Raises: DatabaseUnreachable, ConfigurationError.
        """
        ...


async def runtime_of(context: JobContext) -> Runtime:
    """The process's runtime, from the job's context.

    Raises: DatabaseUnreachable, ConfigurationError.
    """
    holder: RuntimeHolder = context.additional_context["runtime"]
    return await holder.get()
