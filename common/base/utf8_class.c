// General categories of code points, with a table for ASCII in front of the library's.
#include "common/base/utf8.h"

#include <utf8proc.h>

static mst_utf8_class_t
ascii_class(uint32_t cp)
{
    if ((cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z'))
        return MST_UTF8_LETTER;
    if (cp >= '0' && cp <= '9')
        return MST_UTF8_NUMBER;
    if (cp <= ' ' || cp == 0x7F)
        return MST_UTF8_OTHER;
    bool symbol = cp == '$' || cp == '+' || cp == '<' || cp == '=' || cp == '>' || cp == '^' || cp == '`' ||
                  cp == '|' || cp == '~';
    return symbol ? MST_UTF8_SYMBOL : MST_UTF8_PUNCTUATION;
}

mst_utf8_class_t
mst_utf8_class(uint32_t cp)
{
    if (cp < 0x80)
        return ascii_class(cp);
    int c = (int)utf8proc_category((utf8proc_int32_t)cp);
    if (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO)
        return MST_UTF8_LETTER;
    if (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO)
        return MST_UTF8_NUMBER;
    if (c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO)
        return MST_UTF8_PUNCTUATION;
    if (c >= UTF8PROC_CATEGORY_SM && c <= UTF8PROC_CATEGORY_SO)
        return MST_UTF8_SYMBOL;
    return MST_UTF8_OTHER;
}

bool
mst_utf8_is_word(uint32_t cp)
{
    mst_utf8_class_t c = mst_utf8_class(cp);
    return c == MST_UTF8_LETTER || c == MST_UTF8_NUMBER || cp == '_';
}
