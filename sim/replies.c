// Two hash tables over rows in one arena: by case id, and by the SHA-256 of the prompt (a row that gives the
// prompt itself is filed under its digest). The same key twice is allowed only with the same reply.
#include "sim/replies.h"

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define uthash_fatal(msg) mst_assert_failed(msg, __FILE__, __LINE__)
#include <uthash.h>

enum { READ_BYTES = 1 << 18 };

typedef struct {
    UT_hash_handle hh;
    const mst_sim_reply_t *reply;
    uint64_t line;
} entry_t; // the key is in the arena

struct mst_sim_replies {
    mst_arena_t *arena;
    entry_t *by_id, *by_digest;
    uint64_t rows;
};

// What reading a file needs.
typedef struct {
    mst_sim_replies_t *r;
    const char *path;
    mst_json_parser_t *parser;
    mst_arena_t *scratch; // one row's tree
    uint64_t line;
} reader_t;

static mst_rc
bad_row(const reader_t *in, mst_rc rc, mst_err_t *err, const char *what)
{
    return MST_ERR(err, rc, "replies file \"%s\" line %llu: %s", in->path, (unsigned long long)in->line, what);
}

static mst_rc
out_of_room(const reader_t *in, mst_err_t *err)
{
    return bad_row(in, MST_LIMIT, err, "the replies need more memory than is allowed; use a smaller file");
}

static entry_t *
lookup(entry_t *table, mst_str_t key)
{
    entry_t *e = NULL;
    if (key.n > 0 && key.n <= UINT32_MAX)
        HASH_FIND(hh, table, key.p, (unsigned)key.n, e);
    return e;
}

static mst_rc
file_under(const reader_t *in, entry_t **table, mst_str_t key, const mst_sim_reply_t *reply, mst_err_t *err)
{
    const entry_t *old = lookup(*table, key);
    if (old != NULL && mst_str_eq(old->reply->text, reply->text))
        return MST_OK;
    if (old != NULL)
        return MST_ERR(err, MST_CONFLICT, "replies file \"%s\" line %llu: same key as line %llu, but another reply",
                       in->path, (unsigned long long)in->line, (unsigned long long)old->line);
    bool ok;
    mst_str_t copy = mst_arena_dup(in->r->arena, key, &ok);
    entry_t *e = ok ? MST_ARENA_NEW(in->r->arena, entry_t) : NULL;
    if (e == NULL)
        return out_of_room(in, err);
    e->reply = reply;
    e->line = in->line;
    HASH_ADD_KEYPTR(hh, *table, copy.p, (unsigned)copy.n, e);
    return MST_OK;
}

static bool
from_hex(mst_str_t s, mst_digest_t *out)
{
    if (s.n != 2 * MST_SHA256_BYTES)
        return false;
    *out = (mst_digest_t){0};
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)(s.p[i] | 0x20);
        int v = s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            return false;
        out->b[i / 2] = (uint8_t)(out->b[i / 2] << 4 | v);
    }
    return true;
}

static mst_rc
file_digest(const reader_t *in, const mst_digest_t *d, const mst_sim_reply_t *reply, mst_err_t *err)
{
    return file_under(in, &in->r->by_digest, mst_str((const char *)d->b, sizeof d->b), reply, err);
}

static mst_rc
file_row(const reader_t *in, const mst_json_t *row, const mst_sim_reply_t *reply, mst_err_t *err)
{
    const mst_json_t *id = mst_json_get(row, "id");
    const mst_json_t *sha = mst_json_get(row, "prompt_sha256");
    const mst_json_t *prompt = mst_json_get(row, "prompt");
    mst_str_t s;
    char number[24];
    mst_digest_t digest;
    mst_rc rc = MST_OK;
    if (id == NULL && sha == NULL && prompt == NULL)
        return bad_row(in, MST_INVAL, err, "no \"id\", \"prompt\" or \"prompt_sha256\" to find the reply by");
    if (mst_json_is(id, MST_JSON_INT)) {
        snprintf(number, sizeof number, "%lld", (long long)id->u.i);
        rc = file_under(in, &in->r->by_id, mst_str_c(number), reply, err);
    } else if (id != NULL) {
        if (!mst_json_str(id, &s) || s.n == 0)
            return bad_row(in, MST_INVAL, err, "\"id\" is neither a text nor a whole number");
        rc = file_under(in, &in->r->by_id, s, reply, err);
    }
    if (rc == MST_OK && sha != NULL) {
        if (!mst_json_str(sha, &s) || !from_hex(s, &digest))
            return bad_row(in, MST_INVAL, err, "\"prompt_sha256\" is not 64 hexadecimal digits");
        rc = file_digest(in, &digest, reply, err);
    }
    if (rc == MST_OK && prompt != NULL) {
        if (!mst_json_str(prompt, &s))
            return bad_row(in, MST_INVAL, err, "\"prompt\" is not a text");
        digest = mst_sha256(s);
        rc = file_digest(in, &digest, reply, err);
    }
    return rc;
}

static mst_rc
read_logprobs(const reader_t *in, const mst_json_t *list, mst_sim_reply_t *reply, mst_err_t *err)
{
    if (list == NULL)
        return MST_OK;
    if (!mst_json_is(list, MST_JSON_ARR))
        return bad_row(in, MST_INVAL, err, "\"logprobs\" is not a list");
    double *v = MST_ARENA_ARRAY(in->r->arena, double, list->count);
    if (v == NULL)
        return out_of_room(in, err);
    for (uint32_t i = 0; i < list->count; i++) {
        const mst_json_t *item = mst_json_at(list, i);
        if (mst_json_is(item, MST_JSON_NULL))
            v[i] = HUGE_VAL;
        else if (!mst_json_f64(item, &v[i]) || isinf(v[i]))
            return bad_row(in, MST_INVAL, err, "\"logprobs\" holds something other than numbers, \"NaN\" and null");
    }
    reply->logprobs = v;
    reply->logprob_count = list->count;
    return MST_OK;
}

