#!/usr/bin/env bash
# Has TensorRT-RTX, which needs no GPU to build, parse and build the default network in fp32 and fp16 for three
# generations of GPUs, and refuse what it must (`make check-tensorrt`). Arguments go to check_tensorrt.py (--help).
# The wheel (95 MB) is no part of the set-up; where there is none for this machine, that is said and nothing is checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${VENV:-.venv}/bin/python
package=tensorrt-rtx-cu13

say() { printf '%s\n' "check-tensorrt: $*" >&2; }

if ! "$python" -c 'import tensorrt_rtx' 2>/dev/null; then
    say "installing $package"
    # Its front is a source package without code to compile: setuptools of the environment is all that it needs.
    if ! problem=$("$python" -m pip --disable-pip-version-check install --quiet --timeout 20 --retries 1 --progress-bar off --no-build-isolation \
        --constraint constraints.txt "$package" 2>&1); then
        say "SKIPPED, nothing was checked: $package cannot be installed here (${problem##*$'\n'})"
        exit 0
    fi
    if ! "$python" -c 'import tensorrt_rtx' 2>/dev/null; then
        say "SKIPPED, nothing was checked: $package was installed and cannot be imported here"
        exit 0
    fi
    # Where it was there before, it is among the tests.
    "$python" -m pytest -q test/runtime/test_tensorrt_rtx.py
fi
exec "$python" scripts/check_tensorrt.py "$@"
