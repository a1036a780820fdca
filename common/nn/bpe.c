#include "common/nn/bpe.h"

#include "common/base/hash.h"
#include "common/base/utf8.h"

#include <utf8proc.h>

#define TOKEN_BYTES_MAX 4096 // longest token of a file
#define EMPTY           UINT64_MAX

// Bytes that are printable stand for themselves, the others in order for U+0100 and up. -1: no byte.
static int
byte_of(uint32_t cp)
{
    if ((cp >= 33 && cp <= 126) || (cp >= 161 && cp <= 172) || (cp >= 174 && cp <= 255))
        return (int)cp;
    if (cp < 256 || cp > 256 + 67)
        return -1;
    uint32_t n = cp - 256; // the n-th byte that is not printable: 0-32, 127-160, 173
    return n <= 32 ? (int)n : n <= 66 ? (int)(127 + n - 33) : 173;
}

// *out: the bytes of a token, in room of s.n bytes. False: a character stands for no byte.
static bool
to_bytes(mst_str_t s, char *room, mst_str_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        i += mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        int byte = byte_of(cp);
        if (byte < 0)
            return false;
        room[n++] = (char)byte;
    }
    *out = mst_str(room, n);
    return true;
}

mst_rc
mst_bpe_init(mst_bpe_t *b, size_t vocab_max, size_t merge_max, mst_arena_t *arena, mst_err_t *err)
{
    size_t slots = 16;
    *b = (mst_bpe_t){.arena = arena, .merge_max = merge_max, .unknown = MST_ID_NONE};
    for (size_t i = 0; i < 256; i++)
        b->bytes[i] = MST_ID_NONE;
    mst_rc rc = mst_nn_vocab_init(&b->vocab, vocab_max, arena, err);
    if (rc != MST_OK)
        return rc;
    if (merge_max > MST_NN_VOCAB_MAX)
        return MST_ERR(err, MST_LIMIT, "%zu merges are over the limit of %u", merge_max, MST_NN_VOCAB_MAX);
    while (slots < 2 * merge_max)
        slots *= 2;
    b->merges = mst_arena_alloc_raw(arena, slots * sizeof *b->merges);
    if (b->merges == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu merges", merge_max);
    for (size_t i = 0; i < slots; i++)
        b->merges[i].pair = EMPTY;
    b->merge_mask = slots - 1;
    return MST_OK;
}

mst_rc
mst_bpe_put(mst_bpe_t *b, mst_str_t token, uint32_t id, mst_err_t *err)
{
    mst_str_t bytes;
    char *room = mst_arena_alloc_raw(b->arena, token.n);
    if (room == NULL || token.n > TOKEN_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "no room for a token of %zu bytes", token.n);
    if (!to_bytes(token, room, &bytes) || bytes.n == 0)
        return MST_OK;
    if (bytes.n == 1)
        b->bytes[(unsigned char)bytes.p[0]] = id;
    return mst_nn_vocab_put(&b->vocab, bytes, id, err);
}

static mst_bpe_merge_t *
slot_of(const mst_bpe_t *b, uint64_t pair)
{
    uint64_t h = pair * 0x9E3779B97F4A7C15ULL; // golden ratio: spreads the low bits of small ids
    size_t i = (size_t)(h >> 20) & b->merge_mask;
    while (b->merges[i].pair != EMPTY && b->merges[i].pair != pair)
        i = (i + 1) & b->merge_mask;
    return &b->merges[i];
}

mst_rc
mst_bpe_merge(mst_bpe_t *b, mst_str_t left, mst_str_t right, mst_err_t *err)
{
    char room[2 * TOKEN_BYTES_MAX];
    mst_str_t l, r;
    if (left.n > TOKEN_BYTES_MAX || right.n > TOKEN_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "a merge of %zu and %zu bytes is too long", left.n, right.n);
    if (!to_bytes(left, room, &l) || !to_bytes(right, room + l.n, &r) || l.n == 0 || r.n == 0)
        return MST_ERR(err, MST_PROTO, "merge %zu holds a character that stands for no byte", b->merge_count + 1);
    uint32_t li = mst_nn_vocab_get(&b->vocab, l), ri = mst_nn_vocab_get(&b->vocab, r);
    uint32_t joined = mst_nn_vocab_get(&b->vocab, mst_str(room, l.n + r.n));
    if (li == MST_ID_NONE || ri == MST_ID_NONE || joined == MST_ID_NONE)
        return MST_ERR(err, MST_PROTO, "merge %zu (\"%.*s %.*s\") is not in the vocabulary", b->merge_count + 1,
                       MST_FMT(left), MST_FMT(right));
    if (b->merge_count == b->merge_max)
        return MST_ERR(err, MST_LIMIT, "there are more merges than the %zu announced", b->merge_max);
    mst_bpe_merge_t *s = slot_of(b, (uint64_t)li << 32 | ri);
    if (s->pair == EMPTY)
        *s = (mst_bpe_merge_t){.pair = (uint64_t)li << 32 | ri, .rank = (uint32_t)b->merge_count, .joined = joined};
    b->merge_count++;
    return MST_OK;
}

typedef enum { SPACE, LETTER, DIGIT, OTHER } class_t;

bool
mst_bpe_is_space(uint32_t cp)
{
    utf8proc_category_t c = (utf8proc_category_t)utf8proc_get_property((int32_t)cp)->category;
    return (c >= UTF8PROC_CATEGORY_ZS && c <= UTF8PROC_CATEGORY_ZP) || (cp >= 9 && cp <= 13) || cp == 0x85;
}

static class_t
class_of(uint32_t cp)
{
    utf8proc_category_t c = (utf8proc_category_t)utf8proc_get_property((int32_t)cp)->category;
    if (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO)
        return LETTER;
    if (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO)
        return DIGIT;
    return mst_bpe_is_space(cp) ? SPACE : OTHER;
}

// Bytes at the front of s that are of one class.
static size_t
class_run(mst_str_t s, class_t want, size_t *out_last)
{
    size_t i = 0;
    *out_last = 0;
    while (i < s.n) {
        uint32_t cp;
        size_t took = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (class_of(cp) != want)
            break;
        *out_last = took;
        i += took;
    }
    return i;
}

static size_t
contraction(mst_str_t s)
{
    static const char *const all[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (mst_str_starts(s, mst_str_c(all[i])))
            return strlen(all[i]);
    }
    return 0;
}

size_t
mst_bpe_word(mst_str_t s)
{
    size_t n = s.p[0] == '\'' ? contraction(s) : 0, last = 0;
    if (n > 0)
        return n;
    size_t blank = s.p[0] == ' ' && s.n > 1 ? 1 : 0;
    uint32_t cp;
    (void)mst_utf8_next(mst_str(s.p + blank, s.n - blank), &cp);
    class_t c = class_of(cp);
    if (c != SPACE)
        return blank + class_run(mst_str(s.p + blank, s.n - blank), c, &last);
    n = class_run(s, SPACE, &last);
    return n == s.n || n == last ? n : n - last; // all but the last, which belongs to what follows
}

typedef struct {
    uint32_t id;
    uint32_t prev, next; // places; NO_PLACE
} symbol_t;

// A join that may be made. Stale when the symbols have changed since.
typedef struct {
    uint32_t rank, at;
    uint32_t left, right; // ids
} join_t;

typedef struct {
    const mst_bpe_t *b;
    symbol_t *symbols;
    join_t *heap; // by rank, then place
    size_t heap_count;
} word_t;

#define NO_PLACE UINT32_MAX

static bool
is_before(const join_t *a, const join_t *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void
heap_push(word_t *w, join_t j)
{
    size_t i = w->heap_count++;
    while (i > 0 && is_before(&j, &w->heap[(i - 1) / 2])) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = j;
}

static join_t
heap_pop(word_t *w)
{
    join_t top = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < w->heap_count) {
        if (child + 1 < w->heap_count && is_before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!is_before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

static void
offer(word_t *w, uint32_t at)
{
    if (at == NO_PLACE || w->symbols[at].next == NO_PLACE)
        return;
    const symbol_t *s = &w->symbols[at];
    uint32_t right = w->symbols[s->next].id;
    const mst_bpe_merge_t *m = slot_of(w->b, (uint64_t)s->id << 32 | right);
    if (m->pair != EMPTY)
        heap_push(w, (join_t){.rank = m->rank, .at = at, .left = s->id, .right = right});
}

static void
join(word_t *w, const join_t *j)
{
    symbol_t *s = &w->symbols[j->at];
    if (s->id != j->left || s->next == NO_PLACE || w->symbols[s->next].id != j->right)
        return; // changed since
    symbol_t *gone = &w->symbols[s->next];
    s->id = slot_of(w->b, (uint64_t)j->left << 32 | j->right)->joined;
    s->next = gone->next;
    gone->id = MST_ID_NONE;
    if (s->next != NO_PLACE)
        w->symbols[s->next].prev = j->at;
    offer(w, s->prev);
    offer(w, j->at);
}

// n bytes, at most MST_BPE_WORD_MAX. False: out is full.
static bool
encode_word(word_t *w, mst_str_t s, mst_nn_ids_t *out)
{
    size_t n = s.n;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = w->b->bytes[(unsigned char)s.p[i]];
        w->symbols[i] = (symbol_t){.id = id != MST_ID_NONE ? id : w->b->unknown,
                                   .prev = i > 0 ? (uint32_t)i - 1 : NO_PLACE,
                                   .next = i + 1 < n ? (uint32_t)i + 1 : NO_PLACE};
    }
    w->heap_count = 0;
    for (uint32_t i = 0; i + 1 < n; i++)
        offer(w, i);
    while (w->heap_count > 0) {
        join_t j = heap_pop(w);
        join(w, &j);
    }
    for (uint32_t i = 0; i != NO_PLACE; i = w->symbols[i].next) {
        if (w->symbols[i].id != MST_ID_NONE && !mst_nn_ids_put(out, w->symbols[i].id))
            return false;
    }
    return !mst_nn_ids_full(out);
}

mst_rc
mst_bpe_encode(const mst_bpe_t *b, mst_str_t text, mst_arena_t *arena, mst_nn_ids_t *out, mst_err_t *err)
{
    size_t longest = text.n < MST_BPE_WORD_MAX ? text.n : MST_BPE_WORD_MAX;
    word_t w = {.b = b};
    // each of at most n - 1 joins takes one offer away and adds at most two
    w.symbols = mst_arena_alloc_raw(arena, longest * sizeof *w.symbols);
    w.heap = mst_arena_alloc_raw(arena, 3 * longest * sizeof *w.heap);
    if (w.symbols == NULL || w.heap == NULL)
        return MST_ERR(err, MST_LIMIT, "no room to encode a text of %zu bytes", text.n);
    bool go_on = !mst_nn_ids_full(out);
    while (text.n > 0 && go_on) {
        size_t n = mst_bpe_word(text);
        for (size_t at = 0; at < n && go_on; at += longest) {
            size_t part = n - at < longest ? n - at : longest;
            go_on = encode_word(&w, mst_str(text.p + at, part), out);
        }
        text = mst_str(text.p + n, text.n - n);
    }
    return MST_OK;
}
