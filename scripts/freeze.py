"""Checksums of the steps that databases have run: see scripts/freeze.sh."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
HEAD = "# SHA-256 of each step that was released; scripts/freeze.sh adds those of a release.\n"


def checksums(folder: Path) -> dict[str, str]:
    """Every file of the steps and of what is vendored, by its path in `folder`."""
    files = (
        file
        for part in ("versions", "vendor")
        for file in (folder / part).rglob("*")
        if file.suffix in (".py", ".sql")
    )
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    }


def frozen(folder: Path) -> dict[str, str]:
    """What ``frozen.txt`` of `folder` says, by path."""
    lines = (folder / "frozen.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {path: checksum for checksum, path in pairs}


def changed(folder: Path) -> list[str]:
    """Frozen files that have another text now, or are gone."""
    now = checksums(folder)
    return [path for path, checksum in frozen(folder).items() if now.get(path) != checksum]


def main() -> int:
    """Compare, and unless --check is given write the checksums of steps that are new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    broken = changed(MIGRATIONS)
    for path in broken:
        print(
            f"migrations/{path} is frozen and was changed: put it back, and write another step.",
            file=sys.stderr,
        )
    if broken or arguments.check:
        return int(bool(broken))
    listed = (f"{checksum}  {path}\n" for path, checksum in checksums(MIGRATIONS).items())
    (MIGRATIONS / "frozen.txt").write_text(HEAD + "".join(listed), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
