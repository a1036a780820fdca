// posix_spawn, not fork: this process has threads and libraries that do not survive one. Limits are set from outside
// right after the start, before anything is asked. Its input is a socket, so that writing to a dead child is an error
// code and no signal; its standard error is kept to a tail for the error sentence and drained, so that it never blocks.
#include "worker/plugin/child.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES_MAX  (1 * MST_MIB)
#define STDERR_KEPT     2048
#define TURN_MS         50 // between looks whether it has ended
#define END_MS          300
#define KILL_MS         1000
#define COMMAND_MAX     256
#define ENVIRONMENT_MAX 128
#define NS_PER_MS       1000000

struct mst_child {
    pid_t pid;
    int in, out, err; // our ends; -1 when closed
    bool reaped;
    int status;
    mst_buf_t line; // what it wrote and nobody has read; first line_used bytes were handed out
    size_t line_used;
    char said[STDERR_KEPT];
    size_t said_n;
};

static char *
environment_entry(mst_str_t name)
{
    char key[256];
    if (name.n == 0 || name.n >= sizeof key)
        return NULL;
    memcpy(key, name.p, name.n);
    key[name.n] = '\0';
    const char *value = getenv(key);
    if (value == NULL)
        return NULL;
    size_t n = name.n + strlen(value) + 2;
    char *entry = mst_xalloc(n);
    snprintf(entry, n, "%s=%s", key, value);
    return entry;
}

// Few variables by default: keys of providers are none of a scorer's business.
static void
fill_environment(const mst_child_opts_t *o, char *env[ENVIRONMENT_MAX + 1])
{
    static const char *const usual[] = {"PATH",   "HOME",   "USER",       "LANG",
                                        "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if ((env[n] = environment_entry(mst_str_c(usual[i]))) != NULL)
            n++;
    for (size_t i = 0; i < o->env_count && n < ENVIRONMENT_MAX; i++)
        if ((env[n] = environment_entry(o->env[i])) != NULL)
            n++;
    env[n] = NULL;
}

static void
free_texts(char **texts)
{
    for (size_t i = 0; texts[i] != NULL; i++)
        free(texts[i]);
}

static int
spawn(const int fds[3], char **argv, char **env, pid_t *pid)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&files);
    // Threads here block every signal, and a child would inherit that.
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int e = 0;
    for (int i = 0; i < 3 && e == 0; i++)
        e = posix_spawn_file_actions_adddup2(&files, fds[i], i);
    if (e == 0)
        e = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (e == 0)
        e = posix_spawnp(pid, argv[0], &files, &attr, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return e;
}

static void
limit(pid_t pid, uint64_t memory_bytes)
{
    const struct rlimit none = {0, 0}, memory = {memory_bytes, memory_bytes};
    (void)prlimit(pid, RLIMIT_CORE, &none, NULL);
    if (memory_bytes > 0)
        (void)prlimit(pid, RLIMIT_AS, &memory, NULL);
}

static void
close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

// Descriptors above 2 at both ends, so that dup2 cannot meet them: this process has 0 to 2 open, or a child's end
// would be one of them and dup2 onto itself would leave its close-on-exec flag.
static int
make_pipes(int ours[3], int theirs[3])
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
    int e = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
        pipe2(err, O_CLOEXEC) != 0)
        e = errno;
    const int mine[3] = {in[0], out[0], err[0]}, its[3] = {in[1], out[1], err[1]};
    for (int i = 0; i < 3; i++) {
        ours[i] = mine[i];
        theirs[i] = its[i];
        if (e == 0 && fcntl(mine[i], F_SETFL, O_NONBLOCK) != 0)
            e = errno;
    }
    return e;
}

// Out of processes or descriptors is the machine's fault, anything else the command's.
static mst_rc
rc_of_spawn(int e)
{
    bool machine = e == EAGAIN || e == ENOMEM || e == EMFILE || e == ENFILE || e == EIO;
    return machine ? MST_IO : e == ENOENT ? MST_NOTFOUND : MST_INVAL;
}

