#!/usr/bin/env bash
# Lint, build and tests, with oneDNN and without; ends with the outcome in a few lines.
set -euo pipefail
cd "$(dirname "$0")/.."

# One build for the tool and the tests: `swift test` alone would build all again, with other flags.
run_tests() { # log file, arguments of swift test
  local log=$1
  shift
  swift test -c release --skip-build --disable-xctest "$@" 2>&1 | tee "$log"
}

closing_line() { grep -E 'Test run with [0-9]+ tests? .* (passed|failed)' "$1" | tail -n 1; }

echo "== lint"
make --no-print-directory lint

echo "== build"
swift build -c release --build-tests

echo "== tests"
run_tests .build/tests.log

# What the kernels of this processor do, on the plain ones and through oneDNN.
echo "== tests without vector kernels"
ATTUNE_ISA=default run_tests .build/tests-default.log --filter 'TensorsTests|LayersTests|BackbonesTests'

# The same through OpenBLAS: the modules that products pass through (`make test-portable` builds all).
echo "== tests without oneDNN"
export ATTUNE_NO_ONEDNN=1 ATTUNE_CORE_ONLY=1
swift build -c release --build-tests --scratch-path .build/no-onednn
ATTUNE_ISA=default run_tests .build/tests-no-onednn.log --scratch-path .build/no-onednn \
  --filter 'TensorsTests|LayersTests|BackbonesTests'

echo
echo "tests:                 $(closing_line .build/tests.log)"
echo "without vectors:       $(closing_line .build/tests-default.log)"
echo "tests without oneDNN:  $(closing_line .build/tests-no-onednn.log)"
Scripts/parity-count.sh .build/tests.log
