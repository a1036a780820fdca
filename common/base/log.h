// The log: one line per event on stderr, `level message key=value ...`, or JSON lines. The sink is the one
// global of the product; it is set once in main. Hot-path debug costs one branch. Keys and prompt text are
// never logged above debug.
// Thread: any; a line is written with one write().
#ifndef MST_BASE_LOG_H
#define MST_BASE_LOG_H

#include "common/base/err.h"

typedef enum {
    MST_LOG_ERROR = 0, // a person should look
    MST_LOG_WARN,
    MST_LOG_INFO,      // state of the run
    MST_LOG_DEBUG,
    MST_LOG_TRACE,     // bytes
} mst_log_level_t;

extern int mst_log_level_now; // read by the macro only

void mst_log_init(mst_log_level_t level, bool json_lines);
void mst_log_write(mst_log_level_t level, const char *fmt, ...) MST_PRINTF(2, 3);
// Called around every line, so that a progress line on a terminal can be wiped and drawn again. NULL = none.
void mst_log_hooks(void (*before)(void *), void (*after)(void *), void *ud);

#define mst_log(level, ...) ((int)(level) <= mst_log_level_now ? mst_log_write((level), __VA_ARGS__) : (void)0)
#define mst_error(...) mst_log(MST_LOG_ERROR, __VA_ARGS__)
#define mst_warn(...)  mst_log(MST_LOG_WARN, __VA_ARGS__)
#define mst_info(...)  mst_log(MST_LOG_INFO, __VA_ARGS__)
#define mst_debug(...) mst_log(MST_LOG_DEBUG, __VA_ARGS__)

#endif
