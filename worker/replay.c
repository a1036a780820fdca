#include "worker/replay.h"

#include "common/base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (1024 * MST_MIB)
#define ROWS_FIRST     256

typedef struct {
    mst_str_t id, input;
    uint32_t repeat, step;
    size_t line;
    int status;
    bool has_split, cut;
    mst_split_t split;
    mst_str_t server, request_id, content_type, error;
    mst_str_t body;
    mst_rx_t *pieces; // rx_ns since the request
    size_t piece_count;
    int64_t close_ns, retry_after_ms;
} row_t;

struct mst_replay {
    mst_arena_t *arena;
    row_t *rows; // heap; sorted by key, then by line
    size_t count, cap;
    char *path;
};

static mst_str_t
text_at(const mst_json_t *obj, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &s);
    return s;
}

static int64_t
number_at(const mst_json_t *obj, const char *key, int64_t dflt)
{
    int64_t n = dflt;
    (void)mst_json_i64(mst_json_get(obj, key), &n);
    return n;
}

static int
value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static mst_rc
decode64(mst_arena_t *arena, mst_str_t s, mst_str_t *out, mst_err_t *err)
{
    char *p = mst_arena_alloc_raw(arena, s.n / 4 * 3 + 4);
    uint32_t bits = 0, have = 0;
    size_t n = 0;
    if (p == NULL)
        return MST_ERR(err, MST_LIMIT, "exchanges do not fit into %lu bytes", FILE_MAX_BYTES);
    for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
        int v = value_of(s.p[i]);
        if (v < 0)
            return MST_ERR(err, MST_PROTO, "body_base64 is no base64");
        bits = (bits << 6 | (uint32_t)v) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            p[n++] = (char)(bits >> have & 0xff);
        }
    }
    *out = mst_str(p, n);
    return MST_OK;
}

static mst_rc
read_pieces(mst_arena_t *arena, const mst_json_t *list, row_t *row, mst_err_t *err)
{
    size_t count = mst_json_is(list, MST_JSON_ARR) ? list->count : 0, bytes = 0;
    int64_t before = 0;
    row->pieces = MST_ARENA_ARRAY(arena, mst_rx_t, count + 1);
    if (row->pieces == NULL)
        return MST_ERR(err, MST_LIMIT, "exchanges do not fit into %lu bytes", FILE_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        int64_t at = 0, n = 0;
        const mst_json_t *pair = mst_json_at(list, i);
        if (!mst_json_i64(mst_json_at(pair, 0), &at) || !mst_json_i64(mst_json_at(pair, 1), &n) || n < 1 ||
            at < before || (uint64_t)n > row->body.n - bytes)
            return MST_ERR(err, MST_PROTO,
                           "pieces[%zu] is not [nanoseconds, bytes], later than the one before and within the body", i);
        row->pieces[row->piece_count++] = (mst_rx_t){.rx_ns = at, .n = (uint32_t)n};
        bytes += (size_t)n;
        before = at;
    }
    if (bytes < row->body.n && row->body.n <= UINT32_MAX) // what no piece tells came with the last
        row->pieces[row->piece_count++] = (mst_rx_t){.rx_ns = before, .n = (uint32_t)(row->body.n - bytes)};
    return MST_OK;
}

static mst_rc
read_split(mst_str_t name, row_t *row, mst_err_t *err)
{
    row->has_split = name.n > 0;
    if (mst_str_eq_c(name, "ndjson"))
        row->split = MST_SPLIT_NDJSON;
    else if (mst_str_eq_c(name, "body"))
        row->split = MST_SPLIT_BODY;
    else if (name.n > 0 && !mst_str_eq_c(name, "sse"))
        return MST_ERR(err, MST_PROTO, "split is \"%.*s\", not sse, ndjson or body", MST_FMT(mst_str_cut(name, 40)));
    return MST_OK;
}

