#!/bin/sh
# Install a locked list of packages, and this checkout, into a virtual environment: install.sh PYTHON VENV LIST [compiled]
# uv takes seconds where pip takes minutes: it is used where it is, brought by pip where it is not, and done without where
# it cannot be had. Byte-code of every module (`compiled`) is for who runs many processes; without it nobody waits for that
# of modules that are never imported, and Python writes it of those that are.
set -eu
python=$1 venv=$2 list=$3
compiled=${4:-}

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

if [ -z "$uv" ] || ! with_uv; then
    with_pip
fi
if [ "$compiled" = compiled ]; then
    "$ours" -m compileall -q -j 0 "$("$ours" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" || true
fi
