// Records wait in one byte buffer, each as its head, its names, its events, padded to eight bytes.
#include "sim/truth.h"

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/json/json.h"
#include "sim/answer.h"
#include "sim/logprobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_BYTES = 64 << 10, NAME_MAX_BYTES = 1024 };

#define WAITING_MAX (1024 * MST_MIB)
#define TEXT_MAX    (1024 * MST_MIB)

typedef struct {
    int64_t repeat, recv_ns;
    uint64_t attempt;
    uint64_t event_count;
    uint32_t request_id_n, case_id_n;
    int32_t status;
    uint16_t end, recv_kernel;
} head_t;

struct mst_sim_truth {
    int fd;
    bool broken;       // writing failed once; nothing more is written
    mst_buf_t waiting; // records
    size_t done;       // bytes of waiting that are written
    mst_buf_t text;
    char *path;
};

mst_rc
mst_sim_truth_open(const char *path, mst_sim_truth_t **out, mst_err_t *err)
{
    *out = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not open truth file \"%s\": %s", path, strerror(errno));
    mst_sim_truth_t *t = MST_NEW(mst_sim_truth_t);
    t->fd = fd;
    t->path = mst_xstrdup(path);
    mst_buf_init(&t->waiting, WAITING_MAX);
    mst_buf_init(&t->text, TEXT_MAX);
    *out = t;
    return MST_OK;
}

static void
broken(mst_sim_truth_t *t, const char *why)
{
    if (!t->broken)
        mst_error("could not write the truth file path=%s error=\"%s\"", t->path, why);
    t->broken = true;
}

void
mst_sim_truth_add(mst_sim_truth_t *t, const mst_sim_truth_record_t *r)
{
    if (t->broken)
        return;
    mst_str_t request_id = mst_str_cut(r->request_id, NAME_MAX_BYTES),
              case_id = mst_str_cut(r->case_id, NAME_MAX_BYTES);
    head_t h = {r->repeat,           r->recv_ns, r->attempt,       r->event_count, (uint32_t)request_id.n,
                (uint32_t)case_id.n, r->status,  (uint16_t)r->end, r->recv_kernel};
    size_t start = t->waiting.n, names = request_id.n + case_id.n;
    mst_buf_add(&t->waiting, &h, sizeof h);
    mst_buf_add_str(&t->waiting, request_id);
    mst_buf_add_str(&t->waiting, case_id);
    mst_buf_add(&t->waiting, "\0\0\0\0\0\0\0", (8 - names % 8) % 8);
    mst_buf_add(&t->waiting, r->events, r->event_count * sizeof *r->events);
    if (t->waiting.failed) {
        t->waiting.n = start;
        broken(t, "more records are waiting than memory is allowed for");
    }
}

size_t
mst_sim_truth_waiting(const mst_sim_truth_t *t)
{
    return t->waiting.n - t->done;
}

static void
add_i64(mst_buf_t *out, int64_t v)
{
    if (v < 0)
        mst_buf_add_byte(out, '-');
    mst_sim_json_u64(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void
render_event(const mst_sim_truth_event_t *e, mst_buf_t *out)
{
    mst_buf_add_byte(out, '[');
    add_i64(out, e->before_ns);
    mst_buf_add_byte(out, ',');
    add_i64(out, e->after_ns);
    mst_buf_add_byte(out, ',');
    mst_sim_json_u64(out, e->tokens);
    mst_buf_add_str(out, MST_STR(",\""));
    mst_buf_add_c(out, mst_sim_event_name((mst_sim_event_kind_t)e->kind));
    mst_buf_add_str(out, MST_STR("\"]"));
}

// The record at p as a line; returns its bytes.
static size_t
render_record(const char *p, mst_buf_t *out)
{
    static const char *const ends[] = {"whole", "cut", "hanging", "closed"};
    head_t h;
    memcpy(&h, p, sizeof h);
    size_t at = sizeof h, names = (size_t)h.request_id_n + h.case_id_n;
    mst_buf_add_str(out, MST_STR("{\"request_id\":"));
    mst_sim_json_str(out, mst_str(p + at, h.request_id_n));
    mst_buf_add_str(out, MST_STR(",\"case_id\":"));
    if (h.case_id_n > 0)
        mst_sim_json_str(out, mst_str(p + at + h.request_id_n, h.case_id_n));
    else
        mst_buf_add_str(out, MST_STR("null"));
    if (h.repeat >= 0)
        mst_buf_addf(out, ",\"repeat\":%lld", (long long)h.repeat);
    else
        mst_buf_add_str(out, MST_STR(",\"repeat\":null"));
    mst_buf_addf(out, ",\"attempt\":%llu,\"recv_ns\":%lld,\"recv_kernel\":%s,\"status\":%d,\"end\":\"%s\",\"events\":[",
                 (unsigned long long)h.attempt, (long long)h.recv_ns, h.recv_kernel ? "true" : "false", h.status,
                 ends[h.end]);
    at += names + (8 - names % 8) % 8;
    for (uint64_t i = 0; i < h.event_count; i++, at += sizeof(mst_sim_truth_event_t)) {
        mst_sim_truth_event_t e;
        memcpy(&e, p + at, sizeof e);
        if (i > 0)
            mst_buf_add_byte(out, ',');
        render_event(&e, out);
    }
    mst_buf_add_str(out, MST_STR("]}\n"));
    return at;
}

static bool
write_all(mst_sim_truth_t *t)
{
    size_t at = 0;
    while (at < t->text.n) {
        ssize_t n = write(t->fd, t->text.p + at, t->text.n - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            broken(t, strerror(errno));
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

bool
mst_sim_truth_write_some(mst_sim_truth_t *t)
{
    mst_buf_reset(&t->text);
    while (t->done < t->waiting.n && t->text.n < STEP_BYTES)
        t->done += render_record(t->waiting.p + t->done, &t->text);
    if (t->text.failed)
        broken(t, "out of memory");
    else if (!t->broken)
        (void)write_all(t);
    if (t->done < t->waiting.n && !t->broken)
        return true;
    mst_buf_reset(&t->waiting);
    t->done = 0;
    return false;
}

void
mst_sim_truth_close(mst_sim_truth_t **t)
{
    if (t == NULL || *t == NULL)
        return;
    while (mst_sim_truth_write_some(*t))
        continue;
    close((*t)->fd);
    mst_buf_deinit(&(*t)->waiting);
    mst_buf_deinit(&(*t)->text);
    free((*t)->path);
    free(*t);
    *t = NULL;
}
