#include "common/schema/library.h"

#include "common/base/limits.h"
#include "common/schema/program.h"
#include "common/schema/uri.h"

#include <stdlib.h>

// Places are found in a table keyed by the address of their JSON value: the same text at two places is two schemas.
// Looking for schemas walks the known keywords alone, so that $id or $anchor inside enum, const or an unknown keyword
// is data; a reference by pointer into such data makes a place of it, and of what lies below, only then.

#define HOPS_MAX 8 // metaschemas of metaschemas

void
mst_library_init(library_t *lib, mst_arena_t *arena, const mst_schema_opts_t *opts, mst_err_t *err)
{
    memset(lib, 0, sizeof *lib);
    lib->arena = arena;
    lib->opts = opts;
    lib->err = err;
    lib->dialect = (dialect_t){.draft = opts->draft, .vocab = VOCAB_STANDARD};
}

void
mst_library_deinit(library_t *lib)
{
    free(lib->places);
    free(lib->slots);
    free(lib->resources);
    free(lib->names);
    free(lib->anchors);
    free(lib->todo);
}

static mst_rc
full(const library_t *lib, const char *what, size_t max)
{
    return MST_ERR(lib->err, MST_LIMIT, "the schema has more than %zu %s", max, what);
}

// Room for one more in a heap array.
static void
grow(void *array_of, size_t count, size_t *cap, size_t size)
{
    void **array = array_of;
    if (count < *cap)
        return;
    *cap = *cap > 0 ? *cap * 2 : 16;
    *array = mst_xrealloc(*array, *cap * size);
}

static size_t
slot_of(const library_t *lib, const mst_json_t *json)
{
    uint64_t h = (uint64_t)(uintptr_t)json * 0x9E3779B97F4A7C15u;
    size_t slot = (size_t)(h >> 32) & (lib->slot_count - 1);
    while (lib->slots[slot] != 0 && lib->places[lib->slots[slot] - 1].json != json)
        slot = (slot + 1) & (lib->slot_count - 1);
    return slot;
}

uint32_t
mst_library_place(const library_t *lib, const mst_json_t *json)
{
    if (lib->slot_count == 0)
        return NO_PLACE;
    uint32_t v = lib->slots[slot_of(lib, json)];
    return v > 0 ? v - 1 : NO_PLACE;
}

static mst_rc
add_place(library_t *lib, const place_t *p, uint32_t *out)
{
    if (lib->place_count >= PLACES_MAX)
        return full(lib, "places", PLACES_MAX);
    if (lib->slot_count < 2 * (lib->place_count + 1)) {
        lib->slot_count = lib->slot_count > 0 ? lib->slot_count * 2 : 256;
        free(lib->slots);
        lib->slots = MST_NEW_ARRAY(uint32_t, lib->slot_count);
        for (size_t i = 0; i < lib->place_count; i++)
            lib->slots[slot_of(lib, lib->places[i].json)] = (uint32_t)i + 1;
    }
    grow(&lib->places, lib->place_count, &lib->place_cap, sizeof *lib->places);
    *out = (uint32_t)lib->place_count;
    lib->slots[slot_of(lib, p->json)] = *out + 1;
    lib->places[lib->place_count++] = *p;
    return MST_OK;
}

static mst_rc
add_resource(library_t *lib, const resource_t *r, uint32_t *out)
{
    if (lib->resource_count >= RESOURCES_MAX)
        return full(lib, "resources ($id)", RESOURCES_MAX);
    grow(&lib->resources, lib->resource_count, &lib->resource_cap, sizeof *lib->resources);
    *out = (uint32_t)lib->resource_count;
    lib->resources[lib->resource_count++] = *r;
    return MST_OK;
}

static mst_rc
add_name(library_t *lib, mst_str_t uri, uint32_t resource)
{
    if (lib->name_count >= 2 * RESOURCES_MAX)
        return full(lib, "names of resources", 2 * RESOURCES_MAX);
    grow(&lib->names, lib->name_count, &lib->name_cap, sizeof *lib->names);
    lib->names[lib->name_count++] = (uri_name_t){.uri = uri, .resource = resource};
    return MST_OK;
}

