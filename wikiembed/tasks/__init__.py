"""The procrastinate tasks: one that embeds, and the upkeep that runs by itself."""

from procrastinate import App

from wikiembed.tasks import embed, upkeep
from wikiembed.tasks.upkeep import UPKEEP_QUEUE


def register(app: App) -> None:
    """Make the tasks known to `app`."""
    embed.register(app)
    upkeep.register(app)


__all__ = ["UPKEEP_QUEUE", "register"]
