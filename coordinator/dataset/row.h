// One row to one case: field mapping, types, texts. What does not fit is refused with a sentence.
// Pure. Thread: any; a map is read-only.
#ifndef MST_DATASET_ROW_H
#define MST_DATASET_ROW_H

#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/json/json.h"
#include "common/model/case.h"

typedef enum {
    MST_FIELD_ID,
    MST_FIELD_INPUT,
    MST_FIELD_EXPECTED,
    MST_FIELD_ACTUAL,
    MST_FIELD_CONTEXT,
    MST_FIELD_RETRIEVAL,
    MST_FIELD_METADATA,
    MST_FIELD_MESSAGES,
    MST_FIELD_TURNS,   // messages under another name
    MST_FIELD_CHOICES, // goes into the metadata
    MST_FIELD_COUNT,
} mst_field_t;

typedef struct {
    mst_str_t source[MST_FIELD_COUNT]; // dotted path of each field in the row; borrows the mapping
} mst_field_map_t;

// A field without a mapping is found under its own name.
void mst_field_map_init(mst_field_map_t *m, const mst_mapping_t *mapping, size_t count);

// Fills out but for case_no and digest; id.n == 0 when the row has none. Texts are valid UTF-8; they borrow the
// row's tree or lie in arena. scratch: for making the JSON texts of values. MST_INVAL: the row is refused,
// err->message is the sentence; MST_LIMIT: arena or scratch is too small.
MST_NODISCARD mst_rc mst_row_to_case(const mst_field_map_t *m, const mst_json_t *row, mst_arena_t *arena,
                                     mst_buf_t *scratch, mst_case_t *out, mst_err_t *err);

#endif
