#!/usr/bin/env bash
# Find words that a reader has to guess at: scripts/words.sh [FILE…]
#
# The list, with replacements, is scripts/words.txt. Without files: all text and code of the
# repository except translations, the changelog and vendored files. Exits 1 if any is found.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ "${1:-}" == --help ]]; then
  usage scripts/words.sh
  exit
fi

files=("$@")
if ((${#files[@]} == 0)); then
  while IFS= read -r -d '' file; do files+=("$file"); done < <(
    git ls-files -z -- '*.py' '*.sql' '*.md' '*.sh' '*.toml' '*.yml' '*.yaml' '.ci/run' \
      ':!docs/ko' ':!docs/devlog' ':!CHANGELOG.md' ':!migrations/vendor' ':!migrations/schema.sql' \
      ':!migrations/versions' ':!tests/sql/dumps'
  )
fi

found=0
while IFS=$'\t' read -r pattern advice; do
  [[ -z $pattern || $pattern == \#* ]] && continue
  if grep --line-number --with-filename --ignore-case --extended-regexp \
    --regexp="$pattern" -- "${files[@]}"; then
    echo "  ^ write instead: $advice" >&2
    found=1
  fi
done <scripts/words.txt
exit "$found"
