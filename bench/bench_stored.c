// bench_stored DB RUN TRUTH.jsonl: joins the stored token events of a run with the simulated backend's own log and
// prints how far the client's stamps are from the truth.
//
// arrival error = client's stamp of an event minus the server's clock just before the send() that carried it.
// TTFT error = reported TTFT minus (server's clock before the first token - kernel arrival of the request there).
#include "aggregator/store/store.h"
#include "common/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define ARENA_MAX (64UL * 1024 * 1024)

typedef struct {
    char key[600]; // case id and repeat
    int64_t recv_ns;
    int64_t *before_ns; // of token events
    size_t count;
    UT_hash_handle hh;
} truth_t;

typedef struct {
    double *v;
    size_t n, cap;
} list_t;

typedef struct {
    truth_t *truths;
    mst_arena_t *arena;
    list_t arrival, ttft;
    uint64_t results, unmatched, missing_tokens, tokens, user_stamps, merged, reused;
} join_t;

static void
add(list_t *l, double v)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->v = mst_xrealloc(l->v, l->cap * sizeof *l->v);
    }
    l->v[l->n++] = v;
}

static int
by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
print_list(const char *name, list_t *l)
{
    if (l->n == 0) {
        printf(" %s none", name);
        return;
    }
    qsort(l->v, l->n, sizeof *l->v, by_value);
    printf(" %s_n %zu min %.1f p50 %.1f p99 %.1f max %.1f us;", name, l->n, l->v[0] / 1e3, l->v[l->n / 2] / 1e3,
           l->v[(size_t)((double)l->n * 0.99)] / 1e3, l->v[l->n - 1] / 1e3);
}

static void
read_line(join_t *j, mst_json_parser_t *parser, mst_str_t line)
{
    const mst_json_t *row;
    mst_err_t err;
    mst_arena_reset(j->arena);
    if (mst_json_parse(parser, line, j->arena, &row, NULL, &err) != MST_OK) {
        fprintf(stderr, "truth log: %s\n", err.message);
        exit(2);
    }
    truth_t *t = MST_NEW(truth_t);
    mst_str_t id = MST_STR_NULL;
    int64_t repeat = 0;
    (void)mst_json_str(mst_json_get(row, "case_id"), &id);
    (void)mst_json_i64(mst_json_get(row, "repeat"), &repeat);
    (void)mst_json_i64(mst_json_get(row, "recv_ns"), &t->recv_ns);
    snprintf(t->key, sizeof t->key, "%.*s/%lld", MST_FMT(id), (long long)repeat);
    const mst_json_t *events = mst_json_get(row, "events");
    t->before_ns = MST_NEW_ARRAY(int64_t, events != NULL ? events->count + 1 : 1);
    for (uint32_t i = 0; events != NULL && i < events->count; i++) {
        int64_t before = 0, tokens = 0;
        (void)mst_json_i64(mst_json_at(mst_json_at(events, i), 0), &before);
        (void)mst_json_i64(mst_json_at(mst_json_at(events, i), 2), &tokens);
        if (tokens > 0)
            t->before_ns[t->count++] = before;
    }
    truth_t *old;
    HASH_FIND_STR(j->truths, t->key, old);
    if (old != NULL) // a later attempt of the same case wins
        HASH_DEL(j->truths, old);
    HASH_ADD_STR(j->truths, key, t);
}

static void
read_truth(join_t *j, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        fprintf(stderr, "could not open \"%s\"\n", path);
        exit(2);
    }
    mst_json_parser_t *parser = mst_json_parser_new();
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;)
        read_line(j, parser, mst_str_trim(mst_str(line, (size_t)n)));
    free(line);
    fclose(f);
    mst_json_parser_free(&parser);
}

static bool
on_result(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    join_t *j = ud;
    (void)origin;
    char key[600];
    snprintf(key, sizeof key, "%.*s/%u", MST_FMT(r->case_id), r->key.repeat_no);
    truth_t *t;
    HASH_FIND_STR(j->truths, key, t);
    j->results++;
    if (t == NULL) {
        j->unmatched++;
        return true;
    }
    mst_completion_t c = r->done;
    mst_err_t err;
    mst_arena_reset(j->arena);
    if (mst_events_unpack(r->events, j->arena, &c, &err) != MST_OK) {
        fprintf(stderr, "case %.*s: %s\n", MST_FMT(r->case_id), err.message);
        return true;
    }
    j->reused += c.conn_reused;
    j->user_stamps += c.rx_source != MST_STAMP_KERNEL || c.send_source != MST_STAMP_KERNEL;
    size_t k = 0;
    int64_t last_rx = -1;
    for (uint32_t i = 0; i < c.event_count; i++) {
        if (c.events[i].n_tokens == 0)
            continue;
        // read together though they were sent apart
        j->merged += k > 0 && k < t->count && c.events[i].rx_ns == last_rx && t->before_ns[k] != t->before_ns[k - 1];
        last_rx = c.events[i].rx_ns;
        if (k < t->count)
            add(&j->arrival, (double)(c.send_mono_ns + c.events[i].rx_ns - t->before_ns[k]));
        k++;
    }
    j->tokens += k;
    j->missing_tokens += k < t->count ? t->count - k : k - t->count;
    if (t->count > 0 && c.ttft_ns >= 0)
        add(&j->ttft, (double)(c.ttft_ns - (t->before_ns[0] - t->recv_ns)));
    return true;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench_stored DB RUN TRUTH.jsonl\n");
        return 2;
    }
    join_t j = {.arena = mst_arena_new(ARENA_MAX)};
    mst_err_t err;
    mst_store_t *store = NULL;
    mst_run_rec_t run;
    mst_arena_t *names = mst_arena_new(ARENA_MAX);
    read_truth(&j, argv[3]);
    mst_store_scan_t what = {.with_events = true};
    mst_rc rc = mst_store_open(argv[1], MST_STORE_READ, &store, &err);
    if (rc == MST_OK)
        rc = mst_store_run_get(store, mst_str_c(argv[2]), names, &run, &err);
    if (rc == MST_OK)
        rc = mst_store_results(store, run.run_no, &what, on_result, &j, &err);
    mst_store_close(&store);
    if (rc != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("stored results %llu without_truth %llu events %llu missing %llu user_stamps %llu merged %llu reused %llu;",
           (unsigned long long)j.results, (unsigned long long)j.unmatched, (unsigned long long)j.tokens,
           (unsigned long long)j.missing_tokens, (unsigned long long)j.user_stamps, (unsigned long long)j.merged,
           (unsigned long long)j.reused);
    print_list("arrival", &j.arrival);
    print_list("ttft", &j.ttft);
    printf("\n");
    return j.unmatched == 0 && j.missing_tokens == 0 ? 0 : 1;
}
