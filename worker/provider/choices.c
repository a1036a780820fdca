#include "worker/provider/choices.h"

#include "common/base/limits.h"
#include "worker/provider/tools.h"

#define CHOICES_MAX 128

struct mst_choices {
    mst_choice_t *list[CHOICES_MAX]; // by index
};

mst_choice_t *
mst_choice_get(mst_decoder_t *d, int64_t index, mst_err_t *err)
{
    if (index < 1 || index >= CHOICES_MAX) {
        (void)MST_ERR(err, MST_LIMIT, "the answer has a choice %lld, at most %d are read", (long long)index,
                      CHOICES_MAX);
        return NULL;
    }
    if (d->choices == NULL)
        d->choices = MST_ARENA_NEW(d->arena, struct mst_choices);
    mst_choice_t *c = d->choices != NULL ? d->choices->list[index] : NULL;
    if (c != NULL)
        return c;
    c = d->choices != NULL ? MST_ARENA_NEW(d->arena, mst_choice_t) : NULL;
    if (c == NULL) {
        (void)MST_ERR(err, MST_LIMIT, "the answer does not fit into its memory");
        return NULL;
    }
    c->index = index;
    mst_buf_init(&c->text, MST_HTTP_BODY_MAX);
    mst_buf_init(&c->reasoning, MST_HTTP_BODY_MAX);
    mst_buf_init(&c->refusal, MST_HTTP_BODY_MAX);
    d->choices->list[index] = c;
    return c;
}

static void
put(mst_jw_t *w, const char *name, mst_str_t s)
{
    if (s.n == 0)
        return;
    mst_jw_key(w, name);
    mst_jw_str(w, s);
}

// Through a decoder of its own, since the answer's tool calls are in d.
static mst_rc
write_tools(mst_decoder_t *d, mst_jw_t *w, mst_choice_t *c, mst_err_t *err)
{
    mst_decoder_t other = {.arena = d->arena, .calls = c->calls};
    mst_buf_init(&other.tools, MST_HTTP_BODY_MAX);
    mst_buf_init(&other.fragments, MST_HTTP_BODY_MAX);
    mst_rc rc = mst_tools_end(&other, err);
    if (rc == MST_OK && other.tools.n > 0) {
        mst_jw_key(w, "tool_calls");
        mst_jw_raw(w, mst_buf_view(&other.tools));
    }
    mst_buf_deinit(&other.tools);
    mst_buf_deinit(&other.fragments);
    return rc;
}

mst_rc
mst_choices_close(mst_decoder_t *d, mst_err_t *err)
{
    if (d->choices == NULL)
        return MST_OK;
    mst_buf_t b;
    mst_jw_t w;
    mst_rc rc = MST_OK;
    mst_buf_init(&b, MST_HTTP_BODY_MAX);
    mst_jw_init(&w, &b);
    mst_jw_arr(&w);
    for (size_t i = 1; i < CHOICES_MAX && rc == MST_OK; i++) {
        mst_choice_t *c = d->choices->list[i];
        if (c == NULL)
            continue;
        mst_jw_obj(&w);
        mst_jw_key(&w, "index");
        mst_jw_i64(&w, c->index);
        mst_jw_key(&w, "text");
        mst_jw_str(&w, mst_buf_view(&c->text));
        put(&w, "reasoning", mst_buf_view(&c->reasoning));
        put(&w, "refusal", mst_buf_view(&c->refusal));
        put(&w, "finish_reason", c->finish_reason);
        rc = write_tools(d, &w, c, err);
        mst_jw_obj_end(&w);
    }
    mst_jw_arr_end(&w);
    if (rc == MST_OK && b.failed)
        rc = MST_ERR(err, MST_LIMIT, "the further choices of the answer are longer than %lu bytes", MST_HTTP_BODY_MAX);
    if (rc == MST_OK)
        rc = mst_decoder_keep(d, &d->c.choices, mst_buf_view(&b), err);
    mst_buf_deinit(&b);
    return rc;
}

void
mst_choices_free(mst_decoder_t *d)
{
    for (size_t i = 1; d->choices != NULL && i < CHOICES_MAX; i++) {
        mst_choice_t *c = d->choices->list[i];
        if (c == NULL)
            continue;
        mst_buf_deinit(&c->text);
        mst_buf_deinit(&c->reasoning);
        mst_buf_deinit(&c->refusal);
    }
    d->choices = NULL;
}
