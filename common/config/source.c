// The section data_source.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

const mst_param_t mst_source_cfg_table[] = {
    {.name = "source_type", .alias = "type", .type = MST_P_ENUM, .choices = "jsonl|dict|inline|huggingface",
     .help = "jsonl: a file of one JSON object a line; dict or inline: records written here"},
    {.name = "path", .alias = "dataset_name", .type = MST_P_STR,
     .help = "the file, relative to the working directory; .gz and .zst are read too"},
    {.name = "records", .type = MST_P_JSON, .help = "a list of rows (source_type dict)"},
    {.name = "field_mapping", .type = MST_P_JSON,
     .help = "field of a case: dotted path in the row, such as input: question or expected_output: gold.text"},
    {.name = "limit", .type = MST_P_INT, .min = 1, .max = (double)MST_CASES_MAX,
     .help = "read so many usable rows; all when not given"},
    {.name = NULL},
};

enum { ROW_TYPE, ROW_PATH, ROW_RECORDS, ROW_MAPPING, ROW_LIMIT };

#define TARGETS "id|input|expected_output|actual_output|context|retrieval_context|metadata|messages|turns|choices"

const char *
mst_cfg_source_type_name(mst_source_type_t v)
{
    return v == MST_SRC_JSONL ? "jsonl" : "inline";
}

static mst_rc
read_mapping_pair(mst_cfg_ctx_t *c, const mst_ynode_t *key, const mst_ynode_t *value, mst_mapping_t *out)
{
    char shown[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24];
    if (!mst_cfg_in_list(TARGETS, key->text)) {
        mst_cfg_near_t near = {.wanted = key->text};
        mst_cfg_near_list(&near, TARGETS);
        if (near.best.n > 0)
            return mst_cfg_fail(c, MST_INVAL, key, "unknown field \"%s\" in field_mapping%s",
                                mst_cfg_show(key->text, shown), mst_cfg_hint(&near, hint));
        return mst_cfg_fail(c, MST_INVAL, key,
                            "unknown field \"%s\" in field_mapping; known are id, input, expected_output, "
                            "actual_output, context, retrieval_context, metadata, messages, turns, choices",
                            mst_cfg_show(key->text, shown));
    }
    if (value->kind != MST_Y_SCALAR || mst_yaml_is_null(value) || value->text.n == 0)
        return mst_cfg_fail(c, MST_INVAL, value, "field_mapping: \"%s\" must be the dotted path of a column, not %s",
                            mst_cfg_show(key->text, shown),
                            value->kind == MST_Y_SCALAR ? "nothing" : mst_cfg_what(value, hint));
    out->target = key->text;
    return mst_cfg_text(c, value, &out->source, NULL);
}

static mst_rc
read_mapping(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_source_cfg_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n == NULL)
        return MST_OK;
    if (n->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, n, "\"field_mapping\" must be a map of field: column, not %s",
                            mst_cfg_what(n, shown));
    mst_mapping_t *m = MST_ARENA_ARRAY(c->arena, mst_mapping_t, n->count);
    if (m == NULL)
        return mst_cfg_nomem(c);
    out->mapping = m;
    out->mapping_count = n->count;
    for (size_t i = 0; i < n->count; i++) {
        mst_rc rc = read_mapping_pair(c, n->keys[i], n->items[i], &m[i]);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static mst_rc
check_records(mst_cfg_ctx_t *c, const mst_ynode_t *n)
{
    char shown[MST_CFG_SHOW_MAX];
    if (n->kind != MST_Y_SEQ || n->count == 0)
        return mst_cfg_fail(c, MST_INVAL, n, "\"records\" must be a list of at least one row, not %s",
                            n->kind == MST_Y_SEQ ? "an empty list" : mst_cfg_what(n, shown));
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i]->kind != MST_Y_MAP)
            return mst_cfg_fail(c, MST_INVAL, n->items[i], "a row of \"records\" must be a map, not %s",
                                mst_cfg_what(n->items[i], shown));
    return MST_OK;
}

// Which kind it is: as said, else by what is there.
static mst_rc
read_type(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_source_type_t *out)
{
    const mst_ynode_t *type = mst_cfg_find(n, &mst_source_cfg_table[ROW_TYPE]);
    mst_param_value_t v = {0};
    *out = mst_cfg_find(n, &mst_source_cfg_table[ROW_RECORDS]) != NULL ? MST_SRC_INLINE : MST_SRC_JSONL;
    if (type == NULL)
        return MST_OK;
    mst_rc rc = mst_cfg_value(c, &mst_source_cfg_table[ROW_TYPE], type, &v);
    if (rc != MST_OK)
        return rc;
    if (mst_str_eq_c(v.u.s, "huggingface"))
        return mst_cfg_fail(c, MST_UNSUPPORTED, type,
                            "source_type \"huggingface\" is not available in this version; save the dataset as JSONL "
                            "and use source_type jsonl");
    *out = mst_str_eq_c(v.u.s, "jsonl") ? MST_SRC_JSONL : MST_SRC_INLINE;
    return MST_OK;
}

// The one of path and records that the type needs, and not the other.
static mst_rc
check_place(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_source_cfg_t *s)
{
    const mst_ynode_t *path = mst_cfg_find(n, &mst_source_cfg_table[ROW_PATH]);
    const mst_ynode_t *records = mst_cfg_find(n, &mst_source_cfg_table[ROW_RECORDS]);
    const char *type = mst_cfg_source_type_name(s->type);
    bool file = s->type == MST_SRC_JSONL;
    if ((file ? path : records) == NULL)
        return mst_cfg_fail(c, MST_INVAL, n, "\"%s\" is missing in data_source: source_type %s needs it",
                            file ? "path" : "records", type);
    if ((file ? records : path) != NULL)
        return mst_cfg_fail(c, MST_INVAL, file ? records : path, "\"%s\" does not belong to source_type %s",
                            file ? "records" : "path", type);
    if (!file)
        return check_records(c, records);
    if (s->path.n == 0 || memchr(s->path.p, '\0', s->path.n) != NULL)
        return mst_cfg_fail(c, MST_INVAL, path, "\"path\" must be the name of a file");
    return MST_OK;
}

mst_rc
mst_cfg_source(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_source_cfg_t *out)
{
    *out = (mst_source_cfg_t){.limit = -1};
    c->section = "data_source";
    mst_params_t p;
    mst_rc rc = read_type(c, n, &out->type);
    if (rc == MST_OK)
        rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_source_cfg_table}, n, &p, NULL);
    if (rc != MST_OK)
        return rc;
    out->path = p.values[ROW_PATH].u.s;
    out->records = p.values[ROW_RECORDS].u.json;
    if (p.values[ROW_LIMIT].set)
        out->limit = p.values[ROW_LIMIT].u.i;
    rc = check_place(c, n, out);
    if (rc == MST_OK)
        rc = read_mapping(c, mst_cfg_find(n, &mst_source_cfg_table[ROW_MAPPING]), out);
    c->section = NULL;
    return rc;
}
