// A scorer as a shared object: the whole interface, plain C, nothing else of Muster is needed to build one.
//
// Export one function, muster_scorer_plugin(), that returns a table which stays valid. Muster calls compile() once
// per thread and run, score() many times from that thread, destroy() at the end; several states of one plugin are in
// use at once, each in its own thread, so keep what changes in the state. A plugin runs inside Muster's process and
// is trusted like Muster itself: what may crash or hang belongs into a program of type exec.
//
//   cc -shared -fPIC -I MUSTER/scorers -o my_scorer.so my_scorer.c
//
// How it grows: `version` and `size` stay where they are. New members come at the end of the records, and a record's
// `size` says how far it goes. A change that an old plugin would not survive raises MUSTER_PLUGIN_VERSION, and a
// plugin of another version is refused.
#ifndef MUSTER_SCORERS_PLUGIN_H
#define MUSTER_SCORERS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_PLUGIN_VERSION 1
#define MUSTER_PLUGIN_SYMBOL  "muster_scorer_plugin"

// n bytes at p, not ended by a NUL; p may be NULL when n is 0. Valid UTF-8 unless said otherwise.
typedef struct {
    const char *p;
    size_t n;
} muster_slice_t;

// One case and its answer. Everything is borrowed for the call.
typedef struct {
    size_t size; // sizeof of this record on Muster's side
    muster_slice_t case_id;
    muster_slice_t input;    // the prompt; may hold any bytes
    muster_slice_t expected; // may hold any bytes; look at has_expected
    muster_slice_t output;   // the answer
    muster_slice_t metadata; // JSON object of the case, or empty
    int has_expected;
} muster_case_t;

typedef enum {
    MUSTER_SCORED = 0,
    MUSTER_NOT_MEASURED = 1, // what it needs is missing: the entry's on_missing decides
} muster_verdict_t;

// The score. All zero when score() is called. Slices must stay valid until the next call with the same state.
typedef struct {
    size_t size;
    double value;             // finite; a value of at least the entry's threshold passes
    muster_verdict_t verdict;
    muster_slice_t reason;    // one sentence
    muster_slice_t breakdown; // JSON object, or empty
} muster_score_t;

typedef struct {
    uint32_t version; // MUSTER_PLUGIN_VERSION
    uint32_t size;    // sizeof(muster_plugin_t)
    const char *name; // for messages
    const char *help; // one line
    // params: the entry's `params` as a JSON object, "{}" when it has none. Returns 0 and sets *state (may stay NULL),
    // or something else and writes a sentence to error (error_bytes with its NUL). NULL: no state.
    int (*compile)(muster_slice_t params, void **state, char *error, size_t error_bytes);
    // Returns 0, or something else and a sentence: the case's outcome is then scorer_error, never a score of 0.
    int (*score)(void *state, const muster_case_t *in, muster_score_t *out, char *error, size_t error_bytes);
    void (*destroy)(void *state); // NULL: nothing to do
} muster_plugin_t;

// What a shared object exports.
const muster_plugin_t *muster_scorer_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
