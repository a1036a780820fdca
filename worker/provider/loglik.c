#include "worker/provider/loglik.h"

#include <math.h>

#define SENTINEL        (-9000.0) // and below: a server's way of saying that it does not know
#define TOKEN_BYTES_MAX 256       // of a token whose text is not told; a longer gap is a prompt that was cut

static const char broken[] = "\xef\xbf\xbd"; // U+FFFD, for part of a character

static bool
is_part(mst_str_t s)
{
    return s.n > 0 && memmem(s.p, s.n, broken, sizeof broken - 1) != NULL;
}

static bool
ends_at(mst_str_t text, size_t end, mst_str_t token)
{
    return token.n == 0 || (token.n <= end && memcmp(text.p + end - token.n, token.p, token.n) == 0);
}

// Where the token begins that ends at `end` or, behind `unknown` tokens whose bytes are not known, up to 4 bytes a
// token before. False: nowhere. A token that opens the text may have a blank of its own in front (SentencePiece).
static bool
place(mst_str_t text, size_t *end, size_t unknown, mst_str_t token)
{
    size_t most = unknown > 0 ? 4 * unknown + 3 : 0;
    for (size_t gap = unknown; gap <= most && gap <= *end; gap++) {
        size_t at = *end - gap;
        if (ends_at(text, at, token)) {
            *end = at;
            return true;
        }
        if (at > 0 && token.n == at + 1 && token.p[0] == ' ' && memcmp(text.p, token.p + 1, at) == 0) {
            *end = at;
            return true;
        }
    }
    return false;
}

bool
mst_loglik_align(mst_str_t text, size_t tail, const mst_prompt_token_t *tokens, size_t n, size_t *first, bool *merged)
{
    size_t end = text.n, unknown = 0;
    if (tail == 0 || tail > text.n)
        return false;
    size_t start = text.n - tail;
    for (size_t i = n; i > 0; i--) {
        mst_str_t token = tokens[i - 1].text;
        size_t behind = end;
        if (is_part(token)) {
            unknown++;
            continue;
        }
        *first = i;
        *merged = false;
        if (!place(text, &end, unknown, token)) // or a special token, in front of a text that begins with parts
            return start == 0 && unknown > 0 && behind <= 4 * unknown;
        if (unknown > 0 && end <= start)
            return end == start; // else it began among tokens whose bytes are not known
        unknown = 0;
        end -= token.n < end ? token.n : end;
        if (end <= start) {
            *first = i - 1;
            *merged = end < start;
            return true;
        }
    }
    *first = 0;
    *merged = false;
    // nothing is told of the token that opens the text, not even what it spells (vLLM without a token of its own there)
    if (start == 0 && unknown == 0 && n > 1 && !tokens[0].told && tokens[0].text.n == 0)
        return end <= TOKEN_BYTES_MAX;
    return start == 0 && unknown > 0 && end <= 4 * unknown;
}

static mst_rc
not_measured(mst_err_t *err, const char *why, size_t i, double v)
{
    (void)MST_ERR(err, MST_PROTO, "token %zu of the continuation %s (%g): its log-likelihood is not known", i + 1, why,
                  v);
    err->retry = MST_RETRY_NEVER;
    return MST_PROTO;
}

static mst_rc
sum(mst_decoder_t *d, const mst_prompt_token_t *tokens, size_t n, mst_err_t *err)
{
    mst_completion_t *c = &d->c;
    mst_rc rc = MST_OK;
    double total = 0.0;
    c->loglik_greedy = c->loglik_greedy_known = true;
    for (size_t i = 0; i < n && rc == MST_OK; i++) {
        const mst_prompt_token_t *t = &tokens[i];
        if (!t->told)
            return not_measured(err, "has no logprob", i, (double)NAN);
        if (!isfinite(t->logprob) || t->logprob <= SENTINEL || t->logprob > 0)
            return not_measured(err, "has a logprob that is none", i, t->logprob);
        total += t->logprob;
        c->loglik_greedy_known = c->loglik_greedy_known && t->best_told;
        c->loglik_greedy = c->loglik_greedy && t->best;
        rc = mst_decoder_logprob(d, (float)t->logprob, err);
    }
    if (rc != MST_OK)
        return rc;
    c->loglik_greedy = c->loglik_greedy && c->loglik_greedy_known;
    c->has_loglik = true;
    c->loglik = total;
    c->loglik_tokens = (uint32_t)n;
    return MST_OK;
}

// The prompt as it was asked about, in scratch.
static bool
asked_text(mst_decoder_t *d, mst_str_t *out)
{
    const mst_ask_t *ask = d->ask;
    size_t n = ask->context.n + ask->continuation.n;
    char *p = mst_arena_alloc_raw(d->scratch, n + 1);
    if (p == NULL)
        return false;
    if (ask->context.n > 0)
        memcpy(p, ask->context.p, ask->context.n);
    if (ask->continuation.n > 0)
        memcpy(p + ask->context.n, ask->continuation.p, ask->continuation.n);
    *out = mst_str(p, n);
    return true;
}

mst_rc
mst_loglik_take(mst_decoder_t *d, const mst_prompt_token_t *tokens, size_t n, size_t tail_tokens, mst_err_t *err)
{
    mst_str_t text;
    size_t first = 0, end = 0;
    bool merged = false, found = false;
    if (!asked_text(d, &text))
        return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
    // the server may have generated fewer than it was asked for
    for (size_t left = tail_tokens + 1; left > 0 && !found; left--) {
        if (left - 1 > n)
            continue;
        end = n - (left - 1);
        found = mst_loglik_align(text, d->ask->continuation.n, tokens, end, &first, &merged);
    }
    if (!found) {
        (void)MST_ERR(err, MST_PROTO,
                      "the %zu prompt tokens of the answer do not spell the end of the text that was asked about", n);
        err->retry = MST_RETRY_NEVER;
        return MST_PROTO;
    }
    // nothing comes before the first token of a text: no server can say how likely it is
    bool open = d->ask->kind == MST_ASK_ROLLING && first == 0 && !tokens[0].told && end > 1;
    first += open;
    d->c.loglik_merged = merged;
    return sum(d, tokens + first, end - first, err);
}
