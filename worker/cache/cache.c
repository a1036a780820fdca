// Reading is a look-up in the thread that asks; writing goes through a queue to a thread of its own, many answers in
// one transaction.
#include "worker/cache/cache.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/queue.h"
#include "worker/cache/file.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define QUEUE_ITEMS   4096
#define QUEUE_BYTES   (64 * MST_MIB) // waiting to be written; what is more is not kept
#define BATCH         128
#define OPEN_TRIES    25
#define OPEN_WAIT_NS  (20 * MST_NS_PER_MS)
#define SCRATCH_BYTES (8 * MST_CASE_BYTES_MAX)
#define ENTRY_MAX     (2 * MST_HTTP_BODY_MAX)

typedef struct {
    mst_digest_t key;
    mst_buf_t bytes;
} item_t;

struct mst_cache {
    char *path;
    mst_cache_opts_t o;
    atomic_bool warned;
    atomic_ullong waiting; // bytes in the queue
    // of the thread that asks
    mst_cache_file_t *reader;
    bool no_reader;           // it cannot be read, and that was said
    unsigned long long tried; // commits when it was last found missing
    mst_json_parser_t *json;
    mst_arena_t *scratch;
    // of the thread that writes
    mst_queue_t *queue;
    pthread_t thread;
    bool has_thread;
    mst_cache_file_t *writer;
    bool no_writer;
    atomic_ullong commits; // of this process
};

static void
warn_once(mst_cache_t *c, const char *what, const mst_err_t *err)
{
    if (!atomic_exchange(&c->warned, true))
        mst_warn("response cache \"%s\" %s: %s; the run goes on", c->path, what, err->message);
    else
        mst_debug("response cache \"%s\" %s: %s", c->path, what, err->message);
}

// Two processes that make the file at once get in each other's way for a moment.
static bool
open_writer(mst_cache_t *c)
{
    mst_err_t err = {0};
    mst_rc rc = MST_AGAIN;
    if (c->writer != NULL || c->no_writer)
        return c->writer != NULL;
    for (int i = 0; i < OPEN_TRIES && rc == MST_AGAIN; i++) {
        if (i > 0)
            (void)nanosleep(&(struct timespec){.tv_nsec = OPEN_WAIT_NS}, NULL);
        rc = mst_cache_file_open(c->path, true, &c->writer, &err);
    }
    if (rc != MST_OK) {
        warn_once(c, "cannot be written to", &err);
        c->no_writer = true;
    }
    return rc == MST_OK;
}

static mst_rc
write_batch(mst_cache_t *c, item_t **items, size_t n, mst_err_t *err)
{
    int64_t now = mst_wall_ns();
    mst_rc rc = mst_cache_file_begin(c->writer, err);
    for (size_t i = 0; i < n && rc == MST_OK; i++)
        rc = mst_cache_file_put(c->writer, &items[i]->key, mst_buf_view(&items[i]->bytes), now, err);
    if (rc == MST_OK)
        rc = mst_cache_file_end(c->writer, c->o.max_bytes, err);
    if (rc != MST_OK)
        mst_cache_file_rollback(c->writer);
    else
        atomic_fetch_add(&c->commits, 1);
    return rc;
}

static void
item_free(mst_cache_t *c, item_t *item)
{
    atomic_fetch_sub(&c->waiting, item->bytes.n);
    mst_buf_deinit(&item->bytes);
    free(item);
}

static void *
writer_main(void *arg)
{
    mst_cache_t *c = arg;
    void *items[BATCH];
    (void)pthread_setname_np(pthread_self(), "worker-cache");
    for (;;) {
        size_t n = mst_queue_pop(c->queue, items, BATCH, true);
        mst_err_t err = {0};
        if (n == 0)
            break;
        if (open_writer(c)) {
            mst_rc rc = write_batch(c, (item_t **)items, n, &err);
            if (rc != MST_OK)
                warn_once(c, "cannot be written to", &err);
            c->no_writer = rc == MST_PROTO;
            if (c->no_writer)
                mst_cache_file_close(&c->writer);
        }
        for (size_t i = 0; i < n; i++)
            item_free(c, items[i]);
    }
    mst_cache_file_close(&c->writer);
    return NULL;
}

