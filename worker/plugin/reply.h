// The lines that pass between Muster and a scoring program (docs/extending.md): requests written, replies read.
// Pure. A reply is text from outside: everything in it is checked and bounded.
#ifndef MST_WORKER_PLUGIN_REPLY_H
#define MST_WORKER_PLUGIN_REPLY_H

#include "scorers/scorer.h"

#define MST_REPLY_VERSION       1
#define MST_REPLY_BREAKDOWN_MAX (64UL * 1024UL)

// {"muster":1,"scorer":LABEL,"params":{...}} and a newline, appended.
void mst_reply_hello(mst_str_t label, const mst_json_t *params, mst_buf_t *out);
// {"id":N,"case_id":...,"input":...,"output":...,...} and a newline, appended. out->failed when it did not fit.
void mst_reply_request(uint64_t id, const mst_score_in_t *in, mst_buf_t *out);

// The program's answer to the hello. MST_PROTO: it is none; MST_INVAL: the program refuses, with its sentence.
MST_NODISCARD mst_rc mst_reply_ready(mst_json_parser_t *parser, mst_str_t line, mst_arena_t *arena, mst_err_t *err);
// The answer to request id. MST_PROTO: it is none, nothing more can be trusted; MST_INVAL: the program could not
// score this case, with its sentence. Strings are copied to the arena or borrow from the line.
MST_NODISCARD mst_rc mst_reply_score(mst_json_parser_t *parser, mst_str_t line, uint64_t id, mst_arena_t *arena,
                                     mst_score_t *out, mst_err_t *err);

// A sentence from outside as a reason: valid UTF-8, bounded, in the arena; empty when there is no room.
mst_str_t mst_reply_sentence(mst_str_t text, mst_arena_t *arena);

#endif
