// A plugin that answers as the case's input says: everything that a plugin may get wrong short of crashing.
#include "plugin.h"

#include <math.h>
#include <string.h>

static int
is(muster_slice_t s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static int
score(void *state, const muster_case_t *in, muster_score_t *out, char *error, size_t error_bytes)
{
    static char endless[100000];
    (void)state;
    out->value = 0.5;
    if (is(in->input, "nan"))
        out->value = (double)NAN;
    if (is(in->input, "inf"))
        out->value = (double)INFINITY;
    if (is(in->input, "verdict"))
        out->verdict = (muster_verdict_t)7;
    if (is(in->input, "missing"))
        out->verdict = MUSTER_NOT_MEASURED;
    if (is(in->input, "breakdown"))
        out->breakdown = (muster_slice_t){"{\"a\":", 5};
    if (is(in->input, "list"))
        out->breakdown = (muster_slice_t){"[1]", 3};
    if (is(in->input, "reason"))
        out->reason = (muster_slice_t){"bad \xff byte", 10};
    if (is(in->input, "endless")) {
        memset(endless, 'x', sizeof endless);
        out->reason = (muster_slice_t){endless, sizeof endless};
    }
    if (is(in->input, "full")) { // a sentence without its NUL
        memset(error, 'e', error_bytes);
        return 1;
    }
    return is(in->input, "silent");
}

const muster_plugin_t *
muster_scorer_plugin(void)
{
    static const muster_plugin_t plugin = {
        .version = MUSTER_PLUGIN_VERSION, .size = sizeof plugin, .name = "nasty", .score = score};
    return &plugin;
}
