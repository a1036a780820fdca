// What the coordinator must hear: each message is kept until it is acknowledged, and sent again after a silence or
// when the coordinator came back. Hearing of a commit twice changes nothing there.
#include "aggregator/core/core_internal.h"

#include "common/base/mem.h"

#include <stdlib.h>

#define HELLO_NS  2000000000LL // between two hellos without an answer
#define RESEND_NS 5000000000LL // a message without an acknowledgement

static void
send(mst_aggr_t *a, mst_aggr_feed_t *f, int64_t now_ns)
{
    f->sent_ns = now_ns;
    mst_aggr_emit(a, MST_AF_FEED_SEND)->text = mst_str(f->bytes, f->n);
}

void
mst_aggr_feed_up(mst_aggr_t *a, int64_t now_ns)
{
    a->feed_up = true;
    for (mst_aggr_feed_t *f = a->feed; f; f = f->next)
        send(a, f, now_ns);
}

void
mst_aggr_feed_put(mst_aggr_t *a, const mst_aggr_event_t *ev, int64_t now_ns)
{
    mst_aggr_feed_t *f = mst_xalloc(sizeof *f + ev->data.n);
    f->seq = ev->seq;
    f->n = ev->data.n;
    memcpy(f->bytes, ev->data.p, ev->data.n);
    *a->feed_end = f;
    a->feed_end = &f->next;
    a->feed_bytes += f->n;
    if (a->feed_up)
        send(a, f, now_ns);
}

void
mst_aggr_feed_acked(mst_aggr_t *a, uint64_t seq)
{
    mst_aggr_feed_t **at = &a->feed;
    while (*at && (*at)->seq != seq)
        at = &(*at)->next;
    mst_aggr_feed_t *f = *at;
    if (!f)
        return;
    *at = f->next;
    if (a->feed_end == &f->next)
        a->feed_end = at;
    a->feed_bytes -= f->n;
    free(f);
}

void
mst_aggr_feed_tick(mst_aggr_t *a, int64_t now_ns)
{
    if (!a->feed_up) {
        if (a->feed_hello_ns == 0 || now_ns - a->feed_hello_ns >= HELLO_NS) {
            a->feed_hello_ns = now_ns;
            mst_aggr_emit(a, MST_AF_FEED_HELLO);
        }
        return;
    }
    for (mst_aggr_feed_t *f = a->feed; f; f = f->next)
        if (now_ns - f->sent_ns >= RESEND_NS)
            send(a, f, now_ns);
}

void
mst_aggr_feed_free(mst_aggr_t *a)
{
    while (a->feed) {
        mst_aggr_feed_t *f = a->feed;
        a->feed = f->next;
        free(f);
    }
}