mst_rc
mst_child_start(const mst_child_opts_t *o, mst_child_t **out, mst_err_t *err)
{
    char *argv[COMMAND_MAX + 1] = {NULL}, *env[ENVIRONMENT_MAX + 1] = {NULL};
    int ours[3] = {-1, -1, -1}, theirs[3] = {-1, -1, -1};
    *out = NULL;
    if (o->command_count == 0 || o->command_count > COMMAND_MAX || o->command[0].n == 0)
        return MST_ERR(err, MST_INVAL, "command names no program, or has more than %d parts", COMMAND_MAX);
    for (size_t i = 0; i < o->command_count; i++)
        argv[i] = mst_xstrndup(o->command[i].n > 0 ? o->command[i].p : "", o->command[i].n);
    fill_environment(o, env);
    mst_child_t *c = MST_NEW(mst_child_t);
    int e = make_pipes(ours, theirs);
    if (e == 0)
        e = spawn(theirs, argv, env, &c->pid);
    close_all(theirs, 3);
    mst_rc rc = MST_OK;
    if (e == 0) {
        c->in = ours[0];
        c->out = ours[1];
        c->err = ours[2];
        mst_buf_init(&c->line, LINE_BYTES_MAX + 1);
        limit(c->pid, o->memory_bytes);
        *out = c;
    } else {
        rc = MST_ERR_SUB(err, rc_of_spawn(e), e, "could not start program \"%s\": %s%s", argv[0], strerror(e),
                         e == EACCES ? "; it must be a file that may be executed (chmod +x)" : "");
        close_all(ours, 3);
        free(c);
    }
    free_texts(argv);
    free_texts(env);
    return rc;
}

// Has it ended? It stays a zombie until the group is killed, so that its group number cannot be another's.
static bool
has_ended(mst_child_t *c)
{
    siginfo_t info = {0};
    if (c->reaped)
        return true;
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == c->pid;
}

static bool
wait_for_end(mst_child_t *c, int64_t ms)
{
    int64_t until = mst_mono_ns() + ms * NS_PER_MS;
    while (!has_ended(c)) {
        if (mst_mono_ns() >= until)
            return false;
        (void)poll(NULL, 0, 2);
    }
    return true;
}

