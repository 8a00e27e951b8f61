#!/bin/sh
# Records NAME.json for each NAME.yaml that kubectl reads, and leaves an empty NAME.error for each that it refuses.
# Needs kubectl v1.32.4.
set -eu
cd "$(dirname "$0")"
for file in *.yaml; do
    name=${file%.yaml}
    if kubectl annotate --local -f "$file" recorded=true -o json 2>/dev/null >"$name.json.new"; then
        mv "$name.json.new" "$name.json"
        rm -f "$name.error"
    else
        rm -f "$name.json.new" "$name.json"
        touch "$name.error"
    fi
done
