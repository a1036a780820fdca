// One length after the other, with one hash table that is small enough to stay in the cache. An n-gram that starts at
// some token has a rank, which is its place in the table of its length; so its key in the next table is that rank and
// the token behind it, and n-grams of any length and any alphabet are compared as one number. Where the text's n-gram
// is not in the table, no longer one that starts there is in a later one.
#include "common/text/ngrams.h"

#include "common/base/limits.h"
#include "common/text/vocab.h"

// Golden ratio above, square root of 2 below: the upper bits of a product spread tokens and ranks independently.
#define HASH 0x9E3779B96A09E667ULL

typedef struct {
    uint64_t key;  // 0 = an empty place
    uint32_t most; // how often the references have it at most
    uint32_t now;  // how often the reference that is being added has it, or how often it was matched
} node_t;

// What looking up needs; passed by value, to stay in registers while nodes are written.
typedef struct {
    node_t *nodes;
    size_t mask;
    unsigned shift;
    uint32_t kinds; // of tokens, when the table has a place for each pair of a rank and a token; else 0
} table_t;

void
mst_ngrams_init(mst_ngrams_t *g)
{
    *g = (mst_ngrams_t){0};
    mst_buf_init(&g->nodes, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&g->ref_rank, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&g->live, MST_TEXT_SCRATCH_MAX);
}

void
mst_ngrams_deinit(mst_ngrams_t *g)
{
    mst_buf_deinit(&g->nodes);
    mst_buf_deinit(&g->ref_rank);
    mst_buf_deinit(&g->live);
}

// An empty table for so many n-grams, whose first n - 1 tokens have ranks below `ranks`. *ranks becomes what holds for
// the next length.
static bool
table_start(mst_ngrams_t *g, size_t count, uint32_t kinds, size_t *ranks, table_t *t)
{
    size_t nodes = 64;
    unsigned shift = 58;
    if (count > MST_TEXT_SCRATCH_MAX)
        return false;
    while (nodes < 2 * count) {
        nodes *= 2;
        shift--;
    }
    bool pairs = kinds > 0 && *ranks <= 2 * nodes && *ranks * kinds <= 2 * nodes;
    *ranks = nodes = pairs ? *ranks * kinds : nodes;
    *t = (table_t){.nodes = mst_room(&g->nodes, nodes * sizeof(node_t)),
                   .mask = nodes - 1,
                   .shift = shift,
                   .kinds = pairs ? kinds : 0};
    if (t->nodes == NULL)
        return false;
    memset(t->nodes, 0, nodes * sizeof(node_t));
    return true;
}

static void
forget_now(table_t t)
{
    for (size_t i = 0; i <= t.mask; i++)
        t.nodes[i].now = 0;
}

static inline uint64_t
key_of(uint32_t rank, uint32_t token)
{
    return (uint64_t)rank << 32 | (token + 1U); // tokens are below MST_VOCAB_NONE
}

// 0 when the place holds the key, or nothing. Which of the two is as good as random, so it is no branch.
static inline uint64_t
taken(const node_t *node, uint64_t key)
{
    uint64_t other = node->key ^ key;
    return node->key < other ? node->key : other;
}

// The place of key, or the empty place where it belongs.
static inline size_t
find(table_t t, uint64_t key)
{
    size_t i = key * HASH >> t.shift;
    while (taken(&t.nodes[i], key) != 0)
        i = (i + 1) & t.mask;
    return i;
}

// Where the n-gram of a rank and a token is, or belongs. With few kinds of tokens there is a place for every pair.
static inline size_t
place(table_t t, uint32_t rank, uint32_t token)
{
    return t.kinds > 0 ? (size_t)rank * t.kinds + token : find(t, key_of(rank, token));
}

// The first reference has nothing to compare with, so it counts in `most` alone.
static inline void
add_first(table_t t, const uint32_t *last, uint32_t *rank, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(rank[i], last[i]);
        size_t at = place(t, rank[i], last[i]);
        rank[i] = (uint32_t)at;
        t.nodes[at].key = key;
        t.nodes[at].most++;
    }
}

