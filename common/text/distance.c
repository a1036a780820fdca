// The table of distances has a row for each unit of the shorter text (the pattern) and a column for each unit of the
// longer one. Neighbours differ by -1, 0 or +1, so 64 rows of a column are two words of bits (where a cell is one more
// or one less than the one above it) and the number at the bottom. A column follows from the one before it by a few
// operations on each block of 64 rows.
//
// With a bound k, only cells up to k from the diagonal matter. The blocks that cover them are worked out; cells outside
// are taken as reached by insertions alone, which is a way to get there, so no value is too small, and a result of at
// most k is exact. k grows fourfold until the result fits.
#include "common/text/distance.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/text/normalise.h"
#include "common/text/places.h"
#include "common/text/vocab.h"

#include <stdlib.h>

#define FIRST_BAND   64
#define SMALL_BLOCKS 8 // patterns of so few blocks are not worth a band

typedef struct {
    uint64_t more, less; // rows that are one more, one less than the row above
    uint64_t bottom;     // the last row's value
} block_t;

struct mst_distance_ctx {
    mst_unit_t unit;
    mst_vocab_t vocab; // units of the pattern
    mst_places_t places;
    mst_buf_t tokens; // the pattern: uint32_t
    mst_buf_t blocks;
    mst_buf_t cursors; // of each token: its first place that the band has not passed
    uint64_t work;
};

bool
mst_unit_parse(mst_str_t name, mst_unit_t *out)
{
    static const char *const names[] = {"chars", "bytes", "words"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(name, names[i])) {
            *out = (mst_unit_t)i;
            return true;
        }
    }
    return false;
}

mst_distance_ctx_t *
mst_distance_new(mst_unit_t unit)
{
    mst_distance_ctx_t *d = MST_NEW(mst_distance_ctx_t);
    d->unit = unit;
    mst_vocab_init(&d->vocab);
    mst_places_init(&d->places);
    mst_buf_init(&d->tokens, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&d->blocks, MST_TEXT_SCRATCH_MAX);
    mst_buf_init(&d->cursors, MST_TEXT_SCRATCH_MAX);
    return d;
}

void
mst_distance_free(mst_distance_ctx_t **d)
{
    if (d == NULL || *d == NULL)
        return;
    mst_vocab_deinit(&(*d)->vocab);
    mst_places_deinit(&(*d)->places);
    mst_buf_deinit(&(*d)->tokens);
    mst_buf_deinit(&(*d)->blocks);
    mst_buf_deinit(&(*d)->cursors);
    free(*d);
    *d = NULL;
}

// Takes the next unit off *rest. All invalid bytes look the same.
static bool
next_unit(mst_unit_t unit, mst_str_t *rest, mst_str_t *out)
{
    uint32_t cp = 0;
    size_t n = 1;
    if (unit == MST_UNIT_WORDS)
        *rest = mst_utf8_trim(*rest);
    if (rest->n == 0)
        return false;
    if (unit == MST_UNIT_WORDS) {
        for (n = 0; n < rest->n;) {
            size_t took = mst_text_next(mst_str(rest->p + n, rest->n - n), &cp);
            if (mst_text_is_space(cp))
                break;
            n += took;
        }
    } else if (unit == MST_UNIT_CHARS && (unsigned char)rest->p[0] >= 0x80) {
        n = mst_utf8_next(*rest, &cp);
    }
    *out =
        n == 1 && unit == MST_UNIT_CHARS && (unsigned char)rest->p[0] >= 0x80 ? MST_STR("\xFF") : mst_str(rest->p, n);
    *rest = mst_str(rest->p + n, rest->n - n);
    return true;
}

static uint64_t
count_units(mst_unit_t unit, mst_str_t s)
{
    if (unit == MST_UNIT_BYTES)
        return s.n;
    if (unit == MST_UNIT_CHARS)
        return mst_utf8_count(s);
    uint64_t count = 0;
    mst_str_t word;
    while (next_unit(unit, &s, &word))
        count++;
    return count;
}