mst_cache_t *
mst_cache_new(const mst_cache_opts_t *opts)
{
    mst_cache_t *c = MST_NEW(mst_cache_t);
    c->path = mst_xstrdup(opts->path);
    c->o = *opts;
    c->o.path = c->path;
    c->json = mst_json_parser_new();
    c->scratch = mst_arena_new(SCRATCH_BYTES);
    c->tried = ULLONG_MAX;
    if (!opts->writes)
        return c;
    c->queue = mst_queue_new(QUEUE_ITEMS, false);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    c->has_thread = pthread_create(&c->thread, NULL, writer_main, c) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!c->has_thread) {
        mst_err_t err = {0};
        (void)MST_ERR(&err, MST_NOMEM, "no thread could be started");
        warn_once(c, "cannot be written to", &err);
    }
    return c;
}

void
mst_cache_free(mst_cache_t **cache)
{
    if (cache == NULL || *cache == NULL)
        return;
    mst_cache_t *c = *cache;
    *cache = NULL;
    mst_cache_file_close(&c->reader); // first, so that the writer tidies up
    if (c->queue != NULL)
        mst_queue_close(c->queue);
    if (c->has_thread)
        (void)pthread_join(c->thread, NULL);
    mst_queue_free(&c->queue);
    mst_json_parser_free(&c->json);
    mst_arena_free(&c->scratch);
    free(c->path);
    free(c);
}

bool
mst_cache_key_of(mst_cache_t *c, const mst_cache_ask_t *ask, mst_digest_t *out)
{
    mst_err_t err = {0};
    mst_rc rc = mst_cache_key(ask, c->json, c->scratch, out, &err);
    mst_arena_reset(c->scratch);
    if (rc != MST_OK)
        mst_debug("%s", err.message);
    return rc == MST_OK;
}

// What is not there is looked for again when something was written.
static bool
open_reader(mst_cache_t *c)
{
    mst_err_t err = {0};
    unsigned long long commits = atomic_load(&c->commits);
    if (c->reader != NULL || c->no_reader || commits == c->tried)
        return c->reader != NULL;
    mst_rc rc = mst_cache_file_open(c->path, false, &c->reader, &err);
    if (rc == MST_NOTFOUND)
        c->tried = commits;
    if (rc == MST_NOTFOUND && !c->o.writes && !atomic_exchange(&c->warned, true))
        mst_warn("response cache \"%s\" has no answers yet, and the run does not write to it", c->path);
    if (rc == MST_OK || rc == MST_NOTFOUND || rc == MST_AGAIN)
        return rc == MST_OK;
    warn_once(c, "cannot be read", &err);
    c->no_reader = true;
    return false;
}

bool
mst_cache_find(mst_cache_t *c, const mst_digest_t *key, mst_cached_t *out)
{
    mst_err_t err = {0};
    mst_str_t bytes = MST_STR_NULL;
    if (!c->o.reads || !open_reader(c))
        return false;
    mst_rc rc = mst_cache_file_get(c->reader, key, &bytes, &err);
    if (rc == MST_OK) {
        mst_arena_reset(c->scratch);
        rc = mst_cached_unpack(bytes, c->scratch, out, &err);
        if (rc != MST_OK)
            mst_cache_file_done(c->reader);
    }
    if (rc != MST_OK && rc != MST_NOTFOUND)
        warn_once(c, "has an answer that is asked for anew", &err);
    return rc == MST_OK;
}

void
mst_cache_found_done(mst_cache_t *c)
{
    mst_cache_file_done(c->reader);
}

void
mst_cache_put(mst_cache_t *c, const mst_digest_t *key, const mst_cached_t *x, int64_t base_ns)
{
    mst_err_t err = {0};
    if (!c->has_thread)
        return;
    item_t *item = MST_NEW(item_t);
    item->key = *key;
    mst_buf_init(&item->bytes, ENTRY_MAX);
    mst_cached_pack(x, base_ns, &item->bytes);
    bool failed = item->bytes.failed;
    unsigned long long waiting = atomic_fetch_add(&c->waiting, item->bytes.n);
    bool full = waiting + item->bytes.n > QUEUE_BYTES;
    if (!failed && !full && mst_queue_try_push(c->queue, item) == MST_OK)
        return;
    item_free(c, item);
    (void)MST_ERR(&err, MST_LIMIT, failed ? "an answer is too large" : "answers come faster than they can be written");
    warn_once(c, "does not keep every answer", &err);
}
