#include "common/text/vocab.h"

#include "common/base/hash.h"
#include "common/base/limits.h"

#define KEPT_BYTES  ((size_t)256 * MST_KIB)
#define FIRST_SLOTS 256

// Tokens of up to SHORT bytes are compared as a number and a length.
#define SHORT 8

typedef struct {
    mst_str_t token;
    uint64_t key; // SHORT bytes or fewer: all of them; else a hash
} entry_t;

static inline uint64_t
load(const char *p, size_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes);
    return v;
}

// Of two or more bytes. Loads of fixed sizes, which may overlap: every byte is in the number.
static inline uint64_t
key_of(mst_str_t token)
{
    const char *end = token.p + token.n;
    if (token.n > SHORT)
        return mst_xxh64(token, 0);
    if (token.n >= 4)
        return load(token.p, 4) << 32 | load(end - 4, 4);
    return token.n >= 2 ? load(token.p, 2) << 32 | load(end - 2, 2) : load(token.p, 1);
}

static inline size_t
first_slot(const mst_vocab_t *v, uint64_t key, size_t n)
{
    uint64_t h = (key + n) * 0x9E3779B97F4A7C15ULL;
    return (h ^ h >> 32) & (v->slot_count - 1);
}

void *
mst_room(mst_buf_t *b, size_t bytes)
{
    mst_buf_reset(b);
    return mst_buf_reserve(b, bytes > 0 ? bytes : 1);
}

void
mst_room_trim(mst_buf_t *b)
{
    size_t max = b->max;
    mst_buf_reset(b);
    if (b->cap <= KEPT_BYTES)
        return;
    mst_buf_deinit(b);
    mst_buf_init(b, max);
}

void
mst_vocab_init(mst_vocab_t *v)
{
    *v = (mst_vocab_t){0};
    mst_buf_init(&v->slots, MST_TEXT_SCRATCH_MAX / 4);
    mst_buf_init(&v->tokens, MST_TEXT_SCRATCH_MAX);
}

void
mst_vocab_deinit(mst_vocab_t *v)
{
    mst_buf_deinit(&v->slots);
    mst_buf_deinit(&v->tokens);
}

static inline entry_t *
entries(const mst_vocab_t *v)
{
    return (entry_t *)(void *)v->tokens.p;
}

static inline uint32_t *
slots(const mst_vocab_t *v)
{
    return (uint32_t *)(void *)v->slots.p;
}

void
mst_vocab_clear(mst_vocab_t *v)
{
    // the bytes of the tokens may be gone by now
    memset(v->one_byte, 0, sizeof v->one_byte);
    mst_room_trim(&v->slots);
    mst_room_trim(&v->tokens);
    v->count = 0;
    v->slot_count = 0;
}

// Where the token is, or would be.
static size_t
place(const mst_vocab_t *v, mst_str_t token, uint64_t key)
{
    const uint32_t *s = slots(v);
    const entry_t *all = entries(v);
    size_t i = first_slot(v, key, token.n);
    while (s[i] != 0) {
        const entry_t *e = &all[s[i] - 1];
        if (e->key == key && e->token.n == token.n && (token.n <= SHORT || memcmp(e->token.p, token.p, token.n) == 0))
            break;
        i = (i + 1) & (v->slot_count - 1);
    }
    return i;
}

// More slots, at most half of them in use.
static bool
grow(mst_vocab_t *v)
{
    size_t count = v->slot_count > 0 ? 2 * v->slot_count : FIRST_SLOTS;
    uint32_t *s = mst_room(&v->slots, count * sizeof *s);
    if (s == NULL)
        return false;
    memset(s, 0, count * sizeof *s);
    v->slot_count = count;
    const entry_t *all = entries(v);
    for (uint32_t id = 0; id < v->count; id++) {
        size_t i = first_slot(v, all[id].key, all[id].token.n);
        while (s[i] != 0)
            i = (i + 1) & (count - 1);
        s[i] = id + 1;
    }
    return true;
}

uint32_t
mst_vocab_add(mst_vocab_t *v, mst_str_t token)
{
    if (token.n == 0)
        return MST_VOCAB_NONE;
    uint32_t *one_byte = token.n == 1 ? &v->one_byte[(unsigned char)token.p[0]] : NULL;
    if (one_byte != NULL && *one_byte != 0)
        return *one_byte - 1;
    if (v->slot_count < 2 * ((size_t)v->count + 1) && !grow(v))
        return MST_VOCAB_NONE;
    entry_t e = {.token = token, .key = key_of(token)};
    size_t i = place(v, token, e.key);
    uint32_t *slot = &slots(v)[i];
    if (*slot != 0)
        return *slot - 1;
    if (mst_buf_add(&v->tokens, &e, sizeof e) != MST_OK)
        return MST_VOCAB_NONE;
    *slot = ++v->count;
    if (one_byte != NULL)
        *one_byte = *slot;
    return *slot - 1;
}

uint32_t
mst_vocab_find(const mst_vocab_t *v, mst_str_t token)
{
    if (token.n == 0 || v->slot_count == 0)
        return MST_VOCAB_NONE;
    if (token.n == 1)
        return mst_vocab_find_byte(v, token.p[0]);
    size_t i = place(v, token, key_of(token));
    return slots(v)[i] - 1;
}
