// tokenizer.json of Hugging Face's tokenizers: what of it BERT and RoBERTa use. Anything else is refused by name, for a
// tokenizer that is nearly right gives numbers that look right.
#include "common/nn/tokenizer_internal.h"

static mst_str_t
type_of(const mst_json_t *part)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(part, "type"), &s);
    return s;
}

static bool
is_absent(const mst_json_t *v)
{
    return v == NULL || v->type == MST_JSON_NULL;
}

static void
flag(const mst_json_t *obj, const char *key, bool *out)
{
    (void)mst_json_bool(mst_json_get(obj, key), out);
}

static mst_rc
refuse(const mst_tok_read_t *r, const char *what, const mst_json_t *part)
{
    return MST_ERR(r->err, MST_UNSUPPORTED,
                   "tokenizer.json has %s \"%.*s\": WordPiece (BERT) and byte-level BPE (RoBERTa) are read", what,
                   MST_FMT(type_of(part)));
}

static mst_rc
read_added(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *list)
{
    mst_rc rc = MST_OK;
    for (uint32_t i = 0; rc == MST_OK && !is_absent(list) && i < list->count; i++) {
        const mst_json_t *one = mst_json_at(list, i);
        mst_added_t a = {0};
        int64_t id = -1;
        if (!mst_json_str(mst_json_get(one, "content"), &a.text) || !mst_json_i64(mst_json_get(one, "id"), &id) ||
            id < 0 || id >= MST_NN_VOCAB_MAX)
            return MST_ERR(r->err, MST_PROTO, "tokenizer.json: added token %u has no content or id", i);
        a.id = (uint32_t)id;
        flag(one, "single_word", &a.single_word);
        flag(one, "lstrip", &a.lstrip);
        flag(one, "rstrip", &a.rstrip);
        rc = mst_tok_added(t, r, a);
    }
    return rc;
}

// Ids of begin and end from a post-processor, whichever of three it is; none leaves what the kind has.
static void
read_ends(mst_tokenizer_t *t, const mst_json_t *post)
{
    int64_t id;
    mst_str_t token;
    if (mst_json_i64(mst_json_at(mst_json_get(post, "cls"), 1), &id))
        t->begin = (uint32_t)id;
    if (mst_json_i64(mst_json_at(mst_json_get(post, "sep"), 1), &id))
        t->end = (uint32_t)id;
    const mst_json_t *single = mst_json_get(post, "single");
    if (!mst_json_is(single, MST_JSON_ARR) || single->count == 0)
        return;
    if (mst_json_str(mst_json_path(mst_json_at(single, 0), MST_STR("SpecialToken.id")), &token))
        t->begin = mst_tok_id(t, token);
    if (mst_json_str(mst_json_path(mst_json_at(single, single->count - 1), MST_STR("SpecialToken.id")), &token))
        t->end = mst_tok_id(t, token);
}

static mst_rc
read_wordpiece(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *root, const mst_json_t *model)
{
    const mst_json_t *vocab = mst_json_get(model, "vocab"), *norm = mst_json_get(root, "normalizer");
    const mst_json_t *pre = mst_json_get(root, "pre_tokenizer");
    mst_str_t prefix = MST_STR(MST_WORDPIECE_PREFIX), unknown = MST_STR("[UNK]");
    int64_t chars = MST_WORDPIECE_CHARS_MAX;
    if (!mst_json_is(vocab, MST_JSON_OBJ))
        return MST_ERR(r->err, MST_PROTO, "tokenizer.json has no vocabulary");
    if (!mst_str_eq_c(type_of(norm), "BertNormalizer"))
        return refuse(r, "the normalizer", norm);
    if (!mst_str_eq_c(type_of(pre), "BertPreTokenizer"))
        return refuse(r, "the pre-tokenizer", pre);
    (void)mst_json_str(mst_json_get(model, "continuing_subword_prefix"), &prefix);
    (void)mst_json_str(mst_json_get(model, "unk_token"), &unknown);
    (void)mst_json_i64(mst_json_get(model, "max_input_chars_per_word"), &chars);
    mst_rc rc = mst_wordpiece_init(&t->wordpiece, vocab->count, r->arena, r->err);
    for (uint32_t i = 0; rc == MST_OK && i < vocab->count; i++) {
        const mst_json_member_t *m = &vocab->u.members[i];
        int64_t id = -1;
        if (!mst_json_i64(&m->value, &id) || id < 0 || id >= MST_NN_VOCAB_MAX)
            return MST_ERR(r->err, MST_PROTO, "token \"%.*s\" has an id that is not a number below %u", MST_FMT(m->key),
                           MST_NN_VOCAB_MAX);
        mst_tok_seen(t, (uint32_t)id);
        rc = mst_wordpiece_put(&t->wordpiece, prefix, m->key, (uint32_t)id, r->err);
    }
    mst_bert_text_t *b = &t->wordpiece.text;
    flag(norm, "lowercase", &b->lower);
    flag(norm, "clean_text", &b->clean);
    flag(norm, "handle_chinese_chars", &b->split_cjk);
    b->strip_accents = b->lower;
    flag(norm, "strip_accents", &b->strip_accents);
    t->wordpiece.unknown = mst_nn_vocab_get(&t->wordpiece.starts, unknown);
    t->wordpiece.word_chars_max =
        chars > 0 && chars <= MST_WORDPIECE_CHARS_MAX ? (size_t)chars : MST_WORDPIECE_CHARS_MAX;
    return rc;
}

