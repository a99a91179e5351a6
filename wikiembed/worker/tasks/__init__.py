"""The procrastinate tasks: those that embed and split, and the periodic upkeep."""

from wikiembed.worker.binding.api import ProcrastinateApp
from wikiembed.worker.tasks import embed, split, upkeep


def register(app: ProcrastinateApp) -> None:
    """Register the tasks with `app`."""
    embed.register(app)
    split.register(app)
    upkeep.register(app)
