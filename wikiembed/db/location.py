"""The folder of the migrations: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from wikiembed.errors import ConfigurationError


def migrations_dir(package: Path | None = None) -> Path:
    """The folder that holds Alembic's ``env.py`` and ``versions``.

    `package` is by default wikiembed's own folder. A wheel contains the folder as
    ``wikiembed/migrations``; an editable install leaves it at the root of the checkout.

    Raises: ConfigurationError when neither folder exists.
    """
    home = package or Path(__file__).resolve().parent.parent
    for folder in (home / "migrations", home.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise ConfigurationError(
        f"No migrations were found in {home} or beside it: reinstall wikiembed, "
        "or run it from a complete checkout."
    )
