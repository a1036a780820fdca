// The order of events: roles, then the choices' token events in turn, each choice's finish, usage, the end.
#include "sim/stream.h"

#include "sim/words.h"

static uint32_t
tokens_of_event(const mst_sim_answer_t *a, const mst_sim_choice_t *choice, uint32_t first)
{
    uint32_t k = a->opts->tokens_per_event, max = a->opts->tokens_per_event_max;
    if (max <= k)
        return k;
    return k + (uint32_t)(mst_sim_unit(choice->seed ^ 0x7e57ULL, first) * (double)(max - k + 1));
}

// Skips parts that are at their end; false when no token is left.
static bool
has_more(const mst_sim_choice_t *choice, mst_sim_place_t *p)
{
    while (p->part < choice->part_count && p->at >= choice->parts[p->part].text.n) {
        p->part++;
        p->at = 0;
    }
    return p->part < choice->part_count;
}

// The kind of the choice's next event, MST_SIM_EV_END when it has none.
static mst_sim_event_kind_t
next_of(const mst_sim_answer_t *a, mst_sim_place_t *p, uint32_t index)
{
    const mst_sim_choice_t *choice = &a->choices[index];
    if (p->ended)
        return MST_SIM_EV_END;
    if (has_more(choice, p))
        return choice->parts[p->part].kind;
    return a->format->has & MST_SIM_HAS_FINISH || p->tokens == 0 ? MST_SIM_EV_FINISH : MST_SIM_EV_END;
}

static mst_sim_event_kind_t
closing(const mst_sim_answer_t *a, mst_sim_event_kind_t after)
{
    if (after < MST_SIM_EV_USAGE && a->format->has & MST_SIM_HAS_USAGE && a->wish.include_usage)
        return MST_SIM_EV_USAGE;
    if (after < MST_SIM_EV_DONE && a->format->has & MST_SIM_HAS_DONE)
        return MST_SIM_EV_DONE;
    return MST_SIM_EV_END;
}

// Chooses what comes after the choice `from`, this one last of all.
static void
choose_next(const mst_sim_answer_t *a, mst_sim_cursor_t *c, uint32_t from)
{
    c->new_step = false;
    for (uint32_t i = 1; i <= a->choice_count; i++) {
        uint32_t index = (from + i) % a->choice_count;
        mst_sim_event_kind_t kind = next_of(a, &c->places[index], index);
        if (kind == MST_SIM_EV_END)
            continue;
        c->new_step = index <= from;
        c->turn = index;
        c->next = kind;
        return;
    }
    c->next = closing(a, MST_SIM_EV_FINISH);
}

void
mst_sim_stream_begin(const mst_sim_answer_t *a, mst_sim_place_t *places, mst_sim_cursor_t *c)
{
    *c = (mst_sim_cursor_t){.places = places, .next = MST_SIM_EV_ROLE};
    memset(places, 0, a->choice_count * sizeof *places);
    if (!(a->format->has & MST_SIM_HAS_ROLE))
        choose_next(a, c, a->choice_count - 1);
}

static void
take_tokens(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_sim_step_t *s)
{
    mst_sim_place_t *p = &c->places[s->index];
    const mst_sim_part_t *part = &s->choice->parts[p->part];
    uint32_t wanted = tokens_of_event(a, s->choice, p->tokens);
    size_t from = p->at;
    s->part = part;
    s->part_no = p->part;
    s->part_begins = p->at == 0;
    s->first = p->tokens;
    while (p->at < part->text.n && s->tokens < wanted) {
        p->at += mst_sim_token(mst_str(part->text.p + p->at, part->text.n - p->at)).n;
        s->tokens++;
    }
    s->text = mst_str(part->text.p + from, p->at - from);
    s->part_ends = p->at >= part->text.n;
    p->tokens += s->tokens;
    c->tokens += s->tokens;
    c->reasoning_tokens += part->kind == MST_SIM_EV_REASONING ? s->tokens : 0;
    s->last = !has_more(s->choice, p);
    p->ended = s->last && !(a->format->has & MST_SIM_HAS_FINISH);
}

void
mst_sim_stream_step(const mst_sim_answer_t *a, mst_sim_cursor_t *c, mst_sim_step_t *out)
{
    *out = (mst_sim_step_t){.kind = c->next, .index = c->turn};
    if (c->next <= MST_SIM_EV_FINISH)
        out->choice = &a->choices[c->turn];
    c->events++;
    if (c->next == MST_SIM_EV_ROLE) {
        if (c->turn + 1 < a->choice_count)
            c->turn++;
        else
            choose_next(a, c, a->choice_count - 1);
        return;
    }
    if (c->next >= MST_SIM_EV_USAGE) {
        c->next = closing(a, c->next);
        return;
    }
    if (c->next == MST_SIM_EV_FINISH)
        c->places[c->turn].ended = true;
    else
        take_tokens(a, c, out);
    choose_next(a, c, c->turn);
}

// Breaks the JSON of the event that begins at `from`: a brace or a bracket is lost, and something more.
static void
spoil(mst_buf_t *out, size_t from)
{
    size_t end = out->n;
    while (end > from && (out->p[end - 1] == '\n' || out->p[end - 1] == '\r'))
        end--;
    if (end < from + 2)
        return;
    memmove(out->p + end - 2, out->p + end, out->n - end);
    out->n -= 2;
}

// LF becomes CRLF from `from` on. No JSON that is written here has a line end inside.
static void
to_crlf(mst_buf_t *out, size_t from)
{
    size_t ends = 0;
    for (size_t i = from; i < out->n; i++)
        ends += out->p[i] == '\n';
    if (mst_buf_reserve(out, ends) == NULL)
        return;
    size_t at = out->n, to = out->n + ends;
    out->n = to;
    while (at > from) { // from the back, so that nothing is overwritten before it is moved
        out->p[--to] = out->p[--at];
        if (out->p[at] == '\n')
            out->p[--to] = '\r';
    }
}

void
mst_sim_stream_next(const mst_sim_answer_t *a, mst_sim_cursor_t *c, bool malformed, mst_buf_t *out,
                    mst_sim_step_t *step)
{
    size_t from = out->n;
    bool ping = a->opts->ping_every > 0 && a->format->ping != NULL && c->events % a->opts->ping_every == 0;
    if (ping)
        mst_buf_add_c(out, a->format->ping);
    size_t begin = out->n;
    mst_sim_stream_step(a, c, step);
    a->format->event(a, c, step, out);
    if (out->failed)
        return;
    if (malformed)
        spoil(out, begin);
    if (a->opts->crlf)
        to_crlf(out, from);
}

uint32_t
mst_sim_stream_rounds(const mst_sim_answer_t *a)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < a->choice_count; i++) {
        uint32_t rounds = 0, first = 0;
        for (uint32_t k = 0; k < a->choices[i].part_count; k++) {
            uint32_t left = a->choices[i].parts[k].tokens;
            while (left > 0) {
                uint32_t taken = tokens_of_event(a, &a->choices[i], first);
                taken = taken < left ? taken : left;
                left -= taken;
                first += taken;
                rounds++;
            }
        }
        most = rounds > most ? rounds : most;
    }
    return most;
}