static mst_rc
add_anchor(library_t *lib, const anchor_t *a)
{
    if (lib->anchor_count >= RESOURCES_MAX)
        return full(lib, "anchors", RESOURCES_MAX);
    grow(&lib->anchors, lib->anchor_count, &lib->anchor_cap, sizeof *lib->anchors);
    lib->anchors[lib->anchor_count++] = *a;
    return MST_OK;
}

static mst_rc
no_memory(const library_t *lib)
{
    return MST_ERR(lib->err, MST_LIMIT, "the schema needs more than %lu bytes", ARENA_MAX);
}

static mst_str_t
string_of(const mst_json_t *schema, const char *key)
{
    mst_str_t s = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(schema, key), &s);
    return s;
}

static mst_str_t
without_fragment(mst_str_t uri)
{
    const char *hash = uri.n > 0 ? memchr(uri.p, '#', uri.n) : NULL;
    return hash != NULL ? mst_str(uri.p, (size_t)(hash - uri.p)) : uri;
}

// The caller's document of that URI: as he names it, or as it names itself.
static const mst_schema_doc_t *
find_doc(const library_t *lib, mst_str_t uri)
{
    for (size_t i = 0; i < lib->opts->doc_count; i++) {
        const mst_schema_doc_t *d = &lib->opts->docs[i];
        if (mst_str_eq(without_fragment(d->uri), uri) ||
            (uri.n > 0 && mst_str_eq(without_fragment(string_of(d->root, "$id")), uri)))
            return d;
    }
    return NULL;
}

// The dialect that a $schema stands for: a known one, or what its document's $vocabulary says.
static mst_rc
find_dialect(library_t *lib, mst_str_t schema, dialect_t *out)
{
    mst_str_t uri = schema;
    const mst_json_t *vocabulary = NULL;
    for (int hop = 0; hop < HOPS_MAX; hop++) {
        if (mst_dialect_known(uri, out))
            return vocabulary != NULL ? mst_dialect_vocabulary(vocabulary, &out->vocab, lib->err) : MST_OK;
        const mst_schema_doc_t *d = find_doc(lib, without_fragment(uri));
        if (d == NULL)
            break;
        const mst_json_t *v = mst_json_get(d->root, "$vocabulary");
        if (vocabulary == NULL && mst_json_is(v, MST_JSON_OBJ))
            vocabulary = v;
        uri = string_of(d->root, "$schema");
    }
    return MST_ERR(lib->err, MST_UNSUPPORTED,
                   "\"$schema\" \"%.*s\" is not known: use draft 2020-12, 2019-09, 7 or 6, or give the document of "
                   "that metaschema",
                   MST_FMT(schema));
}

static bool
ref_hides_siblings(const library_t *lib, const place_t *p)
{
    return lib->resources[p->resource].dialect.draft >= MST_SCHEMA_DRAFT_7 &&
           mst_json_is(mst_json_get(p->json, "$ref"), MST_JSON_STR);
}

// Takes $id into account: a new resource, or a new name of the document whose root this is. In drafts 6 and 7 a
// fragment in it is an anchor: *anchor.
static mst_rc
identify(library_t *lib, place_t *p, mst_str_t *anchor)
{
    *anchor = MST_STR_NULL;
    mst_str_t id = string_of(p->json, "$id"), fragment;
    if (id.p == NULL || ref_hides_siblings(lib, p))
        return MST_OK;
    bool ok;
    mst_str_t uri = mst_uri_resolve(lib->resources[p->resource].uri, id, &fragment, lib->arena, &ok);
    if (!ok)
        return no_memory(lib);
    if (lib->resources[p->resource].dialect.draft >= MST_SCHEMA_DRAFT_7)
        *anchor = fragment;
    if (without_fragment(id).n == 0)
        return MST_OK;
    if (p->parent == NO_PLACE) {
        lib->resources[p->resource].uri = uri;
        return add_name(lib, uri, p->resource);
    }
    resource_t r = {.uri = uri, .root = p->json, .dialect = lib->resources[p->resource].dialect};
    mst_str_t schema = string_of(p->json, "$schema");
    mst_rc rc = schema.p != NULL ? find_dialect(lib, schema, &r.dialect) : MST_OK;
    if (rc == MST_OK)
        rc = add_resource(lib, &r, &p->resource);
    return rc == MST_OK ? add_name(lib, uri, p->resource) : rc;
}

