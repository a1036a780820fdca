#!/bin/bash
# The reference pages are those that the parameter tables give. MST_UPDATE=1 writes them.
. "$(dirname "$0")/lib.sh"
for page in configuration scorers providers; do
    expect 0 "$MUSTER" reference $page
    file=$MUSTER_SOURCE/docs/reference/$page.md
    [ -n "${MST_UPDATE:-}" ] && cp out "$file"
    cmp -s out "$file" || fail "docs/reference/$page.md is not what 'muster reference $page' prints; MST_UPDATE=1 writes it"
done
done_testing
