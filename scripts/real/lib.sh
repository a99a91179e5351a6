#!/usr/bin/env bash
# Sourced by the parts of scripts/real.sh.
set -euo pipefail

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

SKIPPED=77

# skip REASON: end this part, which cannot run here.
skip() {
  echo "skipped: $1" >&2
  exit "$SKIPPED"
}

# mirror: print the address of this machine's apt mirror for Debian's own packages.
mirror() {
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian main //p' | sed -n 1p
}

# bootstrap RELEASE FOLDER PACKAGES: install a minimal Debian with PACKAGES, a list with commas.
bootstrap() {
  local from script=()
  if ! command -v debootstrap >/dev/null; then
    apt-get install --yes --quiet --no-install-recommends debootstrap >&2
  fi
  from=$(mirror)
  if [[ -z $from ]]; then
    skip "this machine's apt has no mirror of Debian"
  fi
  # An older debootstrap lacks a script for newer releases, which are installed like sid.
  if [[ ! -e /usr/share/debootstrap/scripts/$1 ]]; then
    script=(/usr/share/debootstrap/scripts/sid)
  fi
  echo "Installing Debian $1 with $3 into $2: this takes minutes." >&2
  mkdir -p "$2"
  if ! debootstrap --variant=minbase --include="$3" "$1" "$2" "$from" "${script[@]}" \
    >"$2.log" 2>&1; then
    tail -n 20 "$2.log" >&2
    echo "debootstrap failed: its full output is in $2.log." >&2
    return 3
  fi
  rm -f "$2.log"
}
