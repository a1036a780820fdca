// One entry at a time: WHAT@FROM[-TO], numbers plain, times with an s behind.
#include "sim/faults.h"

#include "common/base/clock.h"

static const struct {
    const char *name;
    mst_sim_fault_t fault;
} names[] = {
    {"429", MST_SIM_FAULT_429},
    {"500", MST_SIM_FAULT_500},
    {"503", MST_SIM_FAULT_503},
    {"cut", MST_SIM_FAULT_CUT},
    {"hang", MST_SIM_FAULT_HANG_BEFORE},
    {"hang_after", MST_SIM_FAULT_HANG_AFTER},
    {"malformed", MST_SIM_FAULT_MALFORMED},
    {"slow", MST_SIM_FAULT_SLOW},
    {"error", MST_SIM_FAULT_ERROR},
};

static bool
read_point(mst_str_t text, bool *by_time, uint64_t *out)
{
    double seconds;
    *by_time = text.n > 1 && text.p[text.n - 1] == 's';
    if (!*by_time)
        return mst_str_to_u64(text, out);
    if (!mst_str_to_f64(mst_str(text.p, text.n - 1), false, &seconds) || seconds < 0 || seconds > 1e9)
        return false;
    *out = (uint64_t)(seconds * (double)MST_NS_PER_S);
    return true;
}

static bool
read_entry(mst_str_t entry, mst_sim_scheduled_t *out)
{
    int64_t at = mst_str_find(entry, MST_STR("@"), 0);
    if (at < 0)
        return false;
    mst_str_t name = mst_str(entry.p, (size_t)at), when = mst_str(entry.p + at + 1, entry.n - (size_t)at - 1);
    size_t i = 0, count = sizeof names / sizeof names[0];
    while (i < count && !mst_str_eq_c(name, names[i].name))
        i++;
    if (i == count)
        return false;
    *out = (mst_sim_scheduled_t){.fault = names[i].fault};
    int64_t dash = mst_str_find(when, MST_STR("-"), 0);
    bool end_by_time;
    if (!read_point(dash < 0 ? when : mst_str(when.p, (size_t)dash), &out->by_time, &out->from))
        return false;
    out->to = out->by_time ? UINT64_MAX : out->from;
    out->once = dash < 0 && out->by_time;
    if (dash < 0)
        return true;
    mst_str_t end = mst_str(when.p + dash + 1, when.n - (size_t)dash - 1);
    return read_point(end, &end_by_time, &out->to) && end_by_time == out->by_time && out->to >= out->from;
}

mst_rc
mst_sim_schedule_read(const char *text, mst_sim_schedule_t *out, mst_err_t *err)
{
    mst_str_t rest = mst_str_trim(mst_str_c(text));
    out->count = 0;
    while (rest.n > 0) {
        int64_t comma = mst_str_find(rest, MST_STR(","), 0);
        size_t n = comma < 0 ? rest.n : (size_t)comma, skip = comma < 0 ? n : n + 1;
        mst_str_t entry = mst_str_trim(mst_str(rest.p, n));
        rest = mst_str(rest.p + skip, rest.n - skip);
        if (out->count == MST_SIM_SCHEDULE_MAX)
            return MST_ERR(err, MST_INVAL, "faults has more than %d entries", MST_SIM_SCHEDULE_MAX);
        if (!read_entry(entry, &out->items[out->count]))
            return MST_ERR(err, MST_INVAL,
                           "faults has \"%.*s\"; an entry is FAULT@NUMBER, FAULT@FROM-TO or with times as in 3s-5s, "
                           "and a fault 429, 500, 503, cut, hang, hang_after, malformed, slow or error",
                           MST_FMT(mst_str_cut(entry, 60)));
        out->count++;
    }
    return MST_OK;
}

mst_sim_fault_t
mst_sim_schedule_find(mst_sim_schedule_t *s, uint64_t request_no, int64_t since_start_ns, mst_sim_fault_t drawn)
{
    for (uint32_t i = 0; i < s->count; i++) {
        mst_sim_scheduled_t *e = &s->items[i];
        uint64_t now = e->by_time ? (uint64_t)since_start_ns : request_no;
        if (now < e->from || now > e->to || (e->once && e->struck))
            continue;
        e->struck = true;
        return e->fault;
    }
    return drawn;
}
