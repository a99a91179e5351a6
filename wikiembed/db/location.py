"""Where the migrations lie: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from wikiembed.errors import ConfigurationError


def migrations_dir(package: Path | None = None) -> Path:
    """The folder that holds Alembic's ``env.py`` and ``versions``.

    `package` is wikiembed's own folder unless another is given. A wheel carries the folder as
    ``wikiembed/migrations``; an editable install leaves it at the root of the checkout.

    Raises: ConfigurationError when neither folder is there.
    """
    home = package or Path(__file__).resolve().parent.parent
    for folder in (home / "migrations", home.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise ConfigurationError(
        f"No migrations were found in {home} or beside it: reinstall wikiembed, "
        "or run it from a whole checkout."
    )
