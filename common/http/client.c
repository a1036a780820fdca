#include "common/http/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/http/client_impl.h"

// A call's way: FREE -> STARTING -> ACTIVE -> (ABORTING ->) ENDING -> FREE. Only set_state moves it.
//
// curl may not be called from inside its own callbacks, and on_done must not come from inside mst_http_start. So start
// and abort only move the call to another list; one turn hook does the rest, for all calls at once: takes aborted
// calls out, hands new ones in, lets curl work, reads the send stamps, ends what is over. What the user starts from
// on_done is taken up in the same hook, a few rounds deep.

enum { ROUNDS_MAX = 4 };

static bool on_turn(void *ud);

static void
set_state(mst_http_call_t *call, mst_call_state_t to)
{
    mst_http_t *http = call->http;
    if (call->state < MST_CALL_STATES)
        DL_DELETE(http->lists[call->state], call);
    call->state = to;
    if (to < MST_CALL_STATES)
        DL_APPEND(http->lists[to], call);
}

static void
set_multi(mst_http_t *http, const mst_http_opts_t *opts)
{
    long kept = opts->connections_max > 0 ? (long)opts->connections_max : 1;
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, kept); // else a dip in concurrency evicts warm ones
    mst_sock_init(http);
}

mst_rc
mst_http_new(mst_loop_t *loop, const mst_http_opts_t *opts, mst_http_t **out, mst_err_t *err)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return MST_ERR(err, MST_INTERNAL, "could not start libcurl");
    CURLM *multi = curl_multi_init();
    if (!multi) {
        curl_global_cleanup();
        return MST_ERR(err, MST_NOMEM, "could not make an HTTP client: out of memory");
    }
    mst_http_t *http = MST_NEW(mst_http_t);
    http->loop = loop;
    http->multi = multi;
    http->user_agent = mst_xstrdup(opts->user_agent ? opts->user_agent : "muster/" MUSTER_VERSION);
    mst_stamps_init(&http->stamps);
    set_multi(http, opts);
    mst_loop_on_turn(loop, on_turn, http);
    *out = http;
    return MST_OK;
}

static void
take_out(mst_http_call_t *call)
{
    if (call->in_multi)
        curl_multi_remove_handle(call->http->multi, call->easy);
    call->in_multi = false;
}

static void
free_list(mst_http_t *http, mst_call_state_t state)
{
    mst_http_call_t *call, *next;
    DL_FOREACH_SAFE(http->lists[state], call, next)
    {
        mst_loop_timer_stop(http->loop, &call->deadline);
        mst_loop_timer_stop(http->loop, &call->hold);
        take_out(call);
        mst_call_free(call);
    }
    http->lists[state] = NULL;
}

void
mst_http_free(mst_http_t **http)
{
    if (!http || !*http)
        return;
    mst_http_t *h = *http;
    MST_ASSERT(!h->in_hook && !h->calling);
    mst_loop_off_turn(h->loop, on_turn, h);
    for (int state = 0; state < MST_CALL_STATES; state++)
        free_list(h, (mst_call_state_t)state);
    mst_warms_free(h);
    curl_multi_cleanup(h->multi); // closes the kept connections through our callbacks, which need the loop
    mst_sock_deinit(h);
    mst_stamps_deinit(&h->stamps);
    free(h->user_agent);
    mst_nets_free(h);
    free(h);
    curl_global_cleanup();
    *http = NULL;
}

static void
on_deadline(void *ud)
{
    mst_http_call_t *call = ud;
    char message[MST_ERR_MESSAGE_MAX];
    mst_str_t host = mst_http_host(call);
    int64_t now_ns = mst_loop_now(call->http->loop);
    if (!call->in_request && call->connect_due_ns > 0 && now_ns >= call->connect_due_ns) {
        snprintf(message, sizeof message, "could not connect to %.*s within %lld ms", MST_FMT(host),
                 (long long)call->connect_timeout_ms);
        mst_http_abort(call->http, call, MST_TIMEOUT, message);
    } else if (call->total_due_ns > 0 && now_ns >= call->total_due_ns) {
        snprintf(message, sizeof message, "%.*s: the answer was not complete within %lld ms", MST_FMT(host),
                 (long long)call->total_timeout_ms);
        mst_http_abort(call->http, call, MST_TIMEOUT, message);
    } else if (call->total_due_ns > 0) { // connected in time; the other timer follows
        mst_loop_timer(call->http->loop, &call->deadline, call->total_due_ns);
    }
}

