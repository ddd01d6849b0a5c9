#!/usr/bin/env bash
# A PostgreSQL of the tests' own, from Debian's package: `start FOLDER` prints its URL, `stop FOLDER` ends it.
# It listens on loopback alone, asks for a password, and writes durably, as a real one does.
set -euo pipefail
task=$1
folder=$2
password=only-for-tests
binaries=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
test -n "$binaries" || { echo "PostgreSQL is not installed: apt-get install postgresql" >&2; exit 1; }

# the server refuses to run as root
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

if [ "$task" = start ]; then
  mkdir -p "$folder"
  [ "$(id -u)" != 0 ] || chown postgres "$folder"
  as_postgres bash -c "printf %s '$password' > '$folder/password'"
  as_postgres "$binaries/initdb" --pgdata="$folder/data" --username=holocron_test --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C > "$folder/initdb.log"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  as_postgres "$binaries/pg_ctl" --pgdata="$folder/data" --wait --log="$folder/log" \
    --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder -c max_connections=200" \
    start > "$folder/start.log"
  echo "postgresql://holocron_test:$password@127.0.0.1:$port/postgres"
else
  as_postgres "$binaries/pg_ctl" --pgdata="$folder/data" --mode=immediate stop
fi
