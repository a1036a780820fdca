// Inside of an exchange: what its three parts call of each other.
//   exchange.c  one request: route, plan, fault
//   respond.c   whole answers, the end of an exchange and its record
//   pump.c      streams
// Thread: the server's.
#ifndef MST_SIM_EXCHANGE_H
#define MST_SIM_EXCHANGE_H

#include "sim/server.h"

#define MST_SIM_JSON "application/json"

// respond.c
void mst_sim_note(mst_sim_conn_t *c, mst_sim_event_kind_t kind, uint32_t tokens); // an event, for the truth
void mst_sim_become(mst_sim_conn_t *c, mst_sim_state_t state);
void mst_sim_finish(mst_sim_conn_t *c);          // all bytes of the answer are with the kernel
void mst_sim_finish_when_out(mst_sim_conn_t *c); // now, or when they are
void mst_sim_render_head(mst_sim_conn_t *c, mst_hres_t *r, mst_str_t more, mst_buf_t *out);
mst_str_t mst_sim_header_lines(mst_sim_conn_t *c, const char *more);
void mst_sim_respond(mst_sim_conn_t *c, int status, const char *type, mst_str_t more, mst_str_t body,
                     mst_sim_event_kind_t kind, uint32_t tokens);
void mst_sim_respond_refusal(mst_sim_conn_t *c, const mst_sim_refusal_t *why, const char *more);
void mst_sim_respond_too_large(mst_sim_conn_t *c);
void mst_sim_respond_body(mst_sim_conn_t *c); // c->answer whole, or what c->body holds

// pump.c
void mst_sim_place_fault(mst_sim_conn_t *c, bool stream); // where the plan's fault strikes
void mst_sim_start_stream(mst_sim_conn_t *c);

#endif
