// Works run by run: a run is what stands between two white spaces or is one CJK ideograph. Neither composes with
// its neighbours, so normal forms may be made run by run.
#include "common/nn/bert_text.h"

#include "common/base/utf8.h"

#include <utf8proc.h>

#define DECOMPOSED_MAX 4 // code points that canonical decomposition makes of one
#define UTF8_MAX       4

typedef struct {
    const mst_bert_text_t *t;
    int32_t *raw; // one run; slow rules decode its composed and lowered form again, which is longer
    size_t raw_max;
    int32_t *form; // the run in its normal form
    size_t form_max;
    char *text; // the run in UTF-8
    mst_buf_t lower;
    mst_word_fn *fn;
    void *ud;
} work_t;

static utf8proc_category_t
category(int32_t cp)
{
    return (utf8proc_category_t)utf8proc_get_property(cp)->category;
}

static bool
is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r';
    utf8proc_category_t c = category((int32_t)cp);
    return c == UTF8PROC_CATEGORY_ZS || c == UTF8PROC_CATEGORY_ZL || c == UTF8PROC_CATEGORY_ZP;
}

// White space is asked before.
static bool
is_dropped(uint32_t cp, bool slow)
{
    if (cp >= 0x20 && cp < 0x7F)
        return false;
    utf8proc_category_t c = category((int32_t)cp);
    return cp == 0 || cp == 0xFFFD || c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF ||
           c == UTF8PROC_CATEGORY_CS || c == UTF8PROC_CATEGORY_CO || (slow && c == UTF8PROC_CATEGORY_CN);
}

static bool
is_cjk(uint32_t cp, bool slow)
{
    if (cp < 0x3400)
        return false;
    return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0x3400 && cp <= 0x4DBF) || (cp >= 0x20000 && cp <= 0x2A6DF) ||
           (cp >= 0x2A700 && cp <= 0x2B73F) || (cp >= 0x2B740 && cp <= 0x2B81F) ||
           (cp >= (slow ? 0x2B820U : 0x2B920U) && cp <= 0x2CEAF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
           (cp >= 0x2F800 && cp <= 0x2FA1F);
}

bool
mst_bert_is_punctuation(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 33 && cp <= 47) || (cp >= 58 && cp <= 64) || (cp >= 91 && cp <= 96) || (cp >= 123 && cp <= 126);
    utf8proc_category_t c = category((int32_t)cp);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

// Canonical order: each row of non-starters, stably by class. Counting, so that a text of nothing but marks stays
// linear; spare has room for n.
static void
order_marks(int32_t *cps, size_t n, int32_t *spare)
{
    for (size_t i = 0; i < n;) {
        size_t j = i;
        bool sorted = true;
        int last = 0;
        for (; j < n; j++) {
            int ccc = utf8proc_get_property(cps[j])->combining_class;
            if (ccc == 0)
                break;
            sorted = sorted && ccc >= last;
            last = ccc;
        }
        if (!sorted) {
            size_t start[257] = {0};
            for (size_t k = i; k < j; k++)
                start[(size_t)utf8proc_get_property(cps[k])->combining_class + 1]++;
            for (size_t k = 1; k < 257; k++)
                start[k] += start[k - 1];
            for (size_t k = i; k < j; k++)
                spare[start[(size_t)utf8proc_get_property(cps[k])->combining_class]++] = cps[k];
            memcpy(cps + i, spare, (j - i) * sizeof *cps);
        }
        i = j > i ? j : i + 1;
    }
}

// in[0..n) decomposed into w->form; w->form_max holds twice what one run can become, for order_marks.
static size_t
decompose(work_t *w, const int32_t *in, size_t n)
{
    size_t out = 0, max = w->form_max / 2;
    for (size_t i = 0; i < n; i++) {
        int boundclass = 0;
        utf8proc_ssize_t got = utf8proc_decompose_char(in[i], w->form + out, (utf8proc_ssize_t)(max - out),
                                                       UTF8PROC_DECOMPOSE, &boundclass);
        if (got > 0 && (size_t)got <= max - out)
            out += (size_t)got;
    }
    order_marks(w->form, out, w->form + max);
    return out;
}

static size_t
drop_marks(int32_t *cps, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (cps[i] < 0x80 || category(cps[i]) != UTF8PROC_CATEGORY_MN)
            cps[out++] = cps[i];
    }
    return out;
}

static mst_str_t
put_all(work_t *w, const int32_t *cps, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += mst_utf8_put((uint32_t)cps[i], w->text + bytes);
    return mst_str(w->text, bytes);
}

// NFD, drop Mn, then each code point in lower case on its own: only U+0130 becomes two.
static mst_str_t
fast_form(work_t *w, size_t n)
{
    const int32_t *cps = w->raw;
    if (w->t->strip_accents) {
        n = drop_marks(w->form, decompose(w, w->raw, n));
        cps = w->form;
    }
    if (!w->t->lower)
        return put_all(w, cps, n);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bool dotted = cps[i] == 0x130;
        bytes += mst_utf8_put(dotted ? 'i' : (uint32_t)utf8proc_tolower(cps[i]), w->text + bytes);
        if (dotted)
            bytes += mst_utf8_put(0x307, w->text + bytes);
    }
    return mst_str(w->text, bytes);
}