static inline bool
starts_char(const char *p)
{
    return ((unsigned char)*p & 0xC0) != 0x80;
}

// Cuts what both texts start with and end with, at whole characters: an edit distance does not depend on it.
static void
cut_common(mst_unit_t unit, mst_str_t *a, mst_str_t *b)
{
    size_t least = a->n < b->n ? a->n : b->n, head = 0, tail = 0;
    if (unit == MST_UNIT_WORDS)
        return;
    while (head < least && a->p[head] == b->p[head])
        head++;
    if (unit == MST_UNIT_CHARS) {
        while (head > 0 && ((head < a->n && !starts_char(a->p + head)) || (head < b->n && !starts_char(b->p + head))))
            head--;
    }
    *a = mst_str(a->p + head, a->n - head);
    *b = mst_str(b->p + head, b->n - head);
    least -= head;
    while (tail < least && a->p[a->n - tail - 1] == b->p[b->n - tail - 1])
        tail++;
    if (unit == MST_UNIT_CHARS) {
        while (tail > 0 && !starts_char(a->p + a->n - tail))
            tail--;
    }
    a->n -= tail;
    b->n -= tail;
}

static mst_rc
read_pattern(mst_distance_ctx_t *d, mst_str_t text, size_t count)
{
    mst_str_t unit;
    mst_vocab_clear(&d->vocab);
    mst_room_trim(&d->tokens);
    if (count > MST_TEXT_PATTERN_MAX)
        return MST_LIMIT;
    while (next_unit(d->unit, &text, &unit)) {
        uint32_t id = mst_vocab_add(&d->vocab, unit);
        if (id == MST_VOCAB_NONE || mst_buf_add(&d->tokens, &id, sizeof id) != MST_OK)
            return MST_LIMIT;
    }
    mst_rc rc = mst_places_start(&d->places, d->vocab.count);
    if (rc == MST_OK)
        rc =
            mst_places_pattern(&d->places, (const uint32_t *)(const void *)d->tokens.p, d->tokens.n / sizeof(uint32_t));
    mst_room_trim(&d->blocks);
    mst_room_trim(&d->cursors);
    if (rc != MST_OK || mst_room(&d->blocks, d->places.words * sizeof(block_t)) == NULL ||
        mst_room(&d->cursors, d->vocab.count * sizeof(mst_place_t *)) == NULL)
        return MST_LIMIT;
    return MST_OK;
}

// One block's column. in: how the row above it changed (-1, 0, 1); returns how its last row changed.
static inline int
advance(block_t *b, uint64_t equal, int in)
{
    uint64_t less_in = in<0, more_in = in> 0;
    uint64_t xv = equal | b->less;
    equal |= less_in;
    uint64_t xh = (((equal & b->more) + b->more) ^ b->more) | equal;
    uint64_t more = b->less | ~(xh | b->more), less = b->more & xh;
    int out = (int)(more >> 63) - (int)(less >> 63);
    more = more << 1 | more_in;
    less = less << 1 | less_in;
    b->more = less | ~(xv | more);
    b->less = more & xv;
    b->bottom += (uint64_t)(int64_t)out;
    return out;
}

// The value of the pattern's last row, which need not be its block's last row.
static uint64_t
last_row(const block_t *b, size_t rows)
{
    size_t over = (64 - rows % 64) % 64;
    uint64_t mask = over > 0 ? ~0ULL << (64 - over) : 0;
    return b->bottom - (uint64_t)__builtin_popcountll(b->more & mask) + (uint64_t)__builtin_popcountll(b->less & mask);
}

// Blocks first to last of one column.
static void
column(mst_distance_ctx_t *d, uint32_t token, size_t first, size_t last)
{
    block_t *blocks = (block_t *)(void *)d->blocks.p;
    const mst_place_t **cursors = (const mst_place_t **)(void *)d->cursors.p, *at = NULL;
    if (token != MST_VOCAB_NONE) {
        at = cursors[token];
        while (at != NULL && at->word < first)
            at = mst_places_next(&d->places, at);
        cursors[token] = at;
    }
    int change = 1;
    for (size_t i = first; i <= last; i++) {
        uint64_t equal = 0;
        if (at != NULL && at->word == i) {
            equal = at->bits;
            at = mst_places_next(&d->places, at);
        }
        change = advance(&blocks[i], equal, change);
    }
}

