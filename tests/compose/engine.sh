#!/usr/bin/env bash
# A Docker engine with Compose v2, for the tests of the stack: engine.sh start | stop | ours
# start uses the engine that is there, unless it holds a stack that is not the tests' own; else, as root on Debian,
# it installs one and starts it by hand. It ends with 3 and a sentence where none can be had. stop and ours speak of
# an engine that start started.
set -euo pipefail

state=/run/holocron-test-engine
trixie='docker.io docker-cli docker-compose docker-buildx'

no_engine() {
  printf 'NO DOCKER ENGINE: %s. The stack is not tested here.\n' "$1" >&2
  exit 3
}

is_ours() { test -s "$state/pid" && kill -0 "$(cat "$state/pid")" 2> /dev/null; }

has_client() { docker compose version --short 2> /dev/null | grep -q '^v\?[2-9]' && docker buildx version > /dev/null 2>&1; }

# Debian 12 has Compose 1 only: the four packages come from Debian 13, from the mirror that this machine uses.
add_trixie() {
  local mirror key
  if apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' | grep -qx trixie; then return; fi
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2 == "bookworm" {print $1; exit}')
  test -n "$mirror" || no_engine 'no Debian 12 or 13 package source was found'
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  test -s "$key" || no_engine "$key is missing"
  echo "deb [signed-by=$key] $mirror trixie main" > /etc/apt/sources.list.d/holocron-test-engine.list
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: 50\n\nPackage: %s\nPin: release n=trixie\nPin-Priority: 990\n' \
    "$trixie" > /etc/apt/preferences.d/holocron-test-engine
}

install_packages() {
  test "$(id -u)" = 0 || no_engine 'none is running, and only root can install one'
  command -v apt-get > /dev/null || no_engine 'none is running, and it is installed by itself on Debian only'
  add_trixie
  export DEBIAN_FRONTEND=noninteractive
  # Docker's own packages stay as they are where they stand beside Debian's
  { apt-get update -q && apt-get install -qy --no-install-recommends $trixie iptables mmdebstrap; } \
    > "$state/apt.log" 2>&1 || { tail -n 20 "$state/apt.log" >&2; no_engine 'its packages cannot be installed'; }
}

start_daemon() {
  command -v dockerd > /dev/null || no_engine 'dockerd is not installed'
  setsid dockerd --pidfile "$state/pid" > "$state/dockerd.log" 2>&1 < /dev/null &
  for _ in $(seq 120); do
    if docker info > /dev/null 2>&1; then return; fi
    sleep 0.5
  done
  tail -n 20 "$state/dockerd.log" >&2
  no_engine 'dockerd does not start'
}

stop_daemon() {
  is_ours || return 0
  local pid
  pid=$(cat "$state/pid")
  kill "$pid"
  for _ in $(seq 240); do
    kill -0 "$pid" 2> /dev/null || return 0
    sleep 0.5
  done
  echo "dockerd does not stop" >&2
  exit 1
}

# The tests delete the stack's volumes and give its images' names to stand-ins: never on somebody's own stack.
refuse_real_stack() {
  local image
  test -z "$(docker volume ls --quiet --filter label=com.docker.compose.project=holocron-analytics)" ||
    no_engine 'the one that runs here holds the volumes of a stack, which the tests would delete'
  for image in ollama/ollama mcr.microsoft.com/mssql/server postgres; do
    for image in $(docker image ls --quiet "$image"); do
      docker image inspect --format '{{index .Config.Labels "holocron.standin"}}' "$image" | grep -q . ||
        no_engine 'the one that runs here has the real images, whose names the tests would give to stand-ins'
    done
  done
}

case "${1:-}" in
  start)
    if docker info > /dev/null 2>&1 && has_client; then
      is_ours || refuse_real_stack
      exit 0
    fi
    mkdir -p "$state" 2> /dev/null || no_engine 'none is running, and only root can start one'
    if ! has_client || ! command -v dockerd > /dev/null || ! command -v mmdebstrap > /dev/null; then install_packages; fi
    docker info > /dev/null 2>&1 || start_daemon
    ;;
  stop) stop_daemon ;;
  ours) is_ours ;;
  *)
    echo 'usage: engine.sh start | stop | ours' >&2
    exit 2
    ;;
esac
