// The metaschemas of drafts 2020-12 and 7, written for this program after the specifications' description of each
// keyword. They say what the official documents say, under the same URIs, anchors and names of definitions, so that
// schemas may refer to them; titles, comments and defaults are left out.
#include "common/schema/dialect.h"

// clang-format off: the line breaks follow the documents

typedef struct {
    const char *uri, *text;
} document_t;

#define META "https://json-schema.org/draft/2020-12/"
#define HEAD(name, vocab)                                                                             \
    "{\"$schema\":\"" META "schema\",\"$id\":\"" META "meta/" name "\",\"$vocabulary\":{\"" META "vocab/" vocab \
    "\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],"
#define META_REF "{\"$dynamicRef\":\"#meta\"}"
#define META_MAP "{\"type\":\"object\",\"additionalProperties\":" META_REF "}"
#define META_LIST "{\"type\":\"array\",\"minItems\":1,\"items\":" META_REF "}"
#define NAMES "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"

static const char schema_2020[] =
    "{\"$schema\":\"" META "schema\",\"$id\":\"" META "schema\",\"$vocabulary\":{\"" META "vocab/core\":true,\"" META
    "vocab/applicator\":true,\"" META "vocab/unevaluated\":true,\"" META "vocab/validation\":true,\"" META
    "vocab/meta-data\":true,\"" META "vocab/format-annotation\":true,\"" META
    "vocab/content\":true},\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],\"allOf\":["
    "{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},{\"$ref\":\"meta/unevaluated\"},"
    "{\"$ref\":\"meta/validation\"},{\"$ref\":\"meta/meta-data\"},{\"$ref\":\"meta/format-annotation\"},"
    "{\"$ref\":\"meta/content\"}],\"properties\":{\"definitions\":" META_MAP ",\"dependencies\":{\"type\":\"object\","
    "\"additionalProperties\":{\"anyOf\":[" META_REF ",{\"$ref\":\"meta/validation#/$defs/stringArray\"}]}},"
    "\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\"},"
    "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\"}}}";

static const char core_2020[] =
    HEAD("core", "core") "\"properties\":{\"$schema\":{\"$ref\":\"#/$defs/uriString\"},"
    "\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
    "\"$ref\":{\"$ref\":\"#/$defs/uriReferenceString\"},\"$dynamicRef\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
    "\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},"
    "\"additionalProperties\":{\"type\":\"boolean\"}},\"$comment\":{\"type\":\"string\"},\"$defs\":" META_MAP "},"
    "\"$defs\":{\"anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
    "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}";

static const char applicator_2020[] =
    HEAD("applicator", "applicator") "\"properties\":{\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"items\":" META_REF ",\"contains\":" META_REF ",\"additionalProperties\":" META_REF ",\"properties\":" META_MAP
    ",\"patternProperties\":{\"type\":\"object\",\"propertyNames\":{\"format\":\"regex\"},\"additionalProperties\":"
    META_REF "},\"dependentSchemas\":" META_MAP ",\"propertyNames\":" META_REF ",\"if\":" META_REF ",\"then\":" META_REF
    ",\"else\":" META_REF ",\"not\":" META_REF ",\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"}},"
    "\"$defs\":{\"schemaArray\":" META_LIST "}}";

static const char unevaluated_2020[] =
    HEAD("unevaluated", "unevaluated") "\"properties\":{\"unevaluatedItems\":" META_REF
    ",\"unevaluatedProperties\":" META_REF "}}";

static const char validation_2020[] =
    HEAD("validation", "validation") "\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},"
    "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},"
    "\"const\":true,\"enum\":{\"type\":\"array\"},\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},"
    "\"exclusiveMinimum\":{\"type\":\"number\"},\"maxLength\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minLength\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"maxItems\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minItems\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},\"uniqueItems\":{\"type\":\"boolean\"},"
    "\"maxContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"maxProperties\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minProperties\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"required\":{\"$ref\":\"#/$defs/stringArray\"},\"dependentRequired\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}}},\"$defs\":{\"nonNegativeInteger\":" COUNT ","
    "\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":0},"
    "\"simpleTypes\":{\"enum\":[\"null\",\"boolean\",\"object\",\"array\",\"number\",\"string\",\"integer\"]},"
    "\"stringArray\":" NAMES "}}";

static const char meta_data_2020[] =
    HEAD("meta-data", "meta-data") "\"properties\":{\"title\":{\"type\":\"string\"},"
    "\"description\":{\"type\":\"string\"},\"default\":true,\"deprecated\":{\"type\":\"boolean\"},"
    "\"readOnly\":{\"type\":\"boolean\"},\"writeOnly\":{\"type\":\"boolean\"},"
    "\"examples\":{\"type\":\"array\",\"items\":true}}}";

