#!/usr/bin/env bash
# Run compose.yaml from an empty volume, with kills and restarts: scripts/real.sh docker [OPTIONS] [PYTEST ARGUMENTS]
#
# Needs Docker with its plugin compose. As root, with dockerd installed and no engine that answers,
# an engine of its own is started, and stopped at the end.
#
#   --build-images   build the images that compose.yaml and the Dockerfile name from Debian's packages,
#                    where they are missing and cannot be pulled: needs root
#   --folder FOLDER  the folder of the engine and of the images' files, kept for the next run
#   --testcontainers run the suites on a Postgres in a container instead, by testcontainers; without
#                    arguments for pytest the SQL suite, tests/sql
set -euo pipefail

# shellcheck source=scripts/real/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

POSTGRES=pgvector/pgvector:pg18
PYTHON=python:3.12-slim
build=0 testcontainers=0 folder=''
while (($# > 0)); do
  case $1 in
    --help | -h)
      usage scripts/real/docker.sh
      exit
      ;;
    --build-images) build=1 && shift ;;
    --testcontainers) testcontainers=1 && shift ;;
    --folder)
      if (($# < 2)); then
        echo "--folder needs a value: see scripts/real.sh docker --help." >&2
        exit 2
      fi
      folder=$2
      shift 2
      ;;
    *) break ;;
  esac
done

engine='' made=0
# end: stop the engine, and remove the folder unless --folder was given.
end() {
  if [[ -n $engine ]]; then
    kill "$engine" && wait "$engine" || true
  fi
  if ((made == 1)); then
    rm -rf --one-file-system "$folder"
  fi
}

# start_engine: start dockerd in the folder, and set DOCKER_HOST.
start_engine() {
  export DOCKER_HOST="unix://$folder/docker.sock"
  dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
    --host "$DOCKER_HOST" >"$folder/log" 2>&1 &
  engine=$!
  for _ in {1..60}; do
    if docker info >/dev/null 2>&1; then
      return
    fi
    sleep 1
  done
  tail -n 20 "$folder/log" >&2
  skip "dockerd does not start here: see above"
}

# import_image NAME FOLDER [CHANGES]: make an image of a folder.
import_image() {
  local name=$1 from=$2 change changes=()
  for change in "${@:3}"; do changes+=(--change "$change"); done
  tar --directory "$from" --exclude='./var/cache/apt/*' --exclude='./usr/share/doc/*' \
    --exclude='./usr/share/man/*' --create . | docker import "${changes[@]}" - "$name" >/dev/null
}

# build_images: make the images from Debian's packages. Their versions are those of Debian.
build_images() {
  local system='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  if ((testcontainers == 0)) && ! docker image inspect "$PYTHON" >/dev/null 2>&1; then
    [[ -x $folder/python/usr/bin/python3 ]] ||
      bootstrap trixie "$folder/python" python3,python3-venv,ca-certificates
    # pip must trust what this machine trusts.
    install --mode 644 /etc/ssl/certs/ca-certificates.crt "$folder/python/etc/ssl/certs/"
    import_image "$PYTHON" "$folder/python" "$system" 'CMD ["python3"]'
  fi
  if ! docker image inspect "$POSTGRES" >/dev/null 2>&1; then
    [[ -x $folder/postgres/usr/lib/postgresql/18/bin/postgres ]] ||
      bootstrap forky "$folder/postgres" postgresql-18,postgresql-18-pgvector
    install --mode 755 scripts/real/postgres_entrypoint.sh "$folder/postgres/usr/local/bin/"
    import_image "$POSTGRES" "$folder/postgres" "$system:/usr/lib/postgresql/18/bin" \
      'ENV PGDATA=/var/lib/postgresql/18/docker' 'VOLUME /var/lib/postgresql' 'EXPOSE 5432' \
      'ENTRYPOINT ["postgres_entrypoint.sh"]' 'CMD ["postgres"]'
  fi
}

if ! command -v docker >/dev/null; then
  skip "it needs Docker, and there is no command docker here"
fi
if ((testcontainers == 0)) && ! docker compose version; then
  skip "it needs Docker's plugin compose"
fi
if [[ -z $folder ]]; then
  folder=$(mktemp -d)
  made=1
fi
folder=$(realpath --canonicalize-missing "$folder")
mkdir -p "$folder"
trap end EXIT
if ! docker info >/dev/null 2>&1; then
  if (($(id -u) != 0)) || ! command -v dockerd >/dev/null; then
    skip "it needs Docker's engine: start it, or install dockerd and run this as root"
  fi
  start_engine
fi
docker version --format 'Docker {{.Server.Version}}'
if ((build == 1)); then
  if (($(id -u) != 0)); then
    echo "--build-images needs root." >&2
    exit 2
  fi
  build_images
fi
if ((testcontainers == 1)); then
  (($# > 0)) || set -- tests/sql --quiet
  WIKIEMBED_TEST_POSTGRES=testcontainers WIKIEMBED_TEST_REAL=1 ./scripts/test.sh "$@"
  exit
fi
ensure_venv dev
.venv/bin/python -m pytest --numprocesses 0 --quiet tests/real/test_compose.py "$@"
