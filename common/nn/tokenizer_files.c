// The older layout: a list of pieces (vocab.txt), or a map of tokens and a list of merges.
#include "common/nn/tokenizer_internal.h"

static size_t
count_lines(mst_str_t text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

// The next line without its end; false at the end of text. A last line without an end counts, an empty one does not.
static bool
next_line(mst_str_t *text, mst_str_t *line)
{
    if (text->n == 0)
        return false;
    const char *lf = memchr(text->p, '\n', text->n);
    size_t n = lf != NULL ? (size_t)(lf - text->p) : text->n;
    *line = mst_str(text->p, n);
    n += lf != NULL ? 1 : 0;
    *text = mst_str(text->p + n, text->n - n);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

mst_rc
mst_tok_from_vocab_txt(mst_tokenizer_t *t, const mst_tok_read_t *r, mst_str_t text)
{
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    mst_str_t line;
    uint32_t id = 0;
    mst_rc rc = mst_wordpiece_init(&t->wordpiece, count_lines(text), r->arena, r->err);
    for (; rc == MST_OK && next_line(&text, &line); id++) {
        rc = mst_wordpiece_put(&t->wordpiece, MST_STR(MST_WORDPIECE_PREFIX), line, id, r->err);
        mst_tok_seen(t, id);
    }
    for (size_t i = 0; rc == MST_OK && i < sizeof special / sizeof special[0]; i++) {
        mst_added_t a = {.text = mst_str_c(special[i]),
                         .id = mst_nn_vocab_get(&t->wordpiece.starts, mst_str_c(special[i]))};
        if (a.id != MST_ID_NONE)
            rc = mst_tok_added(t, r, a);
    }
    t->wordpiece.unknown = mst_nn_vocab_get(&t->wordpiece.starts, MST_STR("[UNK]"));
    return rc;
}

mst_rc
mst_tok_bpe_vocab(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *vocab, size_t merges)
{
    if (!mst_json_is(vocab, MST_JSON_OBJ))
        return MST_ERR(r->err, MST_PROTO, "the vocabulary is not a JSON object");
    mst_rc rc = mst_bpe_init(&t->bpe, vocab->count, merges, r->arena, r->err);
    t->is_bpe = true;
    for (uint32_t i = 0; rc == MST_OK && i < vocab->count; i++) {
        const mst_json_member_t *m = &vocab->u.members[i];
        int64_t id = -1;
        if (!mst_json_i64(&m->value, &id) || id < 0 || id >= MST_NN_VOCAB_MAX)
            return MST_ERR(r->err, MST_PROTO, "token \"%.*s\" has an id that is not a number below %u", MST_FMT(m->key),
                           MST_NN_VOCAB_MAX);
        mst_tok_seen(t, (uint32_t)id);
        rc = mst_bpe_put(&t->bpe, m->key, (uint32_t)id, r->err);
    }
    return rc;
}

mst_rc
mst_tok_from_merges(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *vocab, mst_str_t merges)
{
    static const char *const special[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    mst_str_t line;
    mst_rc rc = mst_tok_bpe_vocab(t, r, vocab, count_lines(merges));
    for (bool first = true; rc == MST_OK && next_line(&merges, &line); first = false) {
        if (line.n == 0 || (first && mst_str_starts(line, MST_STR("#version"))))
            continue;
        int64_t blank = mst_str_find(line, MST_STR(" "), 0);
        if (blank < 0)
            return MST_ERR(r->err, MST_PROTO, "merges.txt has a line without a blank: \"%.*s\"", MST_FMT(line));
        size_t at = (size_t)blank;
        rc = mst_bpe_merge(&t->bpe, mst_str(line.p, at), mst_str(line.p + at + 1, line.n - at - 1), r->err);
    }
    for (size_t i = 0; rc == MST_OK && i < sizeof special / sizeof special[0]; i++) {
        int64_t id;
        if (!mst_json_i64(mst_json_get(vocab, special[i]), &id))
            continue;
        mst_added_t a = {.text = mst_str_c(special[i]), .id = (uint32_t)id, .lstrip = i == 4};
        rc = mst_tok_added(t, r, a);
    }
    t->bpe.unknown = mst_tok_id(t, MST_STR("<unk>"));
    return rc;
}