static inline void
add_other(table_t t, const uint32_t *last, uint32_t *rank, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(rank[i], last[i]);
        size_t at = place(t, rank[i], last[i]);
        node_t *to = &t.nodes[at];
        rank[i] = (uint32_t)at;
        to->key = key;
        if (++to->now > to->most)
            to->most = to->now;
    }
}

static inline void
add_one(table_t t, const uint32_t *last, uint32_t *rank, size_t count, bool first)
{
    if (first)
        add_first(t, last, rank, count);
    else
        add_other(t, last, rank, count);
}

static void
add_references(const mst_ngrams_in_t *in, table_t t, uint32_t *rank, unsigned n)
{
    uint64_t start = 0;
    for (size_t r = 0; r < in->ref_count; r++) {
        uint64_t count = mst_ngrams_total(in->ends[r] - start, n);
        const uint32_t *last = in->refs + start + n - 1;
        if (r > 1)
            forget_now(t);
        if (count > 0 && t.kinds > 0) // told apart here, so that the loops are compiled for each
            add_one(t, last, rank + start, count, r == 0);
        else if (count > 0)
            add_one((table_t){t.nodes, t.mask, t.shift, 0}, last, rank + start, count, r == 0);
        start = in->ends[r];
    }
    if (in->ref_count > 1)
        forget_now(t);
}

// An n-gram of the text that is in a reference: where it starts, and its rank.
typedef struct {
    uint32_t start, rank;
} live_t;

// Goes through the n-grams that live for their first n - 1 tokens, and keeps those that live on. No branches on what is
// found: it is as good as random.
static inline size_t
match_text(const mst_ngrams_in_t *in, table_t t, live_t *live, size_t count, unsigned n, uint64_t *matches)
{
    const uint32_t *last = in->text + n - 1;
    const size_t end = mst_ngrams_total(in->text_count, n);
    uint64_t sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count && live[i].start < end; i++) {
        uint32_t start = live[i].start, token = last[start];
        if (token == MST_VOCAB_NONE)
            continue;
        size_t at = place(t, live[i].rank, token);
        node_t *to = &t.nodes[at];
        uint32_t left = to->now < to->most;
        to->now += left;
        sum += left;
        live[kept] = (live_t){.start = start, .rank = (uint32_t)at};
        kept += to->most > 0;
    }
    *matches = sum;
    return kept;
}

// Every place of the text that has a token of the references.
static size_t
start_text(const mst_ngrams_in_t *in, live_t *live)
{
    size_t count = 0;
    for (size_t i = 0; i < in->text_count; i++) {
        live[count] = (live_t){.start = (uint32_t)i};
        count += in->text[i] != MST_VOCAB_NONE;
    }
    return count;
}

mst_rc
mst_ngrams_match(mst_ngrams_t *g, const mst_ngrams_in_t *in, uint64_t *matches)
{
    size_t ref_tokens = in->ref_count > 0 ? in->ends[in->ref_count - 1] : 0;
    uint32_t *ref_rank = mst_room(&g->ref_rank, ref_tokens * sizeof *ref_rank);
    live_t *live = mst_room(&g->live, (in->text_count + 1) * sizeof *live);
    memset(matches, 0, in->order * sizeof *matches);
    if (ref_rank == NULL || live == NULL)
        return MST_LIMIT;
    memset(ref_rank, 0, ref_tokens * sizeof *ref_rank);
    size_t count = start_text(in, live), ranks = 1;
    for (unsigned n = 1; n <= in->order && count > 0; n++) {
        table_t t;
        if (!table_start(g, ref_tokens, in->kinds, &ranks, &t))
            return MST_LIMIT;
        add_references(in, t, ref_rank, n);
        if (t.kinds > 0)
            count = match_text(in, t, live, count, n, &matches[n - 1]);
        else
            count = match_text(in, (table_t){t.nodes, t.mask, t.shift, 0}, live, count, n, &matches[n - 1]);
    }
    mst_room_trim(&g->nodes);
    mst_room_trim(&g->ref_rank);
    mst_room_trim(&g->live);
    return MST_OK;
}