static mst_rc
note_anchors(library_t *lib, uint32_t place, mst_str_t by_id)
{
    const place_t *p = &lib->places[place];
    const resource_t *r = &lib->resources[p->resource];
    mst_str_t plain = string_of(p->json, "$anchor"), dynamic = string_of(p->json, "$dynamicAnchor");
    mst_schema_draft_t draft = r->dialect.draft;
    bool recursive = false;
    if (draft == MST_SCHEMA_2019_09 && r->root == p->json)
        (void)mst_json_bool(mst_json_get(p->json, "$recursiveAnchor"), &recursive);
    mst_rc rc = MST_OK;
    if (by_id.n > 0)
        rc = add_anchor(lib, &(anchor_t){p->resource, by_id, place, false});
    if (rc == MST_OK && plain.n > 0 && draft <= MST_SCHEMA_2019_09)
        rc = add_anchor(lib, &(anchor_t){p->resource, plain, place, false});
    if (rc == MST_OK && dynamic.n > 0 && draft == MST_SCHEMA_2020_12)
        rc = add_anchor(lib, &(anchor_t){p->resource, dynamic, place, true});
    if (rc == MST_OK && recursive)
        rc = add_anchor(lib, &(anchor_t){p->resource, MST_STR(""), place, true});
    return rc;
}

static void
push(library_t *lib, const place_t *child)
{
    if (child->json->type != MST_JSON_OBJ && child->json->type != MST_JSON_BOOL)
        return; // if it is used as a schema, compiling says so
    grow(&lib->todo, lib->todo_count, &lib->todo_cap, sizeof *lib->todo);
    lib->todo[lib->todo_count++] = *child;
}

static void
push_children(library_t *lib, uint32_t place)
{
    const place_t p = lib->places[place];
    mst_schema_draft_t draft = lib->resources[p.resource].dialect.draft;
    for (uint32_t i = 0; p.json->type == MST_JSON_OBJ && i < p.json->count; i++) {
        const mst_json_member_t *m = &p.json->u.members[i];
        child_kind_t kind = mst_dialect_child(draft, m->key);
        place_t child = {.resource = p.resource, .node = NO_NODE, .parent = place, .keyword = m->key, .index = -1};
        bool map = kind == CHILD_MAP || kind == CHILD_DEPENDENCIES, list = kind == CHILD_LIST;
        bool one = kind == CHILD_ONE || kind == CHILD_ONE_OR_LIST;
        child.json = &m->value;
        if (one)
            push(lib, &child);
        for (uint32_t k = 0; map && m->value.type == MST_JSON_OBJ && k < m->value.count; k++) {
            child.json = &m->value.u.members[k].value;
            child.key = m->value.u.members[k].key;
            push(lib, &child);
        }
        list = (list || kind == CHILD_ONE_OR_LIST) && m->value.type == MST_JSON_ARR;
        for (uint32_t k = 0; list && k < m->value.count; k++) {
            child.json = &m->value.u.items[k];
            child.index = k;
            push(lib, &child);
        }
    }
}

