#include "common/text/python.h"

#include "common/base/utf8.h"

#include <utf8proc.h>

typedef struct {
    uint32_t first, last;
} range_t;

// Unicode's Other_Uppercase and Other_Lowercase: cased without being a letter of category Lu or Ll.
static const range_t other_upper[] = {
    {0x2160, 0x216F}, {0x24B6, 0x24CF}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189},
};

static const range_t other_lower[] = {
    {0xAA, 0xAA},     {0xBA, 0xBA},     {0x2B0, 0x2B8},     {0x2C0, 0x2C1},     {0x2E0, 0x2E4},     {0x345, 0x345},
    {0x37A, 0x37A},   {0x1D2C, 0x1D6A}, {0x1D78, 0x1D78},   {0x1D9B, 0x1DBF},   {0x2071, 0x2071},   {0x207F, 0x207F},
    {0x2090, 0x209C}, {0x2170, 0x217F}, {0x24D0, 0x24E9},   {0x2C7C, 0x2C7D},   {0xA69C, 0xA69D},   {0xA770, 0xA770},
    {0xA7F8, 0xA7F9}, {0xAB5C, 0xAB5F}, {0x10780, 0x10780}, {0x10783, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA},
};

static bool
in_ranges(uint32_t cp, const range_t *r, size_t count)
{
    for (size_t i = 0; i < count && r[i].first <= cp; i++) {
        if (cp <= r[i].last)
            return true;
    }
    return false;
}

static utf8proc_category_t
category(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp);
}

static bool
ascii_letter(uint32_t cp)
{
    return (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
}

bool
mst_py_is_digit(uint32_t cp)
{
    return cp < 0x80 ? cp >= '0' && cp <= '9' : category(cp) == UTF8PROC_CATEGORY_ND;
}

bool
mst_py_is_punctuation(uint32_t cp)
{
    utf8proc_category_t c = category(cp);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

bool
mst_py_is_word(uint32_t cp)
{
    if (cp < 0x80)
        return ascii_letter(cp) || (cp >= '0' && cp <= '9') || cp == '_';
    utf8proc_category_t c = category(cp);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

bool
mst_py_char_upper(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z';
    return category(cp) == UTF8PROC_CATEGORY_LU || in_ranges(cp, other_upper, sizeof other_upper / sizeof *other_upper);
}

bool
mst_py_char_lower(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'a' && cp <= 'z';
    return category(cp) == UTF8PROC_CATEGORY_LL || in_ranges(cp, other_lower, sizeof other_lower / sizeof *other_lower);
}

static bool
one_case(mst_str_t s, bool (*is)(uint32_t), bool (*is_other)(uint32_t))
{
    bool cased = false;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        i += mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (is_other(cp) || (cp >= 0x80 && category(cp) == UTF8PROC_CATEGORY_LT))
            return false;
        cased = cased || is(cp);
    }
    return cased;
}

bool
mst_py_is_upper(mst_str_t s)
{
    return one_case(s, mst_py_char_upper, mst_py_char_lower);
}

bool
mst_py_is_lower(mst_str_t s)
{
    return one_case(s, mst_py_char_lower, mst_py_char_upper);
}

bool
mst_py_split(mst_str_t *rest, mst_str_t *word)
{
    mst_str_t s = *rest;
    uint32_t cp;
    size_t i = 0, start;
    while (i < s.n) {
        size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (!mst_utf8_is_space(cp))
            break;
        i += n;
    }
    start = i;
    while (i < s.n) {
        size_t n = mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        if (mst_utf8_is_space(cp))
            break;
        i += n;
    }
    if (start == i)
        return false;
    *word = mst_str(s.p + start, i - start);
    *rest = mst_str(s.p + i, s.n - i);
    return true;
}

uint64_t
mst_py_count_words(mst_str_t s)
{
    uint64_t count = 0;
    bool before = false;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp;
        i += mst_utf8_next(mst_str(s.p + i, s.n - i), &cp);
        bool word = mst_py_is_word(cp);
        count += word && !before;
        before = word;
    }
    return count;
}

size_t
mst_py_char_before(mst_str_t s, size_t from, size_t end, uint32_t *cp)
{
    if (from >= end)
        return 0;
    for (size_t back = 1; back <= 4 && back <= end - from; back++) {
        if (((unsigned char)s.p[end - back] & 0xC0) == 0x80)
            continue;
        if (mst_utf8_next(mst_str(s.p + end - back, back), cp) == back)
            return back;
        break;
    }
    *cp = 0xFFFD;
    return 1;
}

bool
mst_py_is_blank(mst_str_t s)
{
    return mst_utf8_trim(s).n == 0;
}
