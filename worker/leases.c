// A lease outlives its unit: the unit goes when its cases have results, the lease when these are acknowledged.
#include "worker/leases.h"

#include "common/base/clock.h"

#include <stdlib.h>

#define FREE_UNITS_MAX 64
#define UNIT_ARENA     (MST_WIRE_UNPACK_MAX + MST_MIB)

mst_lease_t *
mst_lease_new(mst_io_t *io, mst_io_run_t *run, const Muster__Grant *grant)
{
    mst_lease_t *l = MST_NEW(mst_lease_t);
    *l = (mst_lease_t){.next = io->leases, .run = run, .id = grant->lease_id, .open = grant->n_cases};
    l->made_ns = mst_loop_now(io->loop);
    l->until_ns = l->made_ns + (int64_t)grant->ttl_ms * MST_NS_PER_MS;
    if (io->leases)
        io->leases->prev = l;
    io->leases = l;
    io->lease_count++;
    run->leases++;
    return l;
}

mst_lease_t *
mst_lease_find(const mst_io_t *io, uint64_t id)
{
    mst_lease_t *l = io->leases;
    while (l && l->id != id)
        l = l->next;
    return l;
}

static void
lease_free(mst_io_t *io, mst_lease_t *l)
{
    *(l->prev ? &l->prev->next : &io->leases) = l->next;
    if (l->next)
        l->next->prev = l->prev;
    io->lease_count--;
    l->run->leases--;
    l->run->last_used = ++io->turn;
    free(l);
}

void
mst_lease_settle(mst_io_t *io, mst_lease_t *lease, size_t cases)
{
    lease->open -= cases <= lease->open ? cases : lease->open;
    if (lease->open == 0)
        lease_free(io, lease);
}

mst_unit_t *
mst_unit_new(mst_io_t *io)
{
    mst_unit_t *u = io->free_units;
    if (u) {
        io->free_units = u->next;
        io->free_unit_count--;
        u->next = NULL;
        return u;
    }
    u = MST_NEW(mst_unit_t);
    u->arena = mst_arena_new(UNIT_ARENA);
    u->all_next = io->all_units;
    if (u->all_next)
        u->all_next->all_prev = u;
    io->all_units = u;
    return u;
}

static void
unit_free(mst_io_t *io, mst_unit_t *u)
{
    *(u->all_prev ? &u->all_prev->all_next : &io->all_units) = u->all_next;
    if (u->all_next)
        u->all_next->all_prev = u->all_prev;
    for (size_t i = 0; i < u->count && u->places; i++)
        mst_plan_free(&u->places[i].plan); // at the end of the worker
    mst_arena_free(&u->arena);
    free(u);
}

void
mst_unit_put(mst_io_t *io, mst_unit_t *u)
{
    if (io->free_unit_count >= FREE_UNITS_MAX) {
        unit_free(io, u);
        return;
    }
    mst_unit_t kept = *u;
    mst_arena_reset(kept.arena);
    *u = (mst_unit_t){.arena = kept.arena, .all_prev = kept.all_prev, .all_next = kept.all_next};
    u->next = io->free_units;
    io->free_units = u;
    io->free_unit_count++;
}

void
mst_unit_release(mst_io_t *io, mst_unit_t *u)
{
    if (--u->open == 0)
        mst_unit_put(io, u);
}

void
mst_leases_free(mst_io_t *io)
{
    while (io->leases)
        lease_free(io, io->leases);
}

void
mst_units_free(mst_io_t *io)
{
    while (io->all_units)
        unit_free(io, io->all_units);
    io->free_units = NULL;
}

void
mst_giving_init(mst_giving_t *g, mst_io_t *io, bool fatal, const char *text)
{
    g->io = io; // the arrays hold nothing up to count
    g->lease = NULL;
    g->cause = MST_GIVE_FORGET;
    g->fatal = fatal;
    g->text = text;
    g->count = 0;
}

static void
send_return(mst_giving_t *g)
{
    Muster__LeaseReturn m = MUSTER__LEASE_RETURN__INIT;
    m.lease_id = g->lease->id;
    m.cause = (uint32_t)g->cause;
    m.n_case_nos = m.n_repeat_nos = m.n_target_nos = g->count;
    m.case_nos = g->case_nos;
    m.repeat_nos = g->repeat_nos;
    m.target_nos = g->target_nos;
    m.has_text = g->text != NULL && g->text[0] != '\0';
    m.text = mst_wire_bytes(mst_str_c(g->text));
    m.has_fatal = m.fatal = g->fatal;
    mst_session_send(&g->io->control, MUSTER__ENVELOPE__BODY_LEASE_RETURN, &m);
}

void
mst_giving_flush(mst_giving_t *g)
{
    if (!g->lease || (g->count == 0 && !g->fatal))
        return;
    if (g->cause != MST_GIVE_FORGET && !g->lease->lost)
        send_return(g);
    if (g->count > 0)
        mst_lease_settle(g->io, g->lease, g->count);
    g->count = 0;
    g->lease = NULL;
}

void
mst_giving_add(mst_giving_t *g, mst_place_t *p, mst_give_cause_t cause)
{
    mst_lease_t *lease = p->unit->lease;
    if (g->lease && (g->lease != lease || g->cause != cause || g->count == MST_UNIT_CASES_MAX))
        mst_giving_flush(g);
    g->lease = lease;
    g->cause = cause;
    g->case_nos[g->count] = p->key.case_no;
    g->repeat_nos[g->count] = p->key.repeat_no;
    g->target_nos[g->count] = p->key.target_no;
    g->count++;
    mst_unit_release(g->io, p->unit);
}
