# Debian packages, for quickstart and check. Sourced: needs $need (names); installs what is missing, or prints the one
# line that does and stops.
build_packages="build-essential cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev libczmq-dev libzmq3-dev
  libcurl4-openssl-dev libyaml-dev libsqlite3-dev libsimdjson-dev libpcre2-dev libutf8proc-dev libxxhash-dev libssl-dev
  libzstd-dev zlib1g-dev uthash-dev libopenblas0 libpq-dev ca-certificates"
test_packages="libcmocka-dev postgresql python3 sqlite3 curl zstd gzip procps"

install_packages() {
    missing=
    for package in $*; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "These Debian packages are missing; install them and start again:" >&2
        echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 2
    fi
    echo "installing:$missing"
    log=$(mktemp)
    if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qq -y \
           --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "could not install the packages above" >&2
        exit 2
    fi
    rm -f "$log"
}
