#include "common/proc/host.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/str.h"
#include "common/proc/file.h"

// The NVIDIA driver tells its version in /proc/driver/nvidia/version and one directory a device in gpus/. Devices that
// are not visible to this process (another container's) may be listed as well: it says what the host has.

enum { KINDS_MAX = 8, DEVICES_MAX = 64 };

typedef struct {
    char model[64];
    unsigned count;
} kind_t;

static void
count_kind(kind_t kinds[KINDS_MAX], size_t *n, const char *model)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(kinds[i].model, model) == 0) {
            kinds[i].count++;
            return;
        }
    }
    if (*n == KINDS_MAX)
        return;
    snprintf(kinds[*n].model, sizeof kinds[*n].model, "%s", model);
    kinds[(*n)++].count = 1;
}

static void
write_kinds(const kind_t kinds[KINDS_MAX], size_t n, char *out, size_t out_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < n && used < out_bytes; i++) {
        char times[16] = "";
        if (kinds[i].count > 1)
            snprintf(times, sizeof times, "%u x ", kinds[i].count);
        int k = snprintf(out + used, out_bytes - used, "%s%s%s", i > 0 ? ", " : "", times, kinds[i].model);
        used += k > 0 ? (size_t)k : 0;
    }
}

static void
read_devices(const char *proc, mst_host_t *out)
{
    char path[PATH_MAX], model[64];
    kind_t kinds[KINDS_MAX] = {0};
    size_t n = 0;
    snprintf(path, sizeof path, "%s/driver/nvidia/gpus", proc);
    DIR *gpus = opendir(path);
    if (!gpus)
        return;
    const struct dirent *entry;
    for (int left = DEVICES_MAX; left > 0 && (entry = readdir(gpus));) {
        if (entry->d_name[0] == '.')
            continue;
        left--;
        int k = snprintf(path, sizeof path, "%s/driver/nvidia/gpus/%s/information", proc, entry->d_name);
        if (k < (int)sizeof path && mst_file_value(path, "Model:", model, sizeof model) && model[0])
            count_kind(kinds, &n, model);
    }
    closedir(gpus);
    write_kinds(kinds, n, out->device, sizeof out->device);
}

static bool
is_version(mst_str_t word)
{
    if (word.n == 0 || word.p[0] < '0' || word.p[0] > '9' || !memchr(word.p, '.', word.n))
        return false;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] != '.' && (word.p[i] < '0' || word.p[i] > '9'))
            return false;
    }
    return true;
}

// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 ...": the first word of digits and dots.
static void
read_driver(const char *proc, mst_host_t *out)
{
    char path[PATH_MAX], line[512];
    snprintf(path, sizeof path, "%s/driver/nvidia/version", proc);
    if (!mst_file_value(path, "NVRM version:", line, sizeof line))
        return;
    for (const char *p = line; *p;) {
        p += strspn(p, " \t");
        size_t n = strcspn(p, " \t");
        if (is_version(mst_str(p, n))) {
            snprintf(out->driver, sizeof out->driver, "%.*s", (int)n, p);
            return;
        }
        p += n;
    }
}

void
mst_host_read(const char *proc, mst_host_t *out)
{
    *out = (mst_host_t){0};
    if (gethostname(out->name, sizeof out->name - 1) != 0 || !out->name[0])
        snprintf(out->name, sizeof out->name, "unknown");
    cpu_set_t set;
    CPU_ZERO(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    out->cpu_count = allowed > 0 ? (unsigned)allowed : online > 0 ? (unsigned)online : 1;
    read_devices(proc, out);
    read_driver(proc, out);
}

void
mst_usage_read(mst_usage_t *out)
{
    *out = (mst_usage_t){.cpu_ns = mst_cpu_ns()};
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0)
        out->rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    char line[128];
    uint64_t pages;
    long page = sysconf(_SC_PAGESIZE);
    if (!mst_file_line("/proc/self/statm", line, sizeof line) || page <= 0)
        return;
    const char *second = strchr(line, ' ');
    if (second && mst_str_to_u64(mst_str(second + 1, strcspn(second + 1, " ")), &pages))
        out->rss_bytes = pages * (uint64_t)page;
}