// A text member, copied; absent or null leaves it empty.
static mst_rc
copy_text(const reader_t *in, const mst_json_t *row, const char *key, mst_str_t *out, mst_err_t *err)
{
    const mst_json_t *v = mst_json_get(row, key);
    if (v == NULL || mst_json_is(v, MST_JSON_NULL))
        return MST_OK;
    mst_str_t s;
    bool ok;
    if (!mst_json_str(v, &s))
        return MST_ERR(err, MST_INVAL, "replies file \"%s\" line %llu: \"%s\" is not a text", in->path,
                       (unsigned long long)in->line, key);
    *out = mst_arena_dup(in->r->arena, s, &ok);
    return ok ? MST_OK : out_of_room(in, err);
}

static mst_rc
read_row(reader_t *in, mst_str_t text, mst_err_t *err)
{
    in->line++;
    if (in->line == 1 && text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = mst_str(text.p + 3, text.n - 3);
    text = mst_str_trim(text);
    if (text.n == 0)
        return MST_OK;
    const mst_json_t *row;
    mst_arena_reset(in->scratch);
    mst_rc rc = mst_json_parse(in->parser, text, in->scratch, &row, NULL, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "replies file \"%s\" line %llu", in->path, (unsigned long long)in->line);
        return rc;
    }
    if (!mst_json_is(mst_json_get(row, "reply"), MST_JSON_STR))
        return bad_row(in, MST_INVAL, err, "no \"reply\" with a text");
    mst_sim_reply_t *reply = MST_ARENA_NEW(in->r->arena, mst_sim_reply_t);
    if (reply == NULL)
        return out_of_room(in, err);
    if ((rc = copy_text(in, row, "reply", &reply->text, err)) != MST_OK ||
        (rc = copy_text(in, row, "reasoning", &reply->reasoning, err)) != MST_OK ||
        (rc = copy_text(in, row, "finish_reason", &reply->finish_reason, err)) != MST_OK ||
        (rc = read_logprobs(in, mst_json_get(row, "logprobs"), reply, err)) != MST_OK)
        return rc;
    in->r->rows++;
    return file_row(in, row, reply, err);
}

// Every whole line of the buffer; what is left stays in it.
static mst_rc
read_lines(reader_t *in, mst_buf_t *b, bool at_end, mst_err_t *err)
{
    size_t at = 0;
    while (at < b->n) {
        const char *nl = memchr(b->p + at, '\n', b->n - at);
        if (nl == NULL && !at_end)
            break;
        size_t n = nl ? (size_t)(nl - b->p) - at : b->n - at;
        mst_rc rc = read_row(in, mst_str(b->p + at, n), err);
        if (rc != MST_OK)
            return rc;
        at += n + 1;
    }
    mst_buf_consume(b, at);
    return MST_OK;
}

static mst_rc
read_file(reader_t *in, int fd, mst_err_t *err)
{
    mst_buf_t b;
    mst_buf_init(&b, MST_JSONL_LINE_MAX + READ_BYTES);
    mst_rc rc = MST_OK;
    for (ssize_t n = 1; n != 0 && rc == MST_OK;) {
        char *p = mst_buf_reserve(&b, READ_BYTES);
        if (p == NULL) {
            in->line++;
            rc = bad_row(in, MST_LIMIT, err, "the line is longer than 16 MiB");
            break;
        }
        n = read(fd, p, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = MST_ERR_SUB(err, MST_IO, errno, "could not read replies file \"%s\": %s", in->path, strerror(errno));
            break;
        }
        b.n += (size_t)n;
        rc = read_lines(in, &b, n == 0, err);
    }
    mst_buf_deinit(&b);
    return rc;
}

mst_rc
mst_sim_replies_open(const char *path, mst_sim_replies_t **out, mst_err_t *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MST_ERR_SUB(err, MST_NOTFOUND, errno, "could not open replies file \"%s\": %s", path, strerror(errno));
    mst_sim_replies_t *r = MST_NEW(mst_sim_replies_t);
    r->arena = mst_arena_new(MST_SIM_REPLIES_BYTES_MAX);
    reader_t in = {r, path, mst_json_parser_new(), mst_arena_new(4 * MST_JSONL_LINE_MAX), 0};
    mst_rc rc = read_file(&in, fd, err);
    close(fd);
    mst_arena_free(&in.scratch);
    mst_json_parser_free(&in.parser);
    if (rc != MST_OK)
        mst_sim_replies_free(&r);
    *out = r;
    return rc;
}

void
mst_sim_replies_free(mst_sim_replies_t **r)
{
    if (r == NULL || *r == NULL)
        return;
    HASH_CLEAR(hh, (*r)->by_id);
    HASH_CLEAR(hh, (*r)->by_digest);
    mst_arena_free(&(*r)->arena);
    free(*r);
    *r = NULL;
}

const mst_sim_reply_t *
mst_sim_replies_find(const mst_sim_replies_t *r, mst_str_t case_id, mst_str_t prompt)
{
    if (r == NULL)
        return NULL;
    const entry_t *e = lookup(r->by_id, case_id);
    if (e == NULL && r->by_digest != NULL) {
        mst_digest_t d = mst_sha256(prompt);
        e = lookup(r->by_digest, mst_str((const char *)d.b, sizeof d.b));
    }
    return e ? e->reply : NULL;
}

uint64_t
mst_sim_replies_count(const mst_sim_replies_t *r)
{
    return r ? r->rows : 0;
}
