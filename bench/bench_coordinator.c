// What a case costs the coordinator's thread: rows read, packed, granted and committed, over inproc links, with a
// scripted worker that commits what it gets at once. Processor time of the whole process, the script's too.
//   bench_coordinator [CASES [BYTES [CREDIT]]]
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/net/link.h"
#include "common/wire/wire.h"
#include "coordinator/coordinator.h"

#include "work.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const mst_kind_t any_scorer = {.name = "any", .tier = "L1", .threshold = 1};
static const mst_kind_t *const scorers[] = {&any_scorer, NULL}, *const providers[] = {NULL};
static const mst_config_env_t env = {.scorers = scorers, .providers = providers};

typedef struct {
    mst_loop_t *loop;
    mst_link_t *control, *feed, *client;
    mst_arena_t *arena;
    mst_buf_t out;
    uint64_t session, seq, grants, status_done;
    uint32_t credit, state;
} rig_t;

static void
post(rig_t *r, mst_link_t *link, Muster__Envelope__BodyCase kind, void *body)
{
    Muster__Envelope e;
    mst_wire_envelope(&e, kind, body);
    e.has_session = 1;
    e.session = r->session;
    mst_buf_reset(&r->out);
    MST_ASSERT(mst_wire_pack(&e, &r->out, NULL) == MST_OK);
    MST_ASSERT(mst_link_send(link, 0, mst_buf_view(&r->out), NULL) == MST_OK);
}

static void
hello(rig_t *r, mst_link_t *link, uint32_t role)
{
    Muster__Hello m = MUSTER__HELLO__INIT;
    m.role = role;
    m.proto_major = MST_WIRE_MAJOR;
    m.instance = mst_wire_bytes(MST_STR("0123456789abcdef"));
    post(r, link, MUSTER__ENVELOPE__BODY_HELLO, &m);
}

static void
on_control(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *r = ud;
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(r->arena);
    MST_ASSERT(mst_wire_unpack(bytes, r->arena, &e, NULL) == MST_OK);
    if (e->body_case == MUSTER__ENVELOPE__BODY_HELLO_OK) {
        Muster__Credit m = MUSTER__CREDIT__INIT;
        r->session = e->hello_ok->session;
        m.cases = r->credit;
        post(r, r->control, MUSTER__ENVELOPE__BODY_CREDIT, &m);
    }
    if (e->body_case != MUSTER__ENVELOPE__BODY_GRANT)
        return;
    uint64_t cases[MST_UNIT_CASES_MAX];
    r->grants++;
    for (size_t i = 0; i < e->grant->n_cases; i++)
        cases[i] = e->grant->cases[i]->case_no;
    Muster__CommittedGroup g = MUSTER__COMMITTED_GROUP__INIT, *groups[] = {&g};
    g.case_nos = cases;
    g.n_case_nos = e->grant->n_cases;
    Muster__Committed m = MUSTER__COMMITTED__INIT;
    m.run_no = m.generation = 1;
    m.seq = ++r->seq;
    m.groups = groups;
    m.n_groups = 1;
    post(r, r->feed, MUSTER__ENVELOPE__BODY_COMMITTED, &m);
}

static void
on_feed(void *ud, uint64_t conn, mst_str_t bytes)
{
    (void)ud;
    (void)conn;
    (void)bytes;
}

static void
on_client(void *ud, uint64_t conn, mst_str_t bytes)
{
    rig_t *r = ud;
    Muster__Envelope *e = NULL;
    (void)conn;
    mst_arena_reset(r->arena);
    MST_ASSERT(mst_wire_unpack(bytes, r->arena, &e, NULL) == MST_OK);
    if (e->body_case != MUSTER__ENVELOPE__BODY_RUN_STATUS)
        return;
    r->state = e->run_status->state;
    r->status_done = e->run_status->done;
    if (r->state >= 3)
        mst_loop_stop(r->loop);
}

static void
write_rows(const char *path, uint64_t cases, size_t bytes)
{
    FILE *f = fopen(path, "w");
    MST_ASSERT(f != NULL);
    char *pad = mst_xalloc(bytes + 1);
    memset(pad, 'x', bytes);
    for (uint64_t i = 0; i < cases; i++)
        fprintf(f,
                "{\"id\": \"row-%llu\", \"input\": \"question %llu %s\", \"expected_output\": \"a\", "
                "\"actual_output\": \"a\"}\n",
                (unsigned long long)i, (unsigned long long)i, pad);
    MST_ASSERT(fclose(f) == 0);
    free(pad);
}

int
main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    size_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 400;
    rig_t r = {.credit = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 2048};
    char path[] = "/tmp/bench-coordinator-XXXXXX", spec[256];
    int fd = mkstemp(path);
    MST_ASSERT(fd >= 0);
    close(fd);
    write_rows(path, cases, bytes);
    mst_buf_init(&r.out, MST_WIRE_FRAME_MAX);
    r.arena = mst_arena_new(16 * MST_MIB);
    mst_coordinator_t *c = NULL;
    mst_coordinator_opts_t o = {.control_endpoint = "inproc://control",
                                .feed_endpoint = "inproc://feed",
                                .client_endpoint = "inproc://client",
                                .env = &env};
    MST_ASSERT(mst_net_init(NULL) == MST_OK && mst_loop_new(&r.loop, NULL) == MST_OK);
    MST_ASSERT(mst_coordinator_start(&o, &c, NULL) == MST_OK);
    MST_ASSERT(mst_link_dial(r.loop, o.control_endpoint, MST_WIRE_FRAME_MAX, on_control, &r, &r.control, NULL) ==
               MST_OK);
    MST_ASSERT(mst_link_dial(r.loop, o.feed_endpoint, MST_WIRE_FRAME_MAX, on_feed, &r, &r.feed, NULL) == MST_OK);
    MST_ASSERT(mst_link_dial(r.loop, o.client_endpoint, MST_WIRE_FRAME_MAX, on_client, &r, &r.client, NULL) == MST_OK);
    hello(&r, r.feed, 3);
    hello(&r, r.control, 1);
    snprintf(spec, sizeof spec, "name: b\ndata_source: {path: \"%s\"}\nscorers: [{scorer_name: any}]\n", path);
    Muster__Submit m = MUSTER__SUBMIT__INIT;
    m.req_id = mst_wire_bytes(MST_STR("0123456789abcdef"));
    m.run_no = m.generation = 1;
    m.run_id = mst_wire_bytes(MST_STR("run"));
    m.spec = mst_wire_bytes(mst_str_c(spec));
    int64_t wall = mst_mono_ns(), cpu = mst_cpu_ns();
    post(&r, r.client, MUSTER__ENVELOPE__BODY_SUBMIT, &m);
    mst_loop_run(r.loop);
    double wall_s = (double)(mst_mono_ns() - wall) / 1e9, cpu_s = (double)(mst_cpu_ns() - cpu) / 1e9;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("cases %llu state %u grants %llu wall_s %.2f cpu_s %.2f cases_per_s %.0f cpu_us_a_case %.2f peak_mib %ld\n",
           (unsigned long long)r.status_done, r.state, (unsigned long long)r.grants, wall_s, cpu_s,
           (double)cases / wall_s, cpu_s * 1e6 / (double)cases, use.ru_maxrss / 1024);
    unlink(path);
    mst_link_free(&r.control);
    mst_link_free(&r.feed);
    mst_link_free(&r.client);
    mst_coordinator_stop(&c);
    mst_loop_free(&r.loop);
    mst_net_deinit();
    mst_arena_free(&r.arena);
    mst_buf_deinit(&r.out);
    return r.state == 3 ? 0 : 1;
}
