// Slices: pointer and length, never NUL-terminated. A slice borrows; its owner is named where it is made.
// Thread: any; no shared state. Nothing here can fail or allocate.
#ifndef MST_BASE_STR_H
#define MST_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *p; // may be NULL when n == 0
    size_t n;      // bytes
} mst_str_t;

#define MST_STR(lit)  ((mst_str_t){"" lit, sizeof(lit) - 1})
#define MST_STR_NULL  ((mst_str_t){NULL, 0})
// For printf: "%.*s", MST_FMT(s). Cuts at INT_MAX.
#define MST_FMT(s)    ((int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n)), ((s).p ? (s).p : "")

static inline mst_str_t
mst_str(const char *p, size_t n)
{
    return (mst_str_t){p, n};
}

static inline mst_str_t
mst_str_c(const char *z) // z: NUL-terminated, NULL allowed
{
    return (mst_str_t){z, z ? strlen(z) : 0};
}

bool mst_str_eq(mst_str_t a, mst_str_t b);
bool mst_str_eq_c(mst_str_t a, const char *z);
bool mst_str_starts(mst_str_t s, mst_str_t prefix);
bool mst_str_ends(mst_str_t s, mst_str_t suffix);
// Bytewise order, shorter first on a tie; <0, 0, >0.
int mst_str_cmp(mst_str_t a, mst_str_t b);
// Offset of the first occurrence at or after from, or -1. An empty needle is found at from.
int64_t mst_str_find(mst_str_t s, mst_str_t needle, size_t from);
// Without ASCII blanks (space, \t \n \v \f \r) at both ends.
mst_str_t mst_str_trim(mst_str_t s);
// View of at most n bytes, cut back to a UTF-8 character boundary.
mst_str_t mst_str_cut(mst_str_t s, size_t n);
// Whole slice as a decimal number; false when it is not one, or out of range.
bool mst_str_to_i64(mst_str_t s, int64_t *out);
bool mst_str_to_u64(mst_str_t s, uint64_t *out);
// Locale-independent strtod over the whole slice; accepts inf/nan only when allow_nonfinite.
bool mst_str_to_f64(mst_str_t s, bool allow_nonfinite, double *out);
// Optimal string alignment distance of two short names (each cut to 64 bytes), for "did you mean".
size_t mst_str_distance(mst_str_t a, mst_str_t b);

#endif
