#!/usr/bin/env bash
# A private PostgreSQL on this machine, without Docker: passwords by SCRAM, on 127.0.0.1 alone, durable as in production.
#
#   parts/postgres.sh start [DIRECTORY]     starts it, makes it first where there is none, prints the URL of its database
#   parts/postgres.sh restart [DIRECTORY]   ends it as a power cut would (immediate), and starts it again
#   parts/postgres.sh stop [DIRECTORY]      ends it; its data stay
#
# The programs of the newest PostgreSQL in /usr/lib/postgresql are used, or those in PATH. PostgreSQL refuses to run as
# root: root runs it as the user postgres, who must be able to reach the directory.
set -euo pipefail

action=${1:-}
directory=${2:-${TMPDIR:-/tmp}/tetrapod-postgres}
data=$directory/data

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)" 2>/dev/null) ||
  fail 'PostgreSQL is missing: install it (Debian: apt-get install postgresql).'

# Away from the caller's directory, which the user postgres may not be able to enter.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@")
  else
    (cd / && "$@")
  fi
}

password() {
  head -c 18 /dev/urandom | base64 | tr '+/' '-_'
}

control() {
  as_postgres "$bin/pg_ctl" -D "$data" -s -w "$@"
}

running() {
  as_postgres "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1
}

# On the port it had, if it had one: whoever knows the URL finds it again. Another one while somebody else has it.
start() {
  local port
  port=$(cat "$directory/port" 2>/dev/null) || port=$((20000 + RANDOM % 12000))
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    printf '%s' "$port" >"$directory/port"
    control -l "$data/log" -o "-p $port" start >/dev/null 2>&1 && return
    port=$((20000 + RANDOM % 12000))
  done
  tail -n 20 "$data/log" >&2
  fail "PostgreSQL did not start in $directory."
}

make() {
  local superuser owner
  superuser=$(password)
  owner=$(password)
  mkdir -p "$directory"
  [ "$(id -u)" -ne 0 ] || chown postgres "$directory"
  umask 077
  printf '%s' "$superuser" >"$directory/superuser"
  [ "$(id -u)" -ne 0 ] || chown postgres "$directory/superuser"
  as_postgres "$bin/initdb" -D "$data" --auth=scram-sha-256 -U postgres --pwfile="$directory/superuser" \
    --encoding=UTF8 --no-sync >/dev/null
  printf "%s\n" "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" >>"$data/postgresql.conf"
  start
  # The owner of a database, and nothing more: what an operator gives to Tetrapod.
  PGPASSWORD=$superuser "$bin/psql" -q -h 127.0.0.1 -p "$(cat "$directory/port")" -U postgres postgres -v ON_ERROR_STOP=1 <<SQL
create role tetrapod login password '$owner';
create database tetrapod owner tetrapod;
SQL
  printf '%s' "$owner" >"$directory/owner"
}

case $action in
  start)
    if [ ! -e "$directory/owner" ]; then make; elif ! running; then start; fi
    printf 'postgres://tetrapod:%s@127.0.0.1:%s/tetrapod\n' "$(cat "$directory/owner")" "$(cat "$directory/port")"
    ;;
  restart) control -m immediate -l "$data/log" restart >/dev/null ;;
  stop) if running; then control -m immediate stop; fi ;;
  *) fail 'Say what to do: start, restart or stop.' ;;
esac
