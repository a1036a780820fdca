# Sourced after lib.sh by scripts that need PostgreSQL: a server of their own (Debian's programs), on a UNIX socket in
# the script's folder, without a TCP port. PostgreSQL refuses to run as root: then it runs as the user postgres.
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$pg_bin/initdb" ] || skip "needs PostgreSQL's server (Debian package postgresql)"
need psql
pg_dir=$tmp/pg
mkdir "$pg_dir"
chmod 755 "$tmp"
as_pg=
if [ "$(id -u)" = 0 ]; then
    need setpriv
    chown postgres "$pg_dir"
    as_pg="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
pg_url="postgresql:///muster_test?host=$pg_dir&user=postgres"
pg_init() {
    (cd "$pg_dir" && $as_pg "$pg_bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N) >pg.log 2>&1 ||
        { fail "initdb: $(tail -n 3 pg.log)"; done_testing; }
}
pg_start() {
    (cd "$pg_dir" && exec $as_pg "$pg_bin/postgres" -D data -k "$pg_dir" -c listen_addresses= -c max_connections=60) \
        >>pg.log 2>&1 &
    pg_pid=$!
    pids="$pids $pg_pid"
    for _ in $(seq 200); do
        psql -qAt "host=$pg_dir user=postgres dbname=postgres" -c 'select 1' >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "PostgreSQL did not start: $(tail -n 3 pg.log)"
    done_testing
}
# pg_stop [SIGNAL]: QUIT is a crash
pg_stop() {
    kill "-${1:-INT}" "$pg_pid" 2>/dev/null
    wait "$pg_pid" 2>/dev/null
}
sql() { psql -qAt "$pg_url" -c "$1"; }
