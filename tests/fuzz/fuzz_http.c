// The HTTP request reader: the same bytes, whole and cut by the first byte's pattern, must give the same
// requests and the same end.
#include "common/base/limits.h"
#include "common/http/server_codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 4096, REQUESTS_MAX = 32 };

typedef struct {
    mst_buf_t log; // what came out
    mst_rc end;
    int status;
} outcome_t;

static void
note(outcome_t *o, const mst_hreq_t *r)
{
    const mst_str_t parts[] = {mst_hreq_method(r),
                               mst_hreq_path(r),
                               mst_hreq_query(r),
                               mst_hreq_body(r),
                               mst_hreq_header(r, MST_STR("x-case-id")),
                               mst_hreq_header(r, MST_STR("host"))};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        mst_buf_add_str(&o->log, parts[i]);
        mst_buf_add_byte(&o->log, '\n');
    }
    mst_buf_addf(&o->log, "%d %d\n", mst_hreq_keep_alive(r), mst_hreq_http10(r));
}

static void
read_all(mst_str_t in, size_t step, outcome_t *o)
{
    mst_hreq_t *r = mst_hreq_new(BODY_MAX);
    mst_buf_init(&o->log, 64 * MST_MIB);
    o->end = MST_AGAIN;
    size_t requests = 0;
    while (in.n > 0 && requests < REQUESTS_MAX) {
        mst_str_t piece = mst_str(in.p, step < in.n ? step : in.n);
        size_t taken = 0;
        o->end = mst_hreq_feed(r, piece, &taken, NULL);
        if (taken > piece.n)
            abort();
        in = mst_str(in.p + taken, in.n - taken);
        if (o->end != MST_OK && o->end != MST_AGAIN)
            break;
        if (o->end == MST_AGAIN && taken != piece.n)
            abort();
        (void)mst_hreq_wants_continue(r);
        if (o->end == MST_AGAIN)
            continue;
        note(o, r);
        mst_hreq_reset(r);
        requests++;
    }
    o->status = mst_hreq_error_status(r);
    mst_hreq_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    mst_str_t in = mst_str((const char *)data + 1, size - 1);
    outcome_t whole, cut;
    read_all(in, in.n, &whole);
    read_all(in, 1 + data[0] % 64U, &cut);
    bool same = whole.end == cut.end && whole.status == cut.status &&
                mst_str_eq(mst_buf_view(&whole.log), mst_buf_view(&cut.log));
    if (!same)
        abort();
    mst_buf_deinit(&whole.log);
    mst_buf_deinit(&cut.log);
    return 0;
}
