// Cells lie one behind the other in one buffer. Width is counted in code points, which is right for everything but
// wide characters and combining marks; those only push their own row out of line.
#include "report/table.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/utf8.h"

#include <stdlib.h>

#define GAP         2
#define FIRST_LEAST 8
#define TEXT_MAX    (64 * MST_MIB)

void
mst_table_init(mst_table_t *t, const char *align)
{
    *t = (mst_table_t){.align = align, .columns = strlen(align)};
    MST_ASSERT(t->columns > 0 && t->columns <= MST_TABLE_COLUMNS);
    mst_buf_init(&t->text, TEXT_MAX);
}

void
mst_table_deinit(mst_table_t *t)
{
    mst_buf_deinit(&t->text);
    free(t->ends);
    free(t->styles);
}

void
mst_table_end(mst_table_t *t)
{
    if (t->text.failed)
        return;
    if (t->cells == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->ends = mst_xrealloc(t->ends, t->cap * sizeof *t->ends);
        t->styles = mst_xrealloc(t->styles, t->cap * sizeof *t->styles);
    }
    t->ends[t->cells] = (uint32_t)t->text.n;
    t->styles[t->cells++] = t->style;
}

void
mst_table_add(mst_table_t *t, const char *z)
{
    mst_buf_add_c(&t->text, z);
    mst_table_end(t);
}

static mst_str_t
cell(const mst_table_t *t, size_t i)
{
    size_t from = i > 0 ? t->ends[i - 1] : 0;
    return mst_str(t->text.p + from, t->ends[i] - from);
}

static void
blanks(mst_buf_t *out, size_t n)
{
    while (n-- > 0)
        mst_buf_add_byte(out, ' ');
}

static void
measure(const mst_table_t *t, size_t indent, size_t width, size_t widths[MST_TABLE_COLUMNS])
{
    size_t total = indent;
    for (size_t i = 0; i < t->cells; i++) {
        size_t n = (size_t)mst_utf8_count(cell(t, i));
        if (n > widths[i % t->columns])
            widths[i % t->columns] = n;
    }
    for (size_t c = 0; c < t->columns; c++)
        total += widths[c] + (c > 0 ? GAP : 0);
    if (width == 0 || total <= width || widths[0] <= FIRST_LEAST)
        return;
    size_t over = total - width;
    widths[0] = widths[0] > over + FIRST_LEAST ? widths[0] - over : FIRST_LEAST;
}

// At most n code points; a cut shows as "~".
static void
put_cut(mst_str_t s, size_t n, mst_buf_t *out)
{
    if (mst_utf8_count(s) <= n) {
        mst_buf_add_str(out, s);
        return;
    }
    for (size_t i = 0; i + 1 < n && s.n > 0; i++) {
        uint32_t cp;
        size_t bytes = mst_utf8_next(s, &cp);
        mst_buf_add(out, s.p, bytes);
        s = mst_str(s.p + bytes, s.n - bytes);
    }
    mst_buf_add_byte(out, '~');
}

static void
put_cell(const mst_table_t *t, size_t i, size_t width, bool last, bool colour, mst_buf_t *out)
{
    mst_str_t s = cell(t, i);
    size_t n = (size_t)mst_utf8_count(s), pad = n < width ? width - n : 0;
    bool right = t->align[i % t->columns] == 'r';
    if (right)
        blanks(out, pad);
    mst_style_t style = s.n > 0 ? t->styles[i] : MST_PLAIN;
    mst_fmt_style(colour, style, out);
    put_cut(s, width, out);
    mst_fmt_style_end(colour, style, out);
    if (!right && !last)
        blanks(out, pad);
}

// No cell behind this one in its row has text: so no blanks at the end of a line.
static bool
ends_row(const mst_table_t *t, size_t i)
{
    for (size_t k = i + 1; k % t->columns != 0 && k < t->cells; k++)
        if (cell(t, k).n > 0)
            return false;
    return true;
}

void
mst_table_render(const mst_table_t *t, size_t indent, size_t width, bool colour, mst_buf_t *out)
{
    size_t widths[MST_TABLE_COLUMNS] = {0};
    measure(t, indent, width, widths);
    for (size_t row = 0; row + t->columns <= t->cells; row += t->columns) {
        blanks(out, indent);
        for (size_t c = 0; c < t->columns; c++) {
            bool last = ends_row(t, row + c);
            put_cell(t, row + c, widths[c], last, colour, out);
            if (last)
                break;
            blanks(out, GAP);
        }
        mst_buf_add_byte(out, '\n');
    }
}
