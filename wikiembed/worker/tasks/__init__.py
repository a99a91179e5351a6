"""The procrastinate tasks: one that embeds, and the upkeep that runs by itself."""

from wikiembed.worker.binding.api import ProcrastinateApp
from wikiembed.worker.tasks import embed, upkeep


def register(app: ProcrastinateApp) -> None:
    """Make the tasks known to `app`."""
    embed.register(app)
    upkeep.register(app)
