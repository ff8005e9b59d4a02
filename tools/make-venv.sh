#!/bin/sh
# Make .venv with Python 3.11. What is missing is said in one line.
set -eu

for python in python3.11 python3 python; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || continue
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Python 3.11 is here without its venv module. Install it: apt-get install python3.11-venv" >&2
        exit 1
    fi
    echo "Making the environment in .venv …"
    "$python" -m venv .venv
    exit 0
done
echo "Dongting needs Python 3.11, which was not found. Install it: apt-get install python3.11 python3.11-venv" >&2
exit 1
