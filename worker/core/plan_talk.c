// Turns. The messages of the data are laid out in order; behind each message of the user the backend is asked, unless
// the data hold the answer already and it is kept. A tool's results belong together and are answered after the last.
#include "worker/core/plan_internal.h"

#include "common/base/limits.h"

static mst_str_t
role_at(const mst_plan_t *p, uint32_t i)
{
    mst_str_t role = MST_STR_NULL;
    if (p->messages != NULL && i < p->messages->count)
        (void)mst_json_str(mst_json_get(mst_json_at(p->messages, i), "role"), &role);
    return role;
}

static bool
is_role(const mst_plan_t *p, uint32_t i, const char *name)
{
    return mst_str_eq_c(role_at(p, i), name);
}

// Opens the array for one more element.
static void
open_array(mst_plan_t *p)
{
    if (p->talk.n == 0) {
        mst_buf_add_c(&p->talk, "[");
        return;
    }
    p->talk.p[p->talk.n - 1] = ','; // it was the bracket
}

static mst_rc
close_array(mst_plan_t *p, mst_err_t *err)
{
    mst_buf_add_c(&p->talk, "]");
    return p->talk.failed ? MST_ERR(err, MST_LIMIT, "the conversation is larger than %lu bytes", MST_HTTP_BODY_MAX)
                          : MST_OK;
}

static mst_rc
add_message(mst_plan_t *p, const mst_json_t *m, mst_err_t *err)
{
    mst_jw_t w;
    open_array(p);
    mst_jw_init(&w, &p->talk);
    mst_jw_value(&w, m);
    return close_array(p, err);
}

mst_rc
mst_plan_talk_begin(mst_plan_t *p, mst_err_t *err)
{
    if (p->c.messages.n == 0)
        return p->c.input.n > 0 ? MST_OK : MST_ERR(err, MST_INVAL, "it has neither messages nor input");
    mst_rc rc = mst_json_parse_lenient(p->c.messages, p->arena, &p->messages, err);
    if (rc != MST_OK) {
        mst_err_prefix(err, "messages");
        return rc;
    }
    if (!mst_json_is(p->messages, MST_JSON_ARR))
        return MST_ERR(err, MST_INVAL, "its messages are no list");
    bool asked = false;
    for (uint32_t i = 0; i < p->messages->count && !asked; i++)
        asked = (is_role(p, i, "user") || is_role(p, i, "tool")) &&
                (p->cfg->ask_recorded || !is_role(p, i + 1, "assistant"));
    if (!asked)
        return MST_ERR(err, MST_INVAL,
                       "its messages hold every answer already, so there is nothing to ask; recorded_turns: ask leaves "
                       "them out");
    return MST_OK;
}

// What the backend said, as it goes into the next request. Reasoning is not sent back.
mst_rc
mst_plan_talk_answer(mst_plan_t *p, const mst_completion_t *done, mst_err_t *err)
{
    mst_jw_t w;
    open_array(p);
    mst_jw_init(&w, &p->talk);
    mst_jw_obj(&w);
    mst_jw_key(&w, "role");
    mst_jw_str(&w, MST_STR("assistant"));
    mst_jw_key(&w, "content");
    mst_jw_str(&w, done->text.n == 0 && done->refusal.n > 0 ? done->refusal : done->text);
    if (done->tool_calls.n > 0) {
        mst_jw_key(&w, "tool_calls");
        mst_jw_raw(&w, done->tool_calls);
    }
    mst_jw_obj_end(&w);
    return close_array(p, err);
}

static void
ask_now(mst_plan_t *p)
{
    p->ask.kind = MST_ASK_GENERATE;
    p->ask.system_prompt = p->system_prompt;
    p->ask.messages = mst_buf_view(&p->talk);
    p->asking = true;
}

// A case with an input alone is a conversation of one turn.
static mst_rc
next_of_input(mst_plan_t *p, mst_err_t *err)
{
    if (p->step_count > 0)
        return MST_OK;
    mst_json_member_t members[2] = {{MST_STR("role"), {.type = MST_JSON_STR, .u.s = MST_STR("user")}},
                                    {MST_STR("content"), {.type = MST_JSON_STR, .u.s = p->c.input}}};
    const mst_json_t message = {.type = MST_JSON_OBJ, .count = 2, .u.members = members};
    mst_rc rc = add_message(p, &message, err);
    if (rc == MST_OK)
        ask_now(p);
    return rc;
}

mst_rc
mst_plan_talk_next(mst_plan_t *p, mst_err_t *err)
{
    if (p->messages == NULL)
        return next_of_input(p, err);
    while (p->message < p->messages->count) {
        uint32_t i = p->message++;
        if (p->cfg->ask_recorded && i > 0 && is_role(p, i, "assistant"))
            continue;
        mst_rc rc = add_message(p, mst_json_at(p->messages, i), err);
        if (rc != MST_OK)
            return rc;
        bool turn = is_role(p, i, "user") || is_role(p, i, "tool");
        bool answered = is_role(p, i + 1, "assistant") && !p->cfg->ask_recorded;
        if (!turn || answered || is_role(p, i + 1, "tool"))
            continue;
        ask_now(p);
        return MST_OK;
    }
    return MST_OK;
}
