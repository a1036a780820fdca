// Inside of the simulated backend: the server, its connections, and the two halves that work on them.
//   server.c    sockets: accepts, reads, feeds the request reader, writes, closes
//   exchange.c  one request and its answer, with respond.c and pump.c (exchange.h)
// A connection has one request under way at a time; requests that were sent ahead wait in its `pending`.
//
//              request whole             delay over / events due          all sent
//   READING ───────────────► WAITING ─────────────────► STREAMING ─────────────────► READING | LINGERING
//      ▲                        └── fault ──► HANGING        │ kernel takes no more
//      └──────────────────────── DRAINING ◄──────────────────┘ (end, cut or hang after the last byte is out)
//
// Closed connections are put aside and used again from the end of the loop's turn on, so that no callback finds
// its own gone.
// Thread: the server's.
#ifndef MST_SIM_SERVER_H
#define MST_SIM_SERVER_H

#include "common/base/buf.h"
#include "common/http/server_codec.h"
#include "common/json/json.h"
#include "common/loop/loop.h"
#include "sim/dialect.h"
#include "sim/faults.h"
#include "sim/plan.h"
#include "sim/replies.h"
#include "sim/stream.h"
#include "sim/truth.h"

#include <stdatomic.h>

typedef struct mst_sim_server mst_sim_server_t;
typedef struct mst_sim_conn mst_sim_conn_t;

// One port that is listened on.
typedef struct {
    mst_sim_server_t *server;
    int fd;
    uint16_t wanted, port;
    mst_sim_dialect_t dialect;
    mst_timer_t again; // accepts again after descriptors ran out
} mst_sim_port_t;

typedef enum {
    MST_SIM_READING = 0,
    MST_SIM_WAITING,   // for the time of a whole answer
    MST_SIM_STREAMING, // events come when they are due and the kernel takes them
    MST_SIM_DRAINING,  // all is rendered; the kernel has not taken it all
    MST_SIM_HANGING,   // silent on purpose
    MST_SIM_LINGERING, // our side is shut; reads what comes, so that the answer is not lost by a reset
    MST_SIM_CLOSED,
} mst_sim_state_t;

struct mst_sim_conn {
    mst_sim_server_t *server;
    mst_sim_conn_t *prev, *next;
    int fd;
    mst_sim_dialect_t dialect; // of the port
    mst_sim_state_t state;
    bool eof;         // the client will send no more
    bool close_after; // this answer
    bool watching_write, watching_read;
    mst_hreq_t *req;   // the request under way; valid until the exchange ends
    mst_buf_t pending; // received behind it
    mst_buf_t out;     // rendered, not yet taken by the kernel
    size_t out_at;
    mst_timer_t timer; // of the state
    int64_t recv_ns;   // of the last byte read
    bool recv_kernel;
    // the exchange
    mst_str_t request_id, case_id;
    char made_id[24];
    int64_t repeat;
    uint64_t attempt;
    int status;
    const mst_sim_route_t *route;
    mst_sim_plan_t plan;
    mst_sim_answer_t answer;
    mst_sim_cursor_t cursor;
    mst_sim_stock_t stock; // behind the answer's slices
    mst_buf_t prefix, places;
    mst_buf_t body; // made ahead, to be sent in time
    bool chunked, head_sent, timed;
    bool strikes, malforms; // a fault at this token
    uint32_t fault_token;
    mst_sim_end_t end; // how it will have ended when all is out
    int64_t began_ns;  // of the exchange
    int64_t due_ns;    // of the next token event
    int64_t gaps_ns;   // since due_ns was set, while a burst gathers
    uint32_t rounds;   // of token events
    uint32_t unnoted;  // tokens that were taken and made no event of their own
    size_t piece;      // of split writes: bytes a time; 0 = not split
    mst_buf_t events;  // mst_sim_truth_event_t, with a truth file
    size_t stamped;    // events whose stamps are final
};

struct mst_sim_server {
    mst_sim_opts_t opts; // strings owned
    mst_loop_t *loop;
    mst_sim_port_t ports[MST_SIM_PORTS_MAX];
    uint32_t port_count;
    mst_sim_vocab_t *vocab;
    mst_sim_metrics_t metrics;
    mst_sim_schedule_t schedule;
    int64_t started_ns, stall_until_ns;
    uint64_t answers; // requests for answers so far
    mst_sim_replies_t *replies;
    mst_sim_truth_t *truth; // NULL = none kept
    mst_json_parser_t *parser;
    mst_arena_t *arena;          // the request being read
    char *rx;                    // where every connection receives
    mst_buf_t head, body, lines; // what is being rendered
    mst_sim_conn_t *conns, *closed, *spare;
    uint32_t count, busy; // connections; with a request under way
    mst_timer_t truth_timer;
    bool truth_timer_set;
    int64_t wall_offset_ns, wall_offset_at_ns;
    uint64_t requests;
    atomic_bool stop;
};

// server.c
MST_NODISCARD mst_rc mst_sim_server_open(const mst_sim_opts_t *o, mst_sim_server_t **out, mst_err_t *err);
void mst_sim_server_run(mst_sim_server_t *s); // until s->stop is set and the loop woken
void mst_sim_server_close(mst_sim_server_t **s);
// Hands a and b to the kernel in one call, and keeps what it does not take. The connection may be CLOSED after.
void mst_sim_conn_send(mst_sim_conn_t *c, mst_str_t a, mst_str_t b);
// Keeps a and sends the first piece of it; the rest with mst_sim_conn_send_piece.
void mst_sim_conn_send_split(mst_sim_conn_t *c, mst_str_t a);
bool mst_sim_conn_send_piece(mst_sim_conn_t *c); // false: nothing is left, or the connection is CLOSED
void mst_sim_conn_close(mst_sim_conn_t *c);

// exchange.c, respond.c, pump.c
void mst_sim_exchange_begin(mst_sim_conn_t *c);                               // a whole request is in c->req
void mst_sim_exchange_refuse(mst_sim_conn_t *c, int status, const char *why); // no usable request; closes after
void mst_sim_exchange_drained(mst_sim_conn_t *c);                             // the kernel has taken all of c->out
void mst_sim_exchange_timer(mst_sim_conn_t *c);
void mst_sim_exchange_record(mst_sim_conn_t *c); // the truth of what is under way; when the connection closes early

static inline bool
mst_sim_conn_is_busy(const mst_sim_conn_t *c)
{
    return c->state != MST_SIM_READING && c->state != MST_SIM_LINGERING && c->state != MST_SIM_CLOSED;
}

#endif
