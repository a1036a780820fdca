#include "common/text/regex.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/ecma.h"
#include "common/text/pattern.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// Bounded time without a clock, in two steps.
//
// A short text is first searched with a small backtracking limit, at full speed. PCRE2 counts that limit anew at
// every place where a match may begin, and does not count what a single item runs over, so it bounds nothing on a
// long text: \w+@ on a megabyte of letters is quadratic and never meets it. Long texts, and those that met the
// small limit, are searched with a second compilation that calls back before every item of the pattern; the
// calls and the bytes between them are counted against a budget for the whole search.
#define SHORT_BYTES  8192
#define SHORT_LIMIT  50000
#define ECMA_LIMIT   50000  // over all places where a match may begin
#define ECMA_LEAST   100
#define LONG_LIMIT   100000000
#define WORK_MAX     100000000 // about a second
#define BYTES_A_WORK 8         // an item that runs over this many bytes costs as much as one call back
#define HEAP_KIB     (64 * 1024)
#define STACK_START  (64 * MST_KIB)
#define STACK_MAX    (16 * MST_MIB)
#define SHOWN_MAX    80

struct mst_regex {
    pcre2_code *quick, *guarded; // guarded: compiled when first needed
    pcre2_match_data *data;
    pcre2_match_context *quick_ctx, *guarded_ctx;
    pcre2_jit_stack *stack;
    uint64_t work;
    size_t last_at;
    uint32_t options, groups;
    bool ecma;
    char *pattern; // translated, for the second compilation
    size_t pattern_n;
    char *shown; // as written, cut, for messages
};

