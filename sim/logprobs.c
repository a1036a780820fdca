// Numbers are kept in millionths and written digit by digit: printf would be the dearest part of an event.
#include "sim/logprobs.h"

#include "common/base/hash.h"
#include "common/json/json.h"
#include "sim/plan.h"
#include "sim/request.h"
#include "sim/words.h"

#include <math.h>

#define LOGPROB_SCALE  0.35   // mean of -logprob: a fairly sure model
#define LOGPROB_MIN    -100.0 // nothing drawn is lower
#define MICRO          1000000
#define SPECIAL_STREAM 0x5bd1e995ULL
#define PROMPT_STREAM  0x2545f491ULL
#define HALF_MICRO     (-693147)
#define TOP_STEP_MICRO 700000 // how much less likely each next alternative is

static bool
is_plain(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            return false;
    }
    return true;
}

void
mst_sim_json_str(mst_buf_t *out, mst_str_t s)
{
    if (!is_plain(s)) {
        mst_jw_t w;
        mst_jw_init(&w, out);
        mst_jw_str(&w, s);
        return;
    }
    char *p = mst_buf_reserve(out, s.n + 2);
    if (p == NULL)
        return;
    p[0] = '"';
    if (s.n > 0)
        memcpy(p + 1, s.p, s.n);
    p[s.n + 1] = '"';
    out->n += s.n + 2;
}

void
mst_sim_json_u64(mst_buf_t *out, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    mst_buf_add(out, digits + at, sizeof digits - at);
}

mst_sim_logprob_t
mst_sim_logprob_draw(const mst_sim_opts_t *o, uint64_t seed, uint64_t i)
{
    double odds = o->logprob_nan + o->logprob_sentinel + o->logprob_null;
    if (odds > 0) {
        double u = mst_sim_unit(seed ^ SPECIAL_STREAM, i);
        if (u < o->logprob_nan)
            return (mst_sim_logprob_t){MST_SIM_LP_NAN, 0};
        if (u < o->logprob_nan + o->logprob_sentinel)
            return (mst_sim_logprob_t){MST_SIM_LP_SENTINEL, 0};
        if (u < odds)
            return (mst_sim_logprob_t){MST_SIM_LP_NULL, 0};
    }
    double v = LOGPROB_SCALE * log1p(-mst_sim_unit(seed, i));
    v = v < LOGPROB_MIN ? LOGPROB_MIN : v;
    int64_t micro = (int64_t)(v * MICRO - 0.5);
    return (mst_sim_logprob_t){MST_SIM_LP_NUMBER, micro < 0 ? micro : -1};
}

mst_sim_logprob_t
mst_sim_logprob_given(double v)
{
    if (isnan(v))
        return (mst_sim_logprob_t){MST_SIM_LP_NAN, 0};
    if (isinf(v))
        return (mst_sim_logprob_t){MST_SIM_LP_NULL, 0};
    v = v > 1e9 ? 1e9 : v < -1e9 ? -1e9 : v;
    return (mst_sim_logprob_t){MST_SIM_LP_NUMBER, (int64_t)(v * MICRO + (v < 0 ? -0.5 : 0.5))};
}

void
mst_sim_logprob_add(mst_sim_logprob_t lp, mst_buf_t *out)
{
    if (lp.kind != MST_SIM_LP_NUMBER) {
        static const char *const texts[] = {"", "NaN", "-9999.0", "null"};
        mst_buf_add_c(out, texts[lp.kind]);
        return;
    }
    uint64_t v = (uint64_t)(lp.micro < 0 ? -lp.micro : lp.micro);
    char fraction[7] = ".000000";
    for (uint64_t rest = v % MICRO, i = 6; i > 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    if (lp.micro < 0)
        mst_buf_add_byte(out, '-');
    mst_sim_json_u64(out, v / MICRO);
    mst_buf_add(out, fraction, sizeof fraction);
}

// {"token":" of","logprob":-0.12,"bytes":[32,111,102]  -- without the closing brace
static void
add_token(mst_str_t token, mst_sim_logprob_t lp, mst_buf_t *out)
{
    mst_buf_add_str(out, MST_STR("{\"token\":"));
    mst_sim_json_str(out, token);
    mst_buf_add_str(out, MST_STR(",\"logprob\":"));
    mst_sim_logprob_add(lp, out);
    mst_buf_add_str(out, MST_STR(",\"bytes\":["));
    for (size_t i = 0; i < token.n; i++) {
        if (i > 0)
            mst_buf_add_byte(out, ',');
        mst_sim_json_u64(out, (unsigned char)token.p[i]);
    }
    mst_buf_add_byte(out, ']');
}

void
mst_sim_logprob_render(mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, uint32_t top, mst_buf_t *out)
{
    mst_sim_alternative_t others[MST_SIM_TOP_MAX];
    uint32_t rank, count = mst_sim_alternatives(token, lp, seed, false, top, others, &rank);
    add_token(token, lp, out);
    mst_buf_add_str(out, MST_STR(",\"top_logprobs\":["));
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            mst_buf_add_byte(out, ',');
        add_token(others[i].token, others[i].lp, out);
        mst_buf_add_byte(out, '}');
    }
    mst_buf_add_str(out, MST_STR("]}"));
}

uint64_t
mst_sim_chain_begin(const mst_sim_opts_t *o)
{
    return mst_sim_mix(o->seed, PROMPT_STREAM);
}

uint64_t
mst_sim_chain_add(uint64_t chain, mst_str_t token)
{
    return mst_sim_mix(chain, mst_xxh64(token, 0));
}

mst_sim_logprob_t
mst_sim_prompt_logprob(const mst_sim_opts_t *o, uint64_t chain)
{
    return mst_sim_logprob_draw(o, chain, 0);
}

uint32_t
mst_sim_alternatives(mst_str_t token, mst_sim_logprob_t lp, uint64_t seed, bool prompt, uint32_t count,
                     mst_sim_alternative_t *out, uint32_t *out_rank)
{
    // under one half, some other token has all the rest of the mass
    bool second = prompt && lp.kind == MST_SIM_LP_NUMBER && lp.micro < HALF_MICRO;
    uint32_t n = 0;
    int64_t low = lp.micro;
    *out_rank = second ? 2 : 1;
    for (uint64_t word = 1; n < count; word++) {
        mst_sim_alternative_t *to = &out[n];
        if (n + 1 == *out_rank) {
            *to = (mst_sim_alternative_t){token, lp};
            n++;
            continue;
        }
        to->token = mst_sim_word(seed + word);
        if (mst_str_eq(to->token, token))
            continue;
        to->lp = lp;
        if (second && n == 0)
            to->lp.micro = (int64_t)(log1p(-exp((double)lp.micro / MICRO)) * MICRO - 0.5);
        else
            to->lp.micro = low -= TOP_STEP_MICRO;
        n++;
    }
    return n;
}
