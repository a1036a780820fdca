// common/text on any bytes: flags, a pattern up to the first newline, then a text. Compiling, finding, deleting and
// the hand-written number extraction stay in bounds; a match lies in the text; deleting never makes it longer.
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/normalise.h"
#include "common/text/number.h"
#include "common/text/regex.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 600 // what a pattern may cost grows steeply with its text

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_text: %s\n", what);
    abort();
}

static bool
is_within(mst_str_t part, mst_str_t whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
match(mst_str_t pattern, int flags, mst_str_t text)
{
    mst_regex_t *re = NULL;
    mst_err_t err = {0};
    mst_str_t groups[4];
    if (mst_regex_new(pattern, flags, &re, &err) != MST_OK) {
        require(re == NULL && err.message[0] != '\0', "refused without a sentence");
        return;
    }
    mst_rc rc = mst_regex_find(re, text, 0, groups, 4, &err);
    for (size_t i = 0; rc == MST_OK && i < 4; i++)
        require(is_within(groups[i], text), "a group lies outside the text");
    mst_buf_t left;
    mst_buf_init(&left, MST_MIB);
    mst_rc deleted = mst_regex_delete(re, text, &left, &err);
    require(deleted == MST_LIMIT || deleted == MST_OK, "deleting failed in an unknown way");
    require(left.n <= text.n, "deleting made the text longer");
    if (rc == MST_NOTFOUND && deleted == MST_OK)
        require(mst_str_eq(mst_buf_view(&left), text), "something was deleted where nothing matches");
    mst_buf_deinit(&left);
    mst_regex_free(&re);
}

static void
numbers(mst_str_t text)
{
    char *room = malloc(text.n + 1);
    mst_str_t out;
    for (int f = 0; f < 4; f++) {
        if (mst_number_extract((mst_number_filter_t)f, text, &out))
            require(is_within(out, text) && out.n > 0, "a number lies outside the text");
    }
    require(mst_number_harness_form(text, room).n <= text.n, "the harness's form is longer than the text");
    if (mst_number_value_eq(text, text))
        require(mst_number_value_eq(mst_number_original_form(text, room), text), "a number is not itself");
    free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    mst_str_t all = mst_str((const char *)data + 1, size - 1);
    int64_t lf = mst_str_find(all, MST_STR("\n"), 0);
    size_t at = lf >= 0 ? (size_t)lf : all.n;
    mst_str_t pattern = mst_str(all.p, at);
    mst_str_t text = at < all.n ? mst_str(all.p + at + 1, all.n - at - 1) : MST_STR_NULL;
    char out[100];
    mst_buf_t b;
    match(pattern, data[0] & 15, text);
    numbers(text);
    require(mst_text_excerpt(text, 80, out) <= 83, "an excerpt is too long");
    mst_buf_init(&b, MST_MIB);
    require(mst_text_lower(text, &b, &text) == MST_OK, "a short text could not be lowered");
    mst_buf_deinit(&b);
    return 0;
}
