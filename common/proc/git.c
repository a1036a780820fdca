#include "common/proc/git.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/str.h"
#include "common/proc/file.h"

// .git is a directory, or a file "gitdir: PATH" (worktree, submodule). HEAD in there is a commit, or "ref: NAME". A
// worktree keeps only its own refs; `commondir` in its directory names the place of all others. A ref is a file of
// its own, or a line of packed-refs. Everything here may be written by anyone: lengths are capped, a ref name cannot
// lead out of the directory, what is no hash is dropped.

enum { LEVELS_MAX = 64, LINKS_MAX = 5, LINE_MAX_BYTES = 1024, PACKED_LINES_MAX = 1000000 };

typedef struct {
    char dir[PATH_MAX];    // HEAD is here
    char common[PATH_MAX]; // the refs of all worktrees are here
} repo_t;

static bool
is_hash(mst_str_t s)
{
    if (s.n != 40 && s.n != 64)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    }
    return true;
}

// The first line of dir/name without blanks at its ends.
static bool
read_line(const char *dir, const char *name, char line[LINE_MAX_BYTES])
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return false;
    return mst_file_line(path, line, LINE_MAX_BYTES);
}

// base/path, or path when it is absolute.
static bool
join(char out[PATH_MAX], const char *base, const char *path)
{
    int n = path[0] == '/' ? snprintf(out, PATH_MAX, "%s", path) : snprintf(out, PATH_MAX, "%s/%s", base, path);
    return n < PATH_MAX;
}

static bool
open_repo(const char *top, repo_t *repo)
{
    char dot_git[PATH_MAX], line[LINE_MAX_BYTES];
    struct stat st;
    if (!join(dot_git, top, ".git") || stat(dot_git, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode)) {
        memcpy(repo->dir, dot_git, sizeof dot_git);
    } else {
        static const char prefix[] = "gitdir: ";
        if (!read_line(top, ".git", line) || strncmp(line, prefix, sizeof prefix - 1) != 0 ||
            !join(repo->dir, top, line + sizeof prefix - 1))
            return false;
    }
    if (read_line(repo->dir, "commondir", line))
        return join(repo->common, repo->dir, line);
    memcpy(repo->common, repo->dir, sizeof repo->dir);
    return true;
}

static bool
find_repo(const char *dir, repo_t *repo)
{
    char top[PATH_MAX];
    if (!realpath(dir, top))
        return false;
    for (int level = 0; level < LEVELS_MAX; level++) {
        if (open_repo(top, repo))
            return true;
        char *slash = strrchr(top, '/');
        if (!slash || top[1] == '\0')
            return false;
        slash[slash == top] = '\0'; // the root keeps its slash
    }
    return false;
}

static bool
find_packed(const repo_t *repo, const char *ref, char line[LINE_MAX_BYTES])
{
    char path[PATH_MAX];
    if (!join(path, repo->common, "packed-refs"))
        return false;
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool found = false, whole = true;
    for (long n = 0; n < PACKED_LINES_MAX && !found && fgets(line, LINE_MAX_BYTES, f); n++) {
        mst_str_t s = mst_str_c(line);
        bool starts_line = whole; // not the rest of one that did not fit
        whole = s.n > 0 && s.p[s.n - 1] == '\n';
        s = mst_str_trim(s);
        int64_t space = mst_str_find(s, MST_STR(" "), 0);
        if (!starts_line || space < 0 || !mst_str_eq_c(mst_str(s.p + space + 1, s.n - (size_t)space - 1), ref))
            continue;
        line[space] = '\0';
        found = true;
    }
    fclose(f);
    return found;
}

static bool
safe_ref(const char *ref)
{
    return strncmp(ref, "refs/", 5) == 0 && !strstr(ref, "..") && strlen(ref) < 256;
}

// Follows ref, which may be symbolic itself, to a hash.
static void
resolve(const repo_t *repo, const char *head, mst_git_t *out)
{
    char line[LINE_MAX_BYTES], ref[256];
    snprintf(line, sizeof line, "%s", head);
    for (int link = 0; link < LINKS_MAX; link++) {
        if (is_hash(mst_str_c(line))) {
            snprintf(out->sha, sizeof out->sha, "%.64s", line);
            return;
        }
        if (strncmp(line, "ref: ", 5) != 0 || !safe_ref(line + 5))
            return;
        snprintf(ref, sizeof ref, "%.255s", line + 5);
        if (!read_line(repo->dir, ref, line) && !read_line(repo->common, ref, line) && !find_packed(repo, ref, line))
            return;
    }
}

bool
mst_git_read(const char *dir, mst_git_t *out)
{
    repo_t repo;
    char head[LINE_MAX_BYTES];
    *out = (mst_git_t){0};
    if (!find_repo(dir, &repo) || !read_line(repo.dir, "HEAD", head))
        return false;
    static const char branch[] = "ref: refs/heads/";
    if (strncmp(head, branch, sizeof branch - 1) == 0 && safe_ref(head + 5) && head[sizeof branch - 1] != '.')
        snprintf(out->branch, sizeof out->branch, "%.255s", head + sizeof branch - 1);
    resolve(&repo, head, out);
    return out->sha[0] != '\0' || out->branch[0] != '\0';
}
