#!/bin/sh
# Make .venv with Python 3.11. What is missing is said in one line.
set -eu

right() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; }

right .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 && exit 0

found=""
for python in python3.11 python3 python; do
    right "$python" || continue
    found=$python
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue
    echo "Making the environment in .venv …"
    exec "$python" -m venv .venv
done
if [ -n "$found" ]; then
    echo "Python 3.11 is here without its venv module. Install it: apt-get install python3.11-venv" >&2
else
    echo "Dongting needs Python 3.11, which is not here. Install it: apt-get install python3.11 python3.11-venv" >&2
fi
exit 1
