#!/usr/bin/env bash
# The oldest Node that each package runs on, from npm: 20 for the SDKs, 24 for the service.
#
#   parts/node.sh start [DIRECTORY]     fetches what is missing, prints the directory: in it, 20/bin/node and 24/bin/node
#   parts/node.sh stop [DIRECTORY]      removes them
set -euo pipefail

action=${1:-}
directory=${2:-${TMPDIR:-/tmp}/tetrapod-node}

# `bin` is a link that is made last: an installation that was broken off has none.
fetch() {
  local version=$1 home=$directory/$1
  [ -x "$home/bin/node" ] && return
  mkdir -p "$home"
  printf '{ "private": true, "allowScripts": { "node": true } }\n' >"$home/package.json"
  (cd "$home" && npm install --no-fund --no-audit --loglevel=error "node@$version" >&2)
  ln -sfn node_modules/node/bin "$home/bin"
}

case $action in
  start)
    fetch 20
    fetch 24
    printf '%s\n' "$directory"
    ;;
  stop) rm -rf "$directory" ;;
  *)
    printf '%s\n' 'Say what to do: start or stop.' >&2
    exit 1
    ;;
esac
