// A YAML tree as JSON values. The way down stands on a stack of fixed depth.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

typedef struct {
    const mst_ynode_t *n;
    mst_json_t *items;          // of a list
    mst_json_member_t *members; // of a map
    size_t next;
} level_t;

// Fills out for a scalar; for a collection takes its places and puts it on the stack.
static mst_rc
enter(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_json_t *out, level_t *stack, size_t *depth)
{
    if (n->kind == MST_Y_SCALAR) {
        mst_str_t text;
        bool expanded;
        mst_rc rc = mst_cfg_text(c, n, &text, &expanded);
        if (rc == MST_OK)
            *out = mst_yaml_scalar(text, n->plain && !expanded);
        return rc;
    }
    if (*depth == MST_YAML_DEPTH_MAX)
        return mst_cfg_fail(c, MST_LIMIT, n, "nested deeper than %d levels", MST_YAML_DEPTH_MAX);
    level_t *l = &stack[(*depth)++];
    *l = (level_t){.n = n};
    out->count = (uint32_t)n->count;
    if (n->kind == MST_Y_MAP) {
        out->type = MST_JSON_OBJ;
        out->u.members = l->members = MST_ARENA_ARRAY(c->arena, mst_json_member_t, n->count);
    } else {
        out->type = MST_JSON_ARR;
        out->u.items = l->items = MST_ARENA_ARRAY(c->arena, mst_json_t, n->count);
    }
    return l->members != NULL || l->items != NULL ? MST_OK : mst_cfg_nomem(c);
}

mst_rc
mst_cfg_json(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_json_t **out)
{
    level_t stack[MST_YAML_DEPTH_MAX];
    size_t depth = 0;
    mst_json_t *root = MST_ARENA_NEW(c->arena, mst_json_t);
    *out = root;
    if (root == NULL)
        return mst_cfg_nomem(c);
    mst_rc rc = enter(c, n, root, stack, &depth);
    while (rc == MST_OK && depth > 0) {
        level_t *l = &stack[depth - 1];
        if (l->next == l->n->count) {
            depth--;
            continue;
        }
        size_t i = l->next++;
        mst_json_t *place = l->items != NULL ? &l->items[i] : &l->members[i].value;
        if (l->members != NULL)
            l->members[i].key = l->n->keys[i]->text;
        rc = enter(c, l->n->items[i], place, stack, &depth);
    }
    return rc;
}

mst_rc
mst_yaml_to_json(const mst_ynode_t *n, mst_arena_t *arena, const mst_json_t **out, mst_err_t *err)
{
    mst_cfg_ctx_t c = {.file = "yaml", .arena = arena, .err = err};
    return mst_cfg_json(&c, n, out);
}
