// Writing a tree, as it is or in canonical form: no blanks, members in bytewise order of their keys, numbers and
// strings as the writer spells them. No recursion: the open containers are frames of a small stack.
#include "common/json/json.h"

#include "common/base/limits.h"

#include <stdlib.h>

typedef struct {
    const mst_json_t *node;
    uint32_t next;
    size_t base; // canonical: first of its members in the sorted list
} frame_t;

// A member and the first eight bytes of its key as a number: most comparisons end there.
typedef struct {
    uint64_t head;
    const mst_json_member_t *member;
} entry_t;

// Sorted members of all open objects, one behind the other.
typedef struct {
    entry_t *p;
    size_t n, cap;
    entry_t small[48]; // enough for most: no heap
} sorted_t;

// Read in fixed sizes: a copy of variable length into a word would have to wait for its own stores.
static inline uint64_t
load_be(const char *p, size_t n)
{
    uint64_t wide;
    uint32_t half;
    if (n >= 8) {
        memcpy(&wide, p, 8);
        return __builtin_bswap64(wide);
    }
    uint64_t head = 0;
    size_t i = 0;
    if (n >= 4) {
        memcpy(&half, p, 4);
        head = (uint64_t)__builtin_bswap32(half) << 32;
        i = 4;
    }
    for (; i < n; i++)
        head |= (uint64_t)(unsigned char)p[i] << (56 - 8 * i);
    return head;
}

static inline entry_t
entry_of(const mst_json_member_t *m)
{
    return (entry_t){.head = load_be(m->key.p, m->key.n), .member = m};
}

static inline int
compare(const entry_t *a, const entry_t *b)
{
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int order = mst_str_cmp(a->member->key, b->member->key);
    return order != 0 ? order : a->member < b->member ? -1 : 1;
}

static int
by_key(const void *a, const void *b)
{
    return compare(a, b);
}

static bool
room_for(sorted_t *s, size_t more)
{
    if (more <= s->cap - s->n)
        return true;
    size_t cap = s->cap;
    while (cap < s->n + more)
        cap *= 2;
    bool small = s->p == s->small;
    entry_t *p = realloc(small ? NULL : s->p, cap * sizeof *p);
    if (p == NULL)
        return false;
    if (small)
        memcpy(p, s->small, s->n * sizeof *p);
    s->p = p;
    s->cap = cap;
    return true;
}

// Appends the members of an object in order of their keys.
static bool
sort_members(sorted_t *s, const mst_json_t *obj)
{
    if (!room_for(s, obj->count))
        return false;
    entry_t *p = s->p + s->n;
    s->n += obj->count;
    if (obj->count > 16) {
        for (uint32_t i = 0; i < obj->count; i++)
            p[i] = entry_of(&obj->u.members[i]);
        qsort(p, obj->count, sizeof *p, by_key);
        return true;
    }
    for (uint32_t i = 0; i < obj->count; i++) {
        entry_t e = entry_of(&obj->u.members[i]);
        uint32_t at = i;
        for (; at > 0 && compare(&p[at - 1], &e) > 0; at--)
            p[at] = p[at - 1];
        p[at] = e;
    }
    return true;
}

static void
write_scalar(mst_jw_t *w, const mst_json_t *v)
{
    switch (v->type) {
    case MST_JSON_NULL:
        mst_jw_null(w);
        break;
    case MST_JSON_BOOL:
        mst_jw_bool(w, v->u.b);
        break;
    case MST_JSON_INT:
        mst_jw_i64(w, v->u.i);
        break;
    case MST_JSON_DOUBLE:
        mst_jw_f64(w, v->u.d);
        break;
    case MST_JSON_STR:
        mst_jw_str(w, v->u.s);
        break;
    case MST_JSON_ARR:
    case MST_JSON_OBJ:
        break;
    }
}

typedef struct {
    mst_jw_t *w;
    sorted_t *sorted; // NULL: as it is
    uint32_t depth;
    frame_t frames[MST_JSON_DEPTH_MAX];
} walk_t;

static void
write_one(walk_t *k, const mst_json_t *v)
{
    if (v->type != MST_JSON_OBJ && v->type != MST_JSON_ARR) {
        write_scalar(k->w, v);
        return;
    }
    if (v->type == MST_JSON_OBJ)
        mst_jw_obj(k->w);
    else
        mst_jw_arr(k->w);
    if (k->w->out->failed) // too deep, or full
        return;
    frame_t *f = &k->frames[k->depth++];
    *f = (frame_t){.node = v, .base = k->sorted != NULL ? k->sorted->n : 0};
    if (k->sorted != NULL && v->type == MST_JSON_OBJ && !sort_members(k->sorted, v))
        k->w->out->failed = true;
}

// Ends what is complete; the next value to write, or NULL.
static const mst_json_t *
next_value(walk_t *k)
{
    while (k->depth > 0) {
        frame_t *f = &k->frames[k->depth - 1];
        bool object = f->node->type == MST_JSON_OBJ;
        if (f->next < f->node->count && !object)
            return &f->node->u.items[f->next++];
        if (f->next < f->node->count) {
            const mst_json_member_t *m =
                k->sorted != NULL ? k->sorted->p[f->base + f->next].member : &f->node->u.members[f->next];
            f->next++;
            mst_jw_key_str(k->w, m->key);
            return &m->value;
        }
        if (object)
            mst_jw_obj_end(k->w);
        else
            mst_jw_arr_end(k->w);
        if (k->sorted != NULL)
            k->sorted->n = f->base;
        k->depth--;
    }
    return NULL;
}

static void
write_tree(mst_jw_t *w, const mst_json_t *v, sorted_t *sorted)
{
    static const mst_json_t null = {.type = MST_JSON_NULL};
    walk_t k;
    k.w = w;
    k.sorted = sorted;
    k.depth = 0;
    if (v == NULL)
        v = &null;
    for (; v != NULL && !w->out->failed; v = next_value(&k))
        write_one(&k, v);
}

void
mst_jw_value(mst_jw_t *w, const mst_json_t *v)
{
    write_tree(w, v, NULL);
}

void
mst_jw_canonical(mst_jw_t *w, const mst_json_t *v)
{
    sorted_t sorted;
    sorted.p = sorted.small;
    sorted.n = 0;
    sorted.cap = sizeof sorted.small / sizeof sorted.small[0];
    write_tree(w, v, &sorted);
    if (sorted.p != sorted.small)
        free(sorted.p);
}
