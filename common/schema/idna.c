// Which code points a label may hold, and where (RFC 5892), from the properties that utf8proc knows; and the rule for
// right-to-left labels (RFC 5893). The joining types that a zero-width non-joiner asks for are not among those
// properties: the table below has them for Arabic, Syriac, N'Ko and Mongolian letters, the scripts in which it is
// written.
#include "common/schema/idna.h"

#include <stdlib.h>
#include <utf8proc.h>

typedef struct {
    uint32_t from, to;
} range_t;

static bool
in_ranges(uint32_t cp, const range_t *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cp >= ranges[i].from && cp <= ranges[i].to)
            return true;
    }
    return false;
}

#define IN(cp, ranges) in_ranges((cp), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

static const range_t greek[] = {{0x370, 0x373},     {0x375, 0x377},     {0x37A, 0x37D},    {0x37F, 0x37F},
                                {0x384, 0x384},     {0x386, 0x386},     {0x388, 0x3E1},    {0x3F0, 0x3FF},
                                {0x1D26, 0x1D2A},   {0x1F00, 0x1FFE},   {0x2126, 0x2126},  {0xAB65, 0xAB65},
                                {0x10140, 0x1018E}, {0x101A0, 0x101A0}, {0x1D200, 0x1D245}};
static const range_t hebrew[] = {{0x591, 0x5C7}, {0x5D0, 0x5EA}, {0x5EF, 0x5F4}, {0xFB1D, 0xFB4F}};
// Hiragana, Katakana and Han, the middle dot itself not among them.
static const range_t japanese[] = {
    {0x2E80, 0x2FD5},   {0x3005, 0x3005},   {0x3007, 0x3007},  {0x3021, 0x3029}, {0x3038, 0x303B}, {0x3041, 0x3096},
    {0x309D, 0x309F},   {0x30A1, 0x30FA},   {0x30FD, 0x30FF},  {0x31F0, 0x31FF}, {0x32D0, 0x32FE}, {0x3300, 0x3357},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAD9},  {0xFF66, 0xFF6F}, {0xFF71, 0xFF9D}, {0x1AFF0, 0x1B122},
    {0x1B150, 0x1B167}, {0x1F200, 0x1F200}, {0x20000, 0x323AF}};
// RFC 5892, 2.6
static const uint32_t valid_exceptions[] = {0xDF, 0x3C2, 0x6FD, 0x6FE, 0xF0B, 0x3007};
static const uint32_t disallowed_exceptions[] = {0x640,  0x7FA,  0x302E, 0x302F, 0x3031,
                                                 0x3032, 0x3033, 0x3034, 0x3035, 0x303B};
// 2.4: Combining Diacritical Marks for Symbols, Musical Symbols, Ancient Greek Musical Notation
static const range_t ignorable_blocks[] = {{0x20D0, 0x20FF}, {0x1D100, 0x1D1FF}, {0x1D200, 0x1D24F}};

static const range_t joins_both[] = {
    {0x620, 0x620},   {0x626, 0x626},  {0x628, 0x628}, {0x62A, 0x62E}, {0x633, 0x63F},   {0x641, 0x647},
    {0x649, 0x64A},   {0x66E, 0x66F},  {0x678, 0x687}, {0x69A, 0x6BF}, {0x6C1, 0x6C2},   {0x6CC, 0x6CC},
    {0x6CE, 0x6CE},   {0x6D0, 0x6D1},  {0x6FA, 0x6FC}, {0x6FF, 0x6FF}, {0x712, 0x714},   {0x71A, 0x71D},
    {0x71F, 0x727},   {0x729, 0x729},  {0x72B, 0x72B}, {0x72D, 0x72E}, {0x74E, 0x758},   {0x75C, 0x76A},
    {0x76D, 0x770},   {0x772, 0x772},  {0x775, 0x777}, {0x77A, 0x77F}, {0x7CA, 0x7EA},   {0x8A0, 0x8A9},
    {0x8AF, 0x8B0},   {0x8B3, 0x8B4},  {0x8B6, 0x8B8}, {0x8BA, 0x8C8}, {0x1820, 0x1878}, {0x1887, 0x18A8},
    {0x18AA, 0x18AA}, {0xA840, 0xA871}};
