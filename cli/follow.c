// One loop on the main thread: the client link, a signalfd and the progress line. The coordinator sends RunStatus
// a few times a second and at once when the state changes; its last one ends the loop.
#include "cli/follow.h"

#include "cli/progress.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/prng.h"
#include "common/net/link.h"
#include "common/wire/wire.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define UNPACK_MAX (1 * MST_MIB)
// After the second Ctrl-C the coordinator has this long to say its last word.
#define STOP_PATIENCE (2 * MST_NS_PER_S)

typedef struct {
    const mst_follow_opts_t *o;
    mst_follow_result_t *out;
    mst_loop_t *loop;
    mst_link_t *link;
    mst_progress_t *progress;
    mst_arena_t *arena;
    mst_buf_t buf;
    mst_timer_t give_up;
    int signals;
    bool submitted;
    bool told; // that a target is lost
    mst_err_t err;
} follow_t;

void
mst_signals_block(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static mst_rc
send_body(follow_t *f, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_wire_envelope(&e, kind, body);
    mst_buf_reset(&f->buf);
    mst_rc rc = mst_wire_pack(&e, &f->buf, &f->err);
    if (rc == MST_OK)
        rc = mst_link_send(f->link, 0, mst_buf_view(&f->buf), &f->err);
    return rc;
}

static void
fail(follow_t *f)
{
    f->out->end = MST_FOLLOW_ABORTED;
    f->out->err = f->err;
    mst_loop_stop(f->loop);
}

static void
say_hello(follow_t *f)
{
    uint64_t id[2] = {mst_entropy_u64(), mst_entropy_u64()};
    Muster__Hello hello = MUSTER__HELLO__INIT;
    hello.role = 2;
    hello.proto_major = MST_WIRE_MAJOR;
    hello.proto_minor = MST_WIRE_MINOR;
    hello.instance = mst_wire_bytes(mst_str((const char *)id, sizeof id));
    if (send_body(f, MUSTER__ENVELOPE__BODY_HELLO, &hello) != MST_OK)
        fail(f);
}

static void
submit(follow_t *f)
{
    const mst_run_rec_t *r = f->o->run;
    uint64_t id[2] = {mst_entropy_u64(), mst_entropy_u64()};
    Muster__Submit s = MUSTER__SUBMIT__INIT;
    s.req_id = mst_wire_bytes(mst_str((const char *)id, sizeof id));
    s.run_no = (uint32_t)r->run_no;
    s.run_id = mst_wire_bytes(r->run_id);
    s.generation = r->generation;
    s.spec = mst_wire_bytes(r->spec);
    Muster__RunNote spent = MUSTER__RUN_NOTE__INIT;
    if (f->o->spent != NULL) {
        spent.run_no = s.run_no;
        spent.has_requests = spent.has_tokens = spent.has_money = true;
        spent.requests = f->o->spent->requests;
        spent.tokens = f->o->spent->tokens;
        spent.money = f->o->spent->money;
        s.spent = &spent;
    }
    if (send_body(f, MUSTER__ENVELOPE__BODY_SUBMIT, &s) != MST_OK)
        fail(f);
    f->submitted = true;
}

static void
on_status(follow_t *f, const Muster__RunStatus *s)
{
    mst_follow_result_t *out = f->out;
    out->refused_rows = s->has_refused_rows ? s->refused_rows : 0;
    out->cases = s->has_cases ? s->cases : 0;
    out->total = s->has_total ? s->total : 0;
    out->total_exact = s->has_total_exact && s->total_exact;
    out->has_hash = s->has_dataset_hash && s->dataset_hash.len == sizeof out->dataset_hash.b;
    if (out->has_hash)
        memcpy(out->dataset_hash.b, s->dataset_hash.data, sizeof out->dataset_hash.b);
    if (s->note != NULL) {
        out->retries = s->note->retries;
        out->raises = s->note->raises;
        out->cuts = s->note->cuts;
        out->places = s->note->places;
        out->lowest = s->note->lowest;
    }
    mst_progress_view_t view = {
        .done = s->done,
        .total = out->total,
        .total_exact = out->total_exact,
        .passed = s->has_passed ? s->passed : 0,
        .measured = s->has_measured ? s->measured : 0,
        .unmeasured = s->has_unmeasured ? s->unmeasured : 0,
        .in_flight = s->has_in_flight ? s->in_flight : 0,
        .ttft_p50_ns = s->has_ttft_p50_ns ? s->ttft_p50_ns : MST_NONE,
        .draining = s->state == 2,
    };
    if (s->state < MST_FOLLOW_DONE) {
        if (s->has_text && !f->told && !view.draining) // a budget's comes with the drain
            mst_warn("%.*s; the other targets are asked to the end", MST_FMT(mst_wire_str(s->text)));
        f->told = f->told || s->has_text;
        mst_progress_show(f->progress, &view, mst_loop_now(f->loop));
        return;
    }
    out->end = (mst_follow_end_t)s->state;
    if (s->state == MST_FOLLOW_ABORTED || s->state == MST_FOLLOW_BUDGET)
        (void)mst_err_set(&out->err, s->has_rc ? (mst_rc)s->rc : MST_INTERNAL, 0, __FILE__, __LINE__, "%.*s",
                          MST_FMT(mst_wire_str(s->text)));
    mst_loop_stop(f->loop);
}

static void
on_message(void *ud, uint64_t conn, mst_str_t bytes)
{
    follow_t *f = ud;
    (void)conn;
    Muster__Envelope *e;
    mst_arena_reset(f->arena);
    if (mst_wire_unpack(bytes, f->arena, &e, &f->err) != MST_OK) {
        mst_warn("unreadable message from the coordinator: %s", f->err.message);
        return;
    }
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO_OK && !f->submitted)
        submit(f);
    else if (e->body_case == MUSTER__ENVELOPE__BODY_RUN_STATUS && e->run_status->run_no == (uint32_t)f->o->run->run_no)
        on_status(f, e->run_status);
}

