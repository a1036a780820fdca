#include "report/latency_window.h"

#include "common/base/mem.h"

#include <stdlib.h>

#define MOVED_NS 500000000

void
mst_spans_add(mst_spans_t *s, int64_t start, int64_t end)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->starts = mst_xrealloc(s->starts, s->cap * sizeof *s->starts);
        s->ends = mst_xrealloc(s->ends, s->cap * sizeof *s->ends);
    }
    s->starts[s->n] = start;
    s->ends[s->n++] = end > start ? end : start;
    s->sorted = false;
}

void
mst_spans_free(mst_spans_t *s)
{
    free(s->starts);
    free(s->ends);
    *s = (mst_spans_t){0};
}

static int
by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Starts and ends apart: how many are open is the same, whichever start an end belongs to.
static void
sort(mst_spans_t *s)
{
    if (s->sorted || s->n == 0)
        return;
    qsort(s->starts, s->n, sizeof *s->starts, by_time);
    qsort(s->ends, s->n, sizeof *s->ends, by_time);
    s->sorted = true;
}

int64_t
mst_spans_first(mst_spans_t *s)
{
    sort(s);
    return s->n > 0 ? s->starts[0] : INT64_MAX;
}

typedef struct { // one step through both lists
    size_t started, ended;
    int64_t at;
} walk_t;

// A span of no time ends before it starts: never open.
static uint32_t
open_now(const walk_t *w)
{
    return w->started > w->ended ? (uint32_t)(w->started - w->ended) : 0;
}

// The next instant at which something starts or ends; an end counts before a start at the same instant.
static bool
step(const mst_spans_t *s, walk_t *w)
{
    if (w->ended == s->n)
        return false;
    if (w->started < s->n && s->starts[w->started] < s->ends[w->ended])
        w->at = s->starts[w->started++];
    else
        w->at = s->ends[w->ended++];
    return true;
}

bool
mst_spans_reached(mst_spans_t *s, uint32_t level, int64_t *from, int64_t *to)
{
    bool reached = false, above = false;
    walk_t w = {0};
    sort(s);
    while (step(s, &w)) {
        bool now = open_now(&w) >= level;
        if (now && !reached)
            *from = w.at;
        if (above && !now)
            *to = w.at;
        reached = reached || now;
        above = now;
    }
    return reached && *to > *from;
}

mst_spans_level_t
mst_spans_level(mst_spans_t *s, int64_t from, int64_t to, uint32_t level)
{
    mst_spans_level_t out = {0};
    if (to <= from)
        return out;
    double area = 0, idle = 0, above = 0;
    int64_t at = from;
    uint32_t open = 0;
    walk_t w = {0};
    sort(s);
    for (bool more = true; more && at < to;) {
        more = step(s, &w);
        int64_t next = more ? w.at : to;
        next = next < from ? from : (next > to ? to : next);
        double span = (double)(next - at);
        area += span * open;
        idle += open == 0 ? span : 0;
        above += level > 0 && open >= level ? span : 0;
        if (span > 0 && open > out.max)
            out.max = open;
        at = next;
        open = more ? open_now(&w) : 0;
    }
    double all = (double)(to - from);
    out.mean = area / all;
    out.idle_s = idle / 1e9;
    out.at_level = above / all;
    return out;
}

int64_t
mst_scale_offset(mst_scale_t *s, uint64_t host, int64_t mono_ns, int64_t wall_ns)
{
    int64_t offset = wall_ns - mono_ns;
    for (size_t i = s->count; i-- > 0;) {
        int64_t apart = offset - s->clocks[i].offset_ns;
        if (s->clocks[i].host == host && apart < MOVED_NS && apart > -MOVED_NS)
            return s->clocks[i].offset_ns;
    }
    if (s->count < MST_SCALE_CLOCKS_MAX)
        s->clocks[s->count++] = (mst_scale_clock_t){.host = host, .offset_ns = offset};
    return offset;
}
