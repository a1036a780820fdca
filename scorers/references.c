#include "scorers/references.h"

#include "scorers/say.h"

static mst_rc
one(mst_str_t text, mst_arena_t *arena, mst_references_t *refs, mst_err_t *err)
{
    mst_str_t *item = mst_arena_alloc_raw(arena, sizeof *item);
    if (item == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for the expected answer");
    *item = text;
    *refs = (mst_references_t){.items = item, .count = 1};
    return MST_OK;
}

static bool
all_strings(const mst_json_t *list)
{
    if (!mst_json_is(list, MST_JSON_ARR))
        return false;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->u.items[i].type != MST_JSON_STR)
            return false;
    }
    return true;
}

// The array of strings that the text holds as JSON, or NULL when it is just a text.
static const mst_json_t *
list_in(mst_str_t text, mst_json_parser_t *parser, mst_arena_t *arena)
{
    static const char *const members[] = {"text", "normalized_aliases", "aliases"};
    const mst_json_t *root = NULL;
    mst_str_t trimmed = mst_str_trim(text);
    if (trimmed.n < 2 || (trimmed.p[0] != '[' && trimmed.p[0] != '{'))
        return NULL;
    if (mst_json_parse(parser, trimmed, arena, &root, NULL, NULL) != MST_OK)
        return NULL;
    if (root->type == MST_JSON_ARR)
        return all_strings(root) ? root : NULL;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const mst_json_t *list = mst_json_get(root, members[i]);
        if (all_strings(list))
            return list;
    }
    return NULL;
}

static mst_rc
many(const mst_json_t *list, mst_arena_t *arena, mst_references_t *refs, mst_err_t *err)
{
    if (list->count == 0)
        return one(MST_STR(""), arena, refs, err);
    mst_str_t *items = MST_ARENA_ARRAY(arena, mst_str_t, list->count);
    if (items == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for %u expected answers", list->count);
    for (uint32_t i = 0; i < list->count; i++)
        items[i] = list->u.items[i].u.s;
    *refs = (mst_references_t){.items = items, .count = list->count};
    return MST_OK;
}

mst_rc
mst_score_references(const mst_scorer_cfg_t *cfg, const mst_score_in_t *in, mst_json_parser_t *parser,
                     mst_references_t *refs, mst_score_t *out, mst_err_t *err)
{
    const mst_param_value_t *given = mst_params_get(&cfg->params, "expected");
    if (given->set && given->u.list.count > 0) {
        *refs = (mst_references_t){.items = given->u.list.items, .count = given->u.list.count};
        return MST_OK;
    }
    if (!in->c->has_expected)
        return mst_score_no_reference(cfg, out, err);
    const mst_json_t *list = list_in(in->c->expected, parser, in->arena);
    return list != NULL ? many(list, in->arena, refs, err) : one(in->c->expected, in->arena, refs, err);
}
