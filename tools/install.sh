#!/bin/sh
# Install a locked list of packages, and this checkout, into a virtual environment: install.sh PYTHON VENV LIST
# uv takes seconds where pip takes minutes: it is used where it is, brought by pip where it is not, and done without where
# it cannot be had. Nobody waits for byte-code of modules that are never imported: Python writes it of those that are.
set -eu
python=$1 venv=$2 list=$3

ours="$venv/bin/python"
[ -x "$ours" ] || "$python" -m venv "$venv"
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    if [ -x "$venv/bin/uv" ] || "$ours" -m pip install --quiet --disable-pip-version-check 'uv>=0.5'; then
        uv="$venv/bin/uv"
    fi
fi

with_uv() {
    "$uv" pip install --quiet --python "$ours" --require-hashes --requirement "$list" &&
        "$uv" pip install --quiet --python "$ours" --no-build-isolation --no-deps --editable .
}

with_pip() {
    "$ours" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement "$list"
    "$ours" -m pip install --quiet --disable-pip-version-check --no-compile --no-build-isolation --no-deps --editable .
}

if [ -n "$uv" ] && with_uv; then
    exit 0
fi
with_pip
