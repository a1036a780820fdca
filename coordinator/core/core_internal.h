// Inside the core: its objects, and the functions that change their state.
#ifndef MST_COORD_CORE_CORE_INTERNAL_H
#define MST_COORD_CORE_CORE_INTERNAL_H

#include "coordinator/core/core.h"
#include "coordinator/core/fault.h"
#include "coordinator/core/keys.h"

#define MST_NO_SLOT UINT32_MAX

typedef struct {
    uint64_t id;         // 0 = free
    uint32_t session;    // slot of its session
    uint32_t lane;       // its keys are of one target
    uint32_t prev, next; // in the session's list; next also in the free list
    int64_t expires_ns;
    uint32_t count, open;
    uint64_t open_bits[(MST_UNIT_CASES_MAX + 63) / 64];
    uint64_t keys[MST_UNIT_CASES_MAX]; // ascending
} mst_coord_lease_t;

typedef enum { MST_SES_FREE = 0, MST_SES_LIVE, MST_SES_SUSPECT, MST_SES_LOST } mst_coord_session_state_t;

typedef struct {
    mst_coord_session_state_t state;
    uint64_t id, conn;
    uint8_t instance[MST_COORD_INSTANCE];
    uint32_t seq, slots;
    uint32_t next_free;
    int64_t heard_ns;
    int64_t hold_until_ns; // no grants before: it has just given something back
    bool leaving;          // it drains: no more grants
    uint64_t plan_over;    // by target: its load has sent the last request of this run, no more grants
    uint32_t credit;
    uint32_t outstanding; // open keys of its leases
    uint32_t by_lane[MST_TARGETS_MAX]; // the same, by target
    uint32_t first_lease, lease_count;
    uint32_t control_due; // RUN_CONTROL state to send, 0 = none
} mst_coord_session_t;

typedef struct { // the keys of one target
    mst_keys_t keys; // by case, then repeat
    uint32_t weight; // its share of a worker's credit
    bool down;       // lost: nothing more is granted
} mst_coord_lane_t;

typedef struct { // over all lanes
    uint64_t avail, done_avail, done_all, leased;
    uint64_t open; // of lanes that are not down
    uint32_t down; // lanes
} mst_coord_sums_t;

struct mst_coord {
    mst_coord_cfg_t cfg;
    mst_coord_fault_t fault;
    int64_t now_ns;
    mst_coord_effects_t *fx;
    uint64_t lost_list[MST_LEASES_MAX]; // of the pong in the effects

    mst_coord_session_t *sessions;
    uint32_t session_cap, session_free;
    uint32_t session_count; // LIVE or SUSPECT
    uint64_t session_seq;
    uint32_t turn; // whose turn the next grant is

    mst_coord_lease_t **leases; // by slot; made once, used again
    uint32_t lease_cap, lease_made, lease_free, lease_count;
    uint64_t lease_seq;

    // the run
    mst_coord_lane_t *lanes;
    uint32_t targets, repeats; // never 0
    uint64_t cases;            // whose rows are there
    mst_coord_state_t state, drain_to;
    uint32_t run_no, generation;
    uint64_t cases_hint;
    bool fail_fast, ended, paused, granted, plan_over;
    uint64_t grants, expired, returned, strays;
};

// sessions.c
mst_coord_session_t *mst_coord_session_find(mst_coord_t *c, uint64_t id,
                                            uint64_t conn); // NULL: unknown, lost, or of another conn
mst_coord_session_t *mst_coord_session_by_conn(mst_coord_t *c, uint64_t conn);
void mst_coord_session_hello(mst_coord_t *c, const mst_coord_event_t *ev);
void mst_coord_session_heard(mst_coord_t *c, mst_coord_session_t *s); // any message is a sign of life
void mst_coord_session_lose(mst_coord_t *c, mst_coord_session_t *s);  // LOST; goes when its leases are closed
void mst_coord_session_end(mst_coord_t *c, mst_coord_session_t *s);   // its leases are closed, then it goes
void mst_coord_session_reap(mst_coord_t *c, mst_coord_session_t *s);  // frees a LOST one without leases
void mst_coord_sessions_tick(mst_coord_t *c);

// leases.c
mst_coord_lease_t *mst_coord_lease_find(mst_coord_t *c, uint64_t id);
// A lease over ascending open keys of one lane; NULL when the pool is used up.
mst_coord_lease_t *mst_coord_lease_open(mst_coord_t *c, mst_coord_session_t *s, uint32_t lane, const uint64_t *keys,
                                        uint32_t count);
void mst_coord_lease_close(mst_coord_t *c,
                           mst_coord_lease_t *l); // open keys are open for others again; the lease is gone
// One key leaves its lease: done, or (back) open again. Closes a lease that is empty then.
void mst_coord_lease_drop_key(mst_coord_t *c, mst_coord_lease_t *l, uint64_t key, bool back);
void mst_coord_lease_renew(mst_coord_t *c, mst_coord_lease_t *l);
void mst_coord_leases_tick(mst_coord_t *c);
int64_t mst_coord_lease_span_ns(const mst_coord_t *c); // from the last renewal to the expiry

// lanes.c
void mst_coord_lanes_make(mst_coord_t *c, uint32_t targets, uint32_t repeats, const uint32_t *weights);
void mst_coord_lanes_free(mst_coord_t *c);
uint64_t mst_coord_keys_per_case(const mst_coord_t *c);
uint32_t mst_coord_lane_of(const mst_coord_t *c, uint64_t key, uint64_t *out_at); // at: the key's number in its lane
uint64_t mst_coord_lane_key(const mst_coord_t *c, uint32_t lane, uint64_t at);
mst_keys_t *mst_coord_keys_of(const mst_coord_t *c, uint64_t key, uint64_t *out_at);
mst_coord_sums_t mst_coord_sums(const mst_coord_t *c);
void mst_coord_lanes_rows(mst_coord_t *c, uint64_t cases); // grows
bool mst_coord_lanes_over(const mst_coord_t *c);

// grant.c
void mst_coord_grant_pump(mst_coord_t *c); // as many grants as credit, keys and room in the effects allow
uint64_t mst_coord_total(const mst_coord_t *c);
uint64_t mst_coord_grant_want(const mst_coord_t *c);

// core.c
bool mst_coord_room(const mst_coord_t *c); // for one more effect
mst_coord_effect_t *mst_coord_emit(mst_coord_t *c, mst_coord_effect_kind_t kind, uint64_t conn, uint64_t session);

#endif