// Looks at first and at every schema below it.
static mst_rc
scan(library_t *lib, const place_t *first, uint32_t *out)
{
    size_t floor = lib->todo_count;
    push(lib, first);
    bool is_first = true;
    while (lib->todo_count > floor) {
        place_t p = lib->todo[--lib->todo_count];
        uint32_t place = mst_library_place(lib, p.json);
        if (place != NO_PLACE)
            continue;
        mst_str_t anchor = MST_STR_NULL;
        mst_rc rc = p.json->type == MST_JSON_OBJ ? identify(lib, &p, &anchor) : MST_OK;
        if (rc == MST_OK)
            rc = add_place(lib, &p, &place);
        if (rc == MST_OK && p.json->type == MST_JSON_OBJ)
            rc = note_anchors(lib, place, anchor);
        if (rc != MST_OK)
            return rc;
        push_children(lib, place);
        if (is_first)
            *out = place;
        is_first = false;
    }
    return MST_OK;
}

mst_rc
mst_library_add(library_t *lib, mst_str_t uri, const mst_json_t *root, uint32_t *out)
{
    if (root->type != MST_JSON_OBJ && root->type != MST_JSON_BOOL)
        return MST_ERR(lib->err, MST_INVAL, "a schema must be an object, true or false");
    resource_t r = {.uri = without_fragment(uri), .root = root, .dialect = lib->dialect};
    mst_str_t schema = string_of(root, "$schema");
    mst_rc rc = schema.p != NULL ? find_dialect(lib, schema, &r.dialect) : MST_OK;
    place_t p = {.json = root, .node = NO_NODE, .parent = NO_PLACE, .index = -1};
    if (rc == MST_OK)
        rc = add_resource(lib, &r, &p.resource);
    if (rc == MST_OK)
        rc = add_name(lib, r.uri, p.resource);
    return rc == MST_OK ? scan(lib, &p, out) : rc;
}

static bool
named(const library_t *lib, mst_str_t uri, uint32_t *resource)
{
    for (size_t i = 0; i < lib->name_count; i++) {
        if (mst_str_eq(lib->names[i].uri, uri)) {
            *resource = lib->names[i].resource;
            return true;
        }
    }
    return false;
}

// The resource of a URI; takes in its document when that is known but not yet needed.
static mst_rc
find_resource(library_t *lib, mst_str_t uri, uint32_t *out)
{
    if (named(lib, uri, out))
        return MST_OK;
    const mst_schema_doc_t *doc = find_doc(lib, uri);
    mst_str_t text = mst_metaschema_text(uri);
    const mst_json_t *root = doc != NULL ? doc->root : NULL;
    mst_str_t own = doc != NULL ? doc->uri : uri;
    if (doc == NULL && text.p != NULL) {
        mst_rc rc = mst_json_parse_lenient(text, lib->arena, &root, lib->err);
        if (rc != MST_OK)
            return rc;
    }
    if (root == NULL)
        return MST_ERR(lib->err, MST_INVAL, "no document \"%.*s\" is known: give it among the documents", MST_FMT(uri));
    uint32_t place;
    mst_rc rc = mst_library_add(lib, own, root, &place);
    if (rc == MST_OK)
        *out = lib->places[place].resource;
    return rc;
}

// A token of a JSON pointer with ~1 and ~0 decoded.
static mst_rc
unescape(const library_t *lib, mst_str_t token, mst_str_t *out)
{
    *out = token;
    if (token.n == 0 || memchr(token.p, '~', token.n) == NULL)
        return MST_OK;
    char *to = mst_arena_alloc_raw(lib->arena, token.n);
    if (to == NULL)
        return no_memory(lib);
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++) {
        bool two = token.p[i] == '~' && i + 1 < token.n && (token.p[i + 1] == '0' || token.p[i + 1] == '1');
        to[n++] = !two ? token.p[i] : token.p[i + 1] == '0' ? '~' : '/';
        i += two;
    }
    *out = mst_str(to, n);
    return MST_OK;
}

static const mst_json_t *
descend(const mst_json_t *v, mst_str_t token)
{
    if (v->type == MST_JSON_OBJ)
        return mst_json_get_str(v, token);
    uint64_t index;
    return mst_str_to_u64(token, &index) ? mst_json_at(v, index) : NULL;
}

