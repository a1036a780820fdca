// What a scorer is. One file a scorer, found through scorers.def. A scorer is pure: no sockets, files,
// clocks, randomness, threads or environment. It takes slices and allocates from the arena it is given.
//
// Life: compile() once per CPU thread and run (patterns and schemas are compiled here), score() many times
// from that one thread, destroy(). A scorer of scope run has run() in place of score(): it is called once,
// at the end, and gates the run, not a case.
#ifndef MST_SCORERS_SCORER_H
#define MST_SCORERS_SCORER_H

#include "common/base/mem.h"
#include "common/config/run_config.h"
#include "common/model/ask.h"
#include "common/model/case.h"
#include "common/model/completion.h"
#include "common/model/score.h"

typedef enum { MST_SCOPE_CASE, MST_SCOPE_RUN } mst_scope_t;

struct mst_models; // scorers/models.h

#define MST_SCORE_CALLS_MAX 16 // asks of one scorer about one case
#define MST_CALLERS_MAX     32 // scorers of a run that ask an endpoint of their own

// What one scorer asks of its own endpoint (`provider:` or `embeddings:` of its configuration) about one case. A scorer
// never does I/O: it fills `ask`, sets out->state = MST_SCORE_NEED_CALL and returns MST_OK. When the answer is there,
// score() is called anew with the same input and one reply more; what it works out must follow from those alone.
typedef struct {
    const mst_completion_t *replies; // to the asks made so far, in order: text, or vectors
    size_t reply_count;
    mst_ask_t ask;   // the next one; c is set already, texts live in the arena of the input
    bool wanted;     // set by the set from MST_SCORE_NEED_CALL
    mst_err_t error; // rc set: an ask found no answer, tries and all; the scorer is not called again
} mst_score_call_t;

typedef struct {
    const mst_case_t *c;
    const mst_completion_t *done; // for recorded answers: text = actual, stamps from metadata
    mst_str_t output;             // done->text, valid UTF-8 (repaired copy when it was not)
    mst_arena_t *arena;           // results (reason, breakdown) and scratch; reset after the case is encoded
    const struct mst_models *models; // local models; NULL: there are none here
    mst_score_call_t *call;       // of this scorer; NULL: it has no endpoint, or nothing is asked here
    mst_score_call_t *calls;      // for the set: as many as mst_scorer_set_callers; NULL: nothing is asked here
} mst_score_in_t;

// Numbers of a whole run, for scope run. Latencies in ns.
typedef struct {
    uint64_t (*count)(void *ud, const char *metric);              // "ttft", "e2e", "tpot"
    double (*percentile)(void *ud, const char *metric, double q); // exact, type 7, in ns; NaN when count is 0
    void *ud;
} mst_run_numbers_t;

// Something outside the configuration that a scorer will want, so that it can be looked for before a run asks anything:
// a local model by its folder or name, or a file.
typedef void mst_scorer_need_fn(void *ud, const char *param, mst_str_t name, bool is_model);

typedef struct {
    mst_kind_t kind; // name, tier, parameter table, default threshold, help
    mst_scope_t scope;
    bool outside; // its code is not here: compile, score and destroy are those of mst_scorer_outside_t
    void (*needs)(const mst_scorer_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud); // NULL: nothing
    // state may stay NULL. MST_INVAL names the parameter and the bad value.
    mst_rc (*compile)(const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err);
    // Fills value, reason, breakdown and state (MST_SCORE_OK when left 0). The caller clamps to finite,
    // sets passed by the threshold and the scorer's veto, applies on_missing to MST_SCORE_NOT_MEASURED and takes
    // the time. An error makes the outcome scorer_error: never a zero passed off as a judgement.
    mst_rc (*score)(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err);
    mst_rc (*run)(void *state, const mst_run_numbers_t *numbers, mst_arena_t *arena, mst_score_t *out, mst_err_t *err);
    void (*destroy)(void *state);
} mst_scorer_t;

// All scorers, sorted by name, NULL-terminated.
const mst_scorer_t *const *mst_scorers_all(void);
const mst_scorer_t *mst_scorer_find(mst_str_t name); // name or alias; NULL
// The kinds alone, for configuration.
const mst_kind_t *const *mst_scorers_kinds(void);

// Everything that the scorers of a run will want from outside.
void mst_scorers_needs(const mst_run_cfg_t *cfg, mst_scorer_need_fn *fn, void *ud);

// Other tools' names, for configuration.
const mst_scorer_alias_t *mst_scorers_aliases(void);

// What a scorer with code of its own elsewhere (a shared object, a program) is run by. The edge hands it in
// (worker/plugin); its functions are called from the thread that uses the set and may block for a bounded time.
typedef struct {
    void *ud;
    mst_rc (*open)(void *ud, const mst_scorer_cfg_t *cfg, void **out_state, mst_err_t *err);
    mst_rc (*score)(void *state, const mst_score_in_t *in, mst_score_t *out, mst_err_t *err);
    void (*close)(void *state);
} mst_scorer_outside_t;

// The scorers of one run, compiled for one thread. cfg is borrowed for the set's life; outside is copied, NULL: a set
// that cannot run such scorers (to look at, or to judge a run by its numbers); each score of theirs is then an error.
typedef struct mst_scorer_set mst_scorer_set_t;
MST_NODISCARD mst_rc mst_scorer_set_new(const mst_run_cfg_t *cfg, mst_scorer_set_t **out, mst_err_t *err);
MST_NODISCARD mst_rc mst_scorer_set_new_with(const mst_run_cfg_t *cfg, const mst_scorer_outside_t *outside,
                                             mst_scorer_set_t **out, mst_err_t *err);
void mst_scorer_set_free(mst_scorer_set_t **set);
size_t mst_scorer_set_count(const mst_scorer_set_t *set, mst_scope_t scope);
// Index in cfg->scorers of the i-th scorer of a scope.
size_t mst_scorer_set_index(const mst_scorer_set_t *set, mst_scope_t scope, size_t i);
// Scorers, members of sets too, that ask an endpoint of their own: how many, and the i-th one's configuration.
size_t mst_scorer_set_callers(const mst_scorer_set_t *set);
const mst_scorer_cfg_t *mst_scorer_set_caller(const mst_scorer_set_t *set, size_t i);
// Scores one case with every scorer of scope case. scores has mst_scorer_set_count(set, CASE) places.
// now_ns is a clock for the scores' own time. *out_failed: index of the first scorer that failed, or -1,
// with its sentence in err; the others have run all the same.
// *out_passed: every scorer that was not skipped and has not weight 0 passed.
// Where in->calls[i].wanted is set afterwards, a scorer waits for an answer: nothing of this call holds, and all is
// called again with one reply more for each that waited.
void mst_scorer_set_score(mst_scorer_set_t *set, const mst_score_in_t *in, int64_t (*now_ns)(void), mst_score_t *scores,
                          bool *out_passed, int *out_failed, mst_err_t *err);
// The same for scope run; scores has mst_scorer_set_count(set, RUN) places.
void mst_scorer_set_run(mst_scorer_set_t *set, const mst_run_numbers_t *numbers, mst_arena_t *arena,
                        int64_t (*now_ns)(void), mst_score_t *scores);

#endif
