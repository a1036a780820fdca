// The tree of simdjson's tape. The tape is in the order of the text and knows the number of children in front of
// them, so that one pass with a small stack fills contiguous arrays.
#include "common/json/tree.h"

#include "common/base/limits.h"

// The tape counts children in 24 bits; no text within the limit has more.
#define COUNT_MAX 0xFFFFFFU
_Static_assert((MST_JSON_BYTES_MAX - 1) / 2 <= COUNT_MAX, "a text may have more elements than the tape can count");

typedef struct {
    mst_json_t *node;           // the container
    mst_json_t *items;          // of an array
    mst_json_member_t *members; // of an object; NULL for an array
    uint32_t next;
} frame_t;

typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
    mst_arena_t *arena;
    size_t at;
    uint32_t depth;
    frame_t frames[MST_JSON_DEPTH_MAX];
} walk_t;

static inline char
word_type(uint64_t word)
{
    return (char)(word >> 56);
}

static inline uint64_t
word_payload(uint64_t word)
{
    return word & 0x00FFFFFFFFFFFFFFULL;
}

static bool
copy_string(walk_t *w, mst_str_t *out)
{
    const uint8_t *p = w->strings + word_payload(w->tape[w->at]);
    uint32_t n;
    memcpy(&n, p, sizeof n);
    char *copy = mst_arena_alloc_raw(w->arena, (size_t)n + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, p + sizeof n, (size_t)n + 1); // simdjson puts a NUL behind it too
    *out = mst_str(copy, n);
    return true;
}

static mst_rc
open_container(walk_t *w, mst_json_t *node)
{
    if (w->depth == MST_JSON_DEPTH_MAX)
        return MST_UNSUPPORTED;
    frame_t *f = &w->frames[w->depth++];
    *f = (frame_t){.node = node};
    node->count = (uint32_t)(w->tape[w->at] >> 32) & COUNT_MAX;
    bool object = word_type(w->tape[w->at]) == '{';
    size_t bytes = node->count * (object ? sizeof(mst_json_member_t) : sizeof(mst_json_t));
    void *memory = mst_arena_alloc_raw(w->arena, bytes);
    if (memory == NULL)
        return MST_LIMIT;
    if (object) {
        node->type = MST_JSON_OBJ;
        node->u.members = f->members = memory;
    } else {
        node->type = MST_JSON_ARR;
        node->u.items = f->items = memory;
    }
    w->at++;
    return MST_OK;
}

static void
read_number(walk_t *w, char type, mst_json_t *node)
{
    uint64_t bits = w->tape[w->at + 1];
    if (type == 'l') {
        node->type = MST_JSON_INT;
        node->u.i = (int64_t)bits;
    } else {
        node->type = MST_JSON_DOUBLE;
        if (type == 'u')
            node->u.d = (double)bits;
        else
            memcpy(&node->u.d, &bits, sizeof bits);
    }
    w->at += 2;
}

static mst_rc
read_value(walk_t *w, mst_json_t *node)
{
    char type = word_type(w->tape[w->at]);
    node->count = 0;
    switch (type) {
    case '{':
    case '[':
        return open_container(w, node);
    case '"':
        node->type = MST_JSON_STR;
        if (!copy_string(w, &node->u.s))
            return MST_LIMIT;
        break;
    case 'l':
    case 'u':
    case 'd':
        read_number(w, type, node);
        return MST_OK;
    case 't':
    case 'f':
        node->type = MST_JSON_BOOL;
        node->u.b = type == 't';
        break;
    default:
        node->type = MST_JSON_NULL;
        node->u.i = 0;
        break;
    }
    w->at++;
    return MST_OK;
}

// Closes every container that is complete.
static mst_rc
close_containers(walk_t *w)
{
    while (w->depth > 0) {
        frame_t *f = &w->frames[w->depth - 1];
        if (f->next < f->node->count)
            break;
        if (f->members != NULL && mst_json_dedupe(f->members, &f->node->count) != MST_OK)
            return MST_NOMEM;
        w->at++;
        w->depth--;
    }
    return MST_OK;
}

mst_rc
mst_json_from_tape(const mst_simd_tape_t *t, mst_arena_t *arena, const mst_json_t **out)
{
    walk_t w;
    w.tape = t->tape;
    w.strings = t->strings;
    w.arena = arena;
    w.at = 1;
    w.depth = 0;
    mst_json_t *root = mst_arena_alloc_raw(arena, sizeof *root);
    if (root == NULL)
        return MST_LIMIT;
    mst_json_t *node = root;
    for (;;) {
        mst_rc rc = read_value(&w, node);
        if (rc == MST_OK)
            rc = close_containers(&w);
        if (rc != MST_OK)
            return rc;
        if (w.depth == 0)
            break;
        frame_t *f = &w.frames[w.depth - 1];
        if (f->members == NULL) {
            node = &f->items[f->next++];
            continue;
        }
        mst_json_member_t *m = &f->members[f->next++];
        if (!copy_string(&w, &m->key))
            return MST_LIMIT;
        w.at++;
        node = &m->value;
    }
    *out = root;
    return MST_OK;
}
