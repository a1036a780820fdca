#include "worker/blot.h"

#include "common/base/mem.h"

#include <string.h>

void
mst_blot(char *p, size_t n, mst_str_t key)
{
    if (key.n < MST_BLOT_MIN || n == 0)
        return;
    for (char *at = memmem(p, n, key.p, key.n); at; at = memmem(at, n - (size_t)(at - p), key.p, key.n))
        memset(at, '*', key.n);
}

mst_str_t
mst_blot_str(mst_arena_t *arena, mst_str_t s, mst_str_t key)
{
    if (key.n < MST_BLOT_MIN || s.n < key.n || !memmem(s.p, s.n, key.p, key.n))
        return s;
    char *copy = mst_arena_alloc_raw(arena, s.n);
    if (!copy)
        return MST_STR_NULL;
    memcpy(copy, s.p, s.n);
    mst_blot(copy, s.n, key);
    return mst_str(copy, s.n);
}

void
mst_blot_completion(mst_arena_t *arena, mst_completion_t *c, mst_str_t key)
{
    mst_str_t *const texts[] = {
        &c->text,  &c->reasoning,          &c->refusal,    &c->tool_calls, &c->finish_reason,
        &c->model, &c->system_fingerprint, &c->request_id, &c->server,     &c->choices,
        &c->extra,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = mst_blot_str(arena, *texts[i], key);
    mst_blot(c->error.message, strlen(c->error.message), key);
}
