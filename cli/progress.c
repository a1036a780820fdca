// Rate and ETA come from a sliding window of the last few views, so that a resumed run or a stall shows at once.
#include "cli/progress.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WINDOW          16
#define TERMINAL_EVERY  (100 * MST_NS_PER_MS)
#define PLAIN_EVERY     (5 * MST_NS_PER_S)

struct mst_progress {
    pthread_mutex_t lock; // line and drawn, against the log's hooks
    char line[256];
    bool drawn;
    bool enabled, terminal;
    int64_t last_ns;      // of the last drawing
    struct {
        int64_t ns;
        uint64_t done;
    } window[WINDOW];
    size_t window_n;
};

static void
wipe(void *ud)
{
    mst_progress_t *p = ud;
    pthread_mutex_lock(&p->lock);
    if (p->drawn)
        fputs("\r\033[K", stderr);
}

static void
redraw(void *ud)
{
    mst_progress_t *p = ud;
    if (p->drawn)
        fputs(p->line, stderr);
    pthread_mutex_unlock(&p->lock);
}

mst_progress_t *
mst_progress_new(bool enabled, int64_t now_ns, uint64_t done_before)
{
    mst_progress_t *p = MST_NEW(mst_progress_t);
    pthread_mutex_init(&p->lock, NULL);
    const char *term = getenv("TERM");
    p->enabled = enabled;
    p->terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    p->last_ns = now_ns;
    p->window[0].ns = now_ns;
    p->window[0].done = done_before;
    p->window_n = 1;
    if (enabled && p->terminal)
        mst_log_hooks(wipe, redraw, p);
    return p;
}

void
mst_progress_free(mst_progress_t **progress)
{
    mst_progress_t *p = *progress;
    if (p == NULL)
        return;
    if (p->enabled && p->terminal)
        mst_log_hooks(NULL, NULL, NULL);
    if (p->drawn)
        fputs("\r\033[K", stderr);
    fflush(stderr);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *progress = NULL;
}

static double
rate(const mst_progress_t *p)
{
    const size_t last = p->window_n - 1;
    int64_t ns = p->window[last].ns - p->window[0].ns;
    return ns > 0 ? (double)(p->window[last].done - p->window[0].done) / ((double)ns / 1e9) : 0.0;
}

static void
remember(mst_progress_t *p, int64_t now_ns, uint64_t done)
{
    if (p->window_n == WINDOW) {
        memmove(p->window, p->window + 1, sizeof p->window - sizeof p->window[0]);
        p->window_n--;
    }
    p->window[p->window_n].ns = now_ns;
    p->window[p->window_n].done = done;
    p->window_n++;
}

static void
eta_text(char *out, size_t n, uint64_t left, double per_s)
{
    if (per_s <= 0.0 || left == 0) {
        snprintf(out, n, "--");
        return;
    }
    uint64_t s = (uint64_t)((double)left / per_s + 0.5);
    if (s >= 3600)
        snprintf(out, n, "%lluh%02llum", (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60));
    else if (s >= 60)
        snprintf(out, n, "%llum%02llus", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
    else
        snprintf(out, n, "%llus", (unsigned long long)s);
}

// Appends a field when the whole of it fits: half a number would be another number.
static void MST_PRINTF(4, 5)
field(char *out, size_t *at, size_t width, const char *fmt, ...)
{
    char text[96];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *between = *at > 0 ? "  " : "";
    size_t need = (size_t)n + strlen(between);
    if (n < 0 || (size_t)n >= sizeof text || *at + need > width)
        return;
    snprintf(out + *at, need + 1, "%s%s", between, text);
    *at += need;
}

// The most telling field first: a narrow terminal shows as many as fit. width < bytes of out.
static void
compose(const mst_progress_t *p, const mst_progress_view_t *v, size_t width, char *out)
{
    double per_s = rate(p);
    char eta[32];
    size_t at = 0;
    eta_text(eta, sizeof eta, v->total > v->done ? v->total - v->done : 0, per_s);
    int percent = v->total > 0 ? (int)(100.0 * (double)v->done / (double)v->total) : 0;
    out[0] = '\0';
    field(out, &at, width, "%s%llu/%s%llu (%d%%)", v->draining ? "draining: " : "", (unsigned long long)v->done,
          v->total_exact ? "" : "~", (unsigned long long)v->total, percent);
    field(out, &at, width, "%.*f/s", per_s < 10 ? 1 : 0, per_s);
    field(out, &at, width, "eta %s", eta);
    field(out, &at, width, "failed %llu", (unsigned long long)(v->measured - v->passed));
    field(out, &at, width, "errors %llu", (unsigned long long)v->unmeasured);
    if (v->ttft_p50_ns >= 0)
        field(out, &at, width, "ttft p50 %.1f ms", (double)v->ttft_p50_ns / 1e6);
    field(out, &at, width, "in flight %u", v->in_flight);
}

void
mst_progress_show(mst_progress_t *p, const mst_progress_view_t *v, int64_t now_ns)
{
    if (!p->enabled)
        return;
    int64_t every = p->terminal ? TERMINAL_EVERY : PLAIN_EVERY;
    if (now_ns - p->last_ns < every)
        return;
    p->last_ns = now_ns;
    remember(p, now_ns, v->done);
    char line[sizeof p->line];
    if (!p->terminal) {
        compose(p, v, sizeof line - 1, line);
        fprintf(stderr, "%s\n", line);
        return;
    }
    struct winsize size;
    size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
    compose(p, v, width < sizeof line ? width : sizeof line - 1, line);
    pthread_mutex_lock(&p->lock);
    memcpy(p->line, line, sizeof line);
    p->drawn = true;
    fprintf(stderr, "\r\033[K%s", p->line);
    fflush(stderr);
    pthread_mutex_unlock(&p->lock);
}
