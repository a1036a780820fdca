#include "common/schema/compile.h"

#include "common/base/limits.h"
#include "common/base/prng.h"

#include <stdlib.h>

// From the root on, every schema that is reached becomes a node; a node's subschemas get numbers at once and are
// compiled in turn, so that a schema which leads back to itself needs no special care. What is never reached is never
// looked at.
//
// $dynamicRef may lead to any dynamic anchor of its name: those of all documents taken in are compiled too, and a table
// (name, resource) -> node is left for checking.

#define PATH_MAX_BYTES 160

mst_rc
mst_compile_wrong(const at_t *at, const char *keyword, const char *what)
{
    char path[PATH_MAX_BYTES];
    mst_library_path(&at->c->lib, at->place, path, sizeof path);
    return MST_ERR(at->c->err, MST_INVAL, "schema at \"%s\": \"%s\" must be %s", path, keyword, what);
}

mst_rc
mst_compile_full(const at_t *at)
{
    return MST_ERR(at->c->err, MST_LIMIT, "the schema needs more than %lu bytes", ARENA_MAX);
}

const mst_json_t *
mst_compile_get(const at_t *at, uint32_t vocab, const char *keyword)
{
    return (at->dialect.vocab & vocab) != 0 ? mst_json_get(at->json, keyword) : NULL;
}

mst_rc
mst_compile_node_of(compile_t *c, uint32_t place, uint32_t *out)
{
    place_t *p = &c->lib.places[place];
    mst_schema_t *s = c->schema;
    if (p->node != NO_NODE) {
        *out = p->node;
        return MST_OK;
    }
    if (s->node_count >= NODES_MAX)
        return MST_ERR(c->err, MST_LIMIT, "the schema has more than %d subschemas", NODES_MAX);
    if (s->node_count == s->node_cap) {
        s->node_cap = s->node_cap > 0 ? s->node_cap * 2 : 16;
        s->nodes = mst_xrealloc(s->nodes, s->node_cap * sizeof *s->nodes);
        c->node_places = mst_xrealloc(c->node_places, s->node_cap * sizeof *c->node_places);
    }
    *out = p->node = (uint32_t)s->node_count;
    c->node_places[s->node_count++] = place;
    return MST_OK;
}

mst_rc
mst_compile_child(const at_t *at, const mst_json_t *json, const char *keyword, uint32_t *out)
{
    uint32_t place = mst_library_place(&at->c->lib, json);
    if (place == NO_PLACE)
        return mst_compile_wrong(at, keyword, "a schema, or hold schemas: objects, true or false");
    return mst_compile_node_of(at->c, place, out);
}

mst_rc
mst_compile_list(const at_t *at, const mst_json_t *json, const char *keyword, const uint32_t **out, uint32_t *count)
{
    if (json->type != MST_JSON_ARR)
        return mst_compile_wrong(at, keyword, "an array of schemas");
    uint32_t *list = MST_ARENA_ARRAY(at->c->schema->arena, uint32_t, json->count);
    if (list == NULL)
        return mst_compile_full(at);
    for (uint32_t i = 0; i < json->count; i++) {
        mst_rc rc = mst_compile_child(at, &json->u.items[i], keyword, &list[i]);
        if (rc != MST_OK)
            return rc;
    }
    *out = list;
    *count = json->count;
    return MST_OK;
}

mst_rc
mst_compile_pattern(const at_t *at, mst_str_t pattern, const char *keyword, mst_regex_t **out)
{
    mst_schema_t *s = at->c->schema;
    if (s->pattern_count >= PATTERNS_MAX)
        return MST_ERR(at->c->err, MST_LIMIT, "the schema has more than %d patterns", PATTERNS_MAX);
    mst_rc rc = mst_regex_new(pattern, MST_REGEX_ECMA, out, at->c->err);
    if (rc != MST_OK) {
        char path[PATH_MAX_BYTES];
        mst_library_path(&at->c->lib, at->place, path, sizeof path);
        mst_err_prefix(at->c->err, "schema at \"%s\": \"%s\"", path, keyword);
        return rc;
    }
    if (s->pattern_count == s->pattern_cap) {
        s->pattern_cap = s->pattern_cap > 0 ? s->pattern_cap * 2 : 8;
        s->patterns = mst_xrealloc(s->patterns, s->pattern_cap * sizeof(mst_regex_t *));
    }
    s->patterns[s->pattern_count++] = *out;
    return MST_OK;
}

mst_rc
mst_compile_count(const at_t *at, const char *keyword, uint64_t *out)
{
    const mst_json_t *v = mst_compile_get(at, VOCAB_VALIDATION, keyword);
    int64_t i = 0;
    *out = NO_COUNT;
    if (v == NULL)
        return MST_OK;
    if ((mst_value_type(v) & T_INT) == 0 || (mst_json_i64(v, &i) ? i < 0 : v->u.d < 0.0))
        return mst_compile_wrong(at, keyword, "a whole number from 0 on");
    *out = mst_json_i64(v, &i) ? (uint64_t)i : INT64_MAX;
    return MST_OK;
}