// The tree is in the file's own arena and stays.
static mst_rc
read_row(mst_replay_t *r, const mst_json_t *json, row_t *row, mst_err_t *err)
{
    const mst_json_t *headers = mst_json_get(json, "headers");
    row->id = text_at(json, "id");
    row->input = text_at(json, "input");
    row->repeat = (uint32_t)number_at(json, "repeat", 0);
    row->step = (uint32_t)number_at(json, "step", 0);
    row->error = text_at(json, "error");
    row->status = (int)number_at(json, "status", row->error.n > 0 ? 0 : 200);
    row->server = text_at(headers, "server");
    row->request_id = text_at(headers, "x-request-id");
    row->content_type = text_at(headers, "content-type");
    row->close_ns = number_at(json, "close_ns", -1);
    row->retry_after_ms = number_at(json, "retry_after_ms", 0);
    (void)mst_json_bool(mst_json_get(json, "cut"), &row->cut);
    if (row->id.n == 0 && row->input.n == 0)
        return MST_ERR(err, MST_PROTO, "an exchange has neither id nor input, so that no case can find it");
    if (row->status < 0 || row->status > 999)
        return MST_ERR(err, MST_PROTO, "status %d is none", row->status);
    mst_rc rc = read_split(text_at(json, "split"), row, err);
    row->body = text_at(json, "body");
    if (rc == MST_OK && mst_json_get(json, "body_base64") != NULL)
        rc = decode64(r->arena, text_at(json, "body_base64"), &row->body, err);
    if (rc == MST_OK && row->body.n > MST_HTTP_BODY_MAX)
        rc = MST_ERR(err, MST_LIMIT, "body is larger than %lu bytes", MST_HTTP_BODY_MAX);
    return rc == MST_OK ? read_pieces(r->arena, mst_json_get(json, "pieces"), row, err) : rc;
}

static int
compare_keys(const row_t *a, const row_t *b)
{
    int c = mst_str_cmp(a->id, b->id);
    if (c == 0 && a->id.n == 0)
        c = mst_str_cmp(a->input, b->input);
    if (c == 0)
        c = a->repeat < b->repeat ? -1 : a->repeat > b->repeat;
    if (c == 0)
        c = a->step < b->step ? -1 : a->step > b->step;
    return c;
}

static int
compare(const void *a, const void *b)
{
    const row_t *x = a, *y = b;
    int c = compare_keys(x, y);
    return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static mst_rc
add_line(mst_replay_t *r, mst_str_t line, size_t no, mst_err_t *err)
{
    const mst_json_t *json = NULL;
    row_t row = {.line = no};
    if (mst_str_trim(line).n == 0)
        return MST_OK;
    mst_rc rc = mst_json_parse_lenient(line, r->arena, &json, err);
    if (rc == MST_OK && !mst_json_is(json, MST_JSON_OBJ))
        rc = MST_ERR(err, MST_PROTO, "an exchange is an object");
    if (rc == MST_OK)
        rc = read_row(r, json, &row, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "exchanges \"%s\" line %zu", r->path, no);
        return rc;
    }
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? ROWS_FIRST : r->cap * 2;
        r->rows = mst_xrealloc(r->rows, r->cap * sizeof *r->rows);
    }
    r->rows[r->count++] = row;
    return MST_OK;
}

static mst_rc
read_file(mst_replay_t *r, FILE *f, mst_err_t *err)
{
    char *line = NULL;
    size_t cap = 0, total = 0;
    mst_rc rc = MST_OK;
    ssize_t n;
    for (size_t no = 1; rc == MST_OK && (n = getline(&line, &cap, f)) >= 0; no++) {
        total += (size_t)n;
        if (total > FILE_MAX_BYTES)
            rc = MST_ERR(err, MST_LIMIT, "exchanges \"%s\" are more than %lu bytes", r->path, FILE_MAX_BYTES);
        else
            rc = add_line(r, mst_str(line, (size_t)n), no, err);
    }
    if (rc == MST_OK && ferror(f))
        rc = MST_ERR_SUB(err, MST_IO, errno, "could not read exchanges \"%s\": %s", r->path, strerror(errno));
    free(line);
    return rc;
}

