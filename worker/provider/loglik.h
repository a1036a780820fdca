// Log-likelihoods: which of a prompt's tokens make up the continuation, and what they are worth. Servers tell a
// prompt's tokens with their texts; where they end in the text is found from the end, since special tokens in front
// (<s>) are in no text.
// Thread: the decoder's.
#ifndef MST_WORKER_PROVIDER_LOGLIK_H
#define MST_WORKER_PROVIDER_LOGLIK_H

#include "worker/provider/provider.h"

typedef struct {
    mst_str_t text; // as the server spells it; U+FFFD where it is part of a character
    double logprob; // meaningful when told
    bool told;      // a number came
    bool best;      // the likeliest in its place
    bool best_told;
} mst_prompt_token_t;

// The first of tokens[0..n) that has a byte of the last `tail` bytes of text in it; *merged: that token began before
// them. False: the tokens do not spell the end of the text.
bool mst_loglik_align(mst_str_t text, size_t tail, const mst_prompt_token_t *tokens, size_t n, size_t *first,
                      bool *merged);
// Fills has_loglik, loglik ... and the logprobs of d->c for d's ask from the tokens of the whole prompt. tail_tokens:
// at most so many tokens at the end were generated and are no part of the prompt. MST_PROTO, never to be asked again:
// a token of the continuation has no logprob that can be counted, or the tokens are not those of the text.
MST_NODISCARD mst_rc mst_loglik_take(mst_decoder_t *d, const mst_prompt_token_t *tokens, size_t n, size_t tail_tokens,
                                     mst_err_t *err);

// Answers of /v1/completions to such an ask: prompt_logprobs (vLLM), or echoed logprobs.
MST_NODISCARD mst_rc mst_loglik_openai(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err);

#endif
