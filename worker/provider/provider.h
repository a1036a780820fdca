// What a provider is: a codec between cases and the wire format of one kind of backend. Pure: no sockets,
// clocks or environment. One file a provider, found through providers.def.
//
// The I/O thread stamps and keeps the bytes (mst_rx_t log); a CPU thread then feeds them through the
// splitter (SSE, NDJSON or whole body) and the provider's on_event.
#ifndef MST_WORKER_PROVIDER_H
#define MST_WORKER_PROVIDER_H

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/model/ask.h"
#include "common/model/completion.h"
#include "common/model/outcome.h"

typedef enum { MST_SPLIT_SSE, MST_SPLIT_NDJSON, MST_SPLIT_BODY } mst_split_t;

typedef struct {
    const char *method; // NULL = POST
    mst_str_t url;      // whole; arena
    mst_str_t *headers; // "Name: value" lines without credentials; arena
    size_t header_count;
    mst_str_t auth_name;   // header that carries the key ("Authorization"), or empty
    mst_str_t auth_prefix; // "Bearer "
    mst_str_t body;        // arena; must live until the transfer ends
    mst_split_t split;     // how a 2xx answer is framed
} mst_request_t;

// The decoder's state over one answer. Lives in the unit's arena.
typedef struct mst_decoder mst_decoder_t;

typedef struct {
    mst_kind_t kind; // name, parameters, help
    uint32_t asks;   // MST_ASK_BIT of each kind that it has a route for
    bool replays;    // asks no server: the worker looks its answers up (worker/replay.h)
    const char *probe; // what its servers say of themselves (core/probe_read.c): "models|version"; NULL: nothing
    bool empty_ok;   // an answer of no bytes is one, where the status says so (202, 204)
    // Writes the request of one ask; its kind is among `asks`.
    mst_rc (*build_request)(const mst_provider_cfg_t *cfg, const mst_ask_t *ask, mst_arena_t *arena, mst_request_t *out,
                            mst_err_t *err);
    // One event: its name (SSE `event:`; empty otherwise), its data, its arrival relative to send.
    // Fills d->c as it goes. An error here (err is never NULL) ends the case: MST_CLOSED as connection_lost, MST_LIMIT
    // as too_large, sub 429 with a retry as rate_limited, any other as provider_error.
    mst_rc (*on_event)(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns, mst_err_t *err);
    // End of the transfer: requires the format's own terminator. Same error rule.
    mst_rc (*on_end)(mst_decoder_t *d, mst_err_t *err);
    // A body with an HTTP status other than 2xx: the server's own sentence, its code, whether to retry.
    void (*on_http_error)(int status, mst_str_t body, mst_arena_t *scratch, mst_err_t *err);
    // Cheap test on one event's data, for the first-token timer of the I/O thread: does it carry a token?
    bool (*has_token)(mst_str_t name, mst_str_t data);
} mst_provider_t;

const mst_provider_t *const *mst_providers_all(void); // sorted, NULL-terminated
const mst_provider_t *mst_provider_find(mst_str_t name);
const mst_kind_t *const *mst_providers_kinds(void);