static const char format_annotation_2020[] =
    HEAD("format-annotation", "format-annotation") "\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char format_assertion_2020[] =
    HEAD("format-assertion", "format-assertion") "\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char content_2020[] =
    HEAD("content", "content") "\"properties\":{\"contentEncoding\":{\"type\":\"string\"},"
    "\"contentMediaType\":{\"type\":\"string\"},\"contentSchema\":" META_REF "}}";

#define SELF "{\"$ref\":\"#\"}"
#define SELF_MAP "{\"type\":\"object\",\"additionalProperties\":" SELF "}"
#define SELF_LIST "{\"$ref\":\"#/definitions/schemaArray\"}"
#define COUNT_7 "{\"$ref\":\"#/definitions/nonNegativeInteger\"}"
#define COUNT0_7 "{\"$ref\":\"#/definitions/nonNegativeIntegerDefault0\"}"
#define STRINGS_7 "{\"$ref\":\"#/definitions/stringArray\"}"

static const char draft_7[] =
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":\"http://json-schema.org/draft-07/schema#\","
    "\"type\":[\"object\",\"boolean\"],\"definitions\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":"
    SELF "},\"nonNegativeInteger\":" COUNT ",\"nonNegativeIntegerDefault0\":{\"allOf\":[" COUNT_7 ",{\"default\":0}]},"
    "\"simpleTypes\":{\"enum\":[\"null\",\"boolean\",\"object\",\"array\",\"number\",\"string\",\"integer\"]},"
    "\"stringArray\":" NAMES "},\"properties\":{\"$id\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"$schema\":{\"type\":\"string\",\"format\":\"uri\"},\"$ref\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"$comment\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"},"
    "\"default\":true,\"readOnly\":{\"type\":\"boolean\"},\"writeOnly\":{\"type\":\"boolean\"},"
    "\"examples\":{\"type\":\"array\",\"items\":true},\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},"
    "\"exclusiveMinimum\":{\"type\":\"number\"},\"maxLength\":" COUNT_7 ",\"minLength\":" COUNT0_7 ","
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"additionalItems\":" SELF ",\"items\":{\"anyOf\":[" SELF
    "," SELF_LIST "]},\"maxItems\":" COUNT_7 ",\"minItems\":" COUNT0_7 ",\"uniqueItems\":{\"type\":\"boolean\"},"
    "\"contains\":" SELF ",\"maxProperties\":" COUNT_7 ",\"minProperties\":" COUNT0_7 ",\"required\":" STRINGS_7 ","
    "\"additionalProperties\":" SELF ",\"definitions\":" SELF_MAP ",\"properties\":" SELF_MAP ","
    "\"patternProperties\":{\"type\":\"object\",\"propertyNames\":{\"format\":\"regex\"},\"additionalProperties\":" SELF
    "},\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" SELF "," STRINGS_7 "]}},"
    "\"propertyNames\":" SELF ",\"const\":true,\"enum\":{\"type\":\"array\",\"items\":true},"
    "\"type\":{\"anyOf\":[{\"$ref\":\"#/definitions/simpleTypes\"},{\"type\":\"array\",\"minItems\":1,"
    "\"uniqueItems\":true,\"items\":{\"$ref\":\"#/definitions/simpleTypes\"}}]},\"format\":{\"type\":\"string\"},"
    "\"contentMediaType\":{\"type\":\"string\"},\"contentEncoding\":{\"type\":\"string\"},\"if\":" SELF
    ",\"then\":" SELF ",\"else\":" SELF ",\"not\":" SELF ",\"allOf\":" SELF_LIST
    ",\"anyOf\":" SELF_LIST ",\"oneOf\":" SELF_LIST "}}";

static const document_t documents[] = {
    {META "schema", schema_2020},
    {META "meta/core", core_2020},
    {META "meta/applicator", applicator_2020},
    {META "meta/unevaluated", unevaluated_2020},
    {META "meta/validation", validation_2020},
    {META "meta/meta-data", meta_data_2020},
    {META "meta/format-annotation", format_annotation_2020},
    {META "meta/format-assertion", format_assertion_2020},
    {META "meta/content", content_2020},
    {"http://json-schema.org/draft-07/schema", draft_7},
};

mst_str_t
mst_metaschema_text(mst_str_t uri)
{
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (mst_str_eq_c(uri, documents[i].uri))
            return mst_str_c(documents[i].text);
    }
    return MST_STR_NULL;
}