mst_rc
mst_replay_open(const char *path, mst_replay_t **out, mst_err_t *err)
{
    *out = NULL;
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return MST_ERR_SUB(err, MST_IO, errno, "could not open exchanges \"%s\": %s", path, strerror(errno));
    mst_replay_t *r = MST_NEW(mst_replay_t);
    r->arena = mst_arena_new(2 * FILE_MAX_BYTES);
    r->path = mst_xstrdup(path);
    mst_rc rc = read_file(r, f, err);
    (void)fclose(f);
    if (rc == MST_OK && r->count == 0)
        rc = MST_ERR(err, MST_PROTO, "exchanges \"%s\" hold none", path);
    if (rc == MST_OK)
        qsort(r->rows, r->count, sizeof *r->rows, compare);
    if (rc == MST_OK)
        *out = r;
    else
        mst_replay_free(&r);
    return rc;
}

void
mst_replay_free(mst_replay_t **r)
{
    if (r == NULL || *r == NULL)
        return;
    mst_arena_free(&(*r)->arena);
    free((*r)->rows);
    free((*r)->path);
    free(*r);
    *r = NULL;
}

// The row of this key for this try; NULL: there is none.
static const row_t *
look_up(const mst_replay_t *r, const row_t *key, uint32_t attempt)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&r->rows[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const row_t *found = NULL;
    for (size_t i = low; i < r->count && compare_keys(&r->rows[i], key) == 0 && i - low < attempt; i++)
        found = &r->rows[i];
    return found;
}

static mst_rc
fill(const row_t *row, int64_t now_ns, mst_arena_t *arena, mst_replayed_t *out, mst_err_t *err)
{
    mst_rx_t *pieces = MST_ARENA_ARRAY(arena, mst_rx_t, row->piece_count + 1);
    if (pieces == NULL)
        return MST_ERR(err, MST_LIMIT, "the exchange does not fit into its memory");
    for (size_t i = 0; i < row->piece_count; i++) {
        pieces[i] = row->pieces[i];
        pieces[i].rx_ns += now_ns;
    }
    int64_t last = row->piece_count > 0 ? pieces[row->piece_count - 1].rx_ns : now_ns;
    out->body = row->body;
    out->pieces = pieces;
    out->piece_count = row->piece_count;
    if (row->has_split)
        out->split = row->split;
    out->http = (mst_http_result_t){.status = row->status,
                                    .cut = row->cut || row->error.n > 0,
                                    .sent = true,
                                    .send_mono_ns = now_ns,
                                    .send_source = MST_STAMP_RECORDED,
                                    .rx_source = MST_STAMP_RECORDED,
                                    .first_byte_mono_ns = row->piece_count > 0 ? pieces[0].rx_ns : MST_NONE,
                                    .close_mono_ns = row->close_ns >= 0 ? now_ns + row->close_ns : last,
                                    .retry_after_ms = row->retry_after_ms,
                                    .content_type = row->content_type,
                                    .server = row->server,
                                    .request_id = row->request_id};
    if (row->error.n > 0)
        (void)MST_ERR(&out->http.err, MST_CLOSED, "%.*s", MST_FMT(mst_str_cut(row->error, 400)));
    return MST_OK;
}

mst_rc
mst_replay_find(const mst_replay_t *r, const mst_ask_t *ask, uint32_t attempt, int64_t now_ns, mst_arena_t *arena,
                mst_replayed_t *out, mst_err_t *err)
{
    row_t key = {.id = ask->c->id, .repeat = ask->repeat_no, .step = ask->step_no};
    const row_t *row = look_up(r, &key, attempt);
    if (row == NULL) {
        key.id = MST_STR_NULL;
        key.input = ask->c->input;
        row = look_up(r, &key, attempt);
    }
    if (row == NULL)
        return MST_ERR(err, MST_NOTFOUND, "no exchange of case \"%.*s\", repeat %u, step %u is stored in \"%s\"",
                       MST_FMT(mst_str_cut(ask->c->id, 100)), ask->repeat_no, ask->step_no, r->path);
    return fill(row, now_ns, arena, out, err);
}
