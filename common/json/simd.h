// The C face of the one C++ file: simdjson's parser and C++17's shortest number text. No type of ours goes in or
// out, so that our headers need not compile as C++.
// Thread: a mst_simd_t belongs to one thread.
#ifndef MST_JSON_SIMD_H
#define MST_JSON_SIMD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mst_simd mst_simd_t;

// The result of a parse in simdjson's documented tape format, valid until the next parse: tape[0] is the root word,
// a word's top byte is its type, the rest its payload; strings are a 32-bit length and bytes in `strings`.
typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
} mst_simd_tape_t;

mst_simd_t *mst_simd_new(void); // NULL without memory
void mst_simd_free(mst_simd_t *s);
// 0, or simdjson's error code: a refusal, or no memory.
int mst_simd_parse(mst_simd_t *s, const char *p, size_t n, mst_simd_tape_t *out);

#define MST_SIMD_F64_MAX 40
// "-d.ddde-XX", the fewest digits that read back as v (finite). Returns bytes written, no NUL.
size_t mst_simd_f64(double v, char out[MST_SIMD_F64_MAX]);

#ifdef __cplusplus
}
#endif

#endif
