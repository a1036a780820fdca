// The packed column of token events and logprobs: what is stored of a stream. docs/protocol.md, "Packed token
// events", is the contract; if you change a byte here, change the version there and here.
//
//   version u8 = 1 | events varint | logprobs varint | per event: zigzag varint of the arrival's distance to the
//   event before it (ns), varint of n_tokens * 16 + kind | per logprob: 4 bytes, IEEE 754 binary32, little-endian
//
// With alternatives (version 2), behind the count of logprobs that of alternatives as a varint, and at the end
//   per logprob: varint of the number of its alternatives | per alternative: zigzag varint of the token's id, varint of
//   the bytes of its text, the text, 4 bytes of its logprob
//
// Distances wrap modulo 2^64, so every int64_t comes back exactly, in order or not. A column of nothing is no bytes.
#include "common/model/completion.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <math.h>

#define VERSION         1
#define VERSION_MORE    2 // with alternatives
#define ALTERNATIVE_MIN 6 // bytes of the shortest one
#define KIND_BITS       4
#define EVENT_MIN       2 // bytes of the shortest event
#define LOGPROB_SIZE    4

// A quiet NaN whose payload spells "MS": no arithmetic and no parser of ours makes it.
#define MISSING_BITS 0x7fc04d53U

float
mst_logprob_missing_value(void)
{
    uint32_t bits = MISSING_BITS;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

bool
mst_logprob_missing(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == MISSING_BITS;
}

double
mst_completion_tps(const mst_completion_t *c)
{
    if (c->completion_tokens <= 0 || c->last_token_ns <= 0)
        return (double)NAN;
    return (double)c->completion_tokens * 1e9 / (double)c->last_token_ns;
}

static bool
carries_token(const mst_token_event_t *e)
{
    switch (e->kind) {
    case MST_EV_CONTENT:
    case MST_EV_REASONING:
    case MST_EV_TOOL:
    case MST_EV_REFUSAL:
        return true;
    case MST_EV_EMPTY:
        return e->n_tokens > 0;
    case MST_EV_ROLE:
    case MST_EV_USAGE:
    case MST_EV_DONE:
    case MST_EV_ERROR:
    case MST_EV_COMMENT:
        return false;
    }
    return false;
}

double
mst_completion_tpot_ns(const mst_completion_t *c)
{
    const mst_token_event_t *first = NULL;
    for (uint32_t i = 0; i < c->event_count && !first; i++)
        if (carries_token(&c->events[i]))
            first = &c->events[i];
    if (!first || c->last_token_ns < 0 || c->last_token_ns < first->rx_ns)
        return (double)NAN;
    int64_t rest = c->completion_tokens - (first->n_tokens > 0 ? (int64_t)first->n_tokens : 1);
    if (rest < 1)
        return (double)NAN;
    return (double)(c->last_token_ns - first->rx_ns) / (double)rest;
}

static size_t
varint_put(char *out, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (char)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (char)v;
    return n;
}

static uint64_t
zigzag(uint64_t v)
{
    return (v << 1) ^ (0 - (v >> 63));
}

static uint64_t
unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0 - (v & 1));
}

static void
pack_logprobs(const mst_completion_t *c, mst_buf_t *out)
{
    size_t bytes = (size_t)c->logprob_count * LOGPROB_SIZE;
    char *p = bytes > 0 ? mst_buf_reserve(out, bytes) : NULL;
    if (!p)
        return;
    for (uint32_t i = 0; i < c->logprob_count; i++) {
        uint32_t bits;
        memcpy(&bits, &c->logprobs[i], sizeof bits);
        char b[LOGPROB_SIZE] = {(char)bits, (char)(bits >> 8), (char)(bits >> 16), (char)(bits >> 24)};
        memcpy(p + (size_t)i * LOGPROB_SIZE, b, sizeof b);
    }
    out->n += bytes;
}

static void
put_float(float v, char out[LOGPROB_SIZE])
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    for (int i = 0; i < LOGPROB_SIZE; i++)
        out[i] = (char)(bits >> (8 * i));
}

