// What one case asks of its scorers' endpoints, and what it was answered, in memory of its own.
#include "worker/calls_internal.h"

#include "common/base/limits.h"

#include <stdlib.h>

#define CALLED_ARENA (256 * MST_MIB)

mst_called_t *
mst_called_new(size_t callers)
{
    mst_called_t *c = MST_NEW(mst_called_t);
    c->arena = mst_arena_new(CALLED_ARENA);
    c->count = callers;
    c->list = MST_NEW_ARRAY(mst_score_call_t, callers + 1);
    c->replies = MST_NEW_ARRAY(mst_completion_t *, callers + 1);
    return c;
}

void
mst_called_free(mst_called_t **called)
{
    mst_called_t *c = called != NULL ? *called : NULL;
    if (c == NULL)
        return;
    mst_arena_free(&c->arena);
    free(c->list);
    free(c->replies);
    free(c);
    *called = NULL;
}

mst_score_call_t *
mst_called_list(mst_called_t *c)
{
    return c->list;
}

// The ask's texts into the record's memory. The case itself is read again for the next scoring.
static bool
keep_ask(mst_called_t *c, mst_ask_t *ask)
{
    bool ok = true;
    mst_str_t *const parts[] = {&ask->system_prompt, &ask->messages, &ask->context, &ask->continuation};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && ok; i++)
        *parts[i] = mst_arena_dup(c->arena, *parts[i], &ok);
    mst_str_t *texts = MST_ARENA_ARRAY(c->arena, mst_str_t, ask->text_count);
    for (size_t i = 0; i < ask->text_count && ok && texts != NULL; i++)
        texts[i] = mst_arena_dup(c->arena, ask->texts[i], &ok);
    ask->texts = texts;
    mst_case_t *kept = MST_ARENA_NEW(c->arena, mst_case_t); // providers look at its texts where the ask has none
    if (kept != NULL && ask->c != NULL) {
        kept->id = mst_arena_dup(c->arena, ask->c->id, &ok);
        kept->input = mst_arena_dup(c->arena, ask->kind == MST_ASK_GENERATE ? ask->c->input : MST_STR_NULL, &ok);
    }
    ask->c = kept;
    return ok && texts != NULL && kept != NULL;
}

bool
mst_called_wants(mst_called_t *c)
{
    bool wants = false;
    for (size_t i = 0; i < c->count; i++) {
        mst_score_call_t *call = &c->list[i];
        if (!call->wanted)
            continue;
        wants = true;
        if (call->error.rc == MST_OK && !keep_ask(c, &call->ask)) {
            (void)MST_ERR(&call->error, MST_LIMIT, "what it asks of its endpoint does not fit into memory");
            call->wanted = false;
        }
    }
    return wants;
}

static mst_rc
no_room(mst_err_t *err)
{
    return MST_ERR(err, MST_LIMIT, "the answers of its endpoint do not fit into memory");
}

// This ask's share of the vectors.
static mst_rc
take_vectors(mst_called_t *called, const mst_ask_t *ask, const mst_completion_t *c, uint32_t *row, mst_completion_t *to,
             mst_err_t *err)
{
    uint64_t rows = 0;
    uint32_t *per_text = c->vector_rows != NULL ? MST_ARENA_ARRAY(called->arena, uint32_t, ask->text_count) : NULL;
    if (c->vector_rows != NULL && per_text == NULL)
        return no_room(err);
    for (size_t i = 0; i < ask->text_count; i++)
        rows += per_text != NULL ? (per_text[i] = c->vector_rows[i]) : 1;
    if (*row + rows > c->vector_count || c->vector_dim == 0)
        return MST_ERR(err, MST_PROTO, "its endpoint gave %u vectors, which are too few", c->vector_count);
    size_t numbers = (size_t)rows * c->vector_dim;
    float *v = mst_arena_alloc_raw(called->arena, numbers * sizeof *v);
    if (v == NULL)
        return no_room(err);
    memcpy(v, c->vectors + (size_t)*row * c->vector_dim, numbers * sizeof *v);
    to->vectors = v;
    to->vector_rows = per_text;
    to->vector_count = (uint32_t)rows;
    to->vector_dim = c->vector_dim;
    *row += (uint32_t)rows;
    return MST_OK;
}

mst_rc
mst_called_answer(mst_called_t *called, size_t caller, const mst_completion_t *c, uint32_t *row, mst_err_t *err)
{
    mst_score_call_t *call = &called->list[caller];
    mst_completion_t **all = &called->replies[caller];
    if (*all == NULL)
        *all = MST_ARENA_ARRAY(called->arena, mst_completion_t, MST_SCORE_CALLS_MAX);
    if (*all == NULL || call->reply_count >= MST_SCORE_CALLS_MAX)
        return no_room(err);
    mst_completion_t *to = &(*all)[call->reply_count];
    bool ok = true;
    *to = (mst_completion_t){.prompt_tokens = c->prompt_tokens,
                             .completion_tokens = c->completion_tokens,
                             .reasoning_tokens = c->reasoning_tokens,
                             .attempts = c->attempts,
                             .has_loglik = c->has_loglik,
                             .loglik = c->loglik,
                             .loglik_tokens = c->loglik_tokens,
                             .send_mono_ns = c->send_mono_ns,
                             .last_token_ns = c->last_token_ns};
    to->text = mst_arena_dup(called->arena, c->text, &ok);
    to->refusal = mst_arena_dup(called->arena, c->refusal, &ok);
    to->finish_reason = mst_arena_dup(called->arena, c->finish_reason, &ok);
    to->model = mst_arena_dup(called->arena, c->model, &ok);
    mst_rc rc = ok ? MST_OK : no_room(err);
    if (rc == MST_OK && call->ask.kind == MST_ASK_EMBED)
        rc = take_vectors(called, &call->ask, c, row, to, err);
    if (rc != MST_OK)
        return rc;
    call->replies = *all;
    call->reply_count++;
    return MST_OK;
}
