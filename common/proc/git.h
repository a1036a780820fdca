// Which commit a directory stands at, read from git's own files: no child process, no library.
// Blocking file reads, all capped. Thread: any; no shared state.
#ifndef MST_PROC_GIT_H
#define MST_PROC_GIT_H

#include <stdbool.h>

typedef struct {
    char sha[65];     // 40 or 64 lower-case hex digits; empty = not known (no commit yet, unknown storage)
    char branch[256]; // "main"; empty = detached head
} mst_git_t;

// Looks for a repository in dir and above it; knows linked worktrees, submodules and packed refs. False and both
// empty: dir is in none, or its files are not what git writes.
bool mst_git_read(const char *dir, mst_git_t *out);

#endif
