#!/usr/bin/env bash
# Run the tests on a cluster of Citus: scripts/real.sh citus [OPTIONS] [PYTEST ARGUMENTS]
#
# Needs a Postgres whose extensions citus and pgvector are installed. Starts three servers of it on
# free ports of 127.0.0.1, with data in a temporary folder: a coordinator and two nodes.
#
#   --bin FOLDER     the programs of that Postgres (default: what pg_config says)
#   --source FOLDER  a checkout of Citus, which is built and installed for that Postgres before;
#                    needs its headers, a compiler, and the right to install
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bin='' source=''
while (($# > 0)); do
  case $1 in
    --help | -h)
      usage scripts/real/citus.sh
      exit
      ;;
    --bin | --source)
      if (($# < 2)); then
        echo "$1 needs a value: see scripts/real.sh citus --help." >&2
        exit 2
      fi
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    *) break ;;
  esac
done
config=${bin:+$bin/}pg_config
if ! command -v "$config" >/dev/null; then
  skip "it needs a Postgres with Citus: name its programs with --bin"
fi
bin=$("$config" --bindir)
extensions=$("$config" --sharedir)/extension
if [[ -n $source ]]; then
  (cd "$source" && PATH=$bin:$PATH && ./configure --without-libcurl && make -s install) >"$source/build.log" 2>&1 || {
    tail -n 20 "$source/build.log" >&2
    echo "Citus was not built: its full output is in $source/build.log." >&2
    exit 3
  }
fi
for extension in citus vector; do
  if [[ ! -e $extensions/$extension.control ]]; then
    skip "it needs the extension $extension of $("$config" --version): install it, or build Citus with --source"
  fi
done

# as_owner COMMAND: run it as the user postgres where this user is root, whom Postgres refuses.
as_owner() {
  if (($(id -u) == 0)); then
    runuser --user postgres -- "$@"
  else
    "$@"
  fi
}

folder=$(mktemp -d)
chmod 755 "$folder"
as_owner true
if (($(id -u) == 0)); then
  chown postgres "$folder"
fi

# end: stop the servers, and remove their data.
end() {
  local data
  for data in "$folder"/*/; do
    as_owner "$bin/pg_ctl" stop --silent --mode immediate --pgdata "$data" || true
  done
  rm -rf --one-file-system "$folder"
}
trap end EXIT

read -r -a ports < <(python3 - <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in sockets))
PYTHON
)
cd "$folder"
for port in "${ports[@]}"; do
  as_owner "$bin/initdb" --pgdata "$folder/$port" --username postgres --auth trust \
    --encoding UTF8 --locale C.UTF-8 >/dev/null
  as_owner "$bin/pg_ctl" start --wait --silent --pgdata "$folder/$port" --log "$folder/$port/log" --options \
    "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
     -c shared_preload_libraries=citus -c citus.node_conninfo=sslmode=disable \
     -c max_prepared_transactions=100 -c max_connections=200 -c shared_buffers=64MB \
     -c fsync=off -c synchronous_commit=off -c full_page_writes=off" || {
    tail -n 20 "$folder/$port/log" >&2
    echo "Postgres did not start: see above." >&2
    exit 3
  }
done
cd - >/dev/null
"$config" --version
sed -n "s/^default_version = /Citus /p" "$extensions/citus.control"

export WIKIEMBED_TEST_POSTGRES=postgresql://postgres@127.0.0.1:${ports[0]}/postgres
export WIKIEMBED_TEST_CITUS_NODES="${ports[1]} ${ports[2]}"
WIKIEMBED_TEST_REAL=1 ./scripts/test.sh tests/real/test_citus.py --quiet "$@"
