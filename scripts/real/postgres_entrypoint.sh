#!/bin/sh
# A small stand-in for the entrypoint of the official image: POSTGRES_USER, _PASSWORD, _DB.
set -eu
bin=/usr/lib/postgresql/18/bin
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  "$bin/initdb" -D "$PGDATA" -U "$user" --pwfile /tmp/password -E UTF8 --locale C.UTF-8 --auth-host scram-sha-256 --auth-local trust >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  "$bin/pg_ctl" -D "$PGDATA" -w -s -o "-c listen_addresses=''" start
  db=${POSTGRES_DB:-$user}
  if [ "$db" != postgres ]; then "$bin/createdb" -U "$user" "$db"; fi
  "$bin/pg_ctl" -D "$PGDATA" -w -s -m fast stop
  echo "PostgreSQL init process complete; ready for start up."
fi
[ "${1:-postgres}" != postgres ] || { [ $# -eq 0 ] || shift; exec "$bin/postgres" -D "$PGDATA" -c listen_addresses='*' "$@"; }
exec "$@"
