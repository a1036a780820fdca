// Small files of the system, such as those under /proc: the first line, or a value by its name.
// Blocking, capped. Thread: any.
#ifndef MST_PROC_FILE_H
#define MST_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>

// The first line, without blanks at its ends, NUL-terminated. False: no such file, or longer than out.
bool mst_file_line(const char *path, char *out, size_t out_bytes);
// The rest of the first line that starts with name, without blanks at its ends; cut to out. False: none.
bool mst_file_value(const char *path, const char *name, char *out, size_t out_bytes);

#endif
