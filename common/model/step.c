// The members of the JSON text stand in one table, so that writing and reading cannot differ. What is not known is left
// out.
#include "common/model/step.h"

#include "common/base/limits.h"

#include <math.h>
#include <stddef.h>

typedef struct {
    const char *name;
    size_t at;
} field_t;

static const field_t numbers[] = {
    // int64_t, MST_NONE = not known
    {"at_ns", offsetof(mst_step_t, at_ns)},
    {"queue_ns", offsetof(mst_step_t, queue_ns)},
    {"ttfb_ns", offsetof(mst_step_t, ttfb_ns)},
    {"ttft_ns", offsetof(mst_step_t, ttft_ns)},
    {"ttfo_ns", offsetof(mst_step_t, ttfo_ns)},
    {"last_token_ns", offsetof(mst_step_t, last_token_ns)},
    {"close_ns", offsetof(mst_step_t, close_ns)},
    {"tpot_ns", offsetof(mst_step_t, tpot_ns)},
    {"prompt_tokens", offsetof(mst_step_t, prompt_tokens)},
    {"completion_tokens", offsetof(mst_step_t, completion_tokens)},
    {"reasoning_tokens", offsetof(mst_step_t, reasoning_tokens)},
    {"usage_tokens", offsetof(mst_step_t, usage_tokens)},
};

static const field_t counts[] = {
    // uint32_t, 0 = left out
    {"attempts", offsetof(mst_step_t, attempts)},           {"merged_reads", offsetof(mst_step_t, merged_reads)},
    {"events", offsetof(mst_step_t, event_count)},          {"logprobs", offsetof(mst_step_t, logprob_count)},
    {"loglik_tokens", offsetof(mst_step_t, loglik_tokens)},
};

static const char *const ask_names[] = {"generate", "loglikelihood", "rolling", "embed"};
static const char *const source_names[] = {"unknown", "logprobs", "usage", "events", "metadata"};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
write_step(mst_jw_t *w, const mst_step_t *s)
{
    const char *base = (const char *)s;
    mst_jw_obj(w);
    mst_jw_key(w, "ask");
    mst_jw_str(w, mst_str_c(ask_names[s->kind]));
    mst_jw_key(w, "outcome");
    mst_jw_str(w, mst_str_c(mst_outcome_name(s->outcome)));
    mst_jw_key(w, "text");
    mst_jw_str(w, s->text);
    if (s->finish_reason.n > 0) {
        mst_jw_key(w, "finish_reason");
        mst_jw_str(w, s->finish_reason);
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        int64_t v;
        memcpy(&v, base + numbers[i].at, sizeof v);
        if (v == MST_NONE)
            continue;
        mst_jw_key(w, numbers[i].name);
        mst_jw_i64(w, v);
    }
    for (size_t i = 0; i < COUNT(counts); i++) {
        uint32_t v;
        memcpy(&v, base + counts[i].at, sizeof v);
        if (v == 0)
            continue;
        mst_jw_key(w, counts[i].name);
        mst_jw_u64(w, v);
    }
    mst_jw_key(w, "token_source");
    mst_jw_str(w, mst_str_c(source_names[s->token_source]));
    mst_jw_key(w, "conn_reused");
    mst_jw_bool(w, s->conn_reused);
    if (s->cached) {
        mst_jw_key(w, "cached");
        mst_jw_bool(w, true);
    }
    if (s->has_loglik) {
        mst_jw_key(w, "loglikelihood");
        mst_jw_f64(w, s->loglik);
        if (s->loglik_greedy_known) {
            mst_jw_key(w, "greedy");
            mst_jw_bool(w, s->loglik_greedy);
        }
        if (s->loglik_merged) {
            mst_jw_key(w, "merged");
            mst_jw_bool(w, true);
        }
    }
    mst_jw_obj_end(w);
}

void
mst_steps_write(const mst_steps_t *s, mst_buf_t *out)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_obj(&w);
    mst_jw_key(&w, "kind");
    mst_jw_str(&w, s->kind);
    mst_jw_key(&w, "scored");
    if (s->scored == MST_STEP_ALL)
        mst_jw_null(&w);
    else
        mst_jw_u64(&w, s->scored);
    mst_jw_key(&w, "steps");
    mst_jw_arr(&w);
    for (uint32_t i = 0; i < s->count; i++)
        write_step(&w, &s->items[i]);
    mst_jw_arr_end(&w);
    mst_jw_obj_end(&w);
}

