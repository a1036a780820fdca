#include "common/nn/tokenizer_internal.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <utf8proc.h>

#define NO_LIMIT 1e15 // a larger model_max_length says that there is none

mst_rc
mst_tok_json(const mst_tok_read_t *r, const char *name, const mst_json_t **out)
{
    mst_str_t text;
    *out = NULL;
    mst_rc rc = r->files->read(r->files->ud, name, &text, r->err);
    if (rc == MST_OK)
        rc = mst_json_parse(r->parser, text, r->arena, out, NULL, r->err);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        mst_err_prefix(r->err, "%s", name);
    return rc;
}

void
mst_tok_seen(mst_tokenizer_t *t, uint32_t id)
{
    t->id_max = id > t->id_max ? id : t->id_max;
}

mst_rc
mst_tok_added(mst_tokenizer_t *t, const mst_tok_read_t *r, mst_added_t added)
{
    if (t->added == NULL) {
        t->added_max = MST_ADDED_MAX;
        t->added = MST_ARENA_ARRAY(r->arena, mst_added_t, t->added_max);
    }
    if (t->added == NULL || t->added_count == t->added_max)
        return MST_ERR(r->err, MST_LIMIT, "there are more than %d added tokens", MST_ADDED_MAX);
    if (added.text.n == 0)
        return MST_OK;
    t->added_starts[(unsigned char)added.text.p[0]] = true;
    t->added[t->added_count++] = added;
    mst_tok_seen(t, added.id);
    return MST_OK;
}

uint32_t
mst_tok_id(const mst_tokenizer_t *t, mst_str_t token)
{
    for (size_t i = 0; i < t->added_count; i++) {
        if (mst_str_eq(t->added[i].text, token))
            return t->added[i].id;
    }
    return mst_nn_vocab_get(t->is_bpe ? &t->bpe.vocab : &t->wordpiece.starts, token);
}

// A special token is a text or an object with one.
static void
named_token(const mst_tokenizer_t *t, const mst_json_t *config, const char *key, uint32_t *out)
{
    const mst_json_t *v = mst_json_get(config, key);
    mst_str_t s;
    if (mst_json_str(v, &s) || mst_json_str(mst_json_get(v, "content"), &s)) {
        uint32_t id = mst_tok_id(t, s);
        *out = id != MST_ID_NONE ? id : *out;
    }
}

// What the class's constructor is given wins over tokenizer.json, as in transformers.
static void
apply_config(mst_tokenizer_t *t, const mst_json_t *config)
{
    mst_bert_text_t *b = &t->wordpiece.text;
    double len = 0.0;
    if (mst_json_bool(mst_json_get(config, "do_lower_case"), &b->lower))
        b->strip_accents = b->lower;
    (void)mst_json_bool(mst_json_get(config, "strip_accents"), &b->strip_accents);
    (void)mst_json_bool(mst_json_get(config, "tokenize_chinese_chars"), &b->split_cjk);
    if (t->is_bpe)
        (void)mst_json_bool(mst_json_get(config, "add_prefix_space"), &t->add_prefix_space);
    if (mst_json_f64(mst_json_get(config, "model_max_length"), &len) && len >= 2.0 && len < NO_LIMIT)
        t->len_max = (size_t)len;
    named_token(t, config, "cls_token", &t->begin);
    named_token(t, config, "sep_token", &t->end);
}

static mst_rc
read_vocabulary(mst_tokenizer_t *t, const mst_tok_read_t *r)
{
    const mst_json_t *json;
    mst_str_t text;
    mst_rc rc = mst_tok_json(r, "tokenizer.json", &json);
    if (rc != MST_NOTFOUND)
        return rc == MST_OK ? mst_tok_from_json(t, r, json) : rc;
    rc = r->files->read(r->files->ud, "vocab.txt", &text, r->err);
    if (rc == MST_OK)
        rc = mst_tok_from_vocab_txt(t, r, text);
    if (rc != MST_NOTFOUND) {
        t->begin = mst_tok_id(t, MST_STR("[CLS]"));
        t->end = mst_tok_id(t, MST_STR("[SEP]"));
        return rc;
    }
    rc = mst_tok_json(r, "vocab.json", &json);
    if (rc == MST_OK)
        rc = r->files->read(r->files->ud, "merges.txt", &text, r->err);
    if (rc == MST_NOTFOUND)
        return MST_ERR(r->err, MST_NOTFOUND,
                       "there is no tokenizer.json, no vocab.txt and no vocab.json with merges.txt");
    if (rc == MST_OK)
        rc = mst_tok_from_merges(t, r, json, text);
    t->begin = mst_tok_id(t, MST_STR("<s>"));
    t->end = mst_tok_id(t, MST_STR("</s>"));
    return rc;
}

