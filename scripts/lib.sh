#!/usr/bin/env bash
# Sourced by the other scripts: goes to the root of the checkout and gives `ensure_venv`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# usage FILE: print the comment at the top of FILE.
usage() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$1"
}

# find_python: print the first python that is 3.11 or newer.
find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer (with venv) is needed, and no python3 on the PATH is." >&2
  return 2
}

# ensure_venv EXTRAS: have .venv with wikiembed[EXTRAS], installed again only after a change.
ensure_venv() {
  local extras=$1 python wanted stamp
  if [[ ! -x .venv/bin/python ]]; then
    python=$(find_python)
    "$python" -m venv .venv
  fi
  stamp=.venv/.installed-${extras//,/-}
  wanted=$(cat pyproject.toml constraints.txt | cksum)
  if [[ "$(cat "$stamp" 2>/dev/null || true)" == "$wanted" ]]; then
    return
  fi
  echo "Installing wikiembed[$extras] into .venv" >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --editable ".[$extras]" --constraint constraints.txt >&2
  echo "$wanted" >"$stamp"
}