// Place of a name in a list; count when it is none of them.
static size_t
place(const char *const *names, size_t count, const mst_json_t *v)
{
    mst_str_t s = MST_STR_NULL;
    size_t i = mst_json_str(v, &s) ? 0 : count;
    while (i < count && !mst_str_eq_c(s, names[i]))
        i++;
    return i;
}

static bool
read_numbers(const mst_json_t *v, mst_step_t *s)
{
    char *base = (char *)s;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        int64_t n = MST_NONE;
        const mst_json_t *m = mst_json_get(v, numbers[i].name);
        if (m != NULL && (!mst_json_i64(m, &n) || n < 0))
            return false;
        memcpy(base + numbers[i].at, &n, sizeof n);
    }
    for (size_t i = 0; i < COUNT(counts); i++) {
        int64_t n = 0;
        const mst_json_t *m = mst_json_get(v, counts[i].name);
        if (m != NULL && (!mst_json_i64(m, &n) || n < 0 || n > UINT32_MAX))
            return false;
        uint32_t u = (uint32_t)n;
        memcpy(base + counts[i].at, &u, sizeof u);
    }
    return true;
}

static bool
read_step(const mst_json_t *v, uint32_t no, mst_step_t *s)
{
    mst_str_t outcome = MST_STR_NULL;
    size_t kind = place(ask_names, COUNT(ask_names), mst_json_get(v, "ask"));
    size_t source = place(source_names, COUNT(source_names), mst_json_get(v, "token_source"));
    *s = (mst_step_t){.no = no, .kind = (mst_ask_kind_t)kind, .token_source = (mst_token_source_t)source};
    if (kind == COUNT(ask_names) || source == COUNT(source_names) || !mst_json_str(mst_json_get(v, "text"), &s->text) ||
        !mst_json_str(mst_json_get(v, "outcome"), &outcome) || !mst_outcome_parse(outcome, &s->outcome))
        return false;
    (void)mst_json_str(mst_json_get(v, "finish_reason"), &s->finish_reason);
    (void)mst_json_bool(mst_json_get(v, "conn_reused"), &s->conn_reused);
    (void)mst_json_bool(mst_json_get(v, "cached"), &s->cached);
    s->has_loglik = mst_json_f64(mst_json_get(v, "loglikelihood"), &s->loglik) && !isnan(s->loglik);
    s->loglik_greedy_known = mst_json_bool(mst_json_get(v, "greedy"), &s->loglik_greedy);
    (void)mst_json_bool(mst_json_get(v, "merged"), &s->loglik_merged);
    return read_numbers(v, s);
}