static const range_t joins_before[] = {
    {0x622, 0x625}, {0x627, 0x627}, {0x629, 0x629}, {0x62F, 0x632}, {0x648, 0x648}, {0x671, 0x673}, {0x675, 0x677},
    {0x688, 0x699}, {0x6C0, 0x6C0}, {0x6C3, 0x6CB}, {0x6CD, 0x6CD}, {0x6CF, 0x6CF}, {0x6D2, 0x6D3}, {0x6D5, 0x6D5},
    {0x6EE, 0x6EF}, {0x710, 0x710}, {0x715, 0x719}, {0x71E, 0x71E}, {0x728, 0x728}, {0x72A, 0x72A}, {0x72C, 0x72C},
    {0x72F, 0x72F}, {0x74D, 0x74D}, {0x759, 0x75B}, {0x76B, 0x76C}, {0x771, 0x771}, {0x773, 0x774}, {0x778, 0x779},
    {0x8AA, 0x8AC}, {0x8AE, 0x8AE}, {0x8B1, 0x8B2}, {0x8B9, 0x8B9}};

static bool
among(uint32_t cp, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == cp)
            return true;
    }
    return false;
}

#define AMONG(cp, list) among((cp), (list), sizeof(list) / sizeof((list)[0]))

// Does the text change by the steps that options ask of utf8proc?
static bool
changes(const uint32_t *cps, size_t n, int options)
{
    utf8proc_int32_t buf[4 * MST_LABEL_MAX];
    char text[4 * MST_LABEL_MAX];
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += (size_t)utf8proc_encode_char((utf8proc_int32_t)cps[i], (utf8proc_uint8_t *)text + bytes);
    utf8proc_ssize_t got = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)bytes, buf,
                                              4 * MST_LABEL_MAX, (utf8proc_option_t)options);
    if (got < 0 || got > 4 * MST_LABEL_MAX)
        return true;
    got = utf8proc_normalize_utf32(buf, got, (utf8proc_option_t)options);
    if (got != (utf8proc_ssize_t)n)
        return true;
    for (size_t i = 0; i < n; i++) {
        if ((uint32_t)buf[i] != cps[i])
            return true;
    }
    return false;
}

// LetterDigits of RFC 5892, 2.1.
static bool
is_letter_or_digit(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_LL || c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LO ||
           c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_MN ||
           c == UTF8PROC_CATEGORY_MC;
}

// PVALID of RFC 5892, 3.
static bool
is_valid(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9') || cp == '-';
    if (AMONG(cp, valid_exceptions))
        return true;
    if (AMONG(cp, disallowed_exceptions))
        return false;
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
    bool jamo = p->boundclass == UTF8PROC_BOUNDCLASS_L || p->boundclass == UTF8PROC_BOUNDCLASS_V ||
                p->boundclass == UTF8PROC_BOUNDCLASS_T;
    if (!is_letter_or_digit(cp) || p->ignorable || jamo || IN(cp, ignorable_blocks))
        return false;
    return !changes(&cp, 1, UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE);
}

static bool
is_virama(uint32_t cp)
{
    return utf8proc_get_property((utf8proc_int32_t)cp)->combining_class == 9;
}

static bool
is_transparent(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF;
}

// A zero-width non-joiner between a letter that joins what follows and one that joins what comes before.
static bool
breaks_a_join(const uint32_t *cps, size_t n, size_t at)
{
    size_t left = at, right = at + 1;
    while (left > 0 && is_transparent(cps[left - 1]))
        left--;
    while (right < n && is_transparent(cps[right]))
        right++;
    return left > 0 && right < n && IN(cps[left - 1], joins_both) &&
           (IN(cps[right], joins_both) || IN(cps[right], joins_before));
}

static bool
any_in(const uint32_t *cps, size_t n, const range_t *ranges, size_t count)
{
    for (size_t i = 0; i < n; i++) {
        if (in_ranges(cps[i], ranges, count))
            return true;
    }
    return false;
}

