// A PostgreSQL server of the test's own: Debian's programs, a folder in /tmp, a UNIX socket in it and no TCP port,
// ended with the test however that ends. PostgreSQL refuses to run as root: root hands it to the user postgres.
#ifndef MST_TESTS_PG_H
#define MST_TESTS_PG_H

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <postgresql/libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    char dir[64], bin[300];
    pid_t pid; // 0 = not running
    unsigned databases;
} tst_pg_t;

// The newest of /usr/lib/postgresql/N/bin; false: none is installed.
static bool
tst_pg_find(tst_pg_t *pg)
{
    static const char root[] = "/usr/lib/postgresql";
    DIR *d = opendir(root);
    int best = 0;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char path[300];
        int version = (int)strtol(e->d_name, NULL, 10);
        snprintf(path, sizeof path, "%s/%d/bin/initdb", root, version);
        if (version > best && access(path, X_OK) == 0)
            best = version;
    }
    if (d)
        closedir(d);
    snprintf(pg->bin, sizeof pg->bin, "%s/%d/bin", root, best);
    return best > 0;
}

// In the child: no longer root, ended with the parent, silent.
static void
tst_pg_become(const tst_pg_t *pg)
{
    char log[100];
    snprintf(log, sizeof log, "%s/log", pg->dir);
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (getuid() == 0 && (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(77);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int fd = open(log, O_CREAT | O_WRONLY | O_APPEND, 0644);
    if (fd >= 0) {
        dup2(fd, 1);
        dup2(fd, 2);
    }
    if (chdir(pg->dir) != 0)
        _exit(1);
}

static bool
tst_pg_run(const tst_pg_t *pg, const char *program, char *argv[])
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", pg->bin, program);
    pid_t pid = fork();
    if (pid == 0) {
        tst_pg_become(pg);
        argv[0] = path; // it looks for its fellows beside itself
        execv(path, argv);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
tst_pg_conninfo(const tst_pg_t *pg, const char *database, char *out, size_t n)
{
    snprintf(out, n, "postgresql:///%s?host=%s&user=postgres", database, pg->dir);
}

static bool
tst_pg_sql(const tst_pg_t *pg, const char *database, const char *sql)
{
    char url[300];
    tst_pg_conninfo(pg, database, url, sizeof url);
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQstatus(c) == CONNECTION_OK ? PQexec(c, sql) : NULL;
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
    if (!ok && strstr(sql, "SELECT 1") == NULL)
        fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
    return ok;
}

// Starts the server of pg->dir and waits until it answers.
static bool
tst_pg_up(tst_pg_t *pg)
{
    char path[400];
    snprintf(path, sizeof path, "%s/postgres", pg->bin);
    pg->pid = fork();
    if (pg->pid == 0) {
        char data[100];
        snprintf(data, sizeof data, "%s/data", pg->dir);
        tst_pg_become(pg);
        execl(path, path, "-D", data, "-k", pg->dir, "-c", "listen_addresses=", "-c", "max_connections=60",
              (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1200; i++) {
        if (tst_pg_sql(pg, "postgres", "SELECT 1"))
            return true;
        if (waitpid(pg->pid, NULL, WNOHANG) != 0)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    pg->pid = 0;
    return false;
}

// false, with the reason on stderr: no server here.
static bool
tst_pg_start(tst_pg_t *pg)
{
    *pg = (tst_pg_t){.dir = "/tmp/mst-pg-XXXXXX"};
    if (!tst_pg_find(pg)) {
        fprintf(stderr, "skipped: PostgreSQL's server is not installed (Debian package postgresql)\n");
        return false;
    }
    if (!mkdtemp(pg->dir))
        return false;
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && chown(pg->dir, user->pw_uid, user->pw_gid) != 0)
        return false;
    (void)chmod(pg->dir, 0755);
    char *argv[] = {"initdb",           "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                          "--locale=C.UTF-8", "-N", NULL};
    if (!tst_pg_run(pg, "initdb", argv) || !tst_pg_up(pg)) {
        fprintf(stderr, "PostgreSQL's server did not start; its log: %s/log\n", pg->dir);
        return false;
    }
    return true;
}

static void
tst_pg_kill(tst_pg_t *pg, int signal)
{
    if (pg->pid <= 0)
        return;
    kill(pg->pid, signal);
    waitpid(pg->pid, NULL, 0);
    pg->pid = 0;
}

static void
tst_pg_stop(tst_pg_t *pg)
{
    tst_pg_kill(pg, SIGQUIT);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", pg->dir);
    if (pg->dir[0] == '/' && system(command) != 0) // a path of our own making
        fprintf(stderr, "could not remove %s\n", pg->dir);
}

// A new, empty database.
static void
tst_pg_database(tst_pg_t *pg, char *url, size_t n)
{
    char name[32], sql[80];
    snprintf(name, sizeof name, "test_%u", ++pg->databases);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    (void)tst_pg_sql(pg, "postgres", sql);
    tst_pg_conninfo(pg, name, url, n);
}

#endif
