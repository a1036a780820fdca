// A scorer as a shared object: 1 when the answer has at most `max_words` words, else the share that would be allowed.
//   cc -shared -fPIC -I scorers -o word_limit.so examples/plugin/word_limit.c
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned long max_words;
    char reason[80], breakdown[40]; // valid until the next call, as the interface asks
} state_t;

// A real plugin would use a JSON library; this one has a single number to find.
static int
compile(muster_slice_t params, void **state, char *error, size_t error_bytes)
{
    static const char key[] = "\"max_words\":";
    char text[256] = "";
    memcpy(text, params.p, params.n < sizeof text ? params.n : sizeof text - 1);
    const char *at = strstr(text, key);
    unsigned long max_words = at != NULL ? strtoul(at + sizeof key - 1, NULL, 10) : 0;
    if (max_words == 0) {
        snprintf(error, error_bytes, "max_words must be a number of at least 1");
        return 1;
    }
    state_t *s = calloc(1, sizeof *s);
    if (s == NULL) {
        snprintf(error, error_bytes, "out of memory");
        return 1;
    }
    s->max_words = max_words;
    *state = s;
    return 0;
}

static int
score(void *state, const muster_case_t *in, muster_score_t *out, char *error, size_t error_bytes)
{
    (void)error;
    (void)error_bytes;
    state_t *s = state;
    unsigned long words = 0;
    int inside = 0;
    for (size_t i = 0; i < in->output.n; i++) {
        int blank = strchr(" \t\r\n", in->output.p[i]) != NULL;
        words += !blank && !inside;
        inside = !blank;
    }
    out->value = words <= s->max_words ? 1.0 : (double)s->max_words / (double)words;
    int n = snprintf(s->reason, sizeof s->reason, "%lu words, at most %lu allowed", words, s->max_words);
    out->reason = (muster_slice_t){s->reason, (size_t)n};
    n = snprintf(s->breakdown, sizeof s->breakdown, "{\"words\":%lu}", words);
    out->breakdown = (muster_slice_t){s->breakdown, (size_t)n};
    return 0;
}

const muster_plugin_t *
muster_scorer_plugin(void)
{
    static const muster_plugin_t plugin = {
        .version = MUSTER_PLUGIN_VERSION,
        .size = sizeof plugin,
        .name = "word_limit",
        .help = "1 when the answer has at most max_words words",
        .compile = compile,
        .score = score,
        .destroy = free,
    };
    return &plugin;
}
