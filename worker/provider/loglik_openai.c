// Log-likelihoods out of /v1/completions: prompt_logprobs, keyed by token id with rank and text (vLLM), or the logprobs
// of an echoed prompt: tokens, token_logprobs and, keyed by text, top_logprobs.
#include "worker/provider/loglik.h"

static mst_rc
full(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
}

static mst_rc
none(mst_err_t *err)
{
    (void)MST_ERR(err, MST_PROTO, "the answer has no log-probabilities of the prompt: the server does not give them");
    err->retry = MST_RETRY_NEVER;
    return MST_PROTO;
}

// The entry of the token that stands there: by its id where the prompt's ids came too; else the one of the worst rank,
// since beside it there is at most the likeliest.
static const mst_json_t *
entry_of(const mst_json_t *place, const mst_json_t *ids, size_t i)
{
    int64_t id = 0, rank = 0, worst = 0;
    const mst_json_t *found = NULL;
    bool has_id = mst_json_i64(mst_json_at(ids, i), &id);
    for (size_t k = 0; mst_json_is(place, MST_JSON_OBJ) && k < place->count; k++) {
        const mst_json_member_t *m = &place->u.members[k];
        uint64_t key = 0;
        if (has_id && mst_str_to_u64(m->key, &key) && key == (uint64_t)id)
            return &m->value;
        if (!mst_json_i64(mst_json_get(&m->value, "rank"), &rank))
            rank = 0;
        if (found == NULL || rank > worst) {
            found = &m->value;
            worst = rank;
        }
    }
    return has_id ? NULL : found;
}

static mst_rc
from_prompt(mst_decoder_t *d, const mst_json_t *list, const mst_json_t *ids, mst_err_t *err)
{
    mst_prompt_token_t *tokens = MST_ARENA_ARRAY(d->scratch, mst_prompt_token_t, list->count);
    if (tokens == NULL)
        return full(err);
    if (!mst_json_is(ids, MST_JSON_ARR) || ids->count != list->count)
        ids = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const mst_json_t *entry = entry_of(mst_json_at(list, i), ids, i);
        int64_t rank = 0;
        (void)mst_json_str(mst_json_get(entry, "decoded_token"), &tokens[i].text);
        tokens[i].told = mst_json_f64(mst_json_get(entry, "logprob"), &tokens[i].logprob);
        tokens[i].best_told = mst_json_i64(mst_json_get(entry, "rank"), &rank);
        tokens[i].best = rank == 1;
    }
    return mst_loglik_take(d, tokens, list->count, 0, err);
}

// Is the token as likely as the likeliest that the server tells?
static bool
is_best(const mst_json_t *top, double logprob, bool *told)
{
    bool best = true;
    for (size_t i = 0; mst_json_is(top, MST_JSON_OBJ) && i < top->count; i++) {
        double v = 0.0;
        if (!mst_json_f64(&top->u.members[i].value, &v))
            continue;
        *told = true;
        best = best && v <= logprob;
    }
    return best && *told;
}

static mst_rc
from_echo(mst_decoder_t *d, const mst_json_t *logprobs, size_t generated, mst_err_t *err)
{
    const mst_json_t *texts = mst_json_get(logprobs, "tokens"), *values = mst_json_get(logprobs, "token_logprobs"),
                     *top = mst_json_get(logprobs, "top_logprobs");
    bool lists = mst_json_is(texts, MST_JSON_ARR) && mst_json_is(values, MST_JSON_ARR);
    if (!lists || texts->count != values->count || texts->count == 0)
        return none(err);
    mst_prompt_token_t *tokens = MST_ARENA_ARRAY(d->scratch, mst_prompt_token_t, texts->count);
    if (tokens == NULL)
        return full(err);
    for (size_t i = 0; i < texts->count; i++) {
        mst_prompt_token_t *t = &tokens[i];
        (void)mst_json_str(mst_json_at(texts, i), &t->text);
        t->told = mst_json_f64(mst_json_at(values, i), &t->logprob);
        t->best = t->told && mst_json_is(top, MST_JSON_ARR) && is_best(mst_json_at(top, i), t->logprob, &t->best_told);
    }
    return mst_loglik_take(d, tokens, texts->count, generated, err);
}

mst_rc
mst_loglik_openai(mst_decoder_t *d, const mst_json_t *root, mst_err_t *err)
{
    const mst_json_t *choice = mst_json_at(mst_json_get(root, "choices"), 0);
    const mst_json_t *prompt = mst_json_get(choice, "prompt_logprobs"), *ids = mst_json_get(choice, "prompt_token_ids");
    int64_t generated = 1;
    if (!mst_json_is(prompt, MST_JSON_ARR)) {
        prompt = mst_json_get(root, "prompt_logprobs");
        ids = mst_json_get(root, "prompt_token_ids");
    }
    if (mst_json_is(prompt, MST_JSON_ARR) && prompt->count > 0)
        return from_prompt(d, prompt, ids, err);
    if (mst_json_i64(mst_json_path(root, MST_STR("usage.completion_tokens")), &generated) && generated < 0)
        generated = 1;
    const mst_json_t *logprobs = mst_json_get(choice, "logprobs");
    return mst_json_is(logprobs, MST_JSON_OBJ) ? from_echo(d, logprobs, generated > 8 ? 8 : (size_t)generated, err)
                                               : none(err);
}
