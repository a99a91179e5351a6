"""scripts/release.sh in a repository of its own: what it refuses, and what a release is."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = "4294967295 0\n"
"""What lib.sh leaves in .venv: the checksum of an empty pyproject.toml and constraints.txt."""
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0]

### Added

- All.
"""
PYTHON = f"""#!/bin/sh
# Writes down which tests are run, instead of running them.
case "$2" in
  pytest) echo "$WIKIEMBED_RELEASE $*" >>.venv/asked; exit "$(cat .venv/result)" ;;
  *) exec {sys.executable} "$@" ;;
esac
"""
NOT_WRITTEN = "scripts/freeze.sh", "scripts/release.py write", "git commit", "git tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A repository on main with the files that a release reads and writes."""

    root: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command in it, without the git settings of the current user."""
        names = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER")
                 for what in ("NAME", "EMAIL")}  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            command,
            cwd=self.root,
            env={**kept, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def git(self, *arguments: str) -> str:
        """Return the output of a git command that must succeed."""
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return self.run(self.root / "scripts/release.sh", *arguments)

    def state(self) -> tuple[str, str, str]:
        """The commits, the tags, and uncommitted changes."""
        return self.git("log", "--format=%H"), self.git("tag"), self.git("status", "--porcelain")

    def write(self, name: str, text: str) -> None:
        """Commit a file with this text."""
        (self.root / name).write_text(text)
        self.git("add", name)
        self.git("commit", "--quiet", "--message", f"Change {name}")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Version 0.1.0, with one entry under Unreleased and a new step that is not frozen yet."""
    made = Checkout(root=tmp_path)
    for name in ("release.sh", "release.py", "freeze.sh", "freeze.py", "lib.sh"):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    for name, text in {
        ".gitignore": ".venv/\n__pycache__/\n",
        "CHANGELOG.md": CHANGELOG,
        "constraints.txt": "",
        "migrations/frozen.txt": "",
        "migrations/versions/0001_all.py": "1",
        "pyproject.toml": "",
        "wikiembed/__init__.py": '"""A package."""\n\n__version__ = "0.1.0"\n',
        ".venv/bin/python": PYTHON,
        ".venv/.installed-dev": INSTALLED,
        ".venv/result": "0",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".venv/bin/python").chmod(0o755)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "All")
    return made


def test_release_prints_its_help(checkout: Checkout) -> None:
    """The comment at its top."""
    done = checkout.release("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Make a release, up to its tag: scripts/release.sh VERSION")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which version?"),
        (["0.2.0", "0.3.0"], "One version at a time"),
        (["--force", "0.2.0"], "No such option: --force"),
    ],
)
def test_release_refuses_wrong_usage(checkout: Checkout, arguments: list[str], said: str) -> None:
    """With exit code 2."""
    done = checkout.release(*arguments)
    assert (done.returncode, said in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.1.0", "0.1.0 is not higher than the current version, 0.1.0."),
        ("0.0.10", "0.0.10 is not higher than the current version, 0.1.0."),
        ("v0.2.0", "v0.2.0 is not a version"),
        ("0.2", "0.2 is not a version"),
        ("0.2.0rc1", "0.2.0rc1 is not a version"),
    ],
)
def test_release_refuses_an_invalid_version(checkout: Checkout, version: str, said: str) -> None:
    """One that is not numerically higher, or does not have three numbers."""
    before = checkout.state()
    done = checkout.release(version)
    assert (done.returncode, said in done.stderr, checkout.state()) == (1, True, before)


def untracked(checkout: Checkout) -> None:
    (checkout.root / "note").touch()


def changed(checkout: Checkout) -> None:
    (checkout.root / "CHANGELOG.md").write_text("")


def on_a_branch(checkout: Checkout) -> None:
    checkout.git("switch", "--quiet", "--create", "feature")


def detached(checkout: Checkout) -> None:
    checkout.git("switch", "--quiet", "--detach")


def empty_changelog(checkout: Checkout) -> None:
    checkout.write("CHANGELOG.md", CHANGELOG.replace("- A thing.\n", ""))


def no_unreleased(checkout: Checkout) -> None:
    checkout.write("CHANGELOG.md", CHANGELOG.replace("[Unreleased]", "[0.0.9]"))


def tagged(checkout: Checkout) -> None:
    checkout.git("tag", "v0.2.0")


def frozen_and_changed(checkout: Checkout) -> None:
    assert checkout.run("scripts/freeze.sh").returncode == 0
    checkout.git("commit", "--quiet", "--all", "--message", "Freeze")
    checkout.write("migrations/versions/0001_all.py", "2")


def translations_stale(checkout: Checkout) -> None:
    (checkout.root / ".venv/result").write_text("1")


