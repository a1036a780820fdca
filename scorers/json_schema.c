// json_schema: is the answer JSON, and does it conform to a schema? The whole answer is read, as Python's json.loads
// reads it, without looking for a fenced block unless `extract` says so. Without a schema the reading is all.
#include "common/base/limits.h"
#include "common/schema/schema.h"
#include "scorers/json_text.h"
#include "scorers/say.h"
#include "scorers/scorer.h"

#include <stdlib.h>

#define TREE_MAX (512 * MST_MIB)

static const mst_param_t params[] = {
    {.name = "schema",
     .alias = "json_schema|value",
     .type = MST_P_JSON,
     .help = "the schema, as a map or as JSON text; without one the answer must only be JSON"},
    {.name = "documents",
     .alias = "remotes",
     .type = MST_P_JSON,
     .help = "a map from URI to schema: documents that \"$ref\" and \"$schema\" may name; nothing is fetched"},
    {.name = "draft",
     .type = MST_P_ENUM,
     .dflt = "2020-12",
     .choices = "2020-12|2019-09|7|6",
     .help = "draft of a schema without \"$schema\""},
    {.name = "format",
     .type = MST_P_ENUM,
     .dflt = "annotation",
     .choices = "annotation|assert",
     .help = "assert: \"format\" must hold; annotation: it says nothing about validity"},
    {.name = "extract",
     .type = MST_P_ENUM,
     .dflt = "none",
     .choices = MST_EXTRACT_CHOICES,
     .help = "none: the whole answer; fenced: its first ``` block, else the whole; any: also the outermost braces or "
             "brackets"},
    {.name = NULL},
};

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *kept, *scratch; // schema texts; one answer
    mst_schema_t *schema;
    mst_schema_doc_t *docs;
    mst_extract_t extract;
    mst_buf_t breakdown;
} state_t;

static void
destroy(void *state)
{
    state_t *s = state;
    if (s == NULL)
        return;
    mst_schema_free(&s->schema);
    mst_json_parser_free(&s->parser);
    mst_arena_free(&s->kept);
    mst_arena_free(&s->scratch);
    mst_buf_deinit(&s->breakdown);
    free(s->docs);
    free(s);
}

// A schema written as text is read here; any other value stands for itself.
static mst_rc
schema_value(state_t *s, const mst_json_t *given, const mst_json_t **out, mst_err_t *err)
{
    mst_str_t text;
    *out = given;
    if (!mst_json_str(given, &text))
        return MST_OK;
    mst_rc rc = mst_json_parse(s->parser, text, s->kept, out, NULL, err);
    if (rc != MST_OK)
        mst_err_prefix(err, "schema text");
    return rc;
}

static mst_rc
take_documents(state_t *s, const mst_json_t *map, size_t *count, mst_err_t *err)
{
    *count = 0;
    if (map == NULL)
        return MST_OK;
    if (map->type != MST_JSON_OBJ)
        return MST_ERR(err, MST_INVAL, "documents must be a map from URI to schema");
    s->docs = MST_NEW_ARRAY(mst_schema_doc_t, map->count + 1);
    for (uint32_t i = 0; i < map->count; i++) {
        s->docs[i].uri = map->u.members[i].key;
        mst_rc rc = schema_value(s, &map->u.members[i].value, &s->docs[i].root, err);
        if (rc != MST_OK) {
            mst_err_prefix(err, "documents: \"%.*s\"", MST_FMT(s->docs[i].uri));
            return rc;
        }
    }
    *count = map->count;
    return MST_OK;
}

static mst_schema_draft_t
draft_of(mst_str_t choice)
{
    if (mst_str_eq_c(choice, "7"))
        return MST_SCHEMA_DRAFT_7;
    if (mst_str_eq_c(choice, "6"))
        return MST_SCHEMA_DRAFT_6;
    return mst_str_eq_c(choice, "2019-09") ? MST_SCHEMA_2019_09 : MST_SCHEMA_2020_12;
}

