#!/bin/sh
# Writes expected.yaml again for each case that has one. Needs kubectl v1.32.4.
set -eu
cd "$(dirname "$0")"
for expected in */expected.yaml; do
    case=${expected%/expected.yaml}
    path=$(cat "$case/path" 2>/dev/null || echo .)
    kubectl kustomize "$case/input/$path" >"$expected"
done
