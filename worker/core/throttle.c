// A bucket holds what a second brings, and at least one request, so that in no minute more is started than the limit
// and that much. One request may take more tokens than fit: it starts when the bucket is full and leaves a debt.
#include "worker/core/throttle.h"

#include "common/base/clock.h"

static mst_bucket_t
bucket(double per_minute, double least)
{
    double room = per_minute / 60.0;
    mst_bucket_t b = {.rate_ns = per_minute / (60.0 * (double)MST_NS_PER_S)};
    b.room = b.level = room > least ? room : least;
    return b;
}

static void
fill(mst_bucket_t *b, int64_t now_ns)
{
    if (b->at_ns != 0 && now_ns > b->at_ns)
        b->level += b->rate_ns * (double)(now_ns - b->at_ns);
    if (b->level > b->room)
        b->level = b->room;
    if (now_ns > b->at_ns)
        b->at_ns = now_ns;
}

// When there will be n in it; 0 = there is, or there is no limit.
static int64_t
when_holds(mst_bucket_t *b, int64_t now_ns, double n)
{
    if (b->rate_ns <= 0.0)
        return 0;
    fill(b, now_ns);
    if (b->level >= n - 1e-9)
        return 0;
    return now_ns + (int64_t)((n - b->level) / b->rate_ns) + 1;
}

void
mst_throttle_init(mst_throttle_t *p, const mst_throttle_opts_t *o)
{
    uint32_t start = o->start < o->places ? o->start : o->places;
    *p = (mst_throttle_t){.o = *o};
    p->places = o->adaptive ? (double)(start > 0 ? start : 1) : (double)o->places;
    p->lowest = mst_throttle_places(p);
    p->requests = bucket(o->requests_per_minute, 1.0);
    p->tokens = bucket(o->tokens_per_minute, 1.0);
}

uint32_t
mst_throttle_places(const mst_throttle_t *p)
{
    return p->places < 1.0 ? 1 : (uint32_t)p->places;
}

int64_t
mst_throttle_when(mst_throttle_t *p, int64_t now_ns, uint32_t flying)
{
    if (flying >= mst_throttle_places(p))
        return INT64_MAX;
    int64_t at = p->start_after_ns > now_ns ? p->start_after_ns : 0;
    int64_t requests = when_holds(&p->requests, now_ns, 1.0);
    // a second's worth of tokens lets the next one start; what it really takes is paid afterwards
    int64_t tokens = when_holds(&p->tokens, now_ns, p->tokens.room);
    at = requests > at ? requests : at;
    return tokens > at ? tokens : at;
}

void
mst_throttle_started(mst_throttle_t *p, int64_t now_ns, double tokens)
{
    if (p->requests.rate_ns > 0.0) {
        fill(&p->requests, now_ns);
        p->requests.level -= 1.0;
    }
    if (p->tokens.rate_ns > 0.0) {
        fill(&p->tokens, now_ns);
        p->tokens.level -= tokens;
    }
}

void
mst_throttle_used(mst_throttle_t *p, double thought, double used)
{
    if (p->tokens.rate_ns > 0.0)
        p->tokens.level += thought - used;
}

static void
grow(mst_throttle_t *p)
{
    double before = p->places, most = (double)p->o.places;
    p->clean = 0;
    p->places = p->seen_limit ? before * p->o.growth : before * 2.0;
    if (p->places > most)
        p->places = most;
    p->raises += (uint32_t)p->places > (uint32_t)before;
}

static void
cut(mst_throttle_t *p, int64_t now_ns, int64_t asked_ns)
{
    int64_t rest_ns = asked_ns > p->o.cooldown_ns ? asked_ns : p->o.cooldown_ns;
    if (asked_ns > 0 && now_ns + asked_ns > p->start_after_ns)
        p->start_after_ns = now_ns + asked_ns;
    p->clean = 0;
    p->seen_limit = true;
    if (now_ns < p->cool_until_ns) { // the same episode
        if (now_ns + asked_ns > p->cool_until_ns)
            p->cool_until_ns = now_ns + asked_ns;
        return;
    }
    double least = p->o.least > 0 ? (double)p->o.least : 1.0, before = p->places;
    p->places = before * p->o.cut;
    if (p->places < least)
        p->places = least < before ? least : before;
    p->cool_until_ns = now_ns + rest_ns;
    p->cuts += (uint32_t)p->places < (uint32_t)before;
    if (mst_throttle_places(p) < p->lowest)
        p->lowest = mst_throttle_places(p);
}

void
mst_throttle_ended(mst_throttle_t *p, int64_t now_ns, mst_throttle_end_t end, int64_t asked_ns)
{
    if (!p->o.adaptive)
        return;
    switch (end) {
    case MST_THROTTLE_LIMITED:
        cut(p, now_ns, asked_ns);
        break;
    case MST_THROTTLE_TROUBLE:
        p->clean = 0;
        break;
    case MST_THROTTLE_CLEAN:
        if (now_ns >= p->cool_until_ns && ++p->clean >= mst_throttle_places(p))
            grow(p);
        break;
    case MST_THROTTLE_NEUTRAL:
        break;
    }
}