// The rules of RFC 5892, appendix A. *known false: the code point has none.
static bool
context_ok(const uint32_t *cps, size_t n, size_t at, bool *known)
{
    static const range_t arabic_digits[] = {{0x660, 0x669}}, extended_digits[] = {{0x6F0, 0x6F9}};
    uint32_t cp = cps[at], before = at > 0 ? cps[at - 1] : 0, after = at + 1 < n ? cps[at + 1] : 0;
    *known = true;
    if (cp == 0x200C)
        return is_virama(before) || breaks_a_join(cps, n, at);
    if (cp == 0x200D)
        return is_virama(before);
    if (cp == 0xB7)
        return before == 'l' && after == 'l';
    if (cp == 0x375)
        return IN(after, greek);
    if (cp == 0x5F3 || cp == 0x5F4)
        return IN(before, hebrew);
    if (cp == 0x30FB)
        return any_in(cps, n, japanese, sizeof japanese / sizeof japanese[0]);
    if (IN(cp, arabic_digits))
        return !any_in(cps, n, extended_digits, 1);
    if (IN(cp, extended_digits))
        return !any_in(cps, n, arabic_digits, 1);
    *known = false;
    return false;
}

bool
mst_idna_label_ok(const uint32_t *cps, size_t n)
{
    if (n == 0 || n > MST_LABEL_MAX || cps[0] == '-' || cps[n - 1] == '-')
        return false;
    if (n >= 4 && cps[2] == '-' && cps[3] == '-')
        return false;
    utf8proc_category_t first = utf8proc_category((utf8proc_int32_t)cps[0]);
    if (first == UTF8PROC_CATEGORY_MN || first == UTF8PROC_CATEGORY_MC || first == UTF8PROC_CATEGORY_ME)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool known;
        bool ok = context_ok(cps, n, i, &known);
        if (known ? !ok : !is_valid(cps[i]))
            return false;
    }
    return !changes(cps, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
}

static utf8proc_bidi_class_t
bidi(uint32_t cp)
{
    return (utf8proc_bidi_class_t)utf8proc_get_property((utf8proc_int32_t)cp)->bidi_class;
}

bool
mst_idna_has_rtl(const uint32_t *cps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        utf8proc_bidi_class_t b = bidi(cps[i]);
        if (b == UTF8PROC_BIDI_CLASS_R || b == UTF8PROC_BIDI_CLASS_AL || b == UTF8PROC_BIDI_CLASS_AN)
            return true;
    }
    return false;
}

static bool
is_neutral(utf8proc_bidi_class_t b)
{
    return b == UTF8PROC_BIDI_CLASS_ES || b == UTF8PROC_BIDI_CLASS_CS || b == UTF8PROC_BIDI_CLASS_ET ||
           b == UTF8PROC_BIDI_CLASS_ON || b == UTF8PROC_BIDI_CLASS_BN || b == UTF8PROC_BIDI_CLASS_NSM;
}

// The six conditions of RFC 5893, 2.
bool
mst_idna_bidi_ok(const uint32_t *cps, size_t n)
{
    utf8proc_bidi_class_t first = bidi(cps[0]), last = first;
    bool rtl = first == UTF8PROC_BIDI_CLASS_R || first == UTF8PROC_BIDI_CLASS_AL, en = false, an = false;
    if (!rtl && first != UTF8PROC_BIDI_CLASS_L)
        return false;
    for (size_t i = 0; i < n; i++) {
        utf8proc_bidi_class_t b = bidi(cps[i]);
        bool strong = rtl ? b == UTF8PROC_BIDI_CLASS_R || b == UTF8PROC_BIDI_CLASS_AL || b == UTF8PROC_BIDI_CLASS_AN
                          : b == UTF8PROC_BIDI_CLASS_L;
        if (!strong && b != UTF8PROC_BIDI_CLASS_EN && !is_neutral(b))
            return false;
        en = en || b == UTF8PROC_BIDI_CLASS_EN;
        an = an || b == UTF8PROC_BIDI_CLASS_AN;
        if (b != UTF8PROC_BIDI_CLASS_NSM)
            last = b;
    }
    if (rtl)
        return !(en && an) && !is_neutral(last);
    return last == UTF8PROC_BIDI_CLASS_L || last == UTF8PROC_BIDI_CLASS_EN;
}
