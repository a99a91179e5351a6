"""The procrastinate tasks: one that embeds, and the periodic upkeep."""

from wikiembed.worker.binding.api import ProcrastinateApp
from wikiembed.worker.tasks import embed, upkeep


def register(app: ProcrastinateApp) -> None:
    """Register the tasks with `app`."""
    embed.register(app)
    upkeep.register(app)
