#include "common/proc/file.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

enum { LINE_BYTES = 1024, LINES_MAX = 10000 };

static void
put(char *out, size_t out_bytes, mst_str_t s)
{
    size_t n = s.n < out_bytes ? s.n : out_bytes - 1;
    memcpy(out, s.p, n);
    out[n] = '\0';
}

bool
mst_file_line(const char *path, char *out, size_t out_bytes)
{
    out[0] = '\0';
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = false;
    char line[LINE_BYTES];
    if (fgets(line, sizeof line, f)) {
        mst_str_t s = mst_str_c(line);
        bool whole = (s.n > 0 && s.p[s.n - 1] == '\n') || feof(f);
        s = mst_str_trim(s);
        ok = whole && s.n > 0 && s.n < out_bytes;
        if (ok)
            put(out, out_bytes, s);
    }
    fclose(f);
    return ok;
}

bool
mst_file_value(const char *path, const char *name, char *out, size_t out_bytes)
{
    out[0] = '\0';
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = false;
    char line[LINE_BYTES];
    for (int n = 0; n < LINES_MAX && !ok && fgets(line, sizeof line, f); n++) {
        mst_str_t s = mst_str_c(line);
        ok = mst_str_starts(s, mst_str_c(name));
        if (ok)
            put(out, out_bytes, mst_str_trim(mst_str(s.p + strlen(name), s.n - strlen(name))));
    }
    fclose(f);
    return ok;
}