static int
on_item(pcre2_callout_block *block, void *ud)
{
    mst_regex_t *re = ud;
    size_t at = block->current_position;
    re->work += 1 + (at > re->last_at ? (at - re->last_at) / BYTES_A_WORK : 0);
    re->last_at = at;
    return re->work > WORK_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

static mst_rc
compile(const mst_regex_t *re, uint32_t more, pcre2_code **out, mst_err_t *err)
{
    pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
    if (ctx == NULL)
        return MST_ERR(err, MST_NOMEM, "no memory to compile pattern \"%s\"", re->shown);
    pcre2_set_newline(ctx, PCRE2_NEWLINE_LF);
    int code = 0;
    size_t at = 0;
    *out = pcre2_compile((PCRE2_SPTR)re->pattern, re->pattern_n, re->options | more, &code, &at, ctx);
    pcre2_compile_context_free(ctx);
    if (*out == NULL) {
        char why[160];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        return MST_ERR(err, MST_INVAL, "could not compile pattern \"%s\": %s at offset %zu", re->shown, why, at);
    }
    // Where the system forbids executable memory there is no JIT; the interpreter then does the same, slower.
    (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
    return MST_OK;
}

static pcre2_match_context *
new_context(uint32_t match_limit)
{
    pcre2_match_context *ctx = pcre2_match_context_create(NULL);
    if (ctx == NULL)
        return NULL;
    pcre2_set_match_limit(ctx, match_limit);
    pcre2_set_heap_limit(ctx, HEAP_KIB);
    return ctx;
}

static uint32_t
pcre2_options(int flags)
{
    uint32_t o = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    o |= (flags & MST_REGEX_ICASE) ? PCRE2_CASELESS : 0;
    o |= (flags & MST_REGEX_DOTALL) ? PCRE2_DOTALL : 0;
    o |= (flags & MST_REGEX_MULTILINE) ? PCRE2_MULTILINE : 0;
    o |= (flags & MST_REGEX_UCP) ? PCRE2_UCP : 0;
    o |= (flags & MST_REGEX_ECMA) ? PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF : 0;
    return o;
}

mst_rc
mst_regex_new(mst_str_t pattern, int flags, mst_regex_t **out, mst_err_t *err)
{
    mst_regex_t *re = MST_NEW(mst_regex_t);
    mst_buf_t text;
    mst_str_t shown = mst_str_cut(pattern, SHOWN_MAX);
    mst_rc rc = MST_OK;
    mst_buf_init(&text, MST_REGEX_PATTERN_MAX);
    re->shown = mst_xstrndup(shown.p, shown.n);
    re->options = pcre2_options(flags);
    re->ecma = (flags & MST_REGEX_ECMA) != 0;
    if (re->ecma)
        rc = mst_ecma_translate(pattern, &text, err);
    else
        mst_pattern_translate(pattern, (flags & MST_REGEX_UCP) != 0, &text);
    if (text.failed) {
        rc = MST_ERR(err, MST_LIMIT, "pattern \"%s\" is longer than %d bytes: split it", re->shown,
                     MST_REGEX_PATTERN_MAX);
        goto out;
    }
    if (rc != MST_OK)
        goto out;
    re->pattern = mst_xstrndup(text.p != NULL ? text.p : "", text.n);
    re->pattern_n = text.n;
    rc = compile(re, 0, &re->quick, err);
    if (rc != MST_OK)
        goto out;
    (void)pcre2_pattern_info(re->quick, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    if (re->groups > MST_REGEX_GROUPS_MAX) {
        rc = MST_ERR(err, MST_LIMIT, "pattern \"%s\" has %u groups, more than %d: use (?:...) where nothing is kept",
                     re->shown, re->groups, MST_REGEX_GROUPS_MAX);
        goto out;
    }
    re->data = pcre2_match_data_create_from_pattern(re->quick, NULL);
    re->quick_ctx = new_context(SHORT_LIMIT);
    if (re->data == NULL || re->quick_ctx == NULL)
        rc = MST_ERR(err, MST_NOMEM, "no memory to compile pattern \"%s\"", re->shown);
out:
    mst_buf_deinit(&text);
    if (rc != MST_OK)
        mst_regex_free(&re);
    *out = re;
    return rc;
}

void
mst_regex_free(mst_regex_t **re)
{
    if (re == NULL || *re == NULL)
        return;
    mst_regex_t *r = *re;
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->quick_ctx);
    pcre2_match_context_free(r->guarded_ctx);
    if (r->stack != NULL)
        pcre2_jit_stack_free(r->stack);
    pcre2_code_free(r->quick);
    pcre2_code_free(r->guarded);
    free(r->pattern);
    free(r->shown);
    free(r);
    *re = NULL;
}

uint32_t
mst_regex_groups(const mst_regex_t *re)
{
    return re->groups;
}

uint64_t
mst_regex_work(const mst_regex_t *re)
{
    return re->work;
}

static mst_rc
guard(mst_regex_t *re, mst_err_t *err)
{
    if (re->guarded == NULL) {
        mst_rc rc = compile(re, PCRE2_AUTO_CALLOUT, &re->guarded, err);
        if (rc != MST_OK)
            return rc;
    }
    if (re->guarded_ctx == NULL)
        re->guarded_ctx = new_context(LONG_LIMIT);
    if (re->stack == NULL)
        re->stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
    if (re->guarded_ctx == NULL || re->stack == NULL)
        return MST_ERR(err, MST_NOMEM, "no memory to match pattern \"%s\"", re->shown);
    pcre2_set_callout(re->guarded_ctx, on_item, re);
    pcre2_jit_stack_assign(re->guarded_ctx, NULL, re->stack);
    re->last_at = 0;
    return MST_OK;
}

static bool
gave_up(int got)
{
    return got == PCRE2_ERROR_MATCHLIMIT || got == PCRE2_ERROR_DEPTHLIMIT || got == PCRE2_ERROR_HEAPLIMIT ||
           got == PCRE2_ERROR_JIT_STACKLIMIT || got == PCRE2_ERROR_CALLOUT;
}

static mst_rc
too_much(const mst_regex_t *re, mst_str_t subject, mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT,
                   "pattern \"%s\" backtracks too much on a text of %zu bytes: anchor it, or write its repeats so that "
                   "they cannot match the same text in two ways",
                   re->shown, subject.n);
}

static mst_rc
search(mst_regex_t *re, mst_str_t subject, size_t from, uint32_t options, mst_err_t *err)
{
    PCRE2_SPTR p = (PCRE2_SPTR)(subject.p != NULL ? subject.p : "");
    int got = PCRE2_ERROR_MATCHLIMIT;
    re->work = 0;
    if (re->ecma) {
        size_t each = ECMA_LIMIT / (subject.n + 1);
        pcre2_set_match_limit(re->quick_ctx, (uint32_t)(each > ECMA_LEAST ? each : ECMA_LEAST));
    }
    if (subject.n <= SHORT_BYTES)
        got = pcre2_match(re->quick, p, subject.n, from, options, re->data, re->quick_ctx);
    if (gave_up(got)) {
        mst_rc rc = guard(re, err);
        if (rc != MST_OK)
            return rc;
        got = pcre2_match(re->guarded, p, subject.n, from, options, re->data, re->guarded_ctx);
    }
    if (got > 0)
        return MST_OK;
    if (got == PCRE2_ERROR_NOMATCH)
        return MST_NOTFOUND;
    if (gave_up(got))
        return too_much(re, subject, err);
    return MST_ERR_SUB(err, MST_INTERNAL, got, "pattern \"%s\" could not be matched: PCRE2 error %d", re->shown, got);
}

static void
fill(const mst_regex_t *re, mst_str_t subject, mst_str_t *groups, size_t groups_cap)
{
    const size_t *at = pcre2_get_ovector_pointer(re->data);
    for (size_t i = 0; i < groups_cap; i++) {
        bool took_part = i <= re->groups && at[2 * i] != PCRE2_UNSET && at[2 * i + 1] >= at[2 * i];
        groups[i] = took_part ? mst_str(subject.p + at[2 * i], at[2 * i + 1] - at[2 * i]) : MST_STR_NULL;
    }
}

mst_rc
mst_regex_find(mst_regex_t *re, mst_str_t subject, size_t from, mst_str_t *groups, size_t groups_cap, mst_err_t *err)
{
    if (from > subject.n)
        return MST_NOTFOUND;
    if (subject.p == NULL)
        subject = MST_STR(""); // so that a group that took part in an empty text differs from one that did not
    mst_rc rc = search(re, subject, from, 0, err);
    if (rc == MST_OK)
        fill(re, subject, groups, groups_cap);
    return rc;
}

mst_rc
mst_regex_next(mst_regex_t *re, mst_str_t subject, mst_regex_at_t *at, mst_str_t *groups, size_t groups_cap,
               mst_err_t *err)
{
    const size_t *span = pcre2_get_ovector_pointer(re->data);
    if (at->from > subject.n)
        return MST_NOTFOUND;
    if (subject.p == NULL)
        subject = MST_STR("");
    // Behind an empty match Python wants one at the same place that is not empty, or a later one.
    mst_rc rc = search(re, subject, at->from, at->was_empty ? PCRE2_NOTEMPTY_ATSTART : 0, err);
    if (rc != MST_OK)
        return rc;
    if (at->was_empty && span[1] <= at->from)
        return MST_NOTFOUND; // no way forward; does not happen while PCRE2 refuses \K in look-around
    at->work += re->work;
    if (at->work > WORK_MAX)
        return too_much(re, subject, err);
    at->from = span[1];
    at->was_empty = span[0] == span[1];
    fill(re, subject, groups, groups_cap);
    return MST_OK;
}

mst_rc
mst_regex_delete(mst_regex_t *re, mst_str_t subject, mst_buf_t *out, mst_err_t *err)
{
    const size_t *span = pcre2_get_ovector_pointer(re->data);
    size_t kept = 0; // subject[kept..] is not yet in out
    mst_regex_at_t at = {.from = 0};
    mst_rc rc;
    while ((rc = mst_regex_next(re, subject, &at, NULL, 0, err)) == MST_OK) {
        if (span[0] > kept)
            (void)mst_buf_add(out, subject.p + kept, span[0] - kept);
        kept = span[1];
    }
    if (rc != MST_NOTFOUND)
        return rc;
    if (subject.n > kept)
        (void)mst_buf_add(out, subject.p + kept, subject.n - kept);
    if (out->failed)
        return MST_ERR(err, MST_LIMIT, "the text left by pattern \"%s\" is too long", re->shown);
    return MST_OK;
}
