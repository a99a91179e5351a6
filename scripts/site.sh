#!/usr/bin/env bash
# Build the documentation site: scripts/site.sh [FOLDER]
#
# The default folder is ./site. Neither the build nor the built pages fetch anything; a broken link or
# anchor fails the build.
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