// The shared part of every decoder (worker/provider/decoder.c): capped text buffers and event list, so that a
// provider file holds only what is particular to its format.
struct mst_decoder {
    const mst_provider_t *provider;
    const mst_ask_t *ask;                      // what this is the answer to; NULL: generate
    const mst_provider_cfg_t *cfg;             // what it was asked with; NULL: not known
    mst_json_parser_t *json;                   // the CPU thread's
    mst_arena_t *arena;                        // all that the completion points to
    mst_arena_t *scratch;                      // reset before each event
    mst_completion_t c;                        // grows; text slices and lists are set at the end of mst_decoder_run
    mst_buf_t text, reasoning, refusal, tools; // answer so far, capped by MST_HTTP_BODY_MAX
    mst_buf_t fragments;                       // of the tools' arguments: JSON array of arrays (tools.h)
    struct mst_extra *extra;                   // members of the completion's extra (extra.h)
    struct mst_tools *calls;                   // tool calls so far (tools.h)
    struct mst_choices *choices;               // the further choices so far (choices.h)
    mst_token_event_t *events;
    uint32_t event_cap;
    float *logprobs;
    uint32_t logprob_cap;
    mst_alternative_t *alternatives;
    uint32_t *alternative_ends;
    uint32_t alternative_cap, alternative_end_cap;
    int64_t usage_tokens;      // completion tokens by the server's count; MST_NONE = not told
    uint32_t bare_events;      // events with text whose number of tokens the event itself does not tell
    bool counted_by_logprobs;  // some event was counted by its logprobs
    bool saw_finish, saw_done; // the choice ended; the stream ended
    bool truncated, filtered;  // why it ended: the token limit, a content filter
    void *state;               // the provider's own, from arena
};

void mst_decoder_init(mst_decoder_t *d, const mst_provider_t *p, mst_json_parser_t *json, mst_arena_t *arena,
                      mst_arena_t *scratch);
void mst_decoder_deinit(mst_decoder_t *d); // frees the buffers, not the arena
// Appends to the lists and moves the stamps of first and last token; MST_LIMIT over a cap. n_tokens 0: not told.
MST_NODISCARD mst_rc mst_decoder_event(mst_decoder_t *d, mst_event_kind_t kind, uint32_t n_tokens, int64_t rx_ns,
                                       mst_err_t *err);
MST_NODISCARD mst_rc mst_decoder_logprob(mst_decoder_t *d, float v, mst_err_t *err);
// A likely token of the place whose logprob was added last. id: MST_NONE when not told.
MST_NODISCARD mst_rc mst_decoder_alternative(mst_decoder_t *d, mst_str_t text, int64_t id, float v, mst_err_t *err);
// Adds to a text of the answer; MST_LIMIT over its cap.
MST_NODISCARD mst_rc mst_decoder_text(mst_buf_t *to, mst_str_t s, mst_err_t *err);
// One event's data as JSON, in scratch. An error in it (error.h) is the error here, after an event of that kind;
// name: the event's, where "error" alone makes it one. data: not empty.
MST_NODISCARD mst_rc mst_decoder_json(mst_decoder_t *d, mst_str_t name, mst_str_t data, int64_t rx_ns,
                                      const mst_json_t **out, mst_err_t *err);
// What on_end says when the format's terminator is missing: MST_CLOSED, to be asked again.
mst_rc mst_decoder_cut(const mst_decoder_t *d, mst_err_t *err);
// Copies s into the decoder's arena once: does nothing when *out is set already or s is empty.
MST_NODISCARD mst_rc mst_decoder_keep(mst_decoder_t *d, mst_str_t *out, mst_str_t s, mst_err_t *err);

// Stamped bytes of one answer, as the I/O thread kept them.
typedef struct {
    int64_t rx_ns; // CLOCK_MONOTONIC arrival
    uint32_t n;    // bytes of this piece
    bool merged;   // shared a read with later bytes: the stamp is an upper bound
} mst_rx_t;

typedef struct {
    mst_str_t body; // all bytes, pieces joined
    const mst_rx_t *pieces;
    size_t piece_count;
    int64_t send_mono_ns; // base of every relative stamp
    int http_status;
    mst_split_t split;
    bool cut; // the transfer ended early: terminator or not, the connection broke
} mst_exchange_t;

// Runs the whole exchange through splitter and provider; fills d->c with text, events, stamps, usage, error.
// Returns the outcome that the bytes stand for (MST_OUT_SCORED = complete answer, to be scored; REFUSED, EMPTY,
// TRUNCATED, or a failure with d->c.error filled). The same answer for every way of cutting the input.
mst_outcome_t mst_decoder_run(mst_decoder_t *d, const mst_exchange_t *x);

#endif