static size_t
decode(mst_str_t s, int32_t *out, size_t max)
{
    size_t n = 0;
    while (s.n > 0 && n < max) {
        uint32_t cp;
        size_t took = mst_utf8_next(s, &cp);
        out[n++] = (int32_t)cp;
        s = mst_str(s.p + took, s.n - took);
    }
    return n;
}

// NFC, lower case of the whole word, NFD, drop Mn.
static mst_rc
slow_form(work_t *w, size_t n, mst_str_t *out)
{
    n = decompose(w, w->raw, n);
    utf8proc_ssize_t got = utf8proc_normalize_utf32(w->form, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    n = got > 0 ? (size_t)got : 0;
    *out = put_all(w, w->form, n);
    if (w->t->lower) {
        mst_buf_reset(&w->lower);
        mst_rc rc = mst_utf8_lower(*out, &w->lower);
        if (rc != MST_OK)
            return rc;
        *out = mst_buf_view(&w->lower);
    }
    if (!w->t->strip_accents)
        return MST_OK;
    // no longer than the decomposed form was: lower case lengthens by U+0130 alone, which is two there as well
    n = decode(*out, w->raw, w->raw_max);
    n = drop_marks(w->form, decompose(w, w->raw, n));
    *out = put_all(w, w->form, n);
    return MST_OK;
}

// Each mark a word of its own, what stands between them another.
static bool
split_marks(work_t *w, mst_str_t run)
{
    size_t from = 0;
    for (size_t i = 0; i < run.n;) {
        uint32_t cp;
        size_t took = mst_utf8_next(mst_str(run.p + i, run.n - i), &cp);
        if (mst_bert_is_punctuation(cp)) {
            if (i > from && !w->fn(w->ud, mst_str(run.p + from, i - from)))
                return false;
            if (!w->fn(w->ud, mst_str(run.p + i, took)))
                return false;
            from = i + took;
        }
        i += took;
    }
    return run.n == from || w->fn(w->ud, mst_str(run.p + from, run.n - from));
}

static mst_rc
end_run(work_t *w, size_t n, bool *go_on, mst_err_t *err)
{
    mst_str_t run = MST_STR_NULL;
    if (n == 0)
        return MST_OK;
    mst_rc rc = MST_OK;
    if (w->t->slow)
        rc = slow_form(w, n, &run);
    else
        run = fast_form(w, n);
    if (rc != MST_OK)
        return MST_ERR(err, rc, "no room to lower a word of %zu characters", n);
    *go_on = split_marks(w, run);
    return MST_OK;
}

static mst_rc
walk(work_t *w, mst_str_t text, size_t run_max, mst_err_t *err)
{
    mst_rc rc = MST_OK;
    bool go_on = true;
    size_t n = 0;
    for (size_t i = 0; i < text.n && go_on && rc == MST_OK;) {
        uint32_t cp;
        i += mst_utf8_next(mst_str(text.p + i, text.n - i), &cp);
        bool space = is_space(cp);
        if (!space && w->t->clean && is_dropped(cp, w->t->slow))
            continue;
        bool cjk = w->t->split_cjk && is_cjk(cp, w->t->slow);
        if (space || cjk || n == run_max) {
            rc = end_run(w, n, &go_on, err);
            n = 0;
        }
        if (!space)
            w->raw[n++] = (int32_t)cp;
        if (cjk && go_on && rc == MST_OK) {
            rc = end_run(w, n, &go_on, err);
            n = 0;
        }
    }
    return rc == MST_OK && go_on ? end_run(w, n, &go_on, err) : rc;
}

mst_rc
mst_bert_words(const mst_bert_text_t *t, mst_str_t text, mst_arena_t *arena, mst_word_fn *fn, void *ud, mst_err_t *err)
{
    size_t run_max = text.n < MST_BERT_RUN_MAX ? text.n + 1 : MST_BERT_RUN_MAX;
    size_t long_max = DECOMPOSED_MAX * run_max;
    work_t w = {.t = t, .fn = fn, .ud = ud, .raw_max = long_max, .form_max = 2 * long_max};
    w.raw = mst_arena_alloc_raw(arena, w.raw_max * sizeof *w.raw);
    w.form = mst_arena_alloc_raw(arena, w.form_max * sizeof *w.form);
    w.text = mst_arena_alloc_raw(arena, UTF8_MAX * long_max);
    if (w.raw == NULL || w.form == NULL || w.text == NULL)
        return MST_ERR(err, MST_LIMIT, "no room to split a text of %zu bytes into words", text.n);
    mst_buf_init(&w.lower, 2 * UTF8_MAX * long_max);
    mst_rc rc = walk(&w, text, run_max, err);
    mst_buf_deinit(&w.lower);
    return rc;
}
