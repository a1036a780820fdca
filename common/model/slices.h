// The slices of a case: what a run is aggregated by beside the whole. They come from its metadata, members "slice",
// "slices", "tag" and "tags", each a text or a list of texts, and travel with each result as a small JSON array of
// "slice:NAME" and "tag:NAME". Thread: any; a parser belongs to one thread.
#ifndef MST_MODEL_SLICES_H
#define MST_MODEL_SLICES_H

#include "common/json/json.h"

// The array for one case's metadata (JSON object or empty) in arena, or empty when it names none. Numbers and bools
// count by their text; names are trimmed and cut at MST_SLICE_NAME_MAX, blank and repeated ones dropped, and of more
// than MST_CASE_SLICES_MAX the first are kept. Metadata that cannot be read has no slices.
mst_str_t mst_case_slices(mst_str_t metadata, mst_json_parser_t *parser, mst_arena_t *arena);

// "slice:NAME" into its two parts; a text without a colon has an empty kind.
void mst_slice_split(mst_str_t slice, mst_str_t *kind, mst_str_t *name);

#endif
