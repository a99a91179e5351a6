"""The procrastinate tasks: embed, split, the periodic upkeep, and the check of models."""

from wikiembed.worker.binding.api import ProcrastinateApp
from wikiembed.worker.tasks import embed, split, upkeep, verify


def register(app: ProcrastinateApp) -> None:
    """Register the tasks with `app`."""
    embed.register(app)
    split.register(app)
    upkeep.register(app)
    verify.register(app)
