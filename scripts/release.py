"""The version and the changelog of a release, and what was built of it: see scripts/release.sh."""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = ROOT / "wikiembed" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "## [Unreleased]\n"
_ASSIGNED = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class RefusedError(Exception):
    """No release can be made of this; the message says why."""


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version.

    Raises: RefusedError when it has others.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise RefusedError(f"{version} is not a version: give three numbers, such as 1.2.3.")
    return tuple(map(int, found.groups()))


def current() -> str:
    """The version in the package.

    Raises: RefusedError when there is none.
    """
    found = _ASSIGNED.search(VERSION_FILE.read_text(encoding="utf-8"))
    if found is None:
        raise RefusedError(f"{VERSION_FILE.relative_to(ROOT)} has no line __version__.")
    return found["version"]


def unreleased() -> tuple[str, str, str]:
    """The changelog before, in and after the part Unreleased.

    Raises: RefusedError when there is no such part, or no entry in it.
    """
    before, heading, rest = CHANGELOG.read_text(encoding="utf-8").partition(UNRELEASED)
    if not heading:
        raise RefusedError("CHANGELOG.md has no heading [Unreleased].")
    following = re.search(r"^## ", rest, re.MULTILINE)
    end = following.start() if following is not None else len(rest)
    if re.search(r"^- \S", rest[:end], re.MULTILINE) is None:
        raise RefusedError("CHANGELOG.md has no entry under [Unreleased].")
    return before, rest[:end], rest[end:]


def check(version: str) -> None:
    """Check that `version` may follow the current one, and that the changelog has entries for it.

    Raises: RefusedError.
    """
    if numbers(version) <= numbers(current()):
        raise RefusedError(f"{version} is not higher than the current version, {current()}.")
    unreleased()


def write(version: str, date: str) -> None:
    """Set the version, and give the entries under Unreleased to it.

    Raises: RefusedError.
    """
    check(version)
    before, entries, after = unreleased()
    text = f"{before}{UNRELEASED}\n## [{version}] - {date}\n{entries}{after}"
    CHANGELOG.write_text(text, encoding="utf-8")
    package = VERSION_FILE.read_text(encoding="utf-8")
    VERSION_FILE.write_text(
        _ASSIGNED.sub(f'__version__ = "{version}"', package, count=1), encoding="utf-8"
    )


def built(folder: str, tag: str) -> None:
    """See that `folder` holds one sdist and one wheel of the version of `tag`, both valid for PyPI.

    Raises: RefusedError.
    """
    # Not of the standard library: it comes with `build`, which made the files.
    from packaging.metadata import Metadata

    version = tag.removeprefix("v")
    names = sorted(path.name for path in Path(folder).iterdir())
    wheel, sdist = f"wikiembed-{version}-py3-none-any.whl", f"wikiembed-{version}.tar.gz"
    if names != [wheel, sdist]:
        raise RefusedError(
            f"{folder} holds {', '.join(names) or 'nothing'}: not a release of {tag}."
        )
    with zipfile.ZipFile(Path(folder) / wheel) as file:
        of_wheel = file.read(f"wikiembed-{version}.dist-info/METADATA")
    with tarfile.open(Path(folder) / sdist) as archive:
        member = archive.extractfile(f"wikiembed-{version}/PKG-INFO")
        of_sdist = member.read() if member is not None else b""
    if of_wheel != of_sdist:
        raise RefusedError("The metadata of the sdist and of the wheel differ.")
    try:
        metadata = Metadata.from_email(of_wheel, validate=True)
    except ExceptionGroup as errors:
        reasons = "; ".join(map(str, errors.exceptions))
        raise RefusedError(f"The metadata is not valid: {reasons}") from None
    if not metadata.description or metadata.description_content_type != "text/markdown":
        raise RefusedError("The metadata has no description in Markdown.")
    if str(metadata.version) != version:
        raise RefusedError(f"The metadata names version {metadata.version}, not {version}.")


COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "check": (check, ("version",)),
    "write": (write, ("version", "date")),
    "built": (built, ("folder", "tag")),
}


def main() -> int:
    """Run one command; returns 1 with a sentence when it refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (function, arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        for argument in arguments:
            command.add_argument(argument)
    given = vars(parser.parse_args())
    function, names = COMMANDS[given["command"]]
    try:
        function(*(given[name] for name in names))
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
