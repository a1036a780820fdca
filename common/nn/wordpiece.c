#include "common/nn/wordpiece.h"

#include "common/base/utf8.h"

#define CHARS_ROOM 256 // word_chars_max is at most this

mst_rc
mst_wordpiece_init(mst_wordpiece_t *w, size_t count_max, mst_arena_t *arena, mst_err_t *err)
{
    *w = (mst_wordpiece_t){.text = {.lower = true, .strip_accents = true, .split_cjk = true, .clean = true},
                           .unknown = MST_ID_NONE,
                           .word_chars_max = MST_WORDPIECE_CHARS_MAX};
    mst_rc rc = mst_nn_vocab_init(&w->starts, count_max, arena, err);
    return rc == MST_OK ? mst_nn_vocab_init(&w->inner, count_max, arena, err) : rc;
}

mst_rc
mst_wordpiece_put(mst_wordpiece_t *w, mst_str_t prefix, mst_str_t piece, uint32_t id, mst_err_t *err)
{
    mst_rc rc = mst_nn_vocab_put(&w->starts, piece, id, err);
    if (rc == MST_OK && piece.n > prefix.n && mst_str_starts(piece, prefix))
        rc = mst_nn_vocab_put(&w->inner, mst_str(piece.p + prefix.n, piece.n - prefix.n), id, err);
    return rc;
}

typedef struct {
    const mst_wordpiece_t *w;
    mst_nn_ids_t *out;
} pieces_t;

// Ends of the characters of word in at; their number, or 0 when there are more than max.
static size_t
char_ends(mst_str_t word, size_t max, size_t *at)
{
    size_t chars = 0;
    for (size_t i = 0; i < word.n;) {
        uint32_t cp;
        if (chars == max)
            return 0;
        i += mst_utf8_next(mst_str(word.p + i, word.n - i), &cp);
        at[++chars] = i;
    }
    return chars;
}

static bool
on_word(void *ud, mst_str_t word)
{
    const pieces_t *p = ud;
    const mst_wordpiece_t *w = p->w;
    size_t at[CHARS_ROOM + 1] = {0}, max = w->word_chars_max < CHARS_ROOM ? w->word_chars_max : CHARS_ROOM;
    uint32_t ids[CHARS_ROOM];
    size_t chars = char_ends(word, max, at), count = 0, from = 0;
    while (from < chars) {
        const mst_nn_vocab_t *v = from == 0 ? &w->starts : &w->inner;
        uint32_t id = MST_ID_NONE;
        size_t to = chars;
        for (; to > from && id == MST_ID_NONE; to--)
            id = mst_nn_vocab_get(v, mst_str(word.p + at[from], at[to] - at[from]));
        if (id == MST_ID_NONE)
            break;
        ids[count++] = id;
        from = to + 1;
    }
    if (chars == 0 || from < chars)
        return mst_nn_ids_put(p->out, w->unknown) && !mst_nn_ids_full(p->out);
    for (size_t i = 0; i < count; i++) {
        if (!mst_nn_ids_put(p->out, ids[i]))
            return false;
    }
    return !mst_nn_ids_full(p->out);
}

mst_rc
mst_wordpiece_encode(const mst_wordpiece_t *w, mst_str_t text, bool slow, mst_arena_t *arena, mst_nn_ids_t *out,
                     mst_err_t *err)
{
    pieces_t p = {.w = w, .out = out};
    mst_bert_text_t t = w->text;
    t.slow = slow;
    if (mst_nn_ids_full(out))
        return MST_OK;
    return mst_bert_words(&t, text, arena, on_word, &p, err);
}
