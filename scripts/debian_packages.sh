#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing; without root it says which they are and stops with status 1.
set -euo pipefail

packages=(libegl1 libegl-mesa0 libgl1-mesa-dri sweethome3d-furniture)
python=${PYTHON:-python3}

say() { printf '%s\n' "setup: $*" >&2; }

installed() { [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }

if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: the renderer needs EGL with Mesa and the object models of Debian's package sweethome3d-furniture"
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
"$python" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    say "missing Debian packages: ${missing[*]}; install them with: sudo apt-get install ${missing[*]}"
    exit 1
fi

say "installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
lock=(-o DPkg::Lock::Timeout=300)
apt-get "${lock[@]}" update -qq >&2
apt-get "${lock[@]}" install -y -qq --no-install-recommends "${missing[@]}" >&2
