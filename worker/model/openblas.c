// Two things are settled before the library is loaded, and it reads both from the environment:
// - one thread: else it starts one for every processor while it loads;
// - its kernels: older versions take newer processors for very old ones (Debian 12's takes Sapphire Rapids for a
//   Prescott, a fifth of the speed). An OPENBLAS_CORETYPE of the user's stands.
// The environment of a process that has threads cannot be changed safely: setenv may free what another thread's getenv
// is reading. So a second list is made, shown while the library loads, and never freed.
#include "worker/model/openblas.h"

#include "common/base/mem.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A function pointer out of an object pointer: the one conversion that POSIX promises and C does not know.
static bool
resolve(void *library, const char *name, void *out_fn, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(out_fn, &symbol, size);
    return symbol != NULL;
}

// The setting for this processor's vectors; NULL leaves the choice to the library.
static const char *
kernels(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        return "OPENBLAS_CORETYPE=SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "OPENBLAS_CORETYPE=Haswell";
#endif
    return NULL;
}

static void *
load(void)
{
    static char **volatile shown; // kept for ever: a getenv that began meanwhile may still be reading it
    char **before = environ, **during;
    size_t count = 0, n = 0;
    while (before[count] != NULL)
        count++;
    during = MST_NEW_ARRAY(char *, count + 3);
    during[n++] = mst_xstrdup("OPENBLAS_NUM_THREADS=1"); // the first of a name counts
    if (getenv("OPENBLAS_CORETYPE") == NULL && kernels() != NULL)
        during[n++] = mst_xstrdup(kernels());
    memcpy(during + n, before, count * sizeof *before);
    shown = during;
    environ = shown;
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    environ = before;
    return library;
}

mst_rc
mst_openblas_open(mst_blas_t *out, mst_err_t *err)
{
    void (*set_threads)(int) = NULL;
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    _Static_assert(sizeof(mst_sgemm_fn *) == sizeof(void *), "pointers to functions and to objects are of one size");
    if (library == NULL)
        library = load();
    if (library == NULL)
        return MST_ERR(err, MST_UNSUPPORTED,
                       "OpenBLAS is not installed (%s); local models need it: apt-get install libopenblas0", dlerror());
    if (!resolve(library, "cblas_sgemm", &out->sgemm, sizeof out->sgemm) ||
        !resolve(library, "cblas_dgemm", &out->dgemm, sizeof out->dgemm))
        return MST_ERR(err, MST_UNSUPPORTED, "libopenblas.so.0 has no cblas_sgemm and cblas_dgemm");
    if (resolve(library, "openblas_set_num_threads", &set_threads, sizeof set_threads))
        set_threads(1);
    return MST_OK;
}
