#include "coordinator/dataset/lines.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <stdlib.h>

#define READ_BYTES (256 * 1024)
#define HELD_MAX   (MST_JSONL_LINE_MAX + READ_BYTES) // a line of the maximum and the read that ends it

struct mst_lines {
    mst_bytes_t *source;
    char *p; // bytes not yet given out: [start, end); no line feed in [start, scanned)
    size_t cap;
    size_t start, scanned, end;
    uint64_t number;
    bool at_end;
    bool skipping; // inside a line that was too long
};

mst_lines_t *
mst_lines_new(mst_bytes_t *source)
{
    mst_lines_t *l = MST_NEW(mst_lines_t);
    l->source = source;
    l->cap = READ_BYTES;
    l->p = mst_xalloc(l->cap);
    return l;
}

void
mst_lines_free(mst_lines_t **l)
{
    if (l == NULL || *l == NULL)
        return;
    free((*l)->p);
    free(*l);
    *l = NULL;
}

// Makes room by moving what is held to the front, then by growing, and reads once.
static mst_rc
fill(mst_lines_t *l, mst_err_t *err)
{
    if (l->start > 0) {
        memmove(l->p, l->p + l->start, l->end - l->start);
        l->scanned -= l->start;
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == l->cap) {
        size_t cap = l->cap * 2 < HELD_MAX ? l->cap * 2 : HELD_MAX;
        char *p = realloc(l->p, cap);
        if (p == NULL)
            return MST_ERR(err, MST_NOMEM, "could not read dataset \"%s\": out of memory", mst_bytes_path(l->source));
        l->p = p;
        l->cap = cap;
    }
    size_t n;
    mst_rc rc = mst_bytes_read(l->source, l->p + l->end, l->cap - l->end, &n, err);
    l->at_end = rc == MST_OK && n == 0;
    if (rc == MST_OK)
        l->end += n;
    return rc;
}

static mst_line_t
take(mst_lines_t *l, size_t length, size_t feed)
{
    mst_line_t line = {.text = mst_str(l->p + l->start, length), .number = ++l->number};
    l->start += length + feed;
    l->scanned = l->start;
    if (line.number == 1 && mst_str_starts(line.text, MST_STR("\xef\xbb\xbf")))
        line.text = mst_str(line.text.p + 3, line.text.n - 3);
    if (line.text.n > MST_JSONL_LINE_MAX) {
        line.too_long = true;
        line.text = MST_STR_NULL;
    }
    return line;
}

mst_rc
mst_lines_next(mst_lines_t *l, mst_line_t *out, mst_err_t *err)
{
    for (;;) {
        const char *feed = l->scanned < l->end ? memchr(l->p + l->scanned, '\n', l->end - l->scanned) : NULL;
        size_t held = l->end - l->start;
        if (feed != NULL && l->skipping) { // the rest of a line that was reported already
            l->start = l->scanned = (size_t)(feed - l->p) + 1;
            l->skipping = false;
            continue;
        }
        if (feed != NULL) {
            *out = take(l, (size_t)(feed - l->p) - l->start, 1);
            return MST_OK;
        }
        l->scanned = l->end;
        if (l->skipping) {
            l->start = l->scanned = l->end = 0;
        } else if (held > MST_JSONL_LINE_MAX + 3) { // 3: the byte-order mark
            *out = (mst_line_t){.number = ++l->number, .too_long = true};
            l->start = l->scanned = l->end = 0;
            l->skipping = true;
            return MST_OK;
        }
        if (l->at_end && (l->skipping || held == 0))
            return MST_NOTFOUND;
        if (l->at_end) {
            *out = take(l, held, 0);
            return MST_OK;
        }
        mst_rc rc = fill(l, err);
        if (rc != MST_OK)
            return rc;
    }
}