static void
kill_group(mst_child_t *c)
{
    if (c->reaped)
        return;
    (void)kill(-c->pid, SIGKILL);
    (void)kill(c->pid, SIGKILL); // should it have left its group
    c->reaped = wait_for_end(c, KILL_MS) && waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static void
release(mst_child_t **child)
{
    mst_child_t *c = *child;
    kill_group(c);
    const int fds[3] = {c->in, c->out, c->err};
    close_all(fds, 3);
    mst_buf_deinit(&c->line);
    free(c);
    *child = NULL;
}

void
mst_child_kill(mst_child_t **c)
{
    if (c != NULL && *c != NULL)
        release(c);
}

void
mst_child_free(mst_child_t **child)
{
    if (child == NULL || *child == NULL)
        return;
    close((*child)->in);
    (*child)->in = -1;
    (void)wait_for_end(*child, END_MS);
    release(child);
}

// Keeps the last STDERR_KEPT bytes of what it complains about.
static void
read_stderr(mst_child_t *c)
{
    char piece[STDERR_KEPT];
    ssize_t got = read(c->err, piece, sizeof piece);
    if (got <= 0) {
        if (got == 0) {
            close(c->err);
            c->err = -1;
        }
        return;
    }
    size_t n = (size_t)got, keep = c->said_n;
    if (keep + n > sizeof c->said)
        keep = sizeof c->said - n;
    memmove(c->said, c->said + (c->said_n - keep), keep);
    memcpy(c->said + keep, piece, n);
    c->said_n = keep + n;
}

// Its last complaint, for a sentence: the last line that is not empty.
static mst_str_t
last_words(const mst_child_t *c)
{
    mst_str_t all = mst_str_trim(mst_str(c->said, c->said_n));
    size_t from = all.n;
    while (from > 0 && all.p[from - 1] != '\n' && all.n - from < 200)
        from--;
    return mst_str(all.p + from, all.n - from);
}

static mst_rc
failed(mst_child_t *c, mst_rc rc, mst_err_t *err, const char *what)
{
    if (c->err >= 0)
        read_stderr(c);
    mst_str_t said = last_words(c);
    return MST_ERR(err, rc, "the program %s%s%.*s%s", what, said.n > 0 ? "; its last words: \"" : "", MST_FMT(said),
                   said.n > 0 ? "\"" : "");
}

static mst_rc
ended(mst_child_t *c, mst_err_t *err)
{
    char what[80] = "closed its output";
    siginfo_t info = {0};
    bool gone = wait_for_end(c, END_MS) && waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (gone && info.si_code == CLD_EXITED)
        snprintf(what, sizeof what, "ended with status %d", info.si_status);
    else if (gone)
        snprintf(what, sizeof what, "was killed by signal %d", info.si_status);
    return failed(c, MST_CLOSED, err, what);
}

// One piece of its output. MST_AGAIN: nothing there; MST_CLOSED.
static mst_rc
read_output(mst_child_t *c, mst_err_t *err)
{
    char piece[16384];
    ssize_t got = read(c->out, piece, sizeof piece);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? MST_AGAIN : ended(c, err);
    if (got == 0)
        return ended(c, err);
    if (mst_buf_add(&c->line, piece, (size_t)got) != MST_OK)
        return failed(c, MST_LIMIT, err, "wrote a line of more than 1 MiB");
    return MST_OK;
}

static bool
take_line(mst_child_t *c, mst_str_t *out)
{
    const char *end = c->line.n > 0 ? memchr(c->line.p, '\n', c->line.n) : NULL;
    if (end == NULL)
        return false;
    *out = mst_str(c->line.p, (size_t)(end - c->line.p));
    c->line_used = out->n + 1;
    return true;
}

// Sends what goes. A child that does not read any more has ended or closed its input; that shows at its output.
static void
send_some(mst_child_t *c, mst_str_t *text)
{
    ssize_t sent = send(c->in, text->p, text->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        *text = mst_str(text->p + sent, text->n - (size_t)sent);
    else if (sent < 0 && errno != EAGAIN && errno != EINTR)
        *text = mst_str(text->p, 0);
}

static mst_rc
one_turn(mst_child_t *c, mst_str_t *text, int64_t left_ns, mst_err_t *err)
{
    int64_t ms = left_ns / NS_PER_MS + 1;
    struct pollfd p[3] = {
        {.fd = text->n > 0 ? c->in : -1, .events = POLLOUT},
        {.fd = c->out, .events = POLLIN},
        {.fd = c->err, .events = POLLIN},
    };
    bool over = has_ended(c); // before the look at its output: what it wrote at last is still read
    (void)poll(p, 3, over ? 0 : (int)(ms < TURN_MS ? ms : TURN_MS));
    if (p[2].revents != 0)
        read_stderr(c);
    if (p[0].revents != 0)
        send_some(c, text);
    if (p[1].revents != 0)
        return read_output(c, err);
    return over ? ended(c, err) : MST_AGAIN; // a child of it may hold the pipe open
}

mst_rc
mst_child_ask(mst_child_t *c, mst_str_t text, int64_t deadline_ns, mst_str_t *out_line, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    mst_buf_consume(&c->line, c->line_used);
    c->line_used = 0;
    rc = read_output(c, err);
    if (rc != MST_OK && rc != MST_AGAIN)
        return rc;
    if (c->line.n > 0)
        return failed(c, MST_PROTO, err, "wrote a line that nobody asked for");
    for (;;) {
        if (text.n == 0 && take_line(c, out_line))
            return MST_OK;
        int64_t left = deadline_ns - mst_mono_ns();
        if (left <= 0)
            return failed(c, MST_TIMEOUT, err, "did not answer in time");
        rc = one_turn(c, &text, left, err);
        if (rc != MST_OK && rc != MST_AGAIN)
            return rc;
    }
}
