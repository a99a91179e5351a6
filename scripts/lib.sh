#!/usr/bin/env bash
# Sourced by the other scripts: changes to the root of the checkout and defines shared functions.
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

# Packages are installed without compiled modules, which the first import writes: without them each process
# compiles all that it imports, for a second.
unset PYTHONDONTWRITEBYTECODE

# ensure_venv EXTRAS [FOLDER]: install wikiembed[EXTRAS] into FOLDER (default: .venv), again only
# after a change.
ensure_venv() {
  local extras=$1 venv=${2:-.venv} python wanted stamp
  if [[ ! -x $venv/bin/python ]]; then
    python=$(find_python)
    "$python" -m venv "$venv"
    # The pip that comes with Python 3.11 needs 1.6 times the CPU of today's for the same packages.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check pip==26.3 >&2 || true
  fi
  stamp=$venv/.installed-${extras//,/-}
  wanted=$(cat pyproject.toml constraints.txt | cksum)
  if [[ "$(cat "$stamp" 2>/dev/null || true)" == "$wanted" ]]; then
    return
  fi
  echo "Installing wikiembed[$extras] into $venv" >&2
  # Modules are compiled when they are first imported: most of the packages' never are.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
    --editable ".[$extras]" --constraint constraints.txt >&2
  echo "$wanted" >"$stamp"
}

# find_wikiembed: set `wikiembed` to the command of .venv, else of the PATH, else of a new .venv.
find_wikiembed() {
  wikiembed=.venv/bin/wikiembed
  if [[ ! -x $wikiembed ]] && ! wikiembed=$(command -v wikiembed); then
    ensure_venv embedded,wiki
    wikiembed=.venv/bin/wikiembed
  fi
}

# hand_over SCRIPT COMMAND [ARGUMENTS]: exec `wikiembed COMMAND`, or print the help of SCRIPT.
hand_over() {
  local script=$1 argument
  shift
  for argument in "${@:2}"; do
    if [[ $argument == --help || $argument == -h ]]; then
      usage "$script"
      exit
    fi
  done
  find_wikiembed
  exec "$wikiembed" "$@"
}

# setting NAME [DEFAULT]: print a setting from the environment, else from the file .env, else
# DEFAULT; empty in the environment means DEFAULT.
setting() {
  local value=${!1:-}
  if [[ -z ${!1+set} && -f .env ]]; then
    value=$(sed -n "s/^\(export \)\{0,1\}$1=//p" .env | tail -n 1 | sed "s/^\([\"']\)\(.*\)\1\$/\2/")
  fi
  echo "${value:-${2:-}}"
}

# is_on VALUE: succeed when a switch such as WIKIEMBED_START_OLLAMA is on.
is_on() {
  [[ $1 == 1 || $1 == true || $1 == yes ]]
}

# require_docker WHAT: when Docker cannot provide WHAT, print the reason in one sentence and fail.
require_docker() {
  if ! command -v docker >/dev/null; then
    echo "$1 needs Docker, and there is no command docker here: install it, or leave that out." >&2
    return 2
  fi
  if ! docker compose version >/dev/null 2>&1; then
    echo "$1 needs Docker's plugin compose, and docker has none here: install it, or leave that out." >&2
    return 2
  fi
  if ! docker info >/dev/null 2>&1; then
    echo "$1 needs Docker, and its engine does not answer: start it, or leave that out." >&2
    return 3
  fi
}

# start_service NAME WHAT: start a service of compose.yaml and wait until it is healthy.
start_service() {
  if ! docker compose up --detach --wait "$1" >&2; then
    echo "$2 did not start: see \`docker compose logs $1\`." >&2
    return 3
  fi
}