static void
pack_alternatives(const mst_completion_t *c, mst_buf_t *out)
{
    char item[20 + LOGPROB_SIZE];
    for (uint32_t i = 0, at = 0; i < c->logprob_count; i++) {
        mst_buf_add(out, item, varint_put(item, c->alternative_ends[i] - at));
        for (; at < c->alternative_ends[i]; at++) {
            const mst_alternative_t *a = &c->alternatives[at];
            size_t n = varint_put(item, zigzag((uint64_t)a->id));
            n += varint_put(item + n, a->text.n);
            mst_buf_add(out, item, n);
            mst_buf_add_str(out, a->text);
            put_float(a->logprob, item);
            mst_buf_add(out, item, LOGPROB_SIZE);
        }
    }
}

void
mst_events_pack(const mst_completion_t *c, mst_buf_t *out)
{
    if (c->event_count == 0 && c->logprob_count == 0)
        return;
    bool more = c->alternative_count > 0 && c->alternatives != NULL && c->logprob_count > 0;
    char item[1 + 30] = {more ? VERSION_MORE : VERSION};
    size_t n = 1;
    n += varint_put(item + n, c->event_count);
    n += varint_put(item + n, c->logprob_count);
    if (more)
        n += varint_put(item + n, c->alternative_count);
    mst_buf_add(out, item, n);
    uint64_t before = 0;
    for (uint32_t i = 0; i < c->event_count; i++) {
        uint64_t at = (uint64_t)c->events[i].rx_ns;
        n = varint_put(item, zigzag(at - before));
        n += varint_put(item + n, (uint64_t)c->events[i].n_tokens << KIND_BITS | (uint64_t)c->events[i].kind);
        mst_buf_add(out, item, n);
        before = at;
    }
    pack_logprobs(c, out);
    if (more)
        pack_alternatives(c, out);
}

static bool
varint_take(mst_str_t *s, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->n > 0; shift += 7) {
        uint8_t byte = (uint8_t)*s->p;
        s->p++;
        s->n--;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

void
mst_events_counts(mst_str_t packed, uint64_t *events, uint64_t *logprobs)
{
    *events = *logprobs = 0;
    if (packed.n == 0 || (packed.p[0] != VERSION && packed.p[0] != VERSION_MORE))
        return;
    mst_str_t rest = mst_str(packed.p + 1, packed.n - 1);
    uint64_t e, l;
    if (!varint_take(&rest, &e) || !varint_take(&rest, &l) || e > MST_TOKENS_MAX || l > MST_TOKENS_MAX)
        return;
    *events = e;
    *logprobs = l;
}

static mst_rc
unpack_events(mst_str_t *rest, mst_token_event_t *events, uint64_t count, mst_err_t *err)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t step, what;
        if (!varint_take(rest, &step) || !varint_take(rest, &what))
            return MST_ERR(err, MST_PROTO, "packed token events are cut short at event %llu of %llu",
                           (unsigned long long)i, (unsigned long long)count);
        uint64_t kind = what & ((1U << KIND_BITS) - 1), tokens = what >> KIND_BITS;
        if (kind > MST_EV_COMMENT || tokens > UINT32_MAX)
            return MST_ERR(err, MST_PROTO, "packed token event %llu has kind %llu and %llu tokens",
                           (unsigned long long)i, (unsigned long long)kind, (unsigned long long)tokens);
        at += unzigzag(step);
        events[i] =
            (mst_token_event_t){.rx_ns = (int64_t)at, .kind = (mst_event_kind_t)kind, .n_tokens = (uint32_t)tokens};
    }
    return MST_OK;
}

