#!/usr/bin/env bash
# Run the tests on a Postgres as distributions build it, with ICU: scripts/real.sh versions [OPTIONS] [PYTEST ARGUMENTS]
#
# The embedded Postgres of the wheels is built without ICU, so tests that need ICU are skipped there.
# Here they run. Without arguments for pytest: the SQL suite, tests/sql.
#
#   --url URL        a server with pgvector, as a superuser: tests create databases and roles on it
#   --debian         create a server from Debian's packages: needs root, and installs debootstrap
#   --folder FOLDER  the folder of --debian, kept for the next run (default: a temporary folder)
#   --release NAME   Debian's release (default: trixie)
#   --major NUMBER   the major version of Postgres in this release (default: 17)
#
# Without --url and --debian, the server is WIKIEMBED_TEST_POSTGRES. --debian uses the mirror of
# this machine's apt, and runs the server in a chroot as the user postgres, on a Unix socket. For
# Postgres 18: --debian --release forky --major 18.
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

url=${WIKIEMBED_TEST_POSTGRES:-}
debian=0 folder='' release=trixie major=17
while (($# > 0)); do
  case $1 in
    --help | -h)
      usage scripts/real/versions.sh
      exit
      ;;
    --debian) debian=1 && shift ;;
    --url | --folder | --release | --major)
      if (($# < 2)); then
        echo "$1 needs a value: see scripts/real.sh versions --help." >&2
        exit 2
      fi
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    *) break ;;
  esac
done

# in_chroot COMMAND: run it in the chroot as the user postgres, with a clean environment.
in_chroot() {
  chroot --userspec=postgres:postgres "$folder" /usr/bin/env -i LANG=C.UTF-8 \
    PATH="/usr/lib/postgresql/$major/bin:/usr/bin:/bin" "$@"
}

# start_debian: start the server on a socket in the folder, and set `url`.
start_debian() {
  chmod 755 "$folder"
  install --directory --mode 700 --owner "$(stat --format %u "$folder/var/lib/postgresql")" "$folder/real"
  rm -rf "${folder:?}/real/"*
  in_chroot initdb --pgdata /real/data --auth trust --encoding UTF8 --locale C.UTF-8 >/dev/null
  in_chroot pg_ctl start --wait --silent --pgdata /real/data --log /real/log --options \
    "-c listen_addresses='' -c unix_socket_directories=/real -c dynamic_shared_memory_type=mmap \
     -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
     -c max_connections=200 -c max_prepared_transactions=10" || {
    tail -n 20 "$folder/real/log" >&2
    echo "Postgres did not start: see above." >&2
    return 3
  }
  url="postgresql://postgres@/postgres?host=$folder/real"
}

# end: stop the server, and remove the folder unless --folder was given.
end() {
  in_chroot pg_ctl stop --silent --mode immediate --pgdata /real/data || true
  if ((made == 1)); then
    rm -rf --one-file-system "$folder"
  fi
}

made=0
if ((debian == 1)); then
  if (($(id -u) != 0)) || ! command -v apt-get >/dev/null; then
    echo "--debian needs root on a Debian: give a server with --url." >&2
    exit 2
  fi
  if [[ -z $folder ]]; then
    folder=$(mktemp -d)
    made=1
  fi
  folder=$(realpath --canonicalize-missing "$folder")
  mkdir -p "$folder"
  trap end EXIT
  if [[ ! -x "$folder/usr/lib/postgresql/$major/bin/postgres" ]]; then
    bootstrap "$release" "$folder" "postgresql-$major,postgresql-$major-pgvector"
  fi
  start_debian
fi
if [[ $url != *://* && $url != *=* ]]; then
  skip "it needs a server: give one with --url, or create one with --debian as root"
fi

(($# > 0)) || set -- tests/sql --quiet
WIKIEMBED_TEST_POSTGRES=$url WIKIEMBED_TEST_REAL=1 ./scripts/test.sh "$@"
