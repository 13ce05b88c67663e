#!/usr/bin/env bash
# Makes the virtual environment ready for `make`: system packages, pinned Python packages, this package in editable form.
# A stamp named after the hash of what it was made from lets a later run return at once and without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}
python=${PYTHON:-python3}

"$(dirname "${BASH_SOURCE[0]}")/debian_packages.sh"

say() { printf '%s\n' "setup: $*" >&2; }

wanted=$(cat constraints.txt setup.py setup.cfg pyproject.toml scripts/setup.sh | sha256sum | cut -c1-16)
stamp="$venv/.ready-$wanted"
[ -e "$stamp" ] && exit 0

# Two `make` at once: the second waits here and then finds the stamp.
mkdir -p "$venv"
exec 9>"$venv.lock"
flock -n 9 || { say "another set-up is at work in $venv, waiting for it"; flock 9; }
[ -e "$stamp" ] && exit 0

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
    3.11 | 3.12) ;;
    *) say "Python 3.11 or 3.12 is needed (ROS 2 Jazzy wheels), found $version at $(command -v "$python"); name another with PYTHON=…"; exit 1 ;;
esac

if [ ! -x "$venv/bin/pip" ]; then
    say "making the virtual environment $venv"
    "$python" -m venv "$venv"
fi
pip=("$venv/bin/python" -m pip --disable-pip-version-check)

install() {
    say "installing $*"
    "${pip[@]}" install --quiet --progress-bar off "$@"
}

# torch by itself and first: what follows finds it installed and does not look for another build.
torch=$(grep '^torch==' constraints.txt)
install "$torch"
install --constraint constraints.txt setuptools
install --constraint constraints.txt --no-build-isolation --editable '.[ros,bags,openvino,sim,training,test,dev]'

rm -f "$venv"/.ready-*
touch "$stamp"
say "ready: $venv"
