#include "worker/launch.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "worker/keeper.h"
#include "worker/secrets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA_BYTES (4 * MST_MIB)
#define LOG_MAX     (16 * MST_MIB)
#define LOG_NAME    200
#define ASK_MS      5000
#define AGAIN_NS    (100 * MST_NS_PER_MS)
#define BODY_MAX    (64 * MST_KIB)
#define SHOWN       240 // of its last words

struct mst_launch {
    mst_launch_opts_t o;
    mst_arena_t *arena;
    mst_keeper_t *keeper;
    mst_http_call_t *call;
    mst_timer_t next, late;
    mst_str_t ready_url;
    const char *log;
    char **secrets; // what was resolved; wiped
    mst_str_t *blot;
    size_t secret_count;
    bool ready, over, gone; // gone: freed while a call was under way, whose end frees
    int last_status;
    mst_err_t last;
};

mst_rc
mst_launch_free_port(uint16_t *out, mst_err_t *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0 &&
              getsockname(fd, (struct sockaddr *)&a, &n) == 0;
    int e = errno;
    if (fd >= 0)
        close(fd);
    *out = ntohs(a.sin_port);
    return ok ? MST_OK : MST_ERR_SUB(err, MST_IO, e, "could not find a free port: %s", strerror(e));
}

mst_str_t
mst_launch_with_port(mst_str_t text, uint16_t port, mst_arena_t *arena)
{
    const mst_str_t mark = MST_STR(MST_LAUNCH_PORT);
    char *p = mst_arena_alloc_raw(arena, text.n + 1); // a port is no longer than its mark
    size_t n = 0, from = 0;
    if (p == NULL)
        return MST_STR_NULL;
    for (int64_t at = mst_str_find(text, mark, 0); at >= 0; at = mst_str_find(text, mark, from)) {
        char digits[8];
        size_t some = (size_t)at - from, len = (size_t)snprintf(digits, sizeof digits, "%u", port);
        memcpy(p + n, text.p + from, some);
        memcpy(p + n + some, digits, len);
        n += some + len;
        from = (size_t)at + mark.n;
    }
    if (from < text.n)
        memcpy(p + n, text.p + from, text.n - from);
    n += text.n - from;
    p[n] = '\0';
    return mst_str(p, n);
}

static mst_rc
no_room(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "provider.launch does not fit into %lu bytes", ARENA_BYTES);
}

static const mst_params_t *
params_of(const mst_launch_t *l)
{
    return &l->o.target->cfg->provider.launch;
}

static char *
text_of(mst_launch_t *l, mst_str_t s)
{
    mst_str_t t = mst_launch_with_port(s, l->o.target->port, l->arena);
    char *z = mst_arena_alloc_raw(l->arena, t.n + 1);
    if (t.p == NULL || z == NULL)
        return NULL;
    memcpy(z, t.p, t.n);
    z[t.n] = '\0';
    return z;
}

static mst_rc
make_command(mst_launch_t *l, char ***out, mst_err_t *err)
{
    const mst_param_value_t *v = mst_params_get(params_of(l), "command");
    char **argv = MST_ARENA_ARRAY(l->arena, char *, v->u.list.count + 1);
    if (argv == NULL)
        return no_room(err);
    for (size_t i = 0; i < v->u.list.count; i++)
        if ((argv[i] = text_of(l, v->u.list.items[i])) == NULL)
            return no_room(err);
    *out = argv;
    return MST_OK;
}

static bool
is_reference(mst_str_t s)
{
    return mst_str_starts(s, MST_STR("env:")) || mst_str_starts(s, MST_STR("file:/"));
}

// "NAME=value"; what a reference names goes to the keys that are blotted.
static mst_rc
make_variable(mst_launch_t *l, const mst_json_member_t *m, char **out, mst_err_t *err)
{
    char what[200];
    char *secret = NULL;
    mst_str_t value = m->value.u.s;
    if (is_reference(value)) {
        (void)snprintf(what, sizeof what, "launch.env.%.*s", (int)(m->key.n < 150 ? m->key.n : 150), m->key.p);
        mst_rc rc = mst_secret_ref(what, value, l->o.env, &secret, err);
        if (rc != MST_OK)
            return rc;
        value = mst_str_c(secret);
    }
    size_t n = m->key.n + value.n + 2;
    *out = mst_xalloc(n);
    (void)snprintf(*out, n, "%.*s=%.*s", MST_FMT(m->key), MST_FMT(value));
    l->blot[l->secret_count] = secret != NULL ? mst_str(*out + m->key.n + 1, value.n) : MST_STR_NULL;
    l->secrets[l->secret_count++] = *out;
    mst_secret_free(&secret);
    return MST_OK;
}

static bool
same_name(const char *a, const char *b)
{
    while (*a == *b && *a != '=' && *a != '\0') {
        a++;
        b++;
    }
    return *a == '=' && *b == '=';
}

