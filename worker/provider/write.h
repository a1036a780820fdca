// Writing a request: what every provider does, so that its file holds only what is particular to it. A parameter that
// is not set is not sent, so that the server's default holds; what extra_body has goes over ours, member by member,
// also inside an object opened with mst_body_obj.
//
//   mst_body_open; mst_body_key/num/int/...; mst_body_close -- on every path, also after an error
//
// Thread: any.
#ifndef MST_WORKER_PROVIDER_WRITE_H
#define MST_WORKER_PROVIDER_WRITE_H

#include "worker/provider/provider.h"

#define MST_BODY_DEPTH 4

typedef struct {
    mst_jw_t w;
    const mst_params_t *p;
    mst_arena_t *arena;
    mst_buf_t text;
    const mst_json_t *extra[MST_BODY_DEPTH]; // object or NULL, by depth; its members win
    uint32_t depth;
} mst_body_t;

// Opens the body's object. MST_INVAL: extra_body is no map.
MST_NODISCARD mst_rc mst_body_open(mst_body_t *b, const mst_params_t *p, mst_arena_t *arena, mst_err_t *err);
// Writes what is left of extra_body, closes the object, copies the text to the arena, frees. rc: how it went so far.
MST_NODISCARD mst_rc mst_body_close(mst_body_t *b, mst_rc rc, mst_str_t *out, mst_err_t *err);

// Opens a member, unless extra_body has it: true = write its value now.
MST_NODISCARD bool mst_body_key(mst_body_t *b, const char *name);
// A member that is an object, merged with extra_body's object of that name. False: extra_body has something else there.
MST_NODISCARD bool mst_body_obj(mst_body_t *b, const char *name);
void mst_body_obj_end(mst_body_t *b);

// Members with fixed values.
void mst_body_put_str(mst_body_t *b, const char *name, mst_str_t v);
void mst_body_put_int(mst_body_t *b, const char *name, int64_t v);
void mst_body_put_bool(mst_body_t *b, const char *name, bool v);
// A parameter as a member of another name, when it is set. param must be in the provider's table.
void mst_body_num(mst_body_t *b, const char *param, const char *name);
void mst_body_int(mst_body_t *b, const char *param, const char *name);
void mst_body_bool(mst_body_t *b, const char *param, const char *name);
void mst_body_str(mst_body_t *b, const char *param, const char *name);
void mst_body_list(mst_body_t *b, const char *param, const char *name); // of texts; an empty one is not sent
void mst_body_json(mst_body_t *b, const char *param, const char *name);
void mst_body_seed(mst_body_t *b, uint32_t repeat_no, const char *name); // parameter "seed", varied by the repeat

// {"role":..., "content":...}
void mst_body_message(mst_body_t *b, mst_str_t role, mst_str_t text);
// The member `name`: the ask's messages, else the case's, else its input as one user message. The run's system prompt
// goes first, unless they bring their own. MST_INVAL: messages are no list of messages.
MST_NODISCARD mst_rc mst_body_messages(mst_body_t *b, const mst_ask_t *ask, const char *name, mst_err_t *err);
// What a completion is asked about, as one text: the input, or what the messages say, one behind the other; after the
// system prompt and an empty line. For log-likelihoods context and continuation.
MST_NODISCARD mst_rc mst_ask_text(const mst_ask_t *ask, mst_arena_t *arena, mst_str_t *out, mst_err_t *err);
// The schema in parameter response_format, NULL: none. *json: some JSON is asked for.
const mst_json_t *mst_params_schema(const mst_params_t *p, bool *json);

// What a route has no place for is refused, not dropped. names: "a|b" of the provider's table. MST_UNSUPPORTED.
MST_NODISCARD mst_rc mst_params_refuse(const mst_params_t *p, const char *names, const char *route, mst_err_t *err);

// base without blanks, slashes and any of the paths in `known` ("a|b") at its end, then path. MST_INVAL: no http(s).
MST_NODISCARD mst_rc mst_request_url(mst_str_t base, const char *known, const char *path, mst_arena_t *arena,
                                     mst_str_t *out, mst_err_t *err);
// Content-Type, Accept (by out->split), the lines of parameter headers; room for `more` lines of the provider's own.
MST_NODISCARD mst_rc mst_request_headers(mst_request_t *out, const mst_params_t *p, size_t more, mst_arena_t *arena,
                                         mst_err_t *err);
MST_NODISCARD mst_rc mst_request_header(mst_request_t *out, mst_str_t name, mst_str_t value, mst_arena_t *arena,
                                        mst_err_t *err);
// Authorization: Bearer, when api_key is set.
void mst_request_bearer(mst_request_t *out, const mst_params_t *p);

#endif
