// xoshiro256** and what is drawn with it.
#include "common/base/prng.h"

#include "common/base/err.h"

#include <errno.h>
#include <math.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 wide_t;

static uint64_t
rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t
splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

void
mst_prng_seed(mst_prng_t *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
}

uint64_t
mst_prng_u64(mst_prng_t *r)
{
    uint64_t result = rotate(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return result;
}

// Lemire's method (2019): the high word of a product; the few low words that would favour a number are drawn again.
uint64_t
mst_prng_below(mst_prng_t *r, uint64_t n)
{
    MST_ASSERT(n > 0);
    wide_t product = (wide_t)mst_prng_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;
        while ((uint64_t)product < unfair)
            product = (wide_t)mst_prng_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

double
mst_prng_unit(mst_prng_t *r)
{
    return (double)(mst_prng_u64(r) >> 11) * 0x1.0p-53;
}

double
mst_prng_exp(mst_prng_t *r)
{
    return -log1p(-mst_prng_unit(r));
}

// Box and Muller's cosine half; the sine half is thrown away, so that a state is four words and nothing else.
double
mst_prng_normal(mst_prng_t *r)
{
    double radius = sqrt(2.0 * mst_prng_exp(r));
    return radius * cos(6.283185307179586 * mst_prng_unit(r));
}

uint64_t
mst_entropy_u64(void)
{
    uint64_t v = 0;
    for (;;) {
        ssize_t n = getrandom(&v, sizeof v, 0);
        if (n == (ssize_t)sizeof v)
            return v;
        MST_ASSERT(n >= 0 || errno == EINTR); // Linux 3.17 and later always have it
    }
}