mst_rc
mst_compile_dynamic(compile_t *c, mst_str_t name, uint32_t *out)
{
    for (size_t i = 0; i < c->dynamic_count; i++) {
        if (mst_str_eq(c->dynamic[i], name)) {
            *out = (uint32_t)i;
            return MST_OK;
        }
    }
    if (c->dynamic_count == c->dynamic_cap) {
        c->dynamic_cap = c->dynamic_cap > 0 ? c->dynamic_cap * 2 : 4;
        c->dynamic = mst_xrealloc(c->dynamic, c->dynamic_cap * sizeof *c->dynamic);
    }
    *out = (uint32_t)c->dynamic_count;
    c->dynamic[c->dynamic_count++] = name;
    return MST_OK;
}

static mst_rc
compile_node(compile_t *c, uint32_t index)
{
    const place_t p = c->lib.places[c->node_places[index]];
    node_t n = {
        .types = T_ANY, .resource = p.resource, .unevaluated_items = NO_NODE, .unevaluated_properties = NO_NODE};
    at_t at = {.c = c, .json = p.json, .place = c->node_places[index], .resource = p.resource, .node = &n};
    at.dialect = c->lib.resources[p.resource].dialect;
    mst_rc rc = MST_OK;
    if (p.json->type == MST_JSON_BOOL) {
        n.kind = p.json->u.b ? NODE_ALWAYS : NODE_NEVER;
    } else {
        bool alone = at.dialect.draft >= MST_SCHEMA_DRAFT_7 && mst_json_get(p.json, "$ref") != NULL;
        mst_rc (*const groups[])(const at_t *) = {mst_compile_values, mst_compile_numbers, mst_compile_strings,
                                                  mst_compile_arrays, mst_compile_objects};
        for (size_t i = 0; !alone && rc == MST_OK && i < sizeof groups / sizeof groups[0]; i++)
            rc = groups[i](&at);
        if (rc == MST_OK)
            rc = mst_compile_applies(&at);
    }
    c->schema->nodes[index] = n;
    return rc;
}

// Every dynamic anchor of a name that is asked for.
static mst_rc
reach_dynamic(compile_t *c)
{
    for (size_t i = 0; i < c->lib.anchor_count; i++) {
        const anchor_t *a = &c->lib.anchors[i];
        uint32_t node;
        bool wanted = false;
        for (size_t k = 0; a->dynamic && k < c->dynamic_count; k++)
            wanted = wanted || mst_str_eq(c->dynamic[k], a->name);
        mst_rc rc = wanted ? mst_compile_node_of(c, a->place, &node) : MST_OK;
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static mst_rc
fill_dynamic(compile_t *c)
{
    mst_schema_t *s = c->schema;
    s->resource_count = c->lib.resource_count;
    size_t cells = c->dynamic_count * s->resource_count;
    s->dynamic = MST_ARENA_ARRAY(s->arena, uint32_t, cells);
    if (s->dynamic == NULL)
        return MST_ERR(c->err, MST_LIMIT, "the schema needs more than %lu bytes", ARENA_MAX);
    for (size_t i = 0; i < cells; i++)
        s->dynamic[i] = NO_NODE;
    for (size_t i = 0; i < c->lib.anchor_count; i++) {
        const anchor_t *a = &c->lib.anchors[i];
        for (size_t k = 0; a->dynamic && k < c->dynamic_count; k++) {
            if (mst_str_eq(c->dynamic[k], a->name))
                s->dynamic[k * s->resource_count + a->resource] = c->lib.places[a->place].node;
        }
    }
    return MST_OK;
}

static mst_rc
compile_all(compile_t *c, const mst_json_t *root, mst_str_t uri)
{
    uint32_t place;
    mst_rc rc = mst_library_add(&c->lib, uri, root, &place);
    if (rc != MST_OK)
        return rc;
    c->lib.dialect = c->lib.resources[c->lib.places[place].resource].dialect;
    rc = mst_compile_node_of(c, place, &c->schema->root);
    size_t done = 0;
    while (rc == MST_OK && done < c->schema->node_count) {
        rc = compile_node(c, (uint32_t)done++);
        if (rc == MST_OK && done == c->schema->node_count)
            rc = reach_dynamic(c);
    }
    return rc == MST_OK ? fill_dynamic(c) : rc;
}

mst_rc
mst_schema_new(const mst_json_t *root, const mst_schema_opts_t *opts, mst_schema_t **out, mst_err_t *err)
{
    static const mst_schema_opts_t none = {.doc_count = 0};
    opts = opts != NULL ? opts : &none;
    mst_schema_t *s = MST_NEW(mst_schema_t);
    s->arena = mst_arena_new(ARENA_MAX);
    s->seed = mst_entropy_u64();
    s->check = mst_check_new();
    compile_t c = {.schema = s, .assert_format = opts->assert_format, .err = err};
    mst_library_init(&c.lib, s->arena, opts, err);
    mst_rc rc = compile_all(&c, root, opts->uri);
    mst_library_deinit(&c.lib);
    free(c.node_places);
    free(c.dynamic);
    if (rc != MST_OK)
        mst_schema_free(&s);
    *out = s;
    return rc;
}

void
mst_schema_free(mst_schema_t **schema)
{
    if (schema == NULL || *schema == NULL)
        return;
    mst_schema_t *s = *schema;
    for (size_t i = 0; i < s->pattern_count; i++)
        mst_regex_free(&s->patterns[i]);
    free(s->patterns);
    free(s->nodes);
    mst_check_free(s->check);
    mst_arena_free(&s->arena);
    free(s);
    *schema = NULL;
}

size_t
mst_schema_nodes(const mst_schema_t *schema)
{
    return schema->node_count;
}
