// muster exchanges RUN: the raw answers that a run kept, as the file of exchanges that provider recorded replays.
#include "aggregator/store/store.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/env.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "worker/provider/sse.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARENA_MAX (256 * MST_MIB)

typedef struct {
    const char *run, *db, *output;
} options_t;

enum { OPT_DB = 256 };

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "Write to this file (default: stdout)", 0},
    {"db", OPT_DB, "URL", 0, "Database (default: MUSTER_DB, else sqlite:muster.db)", 0},
    {0},
};

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case 'o':
        o->output = arg;
        return 0;
    case OPT_DB:
        o->db = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->run)
            argp_error(state, "one run at a time: \"%s\" is one too many", arg);
        o->run = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->run)
            argp_error(state, "which run? its id, the beginning of one, its number, or latest");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "RUN",
    .doc = "Write the raw answers that a run kept (keep_raw: true) as exchanges that provider recorded replays, a JSON "
           "object a line.\v"
           "Exit status: 0 written, 2 no such run, or it kept none.\n\n"
           "Examples:\n"
           "  muster exchanges latest -o exchanges.jsonl",
};

typedef struct {
    FILE *to;
    mst_arena_t *arena; // of one row
    mst_buf_t line;
    uint64_t written, left_out;
    bool failed;
} out_t;

static void
put_base64(mst_jw_t *w, mst_str_t s, mst_buf_t *scratch)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t bits = 0;
        size_t n = s.n - i < 3 ? s.n - i : 3;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)s.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            (void)mst_buf_add_byte(scratch, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
    mst_jw_str(w, mst_buf_view(scratch));
}

// Ends of the events in the body; as many as fit into ends.
static size_t
event_ends(mst_str_t body, bool lines, size_t *ends, size_t max)
{
    size_t n = 0;
    mst_sse_t sse;
    mst_sse_event_t ev;
    mst_str_t rest = body;
    for (size_t at = 0; lines && at < body.n && n < max;) {
        const char *lf = memchr(body.p + at, '\n', body.n - at);
        size_t end = lf ? (size_t)(lf - body.p) + 1 : body.n;
        if (mst_str_trim(mst_str(body.p + at, end - at)).n > 0)
            ends[n++] = end;
        at = end;
    }
    if (lines)
        return n;
    mst_sse_init(&sse);
    for (mst_sse_got_t got; n < max && (got = mst_sse_next(&sse, &rest, &ev)) != MST_SSE_MORE;) {
        if (got == MST_SSE_TOO_LARGE)
            break;
        if (got == MST_SSE_EVENT)
            ends[n++] = body.n - rest.n;
    }
    if (n < max && mst_sse_end(&sse, &ev))
        ends[n++] = body.n;
    mst_sse_deinit(&sse);
    return n;
}

static void
put_piece(mst_jw_t *w, int64_t at_ns, size_t bytes)
{
    mst_jw_arr(w);
    mst_jw_i64(w, at_ns);
    mst_jw_u64(w, bytes);
    mst_jw_arr_end(w);
}

// Each event with the stamp that it was stored with; where events and bytes do not agree, all at the last stamp.
static void
put_pieces(mst_jw_t *w, const mst_result_t *r, bool lines, mst_arena_t *arena)
{
    mst_completion_t c = {0};
    mst_err_t err;
    bool known = r->done.streamed && r->events.n > 0 && mst_events_unpack(r->events, arena, &c, &err) == MST_OK;
    size_t *ends = known ? MST_ARENA_ARRAY(arena, size_t, c.event_count + 1) : NULL;
    size_t n = ends ? event_ends(r->raw_response, lines, ends, c.event_count + 1) : 0;
    mst_jw_key(w, "pieces");
    mst_jw_arr(w);
    if (ends && n == c.event_count) {
        int64_t latest = 0;
        for (size_t i = 0, at = 0; i < n; at = ends[i++]) {
            latest = c.events[i].rx_ns > latest ? c.events[i].rx_ns : latest;
            put_piece(w, latest, ends[i] - at);
        }
    } else if (r->raw_response.n > 0) {
        put_piece(w, r->done.last_token_ns > 0 ? r->done.last_token_ns : 0, r->raw_response.n);
    }
    mst_jw_arr_end(w);
}