static void
arm_deadline(mst_http_call_t *call, const mst_http_req_t *req)
{
    int64_t now_ns = call->start_ns;
    call->connect_timeout_ms = req->connect_timeout_ms;
    call->total_timeout_ms = req->total_timeout_ms;
    call->connect_due_ns = req->connect_timeout_ms > 0 ? now_ns + req->connect_timeout_ms * MST_NS_PER_MS : 0;
    call->total_due_ns = req->total_timeout_ms > 0 ? now_ns + req->total_timeout_ms * MST_NS_PER_MS : 0;
    int64_t due = call->total_due_ns;
    if (call->connect_due_ns > 0 && (due == 0 || call->connect_due_ns < due))
        due = call->connect_due_ns;
    if (due > 0)
        mst_loop_timer(call->http->loop, &call->deadline, due);
}

mst_rc
mst_http_start(mst_http_t *http, const mst_http_req_t *req, const mst_http_handler_t *handler, void *ud,
               mst_http_call_t **out, mst_err_t *err)
{
    mst_http_call_t *call = http->lists[MST_CALL_FREE];
    *out = NULL;
    if (!call) {
        mst_rc rc = mst_call_new(http, &call, err);
        if (rc != MST_OK)
            return rc;
        call->deadline = (mst_timer_t){.fn = on_deadline, .ud = call};
        call->hold = (mst_timer_t){.fn = mst_sock_hold_over, .ud = call, .exact = true};
        DL_PREPEND(http->lists[MST_CALL_FREE], call);
    }
    mst_rc rc = mst_call_prepare(call, req, err);
    if (rc != MST_OK) {
        mst_call_wipe(call);
        return rc;
    }
    call->handler = *handler;
    call->ud = ud;
    call->start_ns = mst_mono_ns();
    call->steps = http->stamps.steps;
    arm_deadline(call, req);
    set_state(call, MST_CALL_STARTING);
    if (!http->in_hook)
        mst_loop_again(http->loop);
    *out = call;
    return MST_OK;
}

void
mst_http_abort(mst_http_t *http, mst_http_call_t *call, mst_rc why, const char *message)
{
    if (call->state != MST_CALL_STARTING && call->state != MST_CALL_ACTIVE)
        return; // it is ending already
    MST_ASSERT(why != MST_OK);
    call->why = why;
    snprintf(call->message, sizeof call->message, "%s", message ? message : mst_rc_name(why));
    set_state(call, MST_CALL_ABORTING);
    if (!http->in_hook)
        mst_loop_again(http->loop);
}

// The call is out of curl and of every list but its own.
static void
end_call(mst_http_call_t *call, CURLcode code)
{
    mst_http_t *http = call->http;
    mst_loop_timer_stop(http->loop, &call->deadline);
    mst_loop_timer_stop(http->loop, &call->hold);
    mst_sock_detach(call);
    set_state(call, MST_CALL_ENDING);
    mst_call_conclude(call, code);
    mst_call_wipe(call);
    bool before = http->calling;
    http->calling = true;
    call->handler.on_done(call->ud, &call->result);
    http->calling = before;
    set_state(call, MST_CALL_FREE);
}

static void
end_aborted(mst_http_t *http)
{
    mst_http_call_t *call;
    while ((call = http->lists[MST_CALL_ABORTING])) {
        take_out(call);
        end_call(call, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void
hand_in(mst_http_t *http)
{
    mst_http_call_t *call;
    while ((call = http->lists[MST_CALL_STARTING])) {
        CURLMcode mc = curl_multi_add_handle(http->multi, call->easy);
        if (mc != CURLM_OK) {
            mst_error("libcurl refused a request reason=\"%s\"", curl_multi_strerror(mc));
            end_call(call, CURLE_FAILED_INIT);
            return; // the others in the next round
        }
        call->in_multi = true;
        set_state(call, MST_CALL_ACTIVE);
        http->kick = true;
    }
}

static void
end_finished(mst_http_t *http)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(http->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result; // the message is gone after the removal
        char *private = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        mst_http_call_t *call = (void *)private;
        take_out(call);
        end_call(call, code);
    }
}

static bool
on_turn(void *ud)
{
    mst_http_t *http = ud;
    http->in_hook = true;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        end_aborted(http);
        hand_in(http);
        if (http->kick)
            mst_sock_kick(http);
        mst_sock_let_go(http);
        end_finished(http);
        if (!http->lists[MST_CALL_STARTING] && !http->lists[MST_CALL_ABORTING] && !http->kick)
            break;
    }
    http->in_hook = false;
    return http->lists[MST_CALL_STARTING] || http->lists[MST_CALL_ABORTING] || http->kick;
}
