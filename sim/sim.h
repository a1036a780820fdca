// The simulated backend: the dialects of the common inference servers over HTTP/1.1 with keep-alive and chunked
// streams, seeded latency, tokens, logprobs and faults, replies from a file. A product feature and a test instrument.
// It records when it wrote each token, so that a client's stamps can be checked against the truth.
//
// Runs in its own thread (mst_sim_start) or as a process (`muster sim`). Two runs with the same seed and the
// same requests give the same answers, delays and faults: everything is drawn from a hash of (seed, request
// identity, attempt), not from the order of arrival.
// Thread: start, stop and port from any; the rest inside.
#ifndef MST_SIM_SIM_H
#define MST_SIM_SIM_H

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/json/json.h"

typedef struct mst_sim mst_sim_t;

// Whose routes, shapes and error bodies a port has.
typedef enum {
    MST_SIM_ANY = 0, // the routes of all; where several have one path, OpenAI's or the one that the body fits
    MST_SIM_OPENAI,
    MST_SIM_VLLM,
    MST_SIM_SGLANG,
    MST_SIM_TGI,
    MST_SIM_LLAMACPP,
    MST_SIM_OLLAMA,
    MST_SIM_ANTHROPIC,
    MST_SIM_TEI,
    MST_SIM_DIALECTS
} mst_sim_dialect_t;

enum { MST_SIM_PORTS_MAX = 16 };

typedef enum { MST_SIM_USAGE_EXACT = 0, MST_SIM_USAGE_ABSENT, MST_SIM_USAGE_ZERO } mst_sim_usage_t;

typedef struct {
    const char *host;   // "127.0.0.1"
    uint16_t port;      // 0 = any free one
    uint32_t dialect;   // mst_sim_dialect_t of that port
    const char *listen; // further ports: "vllm@8001,ollama@0"; NULL = none
    uint64_t seed;
    const char *model;          // the only model that it has: others get 404; NULL = any, and answers repeat the name
    const char *api_key;        // NULL = any; else 401 without it
    double ttft_ms, ttft_sigma; // log-normal: median and sigma of ln; 0 = at once
    double itl_ms, itl_sigma;   // per event
    uint32_t tokens_min, tokens_max; // answer length when no reply file decides
    uint32_t tokens_per_event;
    uint32_t tokens_per_event_max; // over tokens_per_event: each event has a number between the two
    bool reasoning;                // some reasoning tokens first
    uint32_t tool_calls;           // calls of the request's tools in place of a text; 0 = only when the request insists
    double p_refusal;              // per request
    uint32_t usage;                // mst_sim_usage_t
    double usage_delay_ms;         // behind the last token
    uint32_t dimensions;           // of vectors
    uint32_t context_length;       // prompt and answer in tokens; longer ones are refused; 0 = any
    // the way of a stream
    bool head_late;          // the response's head comes with the first token
    uint32_t burst;          // so many events are due together
    double prefill_stall_ms; // every new request holds up all streams that are under way
    bool crlf;               // line ends
    uint32_t ping_every;     // a comment before every so many events; 0 = none
    uint32_t split_writes;   // pieces that each event is sent in
    double split_ms;         // between two pieces
    // replies: JSONL rows {"id"|"prompt_sha256"|"prompt": ..., "reply": "..."}; looked up by the header
    // X-Case-Id, then by the SHA-256 (hex) of the last user message, then by that message
    const char *replies_path;
    bool echo; // reply with the prompt
    // faults, each a probability per attempt
    double p_429, p_500, p_cut, p_hang_before, p_hang_after, p_malformed, p_slow, p_error;
    const char *faults;                                 // by schedule: "429@10,cut@20-29,500@3s-5s"; NULL = none
    double retry_after_s;                               // header of the 429s
    double logprob_nan, logprob_sentinel, logprob_null; // per token: NaN, -9999.0, null
    bool sync_steps;                                    // every stream gets its token at the same instant
    const char *truth_path;                             // NULL = none; format in sim/README.md
    uint32_t connections_max;
} mst_sim_opts_t;

void mst_sim_defaults(mst_sim_opts_t *o);

// The options as a table: it drives the flags of `muster sim`, a configuration's `simulate` section and the checks.
typedef enum {
    MST_SIM_O_STR = 0,
    MST_SIM_O_BOOL,
    MST_SIM_O_U16,
    MST_SIM_O_U32,
    MST_SIM_O_U64,
    MST_SIM_O_NUM,
    MST_SIM_O_ENUM // a uint32_t: place of the word in `value`
} mst_sim_option_type_t;

typedef struct {
    const char *name; // as in a configuration: "ttft_ms"; the flag is "--ttft-ms"
    mst_sim_option_type_t type;
    size_t offset;     // in mst_sim_opts_t
    double min, max;   // of numbers
    const char *value; // word for the value in --help; of an enumeration: its words, "a|b|c"
    const char *help;  // one line
} mst_sim_option_t;

const mst_sim_option_t *mst_sim_options(size_t *out_count);
// Sets one option from text. A string is borrowed: value must outlive *o. Booleans: true or false.
// MST_INVAL: no such option (with the nearest one), or a bad value.
MST_NODISCARD mst_rc mst_sim_opts_set(mst_sim_opts_t *o, const char *name, const char *value, mst_err_t *err);
// Sets what the object holds; strings are copied to the arena. Errors name the option.
MST_NODISCARD mst_rc mst_sim_opts_json(mst_sim_opts_t *o, const mst_json_t *section, mst_arena_t *arena,
                                       mst_err_t *err);
// What no option alone can show, such as probabilities that add up to more than 1. mst_sim_start checks too.
MST_NODISCARD mst_rc mst_sim_opts_check(const mst_sim_opts_t *o, mst_err_t *err);

// Listens before it returns; copies the options. MST_CONFLICT: port in use; MST_NOTFOUND: replies file;
// MST_PROTO, MST_INVAL: a broken line of it, by number.
MST_NODISCARD mst_rc mst_sim_start(const mst_sim_opts_t *o, mst_sim_t **out, mst_err_t *err);
uint16_t mst_sim_port(const mst_sim_t *s);
// Port number i, 0 the first, the others those of `listen` in their order, with the dialect's name; 0: there is none.
uint16_t mst_sim_port_at(const mst_sim_t *s, size_t i, const char **out_dialect);
void mst_sim_stop(mst_sim_t **s); // joins the thread, writes the rest of the truth file

#endif
