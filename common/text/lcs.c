// Let t[i][j] be the length for the first i tokens of the pattern and the first j of the text. A row holds, for one j,
// a bit for each i that is 0 where t[i][j] is one more than t[i-1][j]; so the length is the number of zero bits. One
// token of the text takes the row to the next: with the bits where the pattern has that token in u,
//
//   u &= row;  row = (row + u) | (row - u)
//
// over all words with the carry. A word without such a bit changes only when a carry comes in, so only the words in
// the token's list of places are looked at.
//
// Reading back needs t[i][j-1] > t[i-1][j] where the tokens differ; there t[i][j] is the greater of the two, so this
// is t[i][j] > t[i-1][j], which is bit i of row j. So the rows are all that is kept: a bit for a cell.
#include "common/text/lcs.h"

#include "common/base/limits.h"
#include "common/text/vocab.h"

void
mst_lcs_init(mst_lcs_t *l)
{
    *l = (mst_lcs_t){0};
    mst_places_init(&l->places);
    mst_buf_init(&l->rows, MST_TEXT_ROWS_MAX);
    mst_buf_init(&l->hits, MST_TEXT_SCRATCH_MAX);
}

void
mst_lcs_deinit(mst_lcs_t *l)
{
    mst_places_deinit(&l->places);
    mst_buf_deinit(&l->rows);
    mst_buf_deinit(&l->hits);
}

mst_rc
mst_lcs_start(mst_lcs_t *l, uint32_t token_count)
{
    l->work = 0;
    mst_room_trim(&l->rows);
    mst_room_trim(&l->hits);
    return mst_places_start(&l->places, token_count);
}

mst_rc
mst_lcs_pattern(mst_lcs_t *l, const uint32_t *tokens, size_t count)
{
    mst_rc rc = mst_places_pattern(&l->places, tokens, count);
    size_t bytes = l->places.words * sizeof(uint64_t);
    void *hits = mst_room(&l->hits, bytes);
    if (rc != MST_OK || hits == NULL)
        return MST_LIMIT;
    memset(hits, 0, bytes);
    l->pattern = tokens;
    return MST_OK;
}

// One word of a row; returns the carry.
static inline uint64_t
step_word(uint64_t *word, uint64_t places, uint64_t carry)
{
    uint64_t row = *word, u = row & places, sum;
    uint64_t over = __builtin_add_overflow(row, u, &sum);
    over |= __builtin_add_overflow(sum, carry, &sum);
    *word = sum | (row & ~places);
    return over;
}

// One token of the text. Returns the words that were looked at.
static size_t
step(const mst_places_t *places, uint64_t *row, uint32_t token)
{
    size_t looked = 1, next = 0;
    uint64_t carry = 0;
    for (const mst_place_t *at = mst_places_first(places, token); at != NULL; at = mst_places_next(places, at)) {
        for (; carry != 0 && next < at->word; next++, looked++)
            carry = step_word(&row[next], 0, carry);
        carry = step_word(&row[at->word], at->bits, carry);
        next = (size_t)at->word + 1;
        looked++;
    }
    for (; carry != 0 && next < places->words; next++, looked++)
        carry = step_word(&row[next], 0, carry);
    return looked;
}

mst_rc
mst_lcs_length(mst_lcs_t *l, const uint32_t *text, size_t count, size_t *out)
{
    size_t words = l->places.words;
    *out = 0;
    uint64_t *row = mst_room(&l->rows, words * sizeof *row);
    if (row == NULL)
        return MST_LIMIT;
    memset(row, 0xFF, words * sizeof *row);
    for (size_t j = 0; j < count; j++) {
        l->work += step(&l->places, row, text[j]);
        if (l->work > MST_TEXT_WORK_MAX)
            return MST_LIMIT;
    }
    // Bits over the pattern's end stay 1: a carry that reaches them only adds.
    for (size_t w = 0; w < words; w++) {
        uint64_t tail = w + 1 == words && l->places.length % 64 != 0 ? ~0ULL << (l->places.length % 64) : 0;
        *out += (size_t)__builtin_popcountll(~(row[w] | tail));
    }
    return MST_OK;
}

static void
read_back(mst_lcs_t *l, const uint32_t *text, size_t count)
{
    size_t words = l->places.words, i = l->places.length, j = count;
    const uint64_t *rows = (const uint64_t *)(const void *)l->rows.p;
    uint64_t *hits = (uint64_t *)(void *)l->hits.p;
    while (i > 0 && j > 0) {
        size_t word = (i - 1) / 64;
        uint64_t bit = 1ULL << ((i - 1) % 64);
        if (l->pattern[i - 1] == text[j - 1] && text[j - 1] != MST_VOCAB_NONE) {
            hits[word] |= bit;
            i--;
            j--;
        } else if ((rows[j * words + word] & bit) == 0) {
            j--;
        } else {
            i--;
        }
    }
}

mst_rc
mst_lcs_mark(mst_lcs_t *l, const uint32_t *text, size_t count)
{
    size_t words = l->places.words;
    l->work += 1 + (uint64_t)count * words;
    if (l->work > MST_TEXT_WORK_MAX)
        return MST_LIMIT;
    if (words == 0 || count == 0)
        return MST_OK;
    uint64_t *row = mst_room(&l->rows, (count + 1) * words * sizeof *row);
    if (row == NULL)
        return MST_LIMIT;
    memset(row, 0xFF, words * sizeof *row);
    for (size_t j = 0; j < count; j++, row += words) {
        memcpy(row + words, row, words * sizeof *row);
        (void)step(&l->places, row + words, text[j]);
    }
    read_back(l, text, count);
    return MST_OK;
}

bool
mst_lcs_marked(const mst_lcs_t *l, size_t place)
{
    const uint64_t *hits = (const uint64_t *)(const void *)l->hits.p;
    return (hits[place / 64] >> (place % 64) & 1) != 0;
}
