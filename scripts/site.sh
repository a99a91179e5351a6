#!/usr/bin/env bash
# Build the documentation site: scripts/site.sh [FOLDER]
#
# Into ./site unless told otherwise. Nothing is fetched, by the build or by whoever reads the site; a
# broken link or anchor fails it.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/site.sh
  exit
fi

ensure_venv dev
into=$(realpath -m "${1:-site}")
laid_out=$(mktemp -d)
trap 'rm -rf "$laid_out"' EXIT
.venv/bin/python scripts/site.py "$laid_out"
here=$PWD
(cd "$laid_out" && "$here/.venv/bin/zensical" build --clean --strict)
mkdir -p "$into"
cp -R "$laid_out/site/." "$into/"