// pointer begins with "/".
static mst_rc
follow(library_t *lib, uint32_t resource, mst_str_t pointer, uint32_t *out)
{
    const mst_json_t *v = lib->resources[resource].root;
    uint32_t place = mst_library_place(lib, v), known = place;
    mst_str_t rest = pointer, token;
    while (v != NULL && rest.n > 0) {
        rest = mst_str(rest.p + 1, rest.n - 1);
        const char *slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
        size_t n = slash != NULL ? (size_t)(slash - rest.p) : rest.n;
        mst_rc rc = unescape(lib, mst_str(rest.p, n), &token);
        if (rc != MST_OK)
            return rc;
        rest = mst_str(rest.p + n, rest.n - n);
        v = descend(v, token);
        place = v != NULL ? mst_library_place(lib, v) : NO_PLACE;
        known = place != NO_PLACE ? place : known;
    }
    if (v == NULL || (v->type != MST_JSON_OBJ && v->type != MST_JSON_BOOL))
        return MST_ERR(lib->err, MST_INVAL, "there is no schema at \"#%.*s\"", MST_FMT(pointer));
    *out = place;
    if (place != NO_PLACE)
        return MST_OK;
    place_t p = {.json = v, .resource = lib->places[known].resource, .node = NO_NODE, .index = -1, .key = pointer};
    p.parent = mst_library_place(lib, lib->resources[resource].root);
    return scan(lib, &p, out);
}

mst_rc
mst_library_resolve(library_t *lib, uint32_t resource, mst_str_t ref, target_t *out)
{
    bool ok;
    mst_str_t fragment, uri;
    *out = (target_t){.place = NO_PLACE};
    uri = mst_uri_resolve(lib->resources[resource].uri, ref, &fragment, lib->arena, &ok);
    if (ok)
        fragment = mst_uri_decode(fragment, lib->arena, &ok);
    if (!ok)
        return no_memory(lib);
    uint32_t found = 0;
    mst_rc rc = find_resource(lib, uri, &found);
    if (rc != MST_OK)
        return rc;
    if (fragment.n > 0 && fragment.p[0] == '/')
        return follow(lib, found, fragment, &out->place);
    if (fragment.n == 0) {
        out->place = mst_library_place(lib, lib->resources[found].root);
        return MST_OK;
    }
    for (size_t i = 0; i < lib->anchor_count; i++) {
        const anchor_t *a = &lib->anchors[i];
        if (a->resource == found && mst_str_eq(a->name, fragment)) {
            *out = (target_t){.place = a->place, .dynamic = a->dynamic, .name = a->name};
            return MST_OK;
        }
    }
    return MST_ERR(lib->err, MST_INVAL, "there is no anchor \"%.*s\" in \"%.*s\"", MST_FMT(fragment), MST_FMT(uri));
}

void
mst_library_path(const library_t *lib, uint32_t place, char *out, size_t out_bytes)
{
    uint32_t chain[2 * MST_JSON_DEPTH_MAX];
    size_t n = 0;
    for (; place != NO_PLACE && n < 2 * MST_JSON_DEPTH_MAX; place = lib->places[place].parent)
        chain[n++] = place;
    mst_buf_t text;
    mst_buf_init(&text, 64 * MST_KIB);
    (void)mst_buf_add_c(&text, "#");
    for (; n > 0; n--) {
        const place_t *p = &lib->places[chain[n - 1]];
        if (p->keyword.p != NULL)
            (void)mst_buf_addf(&text, "/%.*s", MST_FMT(p->keyword));
        if (p->index >= 0)
            (void)mst_buf_addf(&text, "/%lld", (long long)p->index);
        else if (p->keyword.p == NULL && p->key.p != NULL)
            (void)mst_buf_add_str(&text, p->key);
        else if (p->key.p != NULL)
            (void)mst_buf_addf(&text, "/%.*s", MST_FMT(p->key));
    }
    mst_str_t shown = mst_str_cut(mst_buf_view(&text), out_bytes - 1);
    memcpy(out, shown.p, shown.n);
    out[shown.n] = '\0';
    mst_buf_deinit(&text);
}