REFUSED: dict[Callable[[Checkout], None], str] = {
    untracked: "There are changes that are not committed",
    changed: "There are changes that are not committed",
    on_a_branch: "A release is made on main, not on feature.",
    detached: "A release is made on main, not on a detached commit.",
    empty_changelog: "CHANGELOG.md has no entry under [Unreleased].",
    no_unreleased: "CHANGELOG.md has no heading [Unreleased].",
    tagged: "The tag v0.2.0 is there already.",
    frozen_and_changed: "migrations/versions/0001_all.py is frozen and was changed",
    translations_stale: "Bring the translations up to date",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_release_refuses_and_changes_nothing(
    checkout: Checkout, spoil: Callable[[Checkout], None]
) -> None:
    """With exit code 1 and one sentence; the tests run last, when all else is correct."""
    spoil(checkout)
    before = checkout.state()
    done = checkout.release("0.2.0")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert REFUSED[spoil] in done.stderr
    assert checkout.state() == before
    assert (checkout.root / ".venv/asked").exists() == (spoil is translations_stale)


def test_dry_run_prints_the_steps(checkout: Checkout) -> None:
    """In order, and does none of it, not even the tests."""
    before = checkout.state()
    done = checkout.release("0.2.0", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    *steps, push = done.stdout.splitlines()
    wanted = ("WIKIEMBED_RELEASE=true .venv/bin/python -m pytest", *NOT_WRITTEN)
    assert len(steps) == len(wanted)
    for line, part in zip(steps, wanted, strict=True):
        assert line.startswith("Would run: ") and part in line  # noqa: PT018
    assert push == "To publish: git push --atomic origin main v0.2.0"
    assert checkout.state() == before
    assert not (checkout.root / ".venv/asked").exists()
    assert checkout.release("0.1.0", "--dry-run").returncode == 1


def test_release_is_one_commit_with_an_annotated_tag(checkout: Checkout) -> None:
    """With the version, the changelog and the frozen steps; no changes remain."""
    done = checkout.release("0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "To publish: git push --atomic origin main v0.2.0\n"
    assert (checkout.root / ".venv/asked").read_text() == (
        "true -m pytest --quiet tests/docs/test_translation.py\n"
    )
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("log", "--format=%s") == "Release 0.2.0\nAll"
    assert checkout.git("cat-file", "-t", "v0.2.0") == "tag"
    assert checkout.git("rev-parse", "v0.2.0^{commit}") == checkout.git("rev-parse", "HEAD")
    package = (checkout.root / "wikiembed/__init__.py").read_text()
    assert package == '"""A package."""\n\n__version__ = "0.2.0"\n'
    text = (checkout.root / "CHANGELOG.md").read_text()
    assert re.sub(r" - 2\d{3}-\d\d-\d\d$", " - DATE", text, count=1, flags=re.MULTILINE) == (
        CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n## [0.2.0] - DATE\n")
    )
    assert "  versions/0001_all.py\n" in (checkout.root / "migrations/frozen.txt").read_text()
    assert "no entry under" in checkout.release("0.3.0").stderr


def test_release_that_cannot_be_committed_leaves_no_change(checkout: Checkout) -> None:
    """A maintainer's hook may refuse the commit."""
    hook = checkout.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = checkout.state()
    done = checkout.release("0.2.0")
    assert (done.returncode, checkout.state()) == (1, before)
    assert "No release was made" in done.stderr


METADATA = """Metadata-Version: 2.4
Name: wikiembed
Version: 0.2.0
Description-Content-Type: text/markdown

# wikiembed
"""


def build(folder: Path, *, wheel: str = METADATA, sdist: str = METADATA) -> None:
    """Make the files of the build backend, with nothing but the metadata in them."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "wikiembed-0.2.0-py3-none-any.whl", "w") as file:
        file.writestr("wikiembed-0.2.0.dist-info/METADATA", wheel)
    with tarfile.open(folder / "wikiembed-0.2.0.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("wikiembed-0.2.0/PKG-INFO")
        member.size = len(sdist.encode())
        archive.addfile(member, io.BytesIO(sdist.encode()))


NO_NAME = METADATA.replace("Name: wikiembed\n", "")
NO_TYPE = METADATA.replace("Description-Content-Type: text/markdown\n", "")
OLDER = METADATA.replace("0.2.0", "0.1.0")


@pytest.mark.parametrize(
    ("tag", "wheel", "sdist", "said"),
    [
        ("v0.2.0", METADATA, METADATA, ""),
        ("v0.3.0", METADATA, METADATA, "not a release of v0.3.0"),
        ("v0.2.0", METADATA, OLDER, "of the sdist and of the wheel differ"),
        ("v0.2.0", OLDER, OLDER, "names version 0.1.0, not 0.2.0"),
        ("v0.2.0", NO_TYPE, NO_TYPE, "no description in Markdown"),
        ("v0.2.0", NO_NAME, NO_NAME, "The metadata is not valid: 'name' is a required field"),
    ],
)
def test_release_checks_the_build(
    tmp_path: Path, tag: str, wheel: str, sdist: str, said: str
) -> None:
    """Before it is published."""
    build(tmp_path / "dist", wheel=wheel, sdist=sdist)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/release.py", "built", tmp_path / "dist", tag],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (1 if said else 0, True), done.stderr
    assert done.stderr.count("\n") == bool(said)