// The worker's own environment, with what the section says in its place.
static mst_rc
make_environment(mst_launch_t *l, char ***out, mst_err_t *err)
{
    const mst_param_value_t *v = mst_params_get(params_of(l), "env");
    size_t more = v->set ? v->u.json->count : 0, have = 0, n = 0;
    while (environ[have] != NULL)
        have++;
    char **envp = MST_ARENA_ARRAY(l->arena, char *, have + more + 1);
    l->secrets = MST_ARENA_ARRAY(l->arena, char *, more + 1);
    l->blot = MST_ARENA_ARRAY(l->arena, mst_str_t, more + 1);
    if (envp == NULL || l->secrets == NULL || l->blot == NULL)
        return no_room(err);
    for (size_t i = 0; i < more; i++, n++) {
        mst_rc rc = make_variable(l, &v->u.json->u.members[i], &envp[n], err);
        if (rc != MST_OK)
            return rc;
    }
    for (size_t i = 0; i < have; i++) {
        bool taken = false;
        for (size_t k = 0; k < more; k++)
            taken = taken || same_name(environ[i], envp[k]);
        if (!taken)
            envp[n++] = environ[i];
    }
    *out = envp;
    return MST_OK;
}

// The key that the backend is asked with: a server may write down what it was sent.
static mst_rc
add_key(mst_launch_t *l, mst_err_t *err)
{
    char *key = NULL;
    mst_rc rc = mst_secret_read(&l->o.target->ask, l->o.env, &key, err);
    if (key == NULL)
        return rc;
    l->blot[l->secret_count] = mst_str_c(key);
    l->secrets[l->secret_count++] = key;
    return rc;
}

static void
wipe(mst_launch_t *l)
{
    for (size_t i = 0; i < l->secret_count; i++)
        mst_secret_free(&l->secrets[i]);
    l->secret_count = 0;
}

static const char *
log_name(mst_launch_t *l)
{
    mst_str_t given = mst_params_str(params_of(l), "log"), label = mst_str_cut(l->o.target->cfg->label, LOG_NAME);
    char name[LOG_NAME + 32];
    if (given.n > 0)
        return text_of(l, given);
    int n = snprintf(name, sizeof name, "muster-launch-%.*s.log", MST_FMT(label));
    for (size_t i = 14; i < (size_t)n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", name[i]))
            name[i] = '_';
    return text_of(l, mst_str_c(name));
}

static void
end(mst_launch_t *l, const mst_err_t *why)
{
    l->over = true;
    mst_loop_timer_stop(l->o.loop, &l->next);
    mst_loop_timer_stop(l->o.loop, &l->late);
    mst_loop_fd_remove(l->o.loop, mst_keeper_fd(l->keeper));
    mst_keeper_stop(l->keeper);
    l->o.fn(l->o.ud, why);
}

// The last two lines or so, in one.
static void
last_words(const mst_keeper_end_t *e, char out[SHOWN + 1])
{
    mst_str_t s = mst_str_trim(mst_str(e->tail, e->tail_n));
    size_t from = s.n > SHOWN ? s.n - SHOWN : 0, lines = 0;
    for (size_t i = s.n; i > from && lines < 2; i--)
        if (s.p[i - 1] == '\n' && ++lines == 2)
            from = i;
    size_t n = 0;
    for (size_t i = from; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i > from || c < 0x80 || c >= 0xc0) // not from the middle of a character
            out[n++] = c < 0x20 || c == 0x7f || c == '"' ? ' ' : s.p[i];
    }
    out[n] = '\0';
}

static void
on_end(void *ud, int fd, int events)
{
    mst_launch_t *l = ud;
    mst_keeper_end_t e;
    mst_err_t err = {0};
    char words[SHOWN + 1];
    (void)fd;
    (void)events;
    if (!mst_keeper_ended(l->keeper, &e))
        return;
    last_words(&e, words);
    bool left = WIFEXITED(e.status);
    (void)MST_ERR(&err, MST_CLOSED, "the server that provider.launch started %s %d %s; its log is \"%s\"%s%s%s",
                  left ? "ended with status" : "was ended by signal", left ? WEXITSTATUS(e.status) : WTERMSIG(e.status),
                  l->ready ? "while it was needed" : "before it was ready", l->log,
                  words[0] != '\0' ? ", its last words: \"" : "", words, words[0] != '\0' ? "\"" : "");
    end(l, &err);
}

static void
on_late(void *ud)
{
    mst_launch_t *l = ud;
    mst_err_t err = {0};
    char status[32];
    (void)snprintf(status, sizeof status, "status %d", l->last_status);
    (void)MST_ERR(&err, MST_TIMEOUT,
                  "the server that provider.launch started was not ready after %g s: %.*s: %s; its log is \"%s\"",
                  mst_params_num(params_of(l), "timeout", 600), MST_FMT(l->ready_url),
                  l->last_status != 0          ? status
                  : l->last.message[0] != '\0' ? l->last.message
                                               : "no answer",
                  l->log);
    end(l, &err);
}

static void
destroy(mst_launch_t *l)
{
    mst_arena_free(&l->arena);
    free(l);
}

