// An aligned table of short texts, cut to the width of a terminal.
#ifndef MST_REPORT_TABLE_H
#define MST_REPORT_TABLE_H

#include "report/format.h"

#define MST_TABLE_COLUMNS 16

typedef struct {
    const char *align; // one letter a column: 'l' or 'r'
    size_t columns;
    mst_buf_t text;      // of all cells
    uint32_t *ends;      // heap: where each cell ends in text
    mst_style_t *styles; // heap
    size_t cells, cap;
    mst_style_t style; // of the cells to come
} mst_table_t;

void mst_table_init(mst_table_t *t, const char *align);
void mst_table_deinit(mst_table_t *t);
// A cell from a literal or a name; or write to t->text and call mst_table_end.
void mst_table_add(mst_table_t *t, const char *z);
void mst_table_end(mst_table_t *t);
// Appends the rows, each behind `indent` blanks. The first column gives way when width (0 = any) is too small; it keeps
// eight columns.
void mst_table_render(const mst_table_t *t, size_t indent, size_t width, bool colour, mst_buf_t *out);

#endif
