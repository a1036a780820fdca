// Walks an answer as a stream: which event is next, which tokens it carries. The dialect's format writes it. Choices
// take turns: one event of each, then the next of each. Pure.
#ifndef MST_SIM_STREAM_H
#define MST_SIM_STREAM_H

#include "sim/answer.h"

// How far one choice has come.
typedef struct {
    uint32_t part;
    size_t at; // byte of the part
    uint32_t tokens;
    bool ended;
} mst_sim_place_t;

// How far a stream has come; begun with mst_sim_stream_begin.
typedef struct {
    mst_sim_place_t *places; // one a choice
    uint32_t turn;           // the choice whose turn it is
    mst_sim_event_kind_t next;
    bool new_step; // the next token event is the first of its round
    uint32_t tokens, reasoning_tokens, events;
} mst_sim_cursor_t;

// One event.
typedef struct {
    mst_sim_event_kind_t kind;
    uint32_t index;                 // of the choice
    const mst_sim_choice_t *choice; // NULL for USAGE and DONE
    const mst_sim_part_t *part;     // of token events
    uint32_t part_no;
    bool part_begins, part_ends, last; // last: of the choice's tokens
    mst_str_t text;
    uint32_t first, tokens; // number of its first token in the choice; how many
} mst_sim_step_t;

enum {
    MST_SIM_HAS_ROLE = 1,
    MST_SIM_HAS_FINISH = 2, // an event of its own; without it the last token's event says it, if there is one
    MST_SIM_HAS_USAGE = 4,  // an event of its own, when it is asked for
    MST_SIM_HAS_DONE = 8,
};

// How a dialect writes an answer.
#define MST_SIM_SSE      "text/event-stream"
#define MST_SIM_SSE_PING ": ping\n\n"

struct mst_sim_format {
    const char *type;                                          // Content-Type of a stream
    uint32_t has;                                              // MST_SIM_HAS_...
    const char *ping;                                          // a keep-alive between two events; NULL: it has none
    void (*prefix)(const mst_sim_answer_t *a, mst_buf_t *out); // bytes that all events share; NULL: none
    // One event, whole, with its line ends; may write nothing, or several events of the wire at once.
    void (*event)(const mst_sim_answer_t *a, const mst_sim_cursor_t *c, const mst_sim_step_t *s, mst_buf_t *out);
    void (*whole)(const mst_sim_answer_t *a, mst_buf_t *out);
    void (*error)(const mst_sim_refusal_t *why, mst_buf_t *out); // in the middle of a stream
    void (*headers)(const mst_sim_answer_t *a, mst_buf_t *out);  // lines of the response's head; NULL: none
};

void mst_sim_stream_begin(const mst_sim_answer_t *a, mst_sim_place_t *places, mst_sim_cursor_t *c);
// The next event: moves the cursor. Not to be called at MST_SIM_EV_END.
void mst_sim_stream_step(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_sim_step_t *out);
// Steps and appends the event as the options want it written: line ends, pings, a broken one.
void mst_sim_stream_next(const mst_sim_answer_t *a, mst_sim_cursor_t *c, bool malformed, mst_buf_t *out,
                         mst_sim_step_t *step);

static inline bool
mst_sim_event_has_tokens(mst_sim_event_kind_t kind)
{
    return kind >= MST_SIM_EV_REASONING && kind <= MST_SIM_EV_TOOL;
}

// Rounds of token events that the whole stream will have: each takes one gap.
uint32_t mst_sim_stream_rounds(const mst_sim_answer_t *a);

#endif