static mst_rc
compile_schema(state_t *s, const mst_scorer_cfg_t *cfg, mst_err_t *err)
{
    const mst_param_value_t *given = mst_params_get(&cfg->params, "schema");
    const mst_param_value_t *documents = mst_params_get(&cfg->params, "documents");
    if (!given->set || given->u.json == NULL)
        return MST_OK;
    mst_schema_opts_t opts = {.draft = draft_of(mst_params_str(&cfg->params, "draft"))};
    opts.assert_format = mst_str_eq_c(mst_params_str(&cfg->params, "format"), "assert");
    const mst_json_t *root;
    mst_rc rc = schema_value(s, given->u.json, &root, err);
    if (rc == MST_OK)
        rc = take_documents(s, documents->set ? documents->u.json : NULL, &opts.doc_count, err);
    opts.docs = s->docs;
    return rc == MST_OK ? mst_schema_new(root, &opts, &s->schema, err) : rc;
}

static mst_rc
compile(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err)
{
    state_t *s = MST_NEW(state_t);
    s->parser = mst_json_parser_new();
    s->kept = mst_arena_new(TREE_MAX);
    s->scratch = mst_arena_new(TREE_MAX);
    s->extract = mst_extract_of(mst_params_str(&cfg->params, "extract"));
    mst_buf_init(&s->breakdown, 64 * MST_KIB);
    mst_rc rc = compile_schema(s, cfg, err);
    if (rc != MST_OK)
        destroy(s);
    else
        *out_state = s;
    return rc;
}

static void
tell(state_t *s, const mst_schema_verdict_t *verdict, mst_arena_t *arena, mst_score_t *out)
{
    mst_jw_t w;
    mst_buf_reset(&s->breakdown);
    mst_jw_init(&w, &s->breakdown);
    mst_jw_obj(&w);
    mst_jw_key(&w, "keyword");
    mst_jw_str(&w, mst_str_c(verdict->keyword));
    mst_jw_key(&w, "path");
    mst_jw_str(&w, verdict->path);
    mst_jw_obj_end(&w);
    if (!s->breakdown.failed)
        out->breakdown = mst_arena_dup(arena, mst_buf_view(&s->breakdown), NULL);
    out->reason = mst_arena_dup(arena, mst_str_cut(verdict->message, MST_REASON_MAX), NULL);
}

static mst_rc
score(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err)
{
    state_t *s = state;
    const mst_json_t *value;
    mst_schema_verdict_t verdict = {.valid = true};
    mst_err_t why;
    mst_arena_reset(s->scratch);
    mst_rc rc = mst_json_extract(s->extract, s->parser, in->output, s->scratch, &value, &why);
    if (rc == MST_PROTO) {
        mst_str_t sentence = mst_arena_dup(in->arena, mst_str_c(why.message), NULL);
        out->reason = MST_SAY(in->arena, MST_T("not JSON: "), MST_TS(sentence));
        return MST_OK;
    }
    if (rc != MST_OK) {
        *err = why;
        return rc;
    }
    rc = s->schema != NULL ? mst_schema_check(s->schema, value, &verdict, err) : MST_OK;
    if (rc != MST_OK)
        return rc;
    out->value = verdict.valid ? 1.0 : 0.0;
    if (!verdict.valid)
        tell(s, &verdict, in->arena, out);
    else if (s->schema != NULL)
        out->reason = MST_STR("the answer conforms to the schema");
    else
        out->reason = MST_STR("the answer is JSON");
    return MST_OK;
}

const mst_scorer_t mst_scorer_json_schema = {
    .kind = {.name = "json_schema",
             .aliases = "is_json",
             .tier = "L1",
             .params = params,
             .threshold = 1.0,
             .help = "1 when the answer is JSON that conforms to the schema"},
    .compile = compile,
    .score = score,
    .destroy = destroy,
};
