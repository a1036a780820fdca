// The keeper is this process once more, after fork() and without exec: it may call only what is safe in a signal
// handler, so everything it needs is made before, and it allocates nothing. Its life line is a pipe that only we hold
// the other end of: when we are gone, even by SIGKILL, it reads the end of it and stops the server.
#include "worker/keeper.h"

#include "common/base/mem.h"
#include "worker/blot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 8192
#define TERM_MS    10000
#define KILL_MS    3000
#define TURN_MS    50

struct mst_keeper {
    pid_t pid;
    int life, tell; // our ends
};

// What the kept process sees of the options, and where it stands.
typedef struct {
    const mst_keeper_opts_t *o;
    int life, tell, log, out, signals;
    pid_t server;
    bool ended, told, stopping, killed, full;
    int status;
    int64_t until_ms;
    uint64_t logged;
    size_t line_n, hold; // hold: bytes that the longest key could begin in
    char line[LINE_BYTES];
    uint32_t tail_n;
    char tail[MST_KEEPER_TAIL];
} keep_t;

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = write(fd, p, n);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return; // a full disk must not stop a server
        p += sent;
        n -= (size_t)sent;
    }
}

static void
add_tail(keep_t *k, const char *p, size_t n)
{
    if (n > sizeof k->tail) {
        p += n - sizeof k->tail;
        n = sizeof k->tail;
    }
    size_t keep = k->tail_n + n > sizeof k->tail ? sizeof k->tail - n : k->tail_n;
    memmove(k->tail, k->tail + (k->tail_n - keep), keep);
    memcpy(k->tail + keep, p, n);
    k->tail_n = (uint32_t)(keep + n);
}

static void
put(keep_t *k, const char *p, size_t n)
{
    static const char said[] = "\n[muster: the log is full, the rest is not kept]\n";
    uint64_t room = k->o->log_max - k->logged;
    size_t some = n < room ? n : (size_t)room;
    add_tail(k, p, n);
    write_all(k->log, p, some);
    k->logged += some;
    if (some < n && !k->full)
        write_all(k->log, said, sizeof said - 1);
    k->full = k->full || some < n;
}

// A key is looked for in whole lines; of a line that is too long, all but what a key could begin in goes on.
static void
put_lines(keep_t *k, bool all)
{
    for (size_t i = 0; i < k->o->blot_count; i++)
        mst_blot(k->line, k->line_n, k->o->blot[i]);
    const char *end = memrchr(k->line, '\n', k->line_n);
    size_t n = end != NULL ? (size_t)(end - k->line) + 1 : 0;
    if (all)
        n = k->line_n;
    else if (n == 0 && k->line_n == sizeof k->line)
        n = k->line_n - k->hold;
    put(k, k->line, n);
    memmove(k->line, k->line + n, k->line_n - n);
    k->line_n -= n;
}

static void
read_output(keep_t *k)
{
    while (k->out >= 0) {
        ssize_t got = read(k->out, k->line + k->line_n, sizeof k->line - k->line_n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return;
        if (got == 0) {
            close(k->out);
            k->out = -1;
        }
        k->line_n += (size_t)got;
        put_lines(k, got == 0);
    }
}

static void
close_others(const int *kept, size_t count)
{
    unsigned from = 3;
    for (;;) { // the next descriptor to keep, in rising order
        unsigned next = ~0U;
        for (size_t i = 0; i < count; i++)
            if ((unsigned)kept[i] >= from && (unsigned)kept[i] < next)
                next = (unsigned)kept[i];
        if (next > from)
            (void)close_range(from, next == ~0U ? ~0U : next - 1, 0);
        if (next == ~0U)
            return;
        from = next + 1;
    }
}

static _Noreturn void
become_server(const mst_keeper_opts_t *o, int output)
{
    sigset_t none;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); // of the keeper, should that be killed
    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &plain, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)dup2(output, STDOUT_FILENO); // standard input is /dev/null already
    (void)dup2(output, STDERR_FILENO);
    (void)close_range(3, ~0U, 0);
    (void)execvpe(o->argv[0], o->argv, o->envp);
    const char *why = strerrordesc_np(errno);
    write_all(STDERR_FILENO, "could not start \"", 17);
    write_all(STDERR_FILENO, o->argv[0], strlen(o->argv[0]));
    write_all(STDERR_FILENO, "\": ", 3);
    write_all(STDERR_FILENO, why != NULL ? why : "?", why != NULL ? strlen(why) : 1);
    write_all(STDERR_FILENO, "\n", 1);
    _exit(127);
}

static bool
begin(keep_t *k)
{
    int pipes[2];
    sigset_t child;
    const int kept[] = {k->life, k->tell, k->log};
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) // whoever reads our output must not wait for the keeper
        (void)dup2(null, i);
    close_others(kept, 3);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "muster-keeper");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); // so that what the server leaves behind is seen to end
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    k->signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    if (k->signals < 0 || pipe2(pipes, O_CLOEXEC) != 0)
        return false;
    k->out = pipes[0];
    (void)fcntl(k->out, F_SETFL, O_NONBLOCK);
    k->server = fork();
    if (k->server == 0)
        become_server(k->o, pipes[1]);
    close(pipes[1]);
    return k->server > 0;
}

