"""The current part of the schema: the files of ``migrations/current``, and their digest.

Read without Alembic, since every command compares the digest with the database's.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from wikiembed.db.location import migrations_dir

LENGTH = 16
"""Characters of the digest that are kept: 64 bits, enough to distinguish a project's versions."""


def current_files(folder: Path | None = None) -> list[Path]:
    """The files of functions, views and triggers, in the order in which they are run."""
    folder = folder or migrations_dir() / "current"
    return sorted(folder.glob("*/*.sql"), key=lambda file: (file.parent.name, file.name))


def digest_of(files: list[Path]) -> str:
    """Digest of the files' folders, names and texts, as `LENGTH` hexadecimal digits."""
    whole = hashlib.sha256()
    for file in files:
        text = file.read_bytes()
        whole.update(f"{file.parent.name}/{file.name} {len(text)}\n".encode())
        whole.update(text)
    return whole.hexdigest()[:LENGTH]


@functools.cache
def digest() -> str:
    """Digest of the package's own files."""
    return digest_of(current_files())
