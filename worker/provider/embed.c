// Vectors: numbers, or base64 of little-endian binary32 (as OpenAI and vLLM pack them).
#include "worker/provider/embed.h"

#include "common/base/limits.h"

#include <math.h>

#define NUMBERS_MAX (16UL * 1024 * 1024) // of one answer

static mst_rc
bad(mst_err_t *err, const char *why, size_t row)
{
    (void)MST_ERR(err, MST_PROTO, "vector %zu of the answer %s", row, why);
    err->retry = MST_RETRY_NEVER;
    return MST_PROTO;
}

static int
digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Bytes of base64 without its padding; false: it is none. out has room for 3 of every 4.
static bool
from_base64(mst_str_t s, unsigned char *out, size_t *n)
{
    uint32_t bits = 0, have = 0;
    size_t at = 0;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        int v = digit(s.p[i]);
        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (unsigned char)(bits >> have);
        }
    }
    *n = at;
    return true;
}

static size_t
length_of(const mst_json_t *v)
{
    if (mst_json_is(v, MST_JSON_ARR))
        return v->count;
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(v, &s);
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    return s.n * 3 / 4 / sizeof(float);
}

static mst_rc
take_packed(mst_decoder_t *d, mst_str_t s, float *to, size_t dim, size_t row, mst_err_t *err)
{
    size_t n = 0;
    unsigned char *raw = mst_arena_alloc_raw(d->scratch, s.n + 4);
    if (raw == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    if (!from_base64(s, raw, &n) || n != dim * sizeof(float))
        return bad(err, "is no base64 of numbers", row);
    for (size_t i = 0; i < dim; i++) {
        const unsigned char *b = raw + 4 * i;
        uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&to[i], &bits, sizeof bits);
        if (!isfinite(to[i]))
            return bad(err, "has a number that is not finite", row);
    }
    return MST_OK;
}

static mst_rc
take_row(mst_decoder_t *d, const mst_json_t *v, float *to, size_t dim, size_t row, mst_err_t *err)
{
    mst_str_t s = MST_STR_NULL;
    if (length_of(v) != dim)
        return bad(err, "has another length than the first", row);
    if (mst_json_str(v, &s))
        return take_packed(d, s, to, dim, row, err);
    for (size_t i = 0; i < dim; i++) {
        double x = (double)NAN;
        if (!mst_json_f64(mst_json_at(v, i), &x) || !isfinite((float)x))
            return bad(err, "has a number that is missing or not finite", row);
        to[i] = (float)x;
    }
    return MST_OK;
}

static mst_rc
make_room(mst_decoder_t *d, size_t rows, size_t dim, float **out, mst_err_t *err)
{
    size_t wanted = d->ask != NULL ? d->ask->text_count : rows;
    if (rows != wanted || rows == 0) {
        (void)MST_ERR(err, MST_PROTO, "the answer has %zu vectors for %zu texts", rows, wanted);
        err->retry = MST_RETRY_NEVER;
        return MST_PROTO;
    }
    if (dim == 0)
        return bad(err, "is empty or no vector", 0);
    if (dim > NUMBERS_MAX || rows > NUMBERS_MAX / dim)
        return MST_ERR(err, MST_LIMIT, "the answer has %zu vectors of %zu numbers, at most %lu numbers are read", rows,
                       dim, NUMBERS_MAX);
    *out = MST_ARENA_ARRAY(d->arena, float, rows *dim);
    return *out != NULL ? MST_OK : MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
}

static void
keep(mst_decoder_t *d, const float *numbers, size_t rows, size_t dim)
{
    d->c.vectors = numbers;
    d->c.vector_count = (uint32_t)rows;
    d->c.vector_dim = (uint32_t)dim;
    d->saw_finish = true;
}

// A list with one row in it stands for that row (llama.cpp's own route).
static const mst_json_t *
vector_of(const mst_json_t *v)
{
    const mst_json_t *inner = mst_json_at(v, 0);
    return mst_json_is(v, MST_JSON_ARR) && v->count == 1 && mst_json_is(inner, MST_JSON_ARR) ? inner : v;
}

mst_rc
mst_embed_rows(mst_decoder_t *d, const mst_json_t *rows, mst_err_t *err)
{
    float *to = NULL;
    size_t n = mst_json_is(rows, MST_JSON_ARR) ? rows->count : 0;
    size_t dim = length_of(vector_of(mst_json_at(rows, 0)));
    mst_rc rc = make_room(d, n, dim, &to, err);
    for (size_t i = 0; i < n && rc == MST_OK; i++)
        rc = take_row(d, vector_of(mst_json_at(rows, i)), to + i * dim, dim, i, err);
    if (rc == MST_OK)
        keep(d, to, n, dim);
    return rc;
}

mst_rc
mst_embed_openai(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    const mst_json_t *data = mst_json_is(root, MST_JSON_ARR) ? root : mst_json_get(root, "data");
    size_t n = mst_json_is(data, MST_JSON_ARR) ? data->count : 0;
    mst_json_t *rows = MST_ARENA_ARRAY(d->scratch, mst_json_t, n);
    bool *seen = MST_ARENA_ARRAY(d->scratch, bool, n);
    if (rows == NULL || seen == NULL)
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    for (size_t i = 0; i < n; i++) {
        const mst_json_t *one = mst_json_at(data, i), *v = mst_json_get(one, "embedding");
        int64_t at = (int64_t)i;
        (void)mst_json_i64(mst_json_get(one, "index"), &at);
        if (at < 0 || (size_t)at >= n || seen[at] || v == NULL)
            return bad(err, "has no place among the others", i);
        seen[at] = true;
        rows[at] = *v;
    }
    const mst_json_t all = {.type = MST_JSON_ARR, .count = (uint32_t)n, .u.items = rows};
    return mst_embed_rows(d, &all, err);
}