static void
stop(keep_t *k)
{
    if (k->stopping)
        return;
    k->stopping = true;
    k->until_ms = now_ms() + TERM_MS;
    (void)kill(-k->server, SIGTERM);
    if (!k->ended)
        (void)kill(k->server, SIGTERM); // before it has made its session
}

static void
reap(keep_t *k)
{
    struct signalfd_siginfo info;
    int status;
    while (read(k->signals, &info, sizeof info) > 0)
        continue;
    for (pid_t p = waitpid(-1, &status, WNOHANG); p > 0; p = waitpid(-1, &status, WNOHANG))
        if (p == k->server) {
            k->ended = true;
            k->status = status;
        }
}

static void
tell(keep_t *k)
{
    mst_keeper_end_t end = {.status = k->status};
    read_output(k);
    put_lines(k, true);
    end.tail_n = k->tail_n;
    memcpy(end.tail, k->tail, k->tail_n);
    write_all(k->tell, (const char *)&end, sizeof end); // in one piece: below PIPE_BUF
    k->told = true;
}

static void
turn(keep_t *k)
{
    struct pollfd p[3] = {
        {.fd = k->stopping ? -1 : k->life, .events = POLLIN},
        {.fd = k->signals, .events = POLLIN},
        {.fd = k->out, .events = POLLIN},
    };
    (void)poll(p, 3, k->stopping || k->ended ? TURN_MS : -1);
    reap(k);
    read_output(k);
    if (k->ended && !k->told)
        tell(k);
    if (p[0].revents != 0 || k->ended)
        stop(k);
    if (k->stopping && now_ms() >= k->until_ms && !k->killed) {
        k->killed = true;
        k->until_ms = now_ms() + KILL_MS;
        (void)kill(-k->server, SIGKILL);
        if (!k->ended)
            (void)kill(k->server, SIGKILL);
    }
}

static _Noreturn void
keep(const mst_keeper_opts_t *o, int life, int tell_fd)
{
    keep_t k = {.o = o, .life = life, .tell = tell_fd, .log = o->log_fd, .out = -1};
    for (size_t i = 0; i < o->blot_count; i++)
        if (o->blot[i].n > k.hold && o->blot[i].n < LINE_BYTES / 2)
            k.hold = o->blot[i].n;
    if (!begin(&k)) {
        k.status = 127 << 8;
        tell(&k);
        _exit(1);
    }
    for (;;) {
        turn(&k);
        bool gone = k.ended && kill(-k.server, 0) != 0;
        if (gone || (k.killed && now_ms() >= k.until_ms))
            break;
    }
    read_output(&k);
    put_lines(&k, true);
    _exit(0);
}

mst_rc
mst_keeper_start(const mst_keeper_opts_t *o, mst_keeper_t **out, mst_err_t *err)
{
    int life[2] = {-1, -1}, tells[2] = {-1, -1};
    mst_keeper_t *k = MST_NEW(mst_keeper_t);
    sigset_t all, old;
    int e = 0;
    *out = NULL;
    if (pipe2(life, O_CLOEXEC) != 0 || pipe2(tells, O_CLOEXEC | O_NONBLOCK) != 0) {
        e = errno;
        goto out;
    }
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    k->pid = fork();
    if (k->pid == 0)
        keep(o, life[0], tells[1]);
    e = k->pid < 0 ? errno : 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
out:
    if (life[0] >= 0)
        close(life[0]);
    if (tells[1] >= 0)
        close(tells[1]);
    k->life = life[1];
    k->tell = tells[0];
    if (e == 0) {
        *out = k;
        return MST_OK;
    }
    if (k->life >= 0)
        close(k->life);
    if (k->tell >= 0)
        close(k->tell);
    free(k);
    return MST_ERR_SUB(err, MST_IO, e, "could not start a process: %s", strerror(e));
}

int
mst_keeper_fd(const mst_keeper_t *k)
{
    return k->tell;
}

bool
mst_keeper_ended(mst_keeper_t *k, mst_keeper_end_t *out)
{
    ssize_t got = read(k->tell, out, sizeof *out);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got != (ssize_t)sizeof *out || out->tail_n > sizeof out->tail)
        *out = (mst_keeper_end_t){.status = SIGKILL}; // the keeper itself was killed
    return true;
}

void
mst_keeper_stop(mst_keeper_t *k)
{
    if (k->life >= 0)
        close(k->life);
    k->life = -1;
}

void
mst_keeper_free(mst_keeper_t **keeper)
{
    mst_keeper_t *k = keeper != NULL ? *keeper : NULL;
    if (k == NULL)
        return;
    *keeper = NULL;
    mst_keeper_stop(k);
    while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(k->tell);
    free(k);
}