static void
on_give_up(void *ud)
{
    follow_t *f = ud;
    f->out->end = MST_FOLLOW_INTERRUPTED;
    mst_loop_stop(f->loop);
}

static void
on_signal(void *ud, int fd, int events)
{
    follow_t *f = ud;
    (void)events;
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    f->signals++;
    Muster__Cancel c = MUSTER__CANCEL__INIT;
    c.run_no = (uint32_t)f->o->run->run_no;
    c.now = f->signals > 1;
    if (send_body(f, MUSTER__ENVELOPE__BODY_CANCEL, &c) != MST_OK || f->signals > 2) {
        on_give_up(f);
        return;
    }
    if (f->signals == 1) {
        mst_warn("stopping: what is in flight is finished and kept; Ctrl-C once more stops at once");
        return;
    }
    f->give_up = (mst_timer_t){.fn = on_give_up, .ud = f};
    mst_loop_timer(f->loop, &f->give_up, mst_mono_ns() + STOP_PATIENCE);
}

static mst_rc
watch_signals(follow_t *f, int *out_fd, mst_err_t *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    *out_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*out_fd < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not watch signals: %s", strerror(errno));
    return mst_loop_fd(f->loop, *out_fd, MST_LOOP_READ, on_signal, f, err);
}

mst_rc
mst_follow_run(const mst_follow_opts_t *o, mst_follow_result_t *out, mst_err_t *err)
{
    follow_t f = {.o = o, .out = out};
    int signal_fd = -1;
    *out = (mst_follow_result_t){.end = MST_FOLLOW_ABORTED};
    f.arena = mst_arena_new(UNPACK_MAX);
    mst_buf_init(&f.buf, MST_WIRE_FRAME_MAX);
    mst_rc rc = mst_loop_new(&f.loop, err);
    if (rc == MST_OK)
        rc = watch_signals(&f, &signal_fd, err);
    if (rc == MST_OK)
        rc = mst_link_dial(f.loop, o->client_endpoint, MST_WIRE_FRAME_MAX, on_message, &f, &f.link, err);
    if (rc == MST_OK) {
        f.progress = mst_progress_new(o->progress, mst_mono_ns(), o->done_before);
        say_hello(&f);
        mst_loop_run(f.loop);
        mst_progress_free(&f.progress);
    }
    mst_link_free(&f.link);
    mst_loop_free(&f.loop);
    if (signal_fd >= 0)
        close(signal_fd);
    mst_buf_deinit(&f.buf);
    mst_arena_free(&f.arena);
    return rc;
}
