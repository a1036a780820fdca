// Numbers and texts as people read them.
#ifndef MST_REPORT_FORMAT_H
#define MST_REPORT_FORMAT_H

#include "common/base/buf.h"

void mst_fmt_count(uint64_t n, mst_buf_t *out);    // 1,234,567
// "12 prompt, 3 completion" and a line end; a negative number is not known and left out
void mst_fmt_tokens(int64_t prompt, int64_t completion, mst_buf_t *out);
void mst_fmt_ms(double ms, mst_buf_t *out);        // 850 us, 12.3 ms, 4.56 s, 2 m 3 s; "-" when NaN
void mst_fmt_percent(double part, mst_buf_t *out); // 0.8333: 83.3 %; "-" when NaN; 100.0 only for all of it
void mst_fmt_rate(double per_s, mst_buf_t *out);   // 12.3, 4,567; "-" when NaN
void mst_fmt_score(double v, mst_buf_t *out);      // 0.833; "-" when NaN
// UTF-8 without control characters: they are shown as \xNN, invalid bytes as U+FFFD. Lines: LF and tab pass.
void mst_fmt_safe(mst_str_t s, bool lines, mst_buf_t *out);

typedef enum { MST_PLAIN, MST_BOLD, MST_DIM, MST_RED, MST_GREEN, MST_YELLOW } mst_style_t;

void mst_fmt_style(bool colour, mst_style_t style, mst_buf_t *out); // begins it
void mst_fmt_style_end(bool colour, mst_style_t style, mst_buf_t *out);

#endif
