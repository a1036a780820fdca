// JSON Schema, drafts 2020-12 and 7 whole, 2019-09 and 6 as far as their keywords go: a schema is compiled once to a
// program of nodes, and values are then held against it.
//
// Draft: by $schema, else by the options. A custom metaschema is followed (its $vocabulary switches keywords) when its
// document is given; an unknown $schema is an error that names it. References lead to places of the schema itself, to
// the built-in metaschemas, and to documents that the caller gives; nothing is ever fetched.
// `format` and, in draft 7, contentEncoding and contentMediaType are annotations unless assert_format is set or the
// metaschema asks for the format-assertion vocabulary. Patterns are ECMA-262's (common/text/ecma.h).
//
// Everything is hostile, schemas too: nesting, steps and memory are capped (MST_LIMIT), schemas that lead back to
// themselves are followed as long as the value gets smaller and are MST_INVAL otherwise.
// Thread: a compiled schema belongs to one thread (it holds patterns and scratch). Pure: the same schema and value give
// the same verdict on every machine.
#ifndef MST_SCHEMA_SCHEMA_H
#define MST_SCHEMA_SCHEMA_H

#include "common/json/json.h"

typedef enum {
    MST_SCHEMA_2020_12 = 0, // the default
    MST_SCHEMA_2019_09,
    MST_SCHEMA_DRAFT_7,
    MST_SCHEMA_DRAFT_6,
} mst_schema_draft_t;

typedef struct {
    mst_str_t uri;          // absolute, or as references write it
    const mst_json_t *root; // borrowed
} mst_schema_doc_t;

typedef struct {
    mst_schema_draft_t draft; // where no $schema says so
    bool assert_format;
    mst_str_t uri;                // where the schema came from, base of its references; empty = unknown
    const mst_schema_doc_t *docs; // other documents that references and $schema may name; borrowed
    size_t doc_count;
} mst_schema_opts_t;

typedef struct {
    bool valid;
    // Of the first violation, when not valid; views until the next call on the same schema.
    mst_str_t path;      // JSON pointer into the value: "/items/3/name"; empty = the value itself
    const char *keyword; // "minimum"
    mst_str_t message;   // a sentence: at "/items/3/name": minLength: 2 characters, at least 3 wanted
} mst_schema_verdict_t;

typedef struct mst_schema mst_schema_t;

// Compiles. root, and the documents, must outlive the result. opts may be NULL.
// MST_INVAL: a schema, a pattern or a reference is wrong, with its place; MST_UNSUPPORTED: a draft or a vocabulary that
// is not known; MST_LIMIT: too large.
MST_NODISCARD mst_rc mst_schema_new(const mst_json_t *root, const mst_schema_opts_t *opts, mst_schema_t **out,
                                    mst_err_t *err);
void mst_schema_free(mst_schema_t **schema);
// Holds a value against the schema. A value that does not conform is MST_OK with out->valid false.
// MST_LIMIT: given up after a fixed number of steps; MST_INVAL: the schema leads back to itself at the same place.
MST_NODISCARD mst_rc mst_schema_check(mst_schema_t *schema, const mst_json_t *value, mst_schema_verdict_t *out,
                                      mst_err_t *err);
size_t mst_schema_nodes(const mst_schema_t *schema); // compiled places, for tests and figures

// One format alone, as assertion: "date-time" and so on. True for a format that is not known.
bool mst_schema_format_ok(mst_str_t format, mst_str_t text);

#endif