static bool
on_data(void *ud, mst_str_t bytes, int64_t rx_mono_ns, bool merged)
{
    const mst_launch_t *l = ud;
    (void)bytes;
    (void)rx_mono_ns;
    (void)merged;
    return !l->gone;
}

static void
on_done(void *ud, const mst_http_result_t *r)
{
    mst_launch_t *l = ud;
    l->call = NULL;
    if (l->gone) {
        destroy(l);
        return;
    }
    l->last_status = r->status;
    l->last = r->err;
    if (l->over)
        return;
    if (r->status != 200) {
        mst_loop_timer(l->o.loop, &l->next, mst_loop_now(l->o.loop) + AGAIN_NS);
        return;
    }
    const mst_err_t fine = {0};
    l->ready = true;
    mst_loop_timer_stop(l->o.loop, &l->late);
    mst_info("the server of \"%.*s\" is ready", MST_FMT(l->o.target->cfg->label));
    l->o.fn(l->o.ud, &fine);
}

static const mst_http_handler_t handler = {.on_data = on_data, .on_done = on_done};

static void
on_next(void *ud)
{
    mst_launch_t *l = ud;
    const mst_http_req_t req = {.method = "GET",
                                .url = l->ready_url,
                                .connect_timeout_ms = ASK_MS,
                                .total_timeout_ms = ASK_MS,
                                .body_max = BODY_MAX,
                                .net = l->o.net};
    if (mst_http_start(l->o.http, &req, &handler, l, &l->call, &l->last) == MST_OK)
        return;
    l->call = NULL;
    mst_loop_timer(l->o.loop, &l->next, mst_loop_now(l->o.loop) + AGAIN_NS);
}

static mst_rc
start(mst_launch_t *l, mst_err_t *err)
{
    mst_keeper_opts_t k = {.log_fd = -1, .log_max = LOG_MAX};
    char **argv = NULL, **envp = NULL;
    mst_rc rc = make_command(l, &argv, err);
    if (rc == MST_OK)
        rc = make_environment(l, &envp, err);
    if (rc == MST_OK)
        rc = add_key(l, err);
    l->log = log_name(l);
    l->ready_url = mst_launch_with_port(mst_params_str(params_of(l), "ready_url"), l->o.target->port, l->arena);
    if (rc == MST_OK && (l->log == NULL || l->ready_url.p == NULL))
        rc = no_room(err);
    if (rc != MST_OK)
        return rc;
    k.argv = argv;
    k.envp = envp;
    k.blot = l->blot;
    k.blot_count = l->secret_count;
    k.log_fd = open(l->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    if (k.log_fd < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not write the log of provider.launch \"%s\": %s", l->log,
                           strerror(errno));
    rc = mst_keeper_start(&k, &l->keeper, err);
    close(k.log_fd);
    return rc;
}

mst_rc
mst_launch_new(const mst_launch_opts_t *o, mst_launch_t **out, mst_err_t *err)
{
    mst_launch_t *l = MST_NEW(mst_launch_t);
    *out = NULL;
    l->o = *o;
    l->arena = mst_arena_new(ARENA_BYTES);
    l->next = (mst_timer_t){.fn = on_next, .ud = l};
    l->late = (mst_timer_t){.fn = on_late, .ud = l};
    mst_rc rc = start(l, err);
    wipe(l); // the keeper has what it needs
    if (rc == MST_OK)
        rc = mst_loop_fd(o->loop, mst_keeper_fd(l->keeper), MST_LOOP_READ, on_end, l, err);
    if (rc != MST_OK) {
        mst_keeper_free(&l->keeper);
        destroy(l);
        return rc;
    }
    double timeout_s = mst_params_num(params_of(l), "timeout", 600);
    mst_loop_timer(o->loop, &l->next, mst_mono_ns());
    mst_loop_timer(o->loop, &l->late, mst_mono_ns() + (int64_t)(timeout_s * 1e9));
    mst_info("server of \"%.*s\" started, its output goes to \"%s\"", MST_FMT(o->target->cfg->label), l->log);
    *out = l;
    return MST_OK;
}

void
mst_launch_stop(mst_launch_t *l)
{
    if (l == NULL || l->over)
        return;
    l->over = true;
    mst_loop_timer_stop(l->o.loop, &l->next);
    mst_loop_timer_stop(l->o.loop, &l->late);
    mst_loop_fd_remove(l->o.loop, mst_keeper_fd(l->keeper));
    mst_keeper_stop(l->keeper);
}

void
mst_launch_free(mst_launch_t **launch, bool client_gone)
{
    mst_launch_t *l = launch != NULL ? *launch : NULL;
    if (l == NULL)
        return;
    *launch = NULL;
    mst_launch_stop(l);
    mst_keeper_free(&l->keeper);
    if (l->call == NULL || client_gone) {
        destroy(l);
        return;
    }
    l->gone = true;
    mst_http_abort(l->o.http, l->call, MST_CANCELED, "server no longer needed");
}
