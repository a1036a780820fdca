// xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64. The same seed gives the same numbers
// on every machine. Random numbers are an argument of a core, never drawn inside it from the system.
// Thread: a state belongs to one thread.
#ifndef MST_BASE_PRNG_H
#define MST_BASE_PRNG_H

#include <stdint.h>

typedef struct {
    uint64_t s[4];
} mst_prng_t;

void mst_prng_seed(mst_prng_t *r, uint64_t seed);
uint64_t mst_prng_u64(mst_prng_t *r);
uint64_t mst_prng_below(mst_prng_t *r, uint64_t n); // uniform in [0, n); n > 0; no modulo bias
double mst_prng_unit(mst_prng_t *r);                // uniform in [0, 1)
double mst_prng_exp(mst_prng_t *r);                 // exponential, mean 1
double mst_prng_normal(mst_prng_t *r);              // mean 0, deviation 1
uint64_t mst_entropy_u64(void);                     // from the system; edges only

#endif
