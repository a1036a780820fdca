#include "common/schema/dialect.h"

typedef struct {
    const char *name;
    child_kind_t kind;
    mst_schema_draft_t newest, oldest; // of the drafts that know it; the enum counts from the newest
} keyword_t;

#define ALWAYS MST_SCHEMA_2020_12, MST_SCHEMA_DRAFT_6

static const keyword_t keywords[] = {
    {"additionalItems", CHILD_ONE, MST_SCHEMA_2019_09, MST_SCHEMA_DRAFT_6},
    {"additionalProperties", CHILD_ONE, ALWAYS},
    {"allOf", CHILD_LIST, ALWAYS},
    {"anyOf", CHILD_LIST, ALWAYS},
    {"contains", CHILD_ONE, ALWAYS},
    {"contentSchema", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_2019_09},
    {"$defs", CHILD_MAP, MST_SCHEMA_2020_12, MST_SCHEMA_2019_09},
    {"definitions", CHILD_MAP, ALWAYS},
    {"dependencies", CHILD_DEPENDENCIES, ALWAYS},
    {"dependentSchemas", CHILD_MAP, MST_SCHEMA_2020_12, MST_SCHEMA_2019_09},
    {"else", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_DRAFT_7},
    {"if", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_DRAFT_7},
    {"items", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_2020_12},
    {"items", CHILD_ONE_OR_LIST, MST_SCHEMA_2019_09, MST_SCHEMA_DRAFT_6},
    {"not", CHILD_ONE, ALWAYS},
    {"oneOf", CHILD_LIST, ALWAYS},
    {"patternProperties", CHILD_MAP, ALWAYS},
    {"prefixItems", CHILD_LIST, MST_SCHEMA_2020_12, MST_SCHEMA_2020_12},
    {"properties", CHILD_MAP, ALWAYS},
    {"propertyNames", CHILD_ONE, ALWAYS},
    {"then", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_DRAFT_7},
    {"unevaluatedItems", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_2019_09},
    {"unevaluatedProperties", CHILD_ONE, MST_SCHEMA_2020_12, MST_SCHEMA_2019_09},
};

child_kind_t
mst_dialect_child(mst_schema_draft_t draft, mst_str_t keyword)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        const keyword_t *k = &keywords[i];
        if (draft >= k->newest && draft <= k->oldest && mst_str_eq_c(keyword, k->name))
            return k->kind;
    }
    return CHILD_NONE;
}

typedef struct {
    const char *uri; // behind "http://" or "https://"
    mst_schema_draft_t draft;
} known_t;

static const known_t known[] = {
    {"json-schema.org/draft/2020-12/schema", MST_SCHEMA_2020_12},
    {"json-schema.org/draft/2019-09/schema", MST_SCHEMA_2019_09},
    {"json-schema.org/draft-07/schema", MST_SCHEMA_DRAFT_7},
    {"json-schema.org/draft-06/schema", MST_SCHEMA_DRAFT_6},
};

bool
mst_dialect_known(mst_str_t uri, dialect_t *out)
{
    if (mst_str_ends(uri, MST_STR("#")))
        uri.n--;
    size_t skip = mst_str_starts(uri, MST_STR("https://")) ? 8 : mst_str_starts(uri, MST_STR("http://")) ? 7 : 0;
    uri = mst_str(uri.p + skip, uri.n - skip);
    for (size_t i = 0; skip > 0 && i < sizeof known / sizeof known[0]; i++) {
        if (mst_str_eq_c(uri, known[i].uri)) {
            *out = (dialect_t){.draft = known[i].draft, .vocab = VOCAB_STANDARD};
            return true;
        }
    }
    return false;
}

typedef struct {
    const char *name; // behind ".../vocab/"
    uint32_t bit;
} vocab_t;

static const vocab_t vocabs[] = {
    {"core", VOCAB_CORE},
    {"applicator", VOCAB_APPLICATOR},
    {"unevaluated", VOCAB_UNEVALUATED},
    {"validation", VOCAB_VALIDATION},
    {"format-assertion", VOCAB_FORMAT_ASSERTION},
    {"format-annotation", VOCAB_OTHER},
    {"format", VOCAB_OTHER},
    {"meta-data", VOCAB_OTHER},
    {"content", VOCAB_OTHER},
};

static uint32_t
vocab_bit(mst_str_t uri)
{
    const mst_str_t new = MST_STR("https://json-schema.org/draft/2020-12/vocab/");
    const mst_str_t old = MST_STR("https://json-schema.org/draft/2019-09/vocab/");
    if (!mst_str_starts(uri, new) && !mst_str_starts(uri, old))
        return 0;
    bool older = mst_str_starts(uri, old);
    uri = mst_str(uri.p + new.n, uri.n - new.n);
    for (size_t i = 0; i < sizeof vocabs / sizeof vocabs[0]; i++) {
        if (!mst_str_eq_c(uri, vocabs[i].name))
            continue;
        // 2019-09 has unevaluated* among the applicators
        return older && vocabs[i].bit == VOCAB_APPLICATOR ? VOCAB_APPLICATOR | VOCAB_UNEVALUATED : vocabs[i].bit;
    }
    return 0;
}

mst_rc
mst_dialect_vocabulary(const mst_json_t *vocabulary, uint32_t *out, mst_err_t *err)
{
    *out = VOCAB_CORE;
    for (uint32_t i = 0; i < vocabulary->count; i++) {
        const mst_json_member_t *m = &vocabulary->u.members[i];
        uint32_t bit = vocab_bit(m->key);
        bool required = false;
        (void)mst_json_bool(&m->value, &required);
        if (bit == 0 && required)
            return MST_ERR(err, MST_UNSUPPORTED, "vocabulary \"%.*s\" is required by the metaschema and not known",
                           MST_FMT(m->key));
        *out |= bit;
    }
    return MST_OK;
}
