"""${message}."""

from __future__ import annotations

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """What the step changes of tables and data; functions, views and triggers: see ../current."""
    ${upgrades if upgrades else "pass"}
