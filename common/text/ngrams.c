#include "common/text/ngrams.h"

#include "common/base/limits.h"
#include "common/text/vocab.h"

#define FIRST_NODES 64

typedef struct {
    uint32_t parent, token; // parent: place + 1, 0 = the root
    uint32_t most;          // how often the references have it at most; 0 = an empty place
    uint32_t now;           // how often the reference that is being added has it, or how often it was matched
} node_t;

void
mst_ngrams_init(mst_ngrams_t *g)
{
    *g = (mst_ngrams_t){0};
    mst_buf_init(&g->nodes, MST_TEXT_SCRATCH_MAX);
}

void
mst_ngrams_deinit(mst_ngrams_t *g)
{
    mst_buf_deinit(&g->nodes);
}

static inline node_t *
nodes(const mst_ngrams_t *g)
{
    return (node_t *)(void *)g->nodes.p;
}

mst_rc
mst_ngrams_start(mst_ngrams_t *g, unsigned order, size_t tokens)
{
    mst_room_trim(&g->nodes);
    g->node_count = FIRST_NODES;
    g->shift = 58;
    g->order = order;
    g->added = 0;
    if (tokens > MST_TEXT_SCRATCH_MAX)
        return MST_LIMIT;
    while (g->node_count < tokens * order + tokens * order / 4) {
        g->node_count *= 2;
        g->shift--;
    }
    node_t *all = mst_room(&g->nodes, g->node_count * sizeof *all);
    if (all == NULL)
        return MST_LIMIT;
    memset(all, 0, g->node_count * sizeof *all);
    return MST_OK;
}

// The node of `token` below parent, or the empty place where it belongs.
static inline node_t *
child(const mst_ngrams_t *g, uint32_t parent, uint32_t token)
{
    node_t *all = nodes(g);
    size_t i = ((uint64_t)parent << 32 | token) * 0x9E3779B97F4A7C15ULL >> g->shift;
    while (all[i].most != 0 && (all[i].parent != parent || all[i].token != token))
        i = (i + 1) & (g->node_count - 1);
    return &all[i];
}

static void
forget_now(mst_ngrams_t *g)
{
    node_t *all = nodes(g);
    for (size_t i = 0; i < g->node_count; i++)
        all[i].now = 0;
}

void
mst_ngrams_reference(mst_ngrams_t *g, const uint32_t *tokens, size_t count)
{
    const node_t *base = nodes(g);
    if (g->added++ > 0)
        forget_now(g);
    for (size_t start = 0; start < count; start++) {
        uint32_t parent = 0;
        for (size_t n = 0; n < g->order && start + n < count; n++) {
            uint32_t token = tokens[start + n];
            node_t *to = child(g, parent, token);
            to->parent = parent;
            to->token = token;
            if (++to->now > to->most)
                to->most = to->now;
            parent = (uint32_t)(to - base) + 1;
        }
    }
}

void
mst_ngrams_walk(mst_ngrams_t *g)
{
    forget_now(g);
    memset(g->path, 0, sizeof g->path);
    memset(g->matches, 0, sizeof g->matches);
}

void
mst_ngrams_token(mst_ngrams_t *g, uint32_t token)
{
    const node_t *base = nodes(g);
    if (token == MST_VOCAB_NONE) {
        memset(g->path, 0, sizeof g->path);
        return;
    }
    for (unsigned n = g->order; n-- > 0;) {
        uint32_t parent = n > 0 ? g->path[n - 1] : 0;
        node_t *to = n > 0 && parent == 0 ? NULL : child(g, parent, token);
        if (to == NULL || to->most == 0) {
            g->path[n] = 0;
            continue;
        }
        g->path[n] = (uint32_t)(to - base) + 1;
        if (to->now < to->most) {
            to->now++;
            g->matches[n]++;
        }
    }
}