mst_rc
mst_steps_read(mst_str_t json, mst_json_parser_t *parser, mst_arena_t *arena, mst_steps_t *out, mst_err_t *err)
{
    const mst_json_t *root = NULL;
    int64_t scored = -1;
    *out = (mst_steps_t){.scored = MST_STEP_ALL};
    mst_rc rc = mst_json_parse(parser, json, arena, &root, NULL, err);
    if (rc != MST_OK)
        return rc;
    const mst_json_t *list = mst_json_get(root, "steps");
    if (!mst_json_is(list, MST_JSON_ARR) || list->count > MST_STEPS_MAX)
        return MST_ERR(err, MST_PROTO, "the steps of a case are no list of at most %d", MST_STEPS_MAX);
    (void)mst_json_str(mst_json_get(root, "kind"), &out->kind);
    if (mst_json_i64(mst_json_get(root, "scored"), &scored) && scored >= 0 && scored < list->count)
        out->scored = (uint32_t)scored;
    mst_step_t *items = MST_ARENA_ARRAY(arena, mst_step_t, list->count);
    if (items == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %u steps", list->count);
    for (uint32_t i = 0; i < list->count; i++)
        if (!read_step(mst_json_at(list, i), i, &items[i]))
            return MST_ERR(err, MST_PROTO, "step %u of a case cannot be read", i + 1);
    out->items = items;
    out->count = list->count;
    return MST_OK;
}

// The share of step no in the lists of the case.
static void
cut(const mst_steps_t *s, uint32_t no, mst_completion_t *c)
{
    uint64_t event = 0, logprob = 0;
    for (uint32_t i = 0; i < no; i++) {
        event += s->items[i].event_count;
        logprob += s->items[i].logprob_count;
    }
    bool events = event + s->items[no].event_count <= c->event_count;
    bool logprobs = logprob + s->items[no].logprob_count <= c->logprob_count;
    c->events = events && c->events != NULL ? c->events + event : NULL;
    c->event_count = events ? s->items[no].event_count : 0;
    c->logprobs = logprobs && c->logprobs != NULL ? c->logprobs + logprob : NULL;
    c->logprob_count = logprobs ? s->items[no].logprob_count : 0;
}

void
mst_steps_view(const mst_steps_t *s, uint32_t no, mst_completion_t *c)
{
    if (no >= s->count)
        return;
    const mst_step_t *t = &s->items[no];
    cut(s, no, c);
    c->text = t->text;
    c->finish_reason = t->finish_reason;
    if (c->send_mono_ns != MST_NONE && t->at_ns != MST_NONE)
        c->send_mono_ns += t->at_ns - (s->scored < s->count ? s->items[s->scored].at_ns : 0);
    c->queue_ns = t->queue_ns;
    c->ttfb_ns = t->ttfb_ns;
    c->ttft_ns = t->ttft_ns;
    c->ttfo_ns = t->ttfo_ns;
    c->last_token_ns = t->last_token_ns;
    c->close_ns = t->close_ns;
    c->prompt_tokens = t->prompt_tokens;
    c->completion_tokens = t->completion_tokens;
    c->reasoning_tokens = t->reasoning_tokens;
    c->usage_tokens = t->usage_tokens;
    c->token_source = t->token_source;
    c->attempts = t->attempts;
    c->merged_reads = t->merged_reads;
    c->conn_reused = t->conn_reused;
    c->cached = t->cached;
    c->has_loglik = t->has_loglik;
    c->loglik = t->loglik;
    c->loglik_tokens = t->loglik_tokens;
    c->loglik_greedy = t->loglik_greedy;
    c->loglik_greedy_known = t->loglik_greedy_known;
    c->loglik_merged = t->loglik_merged;
}

// a + b where both are known.
static int64_t
plus(int64_t a, int64_t b)
{
    return a == MST_NONE || b == MST_NONE ? MST_NONE : a + b;
}

mst_step_tokens_t
mst_steps_tokens(const mst_completion_t *c)
{
    mst_step_tokens_t t = {c->prompt_tokens, c->completion_tokens, c->reasoning_tokens, c->usage_tokens};
    if (c->step_count > 0)
        t = (mst_step_tokens_t){0};
    for (uint32_t i = 0; i < c->step_count; i++) {
        t.prompt = plus(t.prompt, c->steps[i].prompt_tokens);
        t.completion = plus(t.completion, c->steps[i].completion_tokens);
        t.reasoning = plus(t.reasoning, c->steps[i].reasoning_tokens);
        t.usage = plus(t.usage, c->steps[i].usage_tokens);
    }
    return t;
}

// Sums over all steps; one that has no likelihood leaves the case without.
static void
add_up(const mst_steps_t *s, mst_completion_t *c)
{
    c->has_loglik = s->count > 0;
    c->loglik = 0.0;
    c->loglik_tokens = 0;
    c->loglik_greedy = c->loglik_greedy_known = s->count > 0;
    for (uint32_t i = 0; i < s->count; i++) {
        c->has_loglik = c->has_loglik && s->items[i].has_loglik;
        c->loglik += s->items[i].loglik;
        c->loglik_tokens += s->items[i].loglik_tokens;
        c->loglik_greedy_known = c->loglik_greedy_known && s->items[i].loglik_greedy_known;
        c->loglik_greedy = c->loglik_greedy && s->items[i].loglik_greedy;
    }
}

void
mst_steps_apply(const mst_steps_t *s, mst_completion_t *c)
{
    uint32_t attempts = c->attempts;
    if (s->scored == MST_STEP_ALL)
        add_up(s, c);
    else
        mst_steps_view(s, s->scored, c);
    c->attempts = attempts; // of the case
    c->steps = s->items;
    c->step_count = s->count;
}
