// Dialects: which keywords a schema's draft and vocabularies switch on, and where subschemas stand in them.
// For files of this folder only.
#ifndef MST_SCHEMA_DIALECT_H
#define MST_SCHEMA_DIALECT_H

#include "common/base/err.h"
#include "common/schema/schema.h"

enum {
    VOCAB_CORE = 1,
    VOCAB_APPLICATOR = 2,
    VOCAB_UNEVALUATED = 4,
    VOCAB_VALIDATION = 8,
    VOCAB_FORMAT_ASSERTION = 16,
    VOCAB_OTHER = 32, // known, and nothing to do: meta-data, content, format-annotation
    VOCAB_STANDARD = VOCAB_CORE | VOCAB_APPLICATOR | VOCAB_UNEVALUATED | VOCAB_VALIDATION | VOCAB_OTHER,
};

typedef struct {
    mst_schema_draft_t draft;
    uint32_t vocab;
} dialect_t;

// How subschemas stand in a keyword's value.
typedef enum {
    CHILD_NONE,
    CHILD_ONE,          // a schema
    CHILD_LIST,         // an array of schemas
    CHILD_MAP,          // an object of schemas
    CHILD_ONE_OR_LIST,  // items before 2020-12
    CHILD_DEPENDENCIES, // an object of schemas and arrays of names
} child_kind_t;

child_kind_t mst_dialect_child(mst_schema_draft_t draft, mst_str_t keyword);
// The dialect of a known metaschema's URI, with or without "#". False when it is none of them.
bool mst_dialect_known(mst_str_t uri, dialect_t *out);
// The bits of $vocabulary. MST_UNSUPPORTED: one that is required is not known.
MST_NODISCARD mst_rc mst_dialect_vocabulary(const mst_json_t *vocabulary, uint32_t *out, mst_err_t *err);

// The text of a built-in metaschema document, or p == NULL.
mst_str_t mst_metaschema_text(mst_str_t uri);

#endif
