// An entry is: version u8 | status u16 | split u8 | first byte i64 | close i64 | texts: content type, server, request
// id, further headers, body, each as u32 and its bytes | pieces: u32, then i64 time, u32 bytes and u8 merged each.
// All numbers little-endian. If you change a byte of it or of the key, change the version.
#include "worker/cache/entry.h"

#include "common/base/limits.h"
#include "common/json/json.h"

#include <inttypes.h>

#define KEY_VERSION   1
#define ENTRY_VERSION 1
#define PIECE_BYTES   13
#define KEY_TEXT_MAX  (4 * MST_CASE_BYTES_MAX)

static void
put_text(mst_jw_t *w, const char *key, mst_str_t s)
{
    mst_jw_key(w, key);
    mst_jw_str(w, s);
}

// The body as a value, so that its order of members is none; as it is when it is no JSON, or when the writer would make
// the same of two bodies that differ.
static void
put_body(mst_jw_t *w, mst_str_t body, mst_json_parser_t *json, mst_arena_t *scratch)
{
    const mst_json_t *tree = NULL;
    bool lenient = false;
    mst_err_t err = {0};
    char hex[2 * MST_SHA256_BYTES + 1];
    mst_arena_reset(scratch);
    if (body.n > 0 && mst_json_parse(json, body, scratch, &tree, &lenient, &err) == MST_OK && !lenient) {
        mst_jw_key(w, "body");
        mst_jw_canonical(w, tree);
        return;
    }
    mst_digest_t digest = mst_sha256(body);
    mst_digest_hex(&digest, hex);
    put_text(w, "body_sha256", mst_str_c(hex));
}

mst_rc
mst_cache_key(const mst_cache_ask_t *ask, mst_json_parser_t *json, mst_arena_t *scratch, mst_digest_t *out,
              mst_err_t *err)
{
    const mst_request_t *q = ask->request;
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, KEY_TEXT_MAX);
    mst_jw_init(&w, &text);
    mst_jw_obj(&w);
    mst_jw_key(&w, "version");
    mst_jw_i64(&w, KEY_VERSION);
    put_text(&w, "provider", mst_str_c(ask->provider));
    put_text(&w, "engine", ask->engine);
    put_text(&w, "engine_version", ask->engine_version);
    put_text(&w, "model", ask->model);
    put_text(&w, "model_revision", ask->model_revision);
    mst_jw_key(&w, "ask");
    mst_jw_i64(&w, (int64_t)ask->kind);
    mst_jw_key(&w, "step");
    mst_jw_i64(&w, ask->step_no);
    mst_jw_key(&w, "repeat");
    mst_jw_i64(&w, ask->repeat_no);
    put_text(&w, "method", mst_str_c(q->method != NULL ? q->method : "POST"));
    put_text(&w, "url", q->url);
    mst_jw_key(&w, "headers");
    mst_jw_arr(&w);
    for (size_t i = 0; i < ask->header_count && i < q->header_count; i++)
        mst_jw_str(&w, q->headers[i]);
    mst_jw_arr_end(&w);
    put_body(&w, q->body, json, scratch);
    mst_jw_obj_end(&w);
    mst_rc rc = MST_OK;
    if (text.failed)
        rc = MST_ERR(err, MST_LIMIT, "a request of %zu bytes is too large for the cache", q->body.n);
    else
        *out = mst_sha256(mst_buf_view(&text));
    mst_buf_deinit(&text);
    return rc;
}

static void
put_number(mst_buf_t *out, uint64_t v, size_t bytes)
{
    char b[8];
    for (size_t i = 0; i < bytes; i++)
        b[i] = (char)(v >> (8 * i) & 0xff);
    mst_buf_add(out, b, bytes);
}

static void
put_slice(mst_buf_t *out, mst_str_t s)
{
    if (s.n > UINT32_MAX) {
        out->failed = true;
        return;
    }
    put_number(out, s.n, 4);
    mst_buf_add_str(out, s);
}

