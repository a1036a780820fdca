// Files are mapped, not read: weights of some hundred megabytes are then there at once, are shared with other processes
// of the machine, and pages that nothing uses cost nothing. The price: a file must not be cut short while it is in use.
#include "worker/model/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *
variable(const mst_config_env_t *env, const char *name)
{
    const char *v = env != NULL && env->getenv_fn != NULL ? env->getenv_fn(env->ud, name) : NULL;
    return v != NULL && v[0] != '\0' ? v : NULL;
}

// The folder of the Hugging Face cache, as its own tools find it.
static bool
cache_folder(const mst_config_env_t *env, char *out, size_t max)
{
    const char *hub = variable(env, "HF_HUB_CACHE"), *hf = variable(env, "HF_HOME"), *home = variable(env, "HOME");
    const char *xdg = variable(env, "XDG_CACHE_HOME");
    int n = 0;
    if (hub != NULL)
        n = snprintf(out, max, "%s", hub);
    else if (hf != NULL)
        n = snprintf(out, max, "%s/hub", hf);
    else if (xdg != NULL)
        n = snprintf(out, max, "%s/huggingface/hub", xdg);
    else if (home != NULL)
        n = snprintf(out, max, "%s/.cache/huggingface/hub", home);
    return n > 0 && (size_t)n < max;
}

// The first line of refs/main names the snapshot.
static bool
snapshot(const char *model, char *out, size_t max)
{
    char path[MST_FOLDER_PATH_MAX], commit[128] = "";
    int n = snprintf(path, sizeof path, "%s/refs/main", model);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    if (f == NULL)
        return false;
    bool ok = fgets(commit, sizeof commit, f) != NULL;
    fclose(f);
    commit[strcspn(commit, "\r\n")] = '\0';
    if (!ok || commit[0] == '\0' || strchr(commit, '/') != NULL || commit[0] == '.')
        return false;
    n = snprintf(out, max, "%s/snapshots/%s", model, commit);
    return n > 0 && (size_t)n < max && is_folder(out);
}

// hub/models--org--name
static bool
cached(const char *hub, const char *org, mst_str_t name, char *out)
{
    char model[MST_FOLDER_PATH_MAX];
    int n = snprintf(model, sizeof model, "%s/models--%s%s", hub, org, org[0] != '\0' ? "--" : "");
    size_t at = n > 0 ? (size_t)n : sizeof model;
    for (size_t i = 0; i < name.n; i++) {
        bool slash = name.p[i] == '/';
        if (at + 3 > sizeof model)
            return false;
        model[at++] = slash ? '-' : name.p[i];
        if (slash)
            model[at++] = '-';
    }
    if (at >= sizeof model)
        return false;
    model[at] = '\0';
    return snapshot(model, out, MST_FOLDER_PATH_MAX);
}

static bool
is_hub_name(mst_str_t name)
{
    size_t slashes = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.' || c == '/';
        slashes += c == '/';
        if (!ok)
            return false;
    }
    return name.n > 0 && slashes <= 1 && name.p[0] != '/' && name.p[0] != '.' && name.p[name.n - 1] != '/';
}

mst_rc
mst_folder_find(mst_str_t name, const mst_config_env_t *env, char out[MST_FOLDER_PATH_MAX], mst_err_t *err)
{
    char hub[MST_FOLDER_PATH_MAX] = "";
    if (name.n == 0 || name.n >= MST_FOLDER_PATH_MAX || memchr(name.p, 0, name.n) != NULL)
        return MST_ERR(err, MST_INVAL, "a model's name must be a path of 1 to %d bytes", MST_FOLDER_PATH_MAX - 1);
    snprintf(out, MST_FOLDER_PATH_MAX, "%.*s", MST_FMT(name));
    if (is_folder(out))
        return MST_OK;
    if (!is_hub_name(name))
        return MST_ERR(err, MST_NOTFOUND,
                       "model \"%.*s\": there is no such folder; it must hold config.json, model.safetensors and the "
                       "tokenizer's files",
                       MST_FMT(name));
    if (cache_folder(env, hub, sizeof hub)) {
        bool whole = memchr(name.p, '/', name.n) != NULL;
        if (cached(hub, "", name, out) || (!whole && cached(hub, "sentence-transformers", name, out)))
            return MST_OK;
    }
    return MST_ERR(err, MST_NOTFOUND,
                   "model \"%.*s\": there is no such folder, and it is not in the cache %s; get it with 'hf download "
                   "%.*s', or set model to the folder of a model",
                   MST_FMT(name), hub[0] != '\0' ? hub : "of Hugging Face", MST_FMT(name));
}

void
mst_folder_init(mst_folder_t *f, const char *path)
{
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "%s", path);
}

void
mst_folder_deinit(mst_folder_t *f)
{
    for (size_t i = 0; i < f->count; i++)
        (void)munmap(f->mapped[i].p, f->mapped[i].n);
    f->count = 0;
}

static mst_rc
open_file(const char *path, int *out_fd, size_t *out_n, mst_err_t *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold this up before it is refused
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return MST_ERR_SUB(err, MST_NOTFOUND, errno, "there is no file \"%s\"", path);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int e = errno;
        if (fd >= 0)
            close(fd);
        return MST_ERR_SUB(err, MST_IO, e, "could not open \"%s\": %s", path, strerror(e));
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return MST_ERR(err, MST_INVAL, "\"%s\" is not a file", path);
    }
    *out_fd = fd;
    *out_n = (size_t)st.st_size;
    return MST_OK;
}

static mst_rc
map_file(void *ud, const char *name, mst_str_t *out, mst_err_t *err)
{
    mst_folder_t *f = ud;
    char path[MST_FOLDER_PATH_MAX + 512];
    int fd = -1, n = snprintf(path, sizeof path, "%s/%s", f->path, name);
    size_t bytes = 0;
    if (n < 0 || (size_t)n >= sizeof path || f->count == MST_FOLDER_FILES_MAX)
        return MST_ERR(err, MST_LIMIT, "the path of \"%s\" is too long, or there are too many files", name);
    mst_rc rc = open_file(path, &fd, &bytes, err);
    if (rc != MST_OK)
        return rc;
    *out = MST_STR_NULL;
    if (bytes > 0) {
        void *p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            rc = MST_ERR_SUB(err, MST_IO, errno, "could not map \"%s\": %s", path, strerror(errno));
        } else {
            f->mapped[f->count].p = p;
            f->mapped[f->count++].n = bytes;
            *out = mst_str(p, bytes);
        }
    }
    close(fd);
    return rc;
}

mst_nn_files_t
mst_folder_files(mst_folder_t *f)
{
    return (mst_nn_files_t){.read = map_file, .ud = f};
}

mst_rc
mst_folder_read_file(const char *path, size_t max, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    int fd = -1;
    size_t bytes = 0, have = 0;
    mst_rc rc = open_file(path, &fd, &bytes, err);
    if (rc != MST_OK)
        return rc;
    char *p = bytes <= max ? mst_arena_alloc_raw(arena, bytes) : NULL;
    if (p == NULL)
        rc = MST_ERR(err, MST_LIMIT, "\"%s\" has %zu bytes, more than there is room for", path, bytes);
    while (rc == MST_OK && have < bytes) {
        ssize_t n = read(fd, p + have, bytes - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = MST_ERR_SUB(err, MST_IO, errno, "could not read \"%s\": %s", path, strerror(errno));
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    *out = mst_str(p, have);
    return rc;
}
