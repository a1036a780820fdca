// The log sink. A line is made on the stack and written with one write(), under a lock that also covers the hooks.
#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/utf8.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

int mst_log_level_now = MST_LOG_INFO;

static struct {
    pthread_mutex_t lock;
    bool json;
    void (*before)(void *);
    void (*after)(void *);
    void *ud;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
mst_log_init(mst_log_level_t level, bool json_lines)
{
    mst_log_level_now = (int)level;
    sink.json = json_lines;
}

void
mst_log_hooks(void (*before)(void *), void (*after)(void *), void *ud)
{
    pthread_mutex_lock(&sink.lock);
    sink.before = before;
    sink.after = after;
    sink.ud = ud;
    pthread_mutex_unlock(&sink.lock);
}

static const char *
level_name(mst_log_level_t level)
{
    switch (level) {
    case MST_LOG_ERROR:
        return "error";
    case MST_LOG_WARN:
        return "warn";
    case MST_LOG_INFO:
        return "info";
    case MST_LOG_DEBUG:
        return "debug";
    case MST_LOG_TRACE:
        return "trace";
    }
    return "log";
}

typedef struct {
    char text[LINE_MAX_BYTES];
    size_t n;
} line_t;

// Leaves room for the end of the line; returns false when full.
static bool
put(line_t *l, const char *p, size_t n)
{
    if (n > sizeof l->text - 16 - l->n)
        return false;
    memcpy(l->text + l->n, p, n);
    l->n += n;
    return true;
}

// One character of the message. Control characters would let a message forge lines or drive a terminal: they are
// written as escapes. Invalid bytes become U+FFFD.
static bool
put_char(line_t *l, mst_str_t c, uint32_t cp, bool json)
{
    char escape[8];
    bool c1 = cp >= 0x80 && cp < 0xA0;
    if (cp < 0x20 || cp == 0x7F || c1) {
        int n = snprintf(escape, sizeof escape, "\\u%04x", (unsigned)cp & 0xFFFFU);
        return put(l, escape, (size_t)n);
    }
    if (json && (cp == '"' || cp == '\\')) {
        escape[0] = '\\';
        escape[1] = (char)cp;
        return put(l, escape, 2);
    }
    if (cp == 0xFFFD)
        return put(l, "\xEF\xBF\xBD", 3);
    return put(l, c.p, c.n);
}

static void
put_message(line_t *l, mst_str_t s, bool json)
{
    while (s.n > 0) {
        uint32_t cp;
        size_t n = mst_utf8_next(s, &cp);
        if (!put_char(l, mst_str(s.p, n), cp, json))
            return;
        s = mst_str(s.p + n, s.n - n);
    }
}

static void
write_all(mst_str_t s)
{
    while (s.n > 0) {
        ssize_t n = write(STDERR_FILENO, s.p, s.n);
        if (n <= 0) // nobody to tell
            return;
        s = mst_str(s.p + n, s.n - (size_t)n);
    }
}

void
mst_log_write(mst_log_level_t level, const char *fmt, ...)
{
    char message[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    size_t bytes = (size_t)n < sizeof message ? (size_t)n : sizeof message - 1;
    const char *name = level_name(level);
    line_t line;
    line.n = 0;
    bool json = sink.json;
    if (json) {
        char when[32];
        mst_wall_iso(mst_wall_ns(), when, sizeof when);
        put(&line, "{\"time\":\"", 9);
        put(&line, when, strlen(when));
        put(&line, "\",\"level\":\"", 11);
        put(&line, name, strlen(name));
        put(&line, "\",\"message\":\"", 13);
    } else {
        put(&line, name, strlen(name));
        put(&line, " ", 1);
    }
    put_message(&line, mst_str(message, bytes), json);
    memcpy(line.text + line.n, json ? "\"}\n" : "\n", json ? 3 : 1);
    line.n += json ? 3 : 1;
    pthread_mutex_lock(&sink.lock);
    if (sink.before != NULL)
        sink.before(sink.ud);
    write_all(mst_str(line.text, line.n));
    if (sink.after != NULL)
        sink.after(sink.ud);
    pthread_mutex_unlock(&sink.lock);
}
