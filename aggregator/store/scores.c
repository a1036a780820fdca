// Written once per stored row, so the fixed parts go out as literals and only text goes through the JSON writer.
#include "aggregator/store/scores.h"

#include "common/base/limits.h"

#include <stdio.h>

static void
write_value(mst_buf_t *out, double v)
{
    if (v == 1.0)
        mst_buf_add_c(out, "1.0");
    else if (v == 0.0)
        mst_buf_add_c(out, "0.0");
    else {
        mst_jw_t w;
        mst_jw_init(&w, out);
        mst_jw_f64(&w, v);
    }
}

static void
write_text(mst_buf_t *out, mst_str_t s)
{
    mst_jw_t w;
    mst_jw_init(&w, out);
    mst_jw_str(&w, s);
}

static void
write_u64(mst_buf_t *out, uint64_t v)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    mst_buf_add(out, digits + at, sizeof digits - at);
}

static void
write_score(mst_buf_t *out, uint32_t i, const mst_score_t *s)
{
    mst_buf_add_c(out, i == 0 ? "{\"i\":" : ",{\"i\":");
    write_u64(out, i);
    mst_buf_add_c(out, ",\"state\":\"");
    mst_buf_add_c(out, mst_score_state_name(s->state));
    mst_buf_add_c(out, "\",\"value\":");
    write_value(out, s->value);
    mst_buf_add_c(out, s->passed ? ",\"passed\":true" : ",\"passed\":false");
    if (s->reason.n > 0) {
        mst_buf_add_c(out, ",\"reason\":");
        write_text(out, mst_str_cut(s->reason, MST_REASON_MAX));
    }
    if (s->breakdown.n > 0) {
        mst_buf_add_c(out, ",\"breakdown\":");
        if (mst_json_is_object_text(s->breakdown))
            mst_buf_add_str(out, s->breakdown);
        else
            write_text(out, s->breakdown);
    }
    if (s->time_ns > 0) {
        mst_buf_add_c(out, ",\"time_ns\":");
        write_u64(out, (uint64_t)s->time_ns);
    }
    mst_buf_add_byte(out, '}');
}

void
mst_scores_write(const mst_score_t *scores, uint32_t count, mst_buf_t *out)
{
    mst_buf_add_byte(out, '[');
    for (uint32_t i = 0; i < count; i++)
        write_score(out, i, &scores[i]);
    mst_buf_add_byte(out, ']');
}

static bool
read_state(const mst_json_t *v, mst_score_state_t *out)
{
    mst_str_t name;
    if (!mst_json_str(v, &name))
        return false;
    for (int s = MST_SCORE_OK; s <= MST_SCORE_ERROR; s++)
        if (mst_str_eq_c(name, mst_score_state_name((mst_score_state_t)s))) {
            *out = (mst_score_state_t)s;
            return true;
        }
    return false;
}

static bool
read_breakdown(const mst_json_t *v, mst_arena_t *arena, mst_str_t *out)
{
    if (!v)
        return true;
    mst_buf_t text;
    mst_buf_init(&text, MST_JSON_BYTES_MAX);
    mst_jw_t w;
    mst_jw_init(&w, &text);
    mst_jw_value(&w, v);
    bool ok = !text.failed;
    if (ok)
        *out = mst_arena_dup(arena, mst_buf_view(&text), &ok);
    mst_buf_deinit(&text);
    return ok;
}

static bool
read_score(const mst_json_t *v, mst_arena_t *arena, mst_score_t *out)
{
    if (!mst_json_f64(mst_json_get(v, "value"), &out->value) || !mst_json_bool(mst_json_get(v, "passed"), &out->passed))
        return false;
    mst_json_str(mst_json_get(v, "reason"), &out->reason);
    mst_json_i64(mst_json_get(v, "time_ns"), &out->time_ns);
    return read_state(mst_json_get(v, "state"), &out->state) &&
           read_breakdown(mst_json_get(v, "breakdown"), arena, &out->breakdown);
}

mst_rc
mst_scores_read(mst_json_parser_t *parser, mst_str_t json, mst_arena_t *arena, const mst_score_t **out,
                uint32_t *out_count, mst_err_t *err)
{
    *out = NULL;
    *out_count = 0;
    if (json.n == 0)
        return MST_OK;
    const mst_json_t *array = NULL;
    mst_rc rc = mst_json_parse(parser, json, arena, &array, NULL, err);
    if (rc != MST_OK)
        return rc;
    if (!mst_json_is(array, MST_JSON_ARR) || array->count > MST_SCORERS_MAX)
        return MST_ERR(err, MST_PROTO, "stored scores are not a list of at most %d", MST_SCORERS_MAX);
    mst_score_t *scores = MST_ARENA_ARRAY(arena, mst_score_t, array->count);
    if (!scores)
        return MST_ERR(err, MST_LIMIT, "no room for %u scores", array->count);
    for (uint32_t i = 0; i < array->count; i++)
        if (!read_score(mst_json_at(array, i), arena, &scores[i]))
            return MST_ERR(err, MST_PROTO, "stored score %u is not as it was written", i);
    *out = scores;
    *out_count = array->count;
    return MST_OK;
}
