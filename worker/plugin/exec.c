// What a program does wrong costs the case at hand, and the program its life; the next case gets a fresh one. A program
// that fails GIVE_UP times in a row is not started again: a run must end, whatever it is given to run.
#include "worker/plugin/exec.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "worker/plugin/child.h"
#include "worker/plugin/reply.h"

#include <stdlib.h>

#define GIVE_UP     5
#define REQUEST_MAX (8 * MST_HTTP_BODY_MAX)
#define HELLO_MAX   (4 * MST_MIB)
#define REPLY_ARENA (64 * MST_MIB)
#define NS_PER_MS   1000000

struct mst_exec {
    const mst_scorer_cfg_t *cfg;
    mst_child_opts_t opts;
    int64_t timeout_ns, start_timeout_ns;
    mst_child_t *child; // NULL: not running
    mst_json_parser_t *parser;
    mst_arena_t *arena; // trees of replies
    mst_buf_t line;     // what is sent
    uint64_t next_id;
    unsigned failures; // in a row
    mst_err_t last;    // the last of them
};

mst_rc
mst_exec_new(const mst_scorer_cfg_t *cfg, mst_exec_t **out, mst_err_t *err)
{
    const mst_params_t *p = &cfg->params;
    const mst_param_value_t *command = mst_params_get(p, "command"), *env = mst_params_get(p, "env");
    *out = NULL;
    if (!mst_json_is(mst_params_get(p, "params")->u.json, MST_JSON_OBJ))
        return MST_ERR(err, MST_INVAL, "params must be a map");
    if (command->u.list.count == 0)
        return MST_ERR(err, MST_INVAL, "command is empty; it names the program and its arguments");
    mst_exec_t *e = MST_NEW(mst_exec_t);
    e->cfg = cfg;
    e->opts = (mst_child_opts_t){
        .command = command->u.list.items,
        .command_count = command->u.list.count,
        .env = env->set ? env->u.list.items : NULL,
        .env_count = env->set ? env->u.list.count : 0,
        .memory_bytes = (uint64_t)mst_params_int(p, "memory_mb", 0) * MST_MIB,
    };
    e->timeout_ns = mst_params_int(p, "timeout_ms", 10000) * NS_PER_MS;
    e->start_timeout_ns = mst_params_int(p, "start_timeout_ms", 10000) * NS_PER_MS;
    e->parser = mst_json_parser_new();
    e->arena = mst_arena_new(REPLY_ARENA);
    mst_buf_init(&e->line, REQUEST_MAX);
    *out = e;
    return MST_OK;
}

void
mst_exec_free(mst_exec_t **exec)
{
    mst_exec_t *e = exec != NULL ? *exec : NULL;
    if (e == NULL)
        return;
    mst_child_free(&e->child);
    mst_json_parser_free(&e->parser);
    mst_arena_free(&e->arena);
    mst_buf_deinit(&e->line);
    free(e);
    *exec = NULL;
}

// What a program wrote stands in sentences: valid UTF-8 without control characters.
static void
make_plain(mst_err_t *err)
{
    size_t n = strlen(err->message);
    for (size_t i = 0; i < n;) {
        size_t good = mst_utf8_valid_bytes(mst_str(err->message + i, n - i));
        for (size_t k = i; k < i + good; k++)
            if ((unsigned char)err->message[k] < 0x20 || err->message[k] == 0x7f)
                err->message[k] = ' ';
        i += good;
        if (i < n)
            err->message[i++] = '?';
    }
}

// The program is not to be trusted any more.
static mst_rc
give_way(mst_exec_t *e, mst_err_t *err)
{
    mst_child_kill(&e->child);
    make_plain(err);
    e->failures++;
    e->last = *err;
    return err->rc;
}

mst_rc
mst_exec_start(mst_exec_t *e, mst_err_t *err)
{
    mst_str_t line;
    mst_err_t own = {0};
    mst_rc rc = mst_child_start(&e->opts, &e->child, &own);
    if (rc == MST_OK) {
        mst_buf_reset(&e->line);
        mst_arena_reset(e->arena);
        mst_reply_hello(e->cfg->label, mst_params_get(&e->cfg->params, "params")->u.json, &e->line);
        if (e->line.failed || e->line.n > HELLO_MAX)
            rc = MST_ERR(&own, MST_LIMIT, "params are larger than %lu bytes", HELLO_MAX);
    }
    if (rc == MST_OK)
        rc = mst_child_ask(e->child, mst_buf_view(&e->line), mst_mono_ns() + e->start_timeout_ns, &line, &own);
    if (rc == MST_OK)
        rc = mst_reply_ready(e->parser, line, e->arena, &own);
    if (rc != MST_OK) {
        mst_err_prefix(&own, "at its start");
        rc = give_way(e, &own);
        if (err != NULL)
            *err = own;
    }
    return rc;
}

static mst_rc
ask(mst_exec_t *e, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    mst_str_t line;
    uint64_t id = ++e->next_id;
    mst_buf_reset(&e->line);
    mst_arena_reset(e->arena);
    mst_reply_request(id, in, &e->line);
    if (e->line.failed) // the program has no part in it
        return MST_ERR(err, MST_INVAL, "a case of more than %lu bytes does not fit into a request", REQUEST_MAX);
    mst_rc rc = mst_child_ask(e->child, mst_buf_view(&e->line), mst_mono_ns() + e->timeout_ns, &line, err);
    if (rc == MST_OK)
        rc = mst_reply_score(e->parser, line, id, e->arena, out, err);
    // The tree's arena goes with the next case, the score's lives as long as the score.
    out->reason = mst_arena_dup(in->arena, out->reason, NULL);
    out->breakdown = mst_arena_dup(in->arena, out->breakdown, NULL);
    return rc;
}

mst_rc
mst_exec_score(mst_exec_t *e, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    if (e->failures >= GIVE_UP) {
        *err = e->last;
        mst_err_prefix(err, "given up after %d failures in a row", GIVE_UP);
        return err->rc;
    }
    mst_rc rc = e->child == NULL ? mst_exec_start(e, err) : MST_OK;
    if (rc != MST_OK)
        return rc;
    rc = ask(e, in, out, err);
    if (rc == MST_OK || rc == MST_INVAL) { // the program answered, be it that it could not score this case
        e->failures = 0;
        if (rc != MST_OK)
            make_plain(err);
        return rc;
    }
    return give_way(e, err);
}