// A merge is "a b" or, in newer files, ["a", "b"].
static mst_rc
read_merge(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *one)
{
    mst_str_t s, left = MST_STR_NULL, right = MST_STR_NULL;
    if (mst_json_str(one, &s)) {
        int64_t blank = mst_str_find(s, MST_STR(" "), 0);
        size_t at = blank >= 0 ? (size_t)blank : s.n;
        left = mst_str(s.p, at);
        right = blank >= 0 ? mst_str(s.p + at + 1, s.n - at - 1) : MST_STR_NULL;
    } else {
        (void)mst_json_str(mst_json_at(one, 0), &left);
        (void)mst_json_str(mst_json_at(one, 1), &right);
    }
    return mst_bpe_merge(&t->bpe, left, right, r->err);
}

static mst_rc
read_bpe(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *root, const mst_json_t *model)
{
    const mst_json_t *merges = mst_json_get(model, "merges"), *pre = mst_json_get(root, "pre_tokenizer");
    mst_str_t unknown = MST_STR("<unk>");
    if (!mst_json_is(merges, MST_JSON_ARR))
        return MST_ERR(r->err, MST_PROTO, "tokenizer.json has no merges");
    if (!is_absent(mst_json_get(root, "normalizer")))
        return refuse(r, "the normalizer", mst_json_get(root, "normalizer"));
    if (!mst_str_eq_c(type_of(pre), "ByteLevel"))
        return refuse(r, "the pre-tokenizer", pre);
    flag(pre, "add_prefix_space", &t->add_prefix_space);
    mst_rc rc = mst_tok_bpe_vocab(t, r, mst_json_get(model, "vocab"), merges->count);
    for (uint32_t i = 0; rc == MST_OK && i < merges->count; i++)
        rc = read_merge(t, r, mst_json_at(merges, i));
    (void)mst_json_str(mst_json_get(model, "unk_token"), &unknown);
    if (rc == MST_OK)
        t->bpe.unknown = mst_nn_vocab_get(&t->bpe.vocab, unknown);
    return rc;
}

mst_rc
mst_tok_from_json(mst_tokenizer_t *t, const mst_tok_read_t *r, const mst_json_t *root)
{
    const mst_json_t *model = mst_json_get(root, "model");
    mst_str_t type = type_of(model);
    mst_rc rc;
    // older files name no type; a list of merges tells
    if (type.n == 0)
        type = mst_json_get(model, "merges") != NULL ? MST_STR("BPE") : MST_STR("WordPiece");
    if (mst_str_eq_c(type, "WordPiece"))
        rc = read_wordpiece(t, r, root, model);
    else if (mst_str_eq_c(type, "BPE"))
        rc = read_bpe(t, r, root, model);
    else
        return refuse(r, "the model", model);
    if (rc == MST_OK)
        rc = read_added(t, r, mst_json_get(root, "added_tokens"));
    t->begin = mst_tok_id(t, t->is_bpe ? MST_STR("<s>") : MST_STR("[CLS]"));
    t->end = mst_tok_id(t, t->is_bpe ? MST_STR("</s>") : MST_STR("[SEP]"));
    if (rc == MST_OK)
        read_ends(t, mst_json_get(root, "post_processor"));
    return rc;
}