static float
take_float(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool
unpack_alternative(mst_str_t *rest, mst_alternative_t *out)
{
    uint64_t id, n;
    if (!varint_take(rest, &id) || !varint_take(rest, &n) || rest->n < LOGPROB_SIZE || n > rest->n - LOGPROB_SIZE)
        return false;
    *out = (mst_alternative_t){.id = (int64_t)unzigzag(id), .text = mst_str(rest->p, (size_t)n)};
    out->logprob = take_float(rest->p + n);
    *rest = mst_str(rest->p + n + LOGPROB_SIZE, rest->n - (size_t)n - LOGPROB_SIZE);
    return true;
}

// Texts are slices of the packed bytes.
static mst_rc
unpack_alternatives(mst_str_t rest, uint64_t count, mst_arena_t *arena, mst_completion_t *c, mst_err_t *err)
{
    uint64_t at = 0;
    if (count > MST_TOKENS_MAX)
        return MST_ERR(err, MST_LIMIT, "packed token events hold %llu alternatives, at most %d allowed",
                       (unsigned long long)count, MST_TOKENS_MAX);
    if (rest.n < count * ALTERNATIVE_MIN + c->logprob_count)
        return MST_ERR(err, MST_PROTO, "packed token events are shorter than their counts say");
    mst_alternative_t *list = MST_ARENA_ARRAY(arena, mst_alternative_t, count);
    uint32_t *ends = MST_ARENA_ARRAY(arena, uint32_t, c->logprob_count);
    if (list == NULL || ends == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %llu alternatives", (unsigned long long)count);
    for (uint32_t i = 0; i < c->logprob_count; i++) {
        uint64_t here;
        if (!varint_take(&rest, &here) || here > count - at)
            return MST_ERR(err, MST_PROTO, "packed token events have wrong counts of alternatives");
        for (; here > 0; here--, at++) {
            if (!unpack_alternative(&rest, &list[at]))
                return MST_ERR(err, MST_PROTO, "packed token events are cut short in their alternatives");
        }
        ends[i] = (uint32_t)at;
    }
    if (at != count || rest.n > 0)
        return MST_ERR(err, MST_PROTO, "packed token events have %zu bytes behind their alternatives", rest.n);
    c->alternatives = list;
    c->alternative_ends = ends;
    c->alternative_count = (uint32_t)count;
    return MST_OK;
}

static void
unpack_logprobs(mst_str_t rest, float *logprobs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        logprobs[i] = take_float(rest.p + i * LOGPROB_SIZE);
}

mst_rc
mst_events_unpack(mst_str_t packed, mst_arena_t *arena, mst_completion_t *c, mst_err_t *err)
{
    c->events = NULL;
    c->logprobs = NULL;
    c->alternatives = NULL;
    c->alternative_ends = NULL;
    c->event_count = c->logprob_count = c->alternative_count = 0;
    if (packed.n == 0)
        return MST_OK;
    bool more = packed.p[0] == VERSION_MORE;
    if (packed.p[0] != VERSION && !more)
        return MST_ERR(err, MST_PROTO, "packed token events have version %u, expected %d or %d",
                       (unsigned)(uint8_t)packed.p[0], VERSION, VERSION_MORE);
    mst_str_t rest = mst_str(packed.p + 1, packed.n - 1);
    uint64_t events, logprobs, alternatives = 0;
    if (!varint_take(&rest, &events) || !varint_take(&rest, &logprobs) || (more && !varint_take(&rest, &alternatives)))
        return MST_ERR(err, MST_PROTO, "packed token events are cut short in their counts");
    if (events > MST_TOKENS_MAX || logprobs > MST_TOKENS_MAX)
        return MST_ERR(err, MST_LIMIT, "packed token events hold %llu events and %llu logprobs, at most %d allowed",
                       (unsigned long long)events, (unsigned long long)logprobs, MST_TOKENS_MAX);
    // checked before anything is allocated, so that a few bytes never ask for megabytes
    if (rest.n < events * EVENT_MIN || rest.n - events * EVENT_MIN < logprobs * LOGPROB_SIZE)
        return MST_ERR(err, MST_PROTO, "packed token events are shorter than their counts say");
    mst_token_event_t *e = MST_ARENA_ARRAY(arena, mst_token_event_t, events);
    float *l = MST_ARENA_ARRAY(arena, float, logprobs);
    if (!e || !l)
        return MST_ERR(err, MST_LIMIT, "no room for %llu token events", (unsigned long long)events);
    mst_rc rc = unpack_events(&rest, e, events, err);
    if (rc != MST_OK)
        return rc;
    size_t bytes = (size_t)logprobs * LOGPROB_SIZE;
    if (rest.n < bytes || (!more && rest.n != bytes))
        return MST_ERR(err, MST_PROTO, "packed token events have %zu bytes of logprobs, expected %zu", rest.n, bytes);
    unpack_logprobs(rest, l, logprobs);
    c->events = e;
    c->event_count = (uint32_t)events;
    c->logprobs = l;
    c->logprob_count = (uint32_t)logprobs;
    rest = mst_str(rest.p + bytes, rest.n - bytes);
    return more ? unpack_alternatives(rest, alternatives, arena, c, err) : MST_OK;
}