void
mst_cached_pack(const mst_cached_t *x, int64_t base_ns, mst_buf_t *out)
{
    put_number(out, ENTRY_VERSION, 1);
    put_number(out, (uint64_t)x->status, 2);
    put_number(out, (uint64_t)x->split, 1);
    put_number(out, (uint64_t)x->first_byte_ns, 8);
    put_number(out, (uint64_t)x->close_ns, 8);
    put_slice(out, x->content_type);
    put_slice(out, x->server);
    put_slice(out, x->request_id);
    put_slice(out, x->kept);
    put_slice(out, x->body);
    put_number(out, x->piece_count, 4);
    for (size_t i = 0; i < x->piece_count; i++) {
        put_number(out, (uint64_t)(x->pieces[i].rx_ns - base_ns), 8);
        put_number(out, x->pieces[i].n, 4);
        put_number(out, x->pieces[i].merged, 1);
    }
}

static uint64_t
take_number(mst_str_t *in, size_t bytes, bool *ok)
{
    uint64_t v = 0;
    *ok = *ok && in->n >= bytes;
    if (!*ok)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)in->p[i] << (8 * i);
    *in = mst_str(in->p + bytes, in->n - bytes);
    return v;
}

static mst_str_t
take_slice(mst_str_t *in, bool *ok)
{
    size_t n = (size_t)take_number(in, 4, ok);
    *ok = *ok && n <= in->n;
    if (!*ok)
        return MST_STR_NULL;
    mst_str_t s = mst_str(in->p, n);
    *in = mst_str(in->p + n, in->n - n);
    return s;
}

// Pieces are in order, none is empty, and together they are the body.
static mst_rc
take_pieces(mst_str_t *in, size_t count, mst_arena_t *arena, mst_cached_t *out, bool *ok, mst_err_t *err)
{
    uint64_t bytes = 0;
    int64_t before = INT64_MIN / 4;
    mst_rx_t *pieces = MST_ARENA_ARRAY(arena, mst_rx_t, count + 1);
    if (pieces == NULL)
        return MST_ERR(err, MST_LIMIT, "a stored answer does not fit into memory");
    for (size_t i = 0; i < count && *ok; i++) {
        pieces[i].rx_ns = (int64_t)take_number(in, 8, ok);
        pieces[i].n = (uint32_t)take_number(in, 4, ok);
        pieces[i].merged = take_number(in, 1, ok) != 0;
        *ok = *ok && pieces[i].n > 0 && pieces[i].rx_ns >= before && pieces[i].rx_ns < INT64_MAX / 4;
        before = pieces[i].rx_ns;
        bytes += pieces[i].n;
    }
    *ok = *ok && bytes == out->body.n;
    out->pieces = pieces;
    out->piece_count = count;
    return MST_OK;
}

static bool
is_time(int64_t ns)
{
    return ns == MST_NONE || (ns > INT64_MIN / 4 && ns < INT64_MAX / 4);
}

mst_rc
mst_cached_unpack(mst_str_t bytes, mst_arena_t *arena, mst_cached_t *out, mst_err_t *err)
{
    bool ok = true;
    *out = (mst_cached_t){0};
    uint64_t version = take_number(&bytes, 1, &ok);
    out->status = (int)take_number(&bytes, 2, &ok);
    uint64_t split = take_number(&bytes, 1, &ok);
    out->split = split <= MST_SPLIT_BODY ? (mst_split_t)split : MST_SPLIT_SSE;
    out->first_byte_ns = (int64_t)take_number(&bytes, 8, &ok);
    out->close_ns = (int64_t)take_number(&bytes, 8, &ok);
    out->content_type = take_slice(&bytes, &ok);
    out->server = take_slice(&bytes, &ok);
    out->request_id = take_slice(&bytes, &ok);
    out->kept = take_slice(&bytes, &ok);
    out->body = take_slice(&bytes, &ok);
    size_t count = (size_t)take_number(&bytes, 4, &ok);
    ok = ok && version == ENTRY_VERSION && out->status <= 999 && split <= MST_SPLIT_BODY &&
         out->body.n <= MST_HTTP_BODY_MAX && is_time(out->first_byte_ns) && is_time(out->close_ns) &&
         count <= MST_TOKENS_MAX && bytes.n == count * PIECE_BYTES;
    mst_rc rc = ok ? take_pieces(&bytes, count, arena, out, &ok, err) : MST_OK;
    if (rc == MST_OK && !ok)
        rc = MST_ERR(err, MST_PROTO, "a stored answer is not what this version writes");
    return rc;
}
