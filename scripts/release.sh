#!/usr/bin/env bash
# Make a release, up to its tag: scripts/release.sh VERSION [--dry-run]
#
# Freezes the steps of migrations (scripts/freeze.sh), sets VERSION in wikiembed/__init__.py, moves the
# entries under Unreleased in CHANGELOG.md to it, commits, and creates the annotated tag vVERSION. It pushes
# nothing, and prints the command for that; GitHub tests, builds and publishes the tag.
#
# Refuses uncommitted changes, a branch other than main, a version that is not higher than the current one
# or has a tag, an empty Unreleased, a frozen step that was changed, and stale translations.
#
#   --dry-run  check all except the translations, and print the steps; nothing is written
#
# Exit codes: 0 done; 1 refused, nothing is changed; 2 wrong usage.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version='' dry_run=0
for argument in "$@"; do
  case $argument in
    --help | -h)
      usage scripts/release.sh
      exit
      ;;
    --dry-run) dry_run=1 ;;
    -*)
      echo "No such option: $argument. See scripts/release.sh --help." >&2
      exit 2
      ;;
    *)
      if [[ -n $version ]]; then
        echo "One version at a time: see scripts/release.sh --help." >&2
        exit 2
      fi
      version=$argument
      ;;
  esac
done
if [[ -z $version ]]; then
  echo "Which version? See scripts/release.sh --help." >&2
  exit 2
fi

refuse() {
  echo "$1" >&2
  exit 1
}

# run COMMAND: run it, or print it with --dry-run.
run() {
  if ((dry_run)); then
    echo "Would run: $*"
  else
    "$@"
  fi
}

# restore: undo the written changes, after a failure.
restore() {
  git restore --staged --worktree "${written[@]}"
  echo "No release was made: the files are unchanged." >&2
}

tag=v$version
written=(CHANGELOG.md migrations/frozen.txt wikiembed/__init__.py)
python=.venv/bin/python
[[ -x $python ]] || python=$(find_python)

branch=$(git symbolic-ref --quiet --short HEAD || true)
[[ $branch == main ]] || refuse "A release is made on main, not on ${branch:-a detached commit}."
[[ -z $(git status --porcelain) ]] || refuse "There are changes that are not committed: see git status."
"$python" scripts/release.py check "$version"
if git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null; then
  refuse "The tag $tag is there already."
fi
scripts/freeze.sh --check

((dry_run)) || ensure_venv dev
run env WIKIEMBED_RELEASE=true .venv/bin/python -m pytest --quiet tests/docs/test_translation.py ||
  refuse "Bring the translations up to date, commit, and call this again."

set -o errtrace
((dry_run)) || trap restore ERR
run scripts/freeze.sh
run "$python" scripts/release.py write "$version" "$(date -u +%F)"
run git commit --quiet --message "Release $version" -- "${written[@]}"
trap - ERR
run git tag --annotate --message "wikiembed $version" "$tag"

echo "To publish: git push --atomic origin main $tag"