mst_rc
mst_tokenizer_new(const mst_nn_files_t *files, mst_json_parser_t *parser, mst_arena_t *arena, mst_tokenizer_t **out,
                  mst_err_t *err)
{
    mst_tok_read_t r = {.files = files, .parser = parser, .arena = arena, .err = err};
    const mst_json_t *config;
    mst_tokenizer_t *t = MST_ARENA_NEW(arena, mst_tokenizer_t);
    *out = NULL;
    if (t == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for a tokenizer");
    t->begin = t->end = MST_ID_NONE;
    mst_rc rc = read_vocabulary(t, &r);
    if (rc != MST_OK)
        return rc;
    rc = mst_tok_json(&r, "tokenizer_config.json", &config);
    if (rc != MST_OK && rc != MST_NOTFOUND)
        return rc;
    apply_config(t, config);
    if (t->begin == MST_ID_NONE || t->end == MST_ID_NONE)
        return MST_ERR(err, MST_PROTO,
                       "the tokenizer's files name no token for begin and end ([CLS] and [SEP], or <s> and </s>)");
    if (!t->is_bpe && t->wordpiece.unknown == MST_ID_NONE)
        return MST_ERR(err, MST_PROTO, "the tokenizer's vocabulary has no token for unknown words ([UNK])");
    mst_tok_seen(t, t->begin);
    mst_tok_seen(t, t->end);
    *out = t;
    return MST_OK;
}

size_t
mst_tokenizer_len_max(const mst_tokenizer_t *t)
{
    return t->len_max;
}

uint32_t
mst_tokenizer_id_max(const mst_tokenizer_t *t)
{
    return t->id_max;
}

uint32_t
mst_tokenizer_begin(const mst_tokenizer_t *t)
{
    return t->begin;
}

uint32_t
mst_tokenizer_end(const mst_tokenizer_t *t)
{
    return t->end;
}

// A word character is a letter, a mark, a number or "_".
static bool
is_word_char(uint32_t cp)
{
    utf8proc_category_t c = (utf8proc_category_t)utf8proc_get_property((int32_t)cp)->category;
    return cp == '_' || (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO);
}

// No word character on either side.
static bool
is_alone(mst_str_t text, size_t from, size_t to)
{
    uint32_t cp = 0;
    size_t before = from;
    while (before > 0 && (before == from || ((unsigned char)text.p[before] & 0xC0) == 0x80))
        before--;
    if (before < from)
        (void)mst_utf8_next(mst_str(text.p + before, from - before), &cp);
    if (is_word_char(cp))
        return false;
    cp = 0;
    if (to < text.n)
        (void)mst_utf8_next(mst_str(text.p + to, text.n - to), &cp);
    return !is_word_char(cp);
}

// The leftmost added token at or after from, the longest of those that start there.
static const mst_added_t *
find_added(const mst_tokenizer_t *t, mst_str_t text, size_t from, size_t *out_at)
{
    for (size_t i = from; i < text.n && t->added_count > 0; i++) {
        const mst_added_t *best = NULL;
        if (!t->added_starts[(unsigned char)text.p[i]])
            continue;
        for (size_t k = 0; k < t->added_count; k++) {
            const mst_added_t *a = &t->added[k];
            bool fits = mst_str_starts(mst_str(text.p + i, text.n - i), a->text) &&
                        (!a->single_word || is_alone(text, i, i + a->text.n));
            if (fits && (best == NULL || a->text.n > best->text.n))
                best = a;
        }
        if (best != NULL) {
            *out_at = i;
            return best;
        }
    }
    *out_at = text.n;
    return NULL;
}

typedef struct {
    const mst_tokenizer_t *t;
    const mst_tokenizer_how_t *how;
    mst_arena_t *arena;
    mst_nn_ids_t *out;
    bool first; // nothing was encoded yet
} encode_t;

static mst_rc
encode_part(encode_t *e, mst_str_t part, mst_err_t *err)
{
    const mst_tokenizer_t *t = e->t;
    bool first = e->first;
    e->first = false;
    if (part.n == 0 || mst_nn_ids_full(e->out))
        return MST_OK;
    if (!t->is_bpe)
        return mst_wordpiece_encode(&t->wordpiece, part, e->how->slow, e->arena, e->out, err);
    // slow rules put a blank before the text, fast ones before each part of it
    bool blank = (e->how->prefix_blank || t->add_prefix_space) && (first || !e->how->slow) && part.p[0] != ' ';
    if (blank) {
        char *copy = mst_arena_alloc_raw(e->arena, part.n + 1);
        if (copy == NULL)
            return MST_ERR(err, MST_LIMIT, "no room for a copy of %zu bytes", part.n);
        copy[0] = ' ';
        memcpy(copy + 1, part.p, part.n);
        part = mst_str(copy, part.n + 1);
    }
    return mst_bpe_encode(&t->bpe, part, e->arena, e->out, err);
}

// Bytes of white space at the end of s, or at its start.
static size_t
blank_end(mst_str_t s)
{
    size_t from = s.n;
    while (from > 0) {
        size_t i = from - 1;
        uint32_t cp;
        while (i > 0 && ((unsigned char)s.p[i] & 0xC0) == 0x80)
            i--;
        (void)mst_utf8_next(mst_str(s.p + i, from - i), &cp);
        if (!mst_bpe_is_space(cp))
            break;
        from = i;
    }
    return s.n - from;
}

static size_t
blank_start(mst_str_t s)
{
    size_t n = 0;
    while (n < s.n) {
        uint32_t cp;
        size_t took = mst_utf8_next(mst_str(s.p + n, s.n - n), &cp);
        if (!mst_bpe_is_space(cp))
            break;
        n += took;
    }
    return n;
}

// Text between added tokens, and their ids. Blanks beside a token belong to it when it says so.
static mst_rc
encode_all(encode_t *e, mst_str_t text, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    for (size_t from = 0; rc == MST_OK && from < text.n && !mst_nn_ids_full(e->out);) {
        size_t at;
        const mst_added_t *a = find_added(e->t, text, from, &at);
        mst_str_t part = mst_str(text.p + from, at - from);
        if (a == NULL)
            return encode_part(e, part, err);
        part.n -= a->lstrip ? blank_end(part) : 0;
        rc = encode_part(e, part, err);
        if (rc == MST_OK)
            (void)mst_nn_ids_put(e->out, a->id);
        from = at + a->text.n;
        from += a->rstrip ? blank_start(mst_str(text.p + from, text.n - from)) : 0;
    }
    return rc;
}

mst_rc
mst_tokenizer_encode(const mst_tokenizer_t *t, mst_str_t text, const mst_tokenizer_how_t *how, mst_arena_t *arena,
                     mst_nn_ids_t *out, mst_err_t *err)
{
    MST_ASSERT(how->len_max >= 2);
    // a byte gives at most one id, and a part at most one blank more
    size_t room = text.n < how->len_max / 2 ? 2 * text.n + 3 : how->len_max;
    room = room < how->len_max ? room : how->len_max;
    *out = (mst_nn_ids_t){.ids = mst_arena_alloc_raw(arena, room * sizeof(uint32_t)), .max = room - 1};
    if (out->ids == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %zu tokens", room);
    encode_t e = {.t = t, .how = how, .arena = arena, .out = out, .first = true};
    (void)mst_nn_ids_put(out, t->begin);
    mst_rc rc = encode_all(&e, text, err);
    out->max = room;
    if (rc == MST_OK)
        (void)mst_nn_ids_put(out, t->end);
    return rc;
}