// The distance when it is at most k, else some number over k. The pattern has `rows` units.
static mst_rc
in_band(mst_distance_ctx_t *d, mst_str_t text, uint64_t k, uint64_t *out)
{
    block_t *blocks = (block_t *)(void *)d->blocks.p;
    const mst_place_t **cursors = (const mst_place_t **)(void *)d->cursors.p;
    size_t rows = d->places.length, known = 0;
    uint64_t last_place = rows - 1;
    for (uint32_t id = 0; id < d->vocab.count; id++)
        cursors[id] = mst_places_first(&d->places, id);
    mst_str_t unit;
    for (uint64_t place = 0; next_unit(d->unit, &text, &unit); place++) {
        uint64_t low = place > k ? place - k : 0,
                 high = k < last_place && place < last_place - k ? place + k : last_place;
        size_t first = (size_t)((low < last_place ? low : last_place) / 64), last = (size_t)(high / 64);
        for (; known <= last; known++)
            blocks[known] = (block_t){.more = ~0ULL, .bottom = known > 0 ? blocks[known - 1].bottom + 64 : 64};
        column(d, unit.n == 1 ? mst_vocab_find_byte(&d->vocab, unit.p[0]) : mst_vocab_find(&d->vocab, unit), first,
               last);
        d->work += last - first + 1;
        if (d->work > MST_TEXT_WORK_MAX)
            return MST_LIMIT;
    }
    *out = last_row(&blocks[d->places.words - 1], rows);
    return MST_OK;
}

// pattern and text have pattern_count and text_count units, at least one each, and the text is not the shorter one.
static mst_rc
widening(mst_distance_ctx_t *d, mst_str_t pattern, mst_str_t text, uint64_t text_count, uint64_t limit, uint64_t *out)
{
    uint64_t k = FIRST_BAND;
    d->work = 0;
    mst_rc rc = read_pattern(d, pattern, count_units(d->unit, pattern));
    uint64_t apart = text_count - d->places.length;
    if (rc == MST_OK && d->places.words <= SMALL_BLOCKS)
        k = text_count;
    for (; rc == MST_OK; k *= 4) {
        uint64_t band = k > apart ? k : apart;
        band = band > limit ? limit : band;
        band = band > text_count ? text_count : band;
        rc = in_band(d, text, band, out);
        if (rc != MST_OK || *out <= band || band == text_count)
            break;
        if (band == limit) {
            *out = limit + 1;
            break;
        }
    }
    return rc;
}

mst_rc
mst_distance(mst_distance_ctx_t *d, mst_str_t a, mst_str_t b, uint64_t limit, mst_distance_t *out, mst_err_t *err)
{
    size_t a_bytes = a.n, b_bytes = b.n;
    uint64_t a_count = count_units(d->unit, a), b_count = count_units(d->unit, b);
    *out = (mst_distance_t){.longest = a_count > b_count ? a_count : b_count};
    cut_common(d->unit, &a, &b);
    a_count = count_units(d->unit, a);
    b_count = count_units(d->unit, b);
    mst_str_t pattern = a_count <= b_count ? a : b, text = a_count <= b_count ? b : a;
    uint64_t few = a_count <= b_count ? a_count : b_count, many = a_count <= b_count ? b_count : a_count;
    mst_rc rc = MST_OK;
    if (few == 0 || many - few > limit)
        out->distance = many - few;
    else
        rc = widening(d, pattern, text, many, limit, &out->distance);
    if (out->distance > limit)
        out->distance = limit + 1;
    if (rc != MST_OK)
        return MST_ERR(err, MST_LIMIT, "texts of %zu and %zu bytes are too long and too different to count the edits",
                       a_bytes, b_bytes);
    return MST_OK;
}