static void
put_exchange(mst_jw_t *w, const mst_result_t *r, const mst_origin_t *origin, out_t *out)
{
    mst_str_t start = mst_str_trim(r->raw_response);
    bool lines = start.n > 0 && start.p[0] == '{', body = !r->done.streamed || r->done.http_status >= 300;
    mst_jw_obj(w);
    mst_jw_key(w, "id");
    mst_jw_str(w, r->case_id);
    mst_jw_key(w, "repeat");
    mst_jw_u64(w, r->key.repeat_no);
    mst_jw_key(w, "status");
    mst_jw_i64(w, r->done.http_status);
    mst_jw_key(w, "split");
    mst_jw_str(w, body ? MST_STR("body") : lines ? MST_STR("ndjson") : MST_STR("sse"));
    if (origin && origin->engine.n > 0) {
        mst_jw_key(w, "headers");
        mst_jw_obj(w);
        mst_jw_key(w, "server");
        char server[2 * MST_NAME_MAX];
        (void)snprintf(server, sizeof server, "%.*s%s%.*s", MST_FMT(origin->engine),
                       origin->engine_version.n > 0 ? "/" : "", MST_FMT(origin->engine_version));
        mst_jw_str(w, mst_str_c(server));
        mst_jw_obj_end(w);
    }
    mst_jw_key(w, mst_utf8_valid(r->raw_response) ? "body" : "body_base64");
    if (mst_utf8_valid(r->raw_response)) {
        mst_jw_str(w, r->raw_response);
    } else {
        mst_buf_t text;
        mst_buf_init(&text, 2 * MST_RAW_BYTES_MAX);
        put_base64(w, r->raw_response, &text);
        mst_buf_deinit(&text);
    }
    put_pieces(w, r, lines, out->arena);
    if (r->done.close_ns >= 0) {
        mst_jw_key(w, "close_ns");
        mst_jw_i64(w, r->done.close_ns);
    }
    if (r->outcome == MST_OUT_CONNECTION_LOST || r->outcome == MST_OUT_TIMEOUT) {
        mst_jw_key(w, r->done.http_status == 0 ? "error" : "cut");
        if (r->done.http_status == 0)
            mst_jw_str(w, mst_str_c(r->done.error.message));
        else
            mst_jw_bool(w, true);
    }
    mst_jw_obj_end(w);
}

// A case in steps keeps its last answer alone, and an answer that was cut when it was stored is none. Of several
// targets the first one's are written: an exchange does not say whose it is.
static bool
on_row(void *ud, const mst_result_t *r, const mst_origin_t *origin)
{
    out_t *out = ud;
    mst_jw_t w;
    if (r->raw_request.n == 0 || r->steps.n > 0 || r->key.target_no > 0 || r->raw_response.n >= MST_RAW_BYTES_MAX) {
        out->left_out++;
        return true;
    }
    mst_arena_reset(out->arena);
    mst_buf_reset(&out->line);
    mst_jw_init(&w, &out->line);
    put_exchange(&w, r, origin, out);
    (void)mst_buf_add_byte(&out->line, '\n');
    out->failed = out->line.failed || fwrite(out->line.p, 1, out->line.n, out->to) != out->line.n;
    out->written++;
    return !out->failed;
}

static mst_rc
export_run(const options_t *o, mst_store_t *store, out_t *out, mst_arena_t *arena, mst_err_t *err)
{
    mst_run_rec_t rec;
    const mst_store_scan_t what = {.with_events = true};
    mst_rc rc = mst_store_run_get(store, mst_str_c(o->run), arena, &rec, err);
    if (rc == MST_OK)
        rc = mst_store_results(store, rec.run_no, &what, on_row, out, err);
    if (rc == MST_OK && (out->failed || fflush(out->to) != 0))
        rc = MST_ERR_SUB(err, MST_IO, errno, "could not write the exchanges: %s", strerror(errno));
    if (rc == MST_OK && out->written == 0)
        rc = MST_ERR(err, MST_INVAL, "run %.*s kept no raw answers; run it with keep_raw: true", MST_FMT(rec.run_id));
    if (rc == MST_OK)
        fprintf(stderr, "%llu exchanges%s", (unsigned long long)out->written, out->left_out > 0 ? ", " : "\n");
    if (rc == MST_OK && out->left_out > 0)
        fprintf(stderr, "%llu results without one\n", (unsigned long long)out->left_out);
    return rc;
}

int
mst_cmd_exchanges(int argc, char **argv)
{
    options_t o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_err_t err = {0};
    mst_store_t *store = NULL;
    mst_arena_t *arena = mst_arena_new(MST_MIB * 64);
    out_t out = {.to = stdout, .arena = mst_arena_new(ARENA_MAX)};
    mst_buf_init(&out.line, ARENA_MAX);
    mst_rc rc = mst_store_open(mst_cli_db(o.db), MST_STORE_READ, &store, &err);
    if (rc == MST_OK && o.output && !(out.to = fopen(o.output, "we")))
        rc = MST_ERR_SUB(&err, MST_IO, errno, "could not write \"%s\": %s", o.output, strerror(errno));
    if (rc == MST_OK)
        rc = export_run(&o, store, &out, arena, &err);
    if (o.output && out.to && fclose(out.to) != 0 && rc == MST_OK)
        rc = MST_ERR_SUB(&err, MST_IO, errno, "could not write \"%s\": %s", o.output, strerror(errno));
    mst_buf_deinit(&out.line);
    mst_arena_free(&out.arena);
    mst_store_close(&store);
    mst_arena_free(&arena);
    return rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
