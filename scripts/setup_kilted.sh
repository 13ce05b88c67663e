#!/usr/bin/env bash
# A second virtual environment with ROS 2 Kilted: what the node and its tests need, no torch. A second run returns at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}-kilted
python=${PYTHON:-python3}
wanted=$(cat constraints.txt constraints-kilted.txt setup.py scripts/setup_kilted.sh | sha256sum | cut -c1-16)
stamp="$venv/.ready-$wanted"
[ -e "$stamp" ] && exit 0

printf '%s\n' "setup: making $venv with ROS 2 Kilted" >&2
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
grep -v '^ros-' constraints.txt | cat - constraints-kilted.txt > "$pins"
pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet --progress-bar off --constraint "$pins")
"${pip[@]}" setuptools
"${pip[@]}" --no-build-isolation --editable '.[kilted,bags,reports,test]'
rm -f "$venv"/.ready-*
touch "$stamp"
