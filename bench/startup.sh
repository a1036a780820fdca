#!/bin/bash
# bench/startup.sh: wall time of `muster --version` and `muster validate`, median of 21, beside /bin/true.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
muster=${MUSTER:-$here/build/release/muster}
median() {
    for _ in $(seq 21); do
        a=$(date +%s%N)
        "$@" >/dev/null 2>&1
        b=$(date +%s%N)
        echo $(((b - a) / 1000))
    done | sort -n | sed -n 11p
}
echo "muster --version                      $(median "$muster" --version) us"
echo "muster validate configs/quickstart.yaml $(median "$muster" validate configs/quickstart.yaml) us"
echo "/bin/true                             $(median /bin/true) us"
