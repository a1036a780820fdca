// What every provider must survive, whatever its format: errors in all their shapes, with a status and inside a stream
// of status 200, and bytes that are no answer at all.
#ifndef MST_TESTS_PROVIDER_HOSTILE_H
#define MST_TESTS_PROVIDER_HOSTILE_H

#include "conformance/provider_variants.h"

typedef struct {
    const char *name, *body, *said; // said: a part of the sentence; NULL: nothing that could be told
} shape_t;

static const shape_t shapes[] = {
    {"error object", "{\"error\":{\"message\":\"boom went\",\"type\":\"t\",\"param\":null,\"code\":null}}",
     "boom went"},
    {"error text", "{\"error\":\"boom went\"}", "boom went"},
    {"error with its type beside", "{\"error\":\"boom went\",\"error_type\":\"generation\"}", "boom went"},
    {"flat", "{\"object\":\"error\",\"message\":\"boom went\",\"type\":\"T\",\"code\":7}", "boom went"},
    {"typed", "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"boom went\"},\"request_id\":\"r\"}",
     "boom went"},
    {"detail list", "{\"detail\":[{\"loc\":[\"body\",\"x\"],\"msg\":\"boom went\",\"type\":\"t\"}]}", "boom went"},
    {"detail text", "{\"detail\":\"boom went\"}", "boom went"},
    {"message", "{\"message\":\"boom went\"}", "boom went"},
    {"page", "<html><title>boom went</title></html>", "boom went"},
    {"text", "boom went", "boom went"},
    {"broken JSON", "{\"error\":{\"message\":\"boom went", "boom went"},
    {"control characters", "{\"error\":\"\\u001b[31mboom went\\r\\nsecond \\u0000line\"}", "boom went"},
    {"nothing", "", NULL},
    {"null", "null", NULL},
    {"list", "[]", NULL},
    {"object", "{}", NULL},
    {"error null", "{\"error\":null}", NULL},
    {"error number", "{\"error\":5}", NULL},
    {"bytes", "\xff\xfe\x80", NULL},
};

static const struct {
    int status;
    const char *outcome;
    bool later;
} statuses[] = {
    {302, "provider_error", false}, {400, "provider_error", false}, {401, "provider_error", false},
    {402, "provider_error", false}, {403, "provider_error", false}, {404, "provider_error", false},
    {408, "provider_error", true},  {409, "provider_error", true},  {413, "provider_error", false},
    {422, "provider_error", false}, {429, "rate_limited", true},    {500, "provider_error", true},
    {501, "provider_error", false}, {502, "provider_error", true},  {503, "provider_error", true},
    {504, "provider_error", true},  {529, "provider_error", true},
};

static inline bool
is_one_clean_line(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return true;
}

static inline void
play_status(suite_t *t, row_t *row, size_t which, const shape_t *shape)
{
    mst_decoder_t d;
    row->status = statuses[which].status;
    mst_outcome_t outcome = play_whole(t, row, row->body, &d);
    const mst_err_t *e = &d.c.error;
    if (!mst_str_eq_c(mst_str_c(mst_outcome_name(outcome)), statuses[which].outcome))
        wrong(t, row, "outcome", mst_str_c(mst_outcome_name(outcome)));
    if ((e->retry != MST_RETRY_NEVER) != statuses[which].later)
        wrong(t, row, "asked again", e->retry != MST_RETRY_NEVER ? MST_STR("yes") : MST_STR("no"));
    if (e->sub != row->status || !is_one_clean_line(e->message) || e->message[0] == '\0' ||
        (shape->said != NULL && strstr(e->message, shape->said) == NULL))
        wrong(t, row, "sentence", mst_str_c(e->message));
    mst_decoder_deinit(&d);
}

// Every status with every shape of body.
static inline void
play_statuses(suite_t *t, const row_t *like)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        row_t row = *like;
        row.name = mst_str_c(shapes[i].name);
        row.body = mst_str_c(shapes[i].body);
        for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
            char variant[32];
            (void)snprintf(variant, sizeof variant, "status %d", statuses[s].status);
            t->variant = variant;
            play_status(t, &row, s, &shapes[i]);
        }
    }
}

// A good stream with an error in the middle, and the rest behind it: the error counts.
static inline void
play_broken_off(suite_t *t, const row_t *row, mst_str_t error, mst_str_t name, size_t after)
{
    size_t count = 0;
    event_t *events = events_of(t, row, row->body, &count);
    mst_buf_t text;
    mst_decoder_t d;
    if (count == 0)
        return;
    after = after < count ? after : count - 1;
    memmove(events + after + 1, events + after, (count - after) * sizeof *events);
    events[after] = (event_t){.name = name, .data = error};
    mst_buf_init(&text, 256u << 20);
    if (row->split == MST_SPLIT_SSE)
        write_sse(&sse_forms[0], events, count + 1, &text);
    else
        write_lines(&line_forms[0], events, count + 1, &text);
    mst_outcome_t outcome = play_whole(t, row, mst_buf_view(&text), &d);
    if (mst_outcome_measured(outcome) || strstr(d.c.error.message, "boom went") == NULL)
        wrong(t, row, "an error in the stream", mst_str_c(d.c.error.message));
    mst_decoder_deinit(&d);
    mst_buf_deinit(&text);
}

static inline void
play_errors_inside(suite_t *t, const row_t *row)
{
    for (size_t i = 0; i < 5; i++) { // those that have an `error`, or say that they are one
        mst_str_t error = mst_str_c(shapes[i].body);
        t->variant = shapes[i].name;
        play_broken_off(t, row, error, MST_STR_NULL, 0);
        play_broken_off(t, row, error, MST_STR_NULL, 1);
        if (row->split == MST_SPLIT_SSE)
            play_broken_off(t, row, error, MST_STR("error"), 1);
    }
}

// No answer, with status 200.
static const char *const junk[] = {
    "",
    "\n",
    "\n\n\n",
    "null",
    "[]",
    "[[]]",
    "1",
    "\"text\"",
    "{",
    "}",
    "data:",
    "data: \n\n",
    "data: {\n\n",
    "data: {}\n\n",
    "data: null\n\n",
    "data: []\n\n",
    ": ping\n\n",
    "event: x\n\n",
    "<html>Welcome</html>",
    "<!DOCTYPE html>\n<html></html>\n",
    "plain words",
    "\x1f\x8b\x08\x01\x02\x03\x04\x05",
    "\xff\xff\xff\xff",
    "\xef\xbb\xbf",
    "HTTP/1.1 200 OK\r\n\r\n",
    "data: {\"a\":\n\n",
    "{\"a\":\n",
    "event: ping\ndata: {}\n\n",
};

static inline void
play_junk(suite_t *t, const row_t *like)
{
    row_t row = *like;
    row.name = MST_STR("no answer at all");
    row.status = 200;
    for (int split = MST_SPLIT_SSE; split <= MST_SPLIT_BODY; split++) {
        row.split = (mst_split_t)split;
        for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
            mst_decoder_t d;
            t->variant = junk[i];
            mst_outcome_t outcome = play_whole(t, &row, mst_str_c(junk[i]), &d);
            if (mst_outcome_measured(outcome) || d.c.error.message[0] == '\0' || !is_one_clean_line(d.c.error.message))
                wrong(t, &row, mst_outcome_name(outcome), mst_str_c(d.c.error.message));
            mst_decoder_deinit(&d);
        }
    }
}

// One event of 20 MiB, and one nested far too deep.
static inline void
play_large(suite_t *t, const row_t *like)
{
    row_t row = *like;
    mst_buf_t text;
    mst_decoder_t d;
    mst_buf_init(&text, 64u << 20);
    row.status = 200;
    row.name = MST_STR("large");
    for (int deep = 0; deep < 2; deep++) {
        mst_buf_reset(&text);
        (void)mst_buf_add_c(&text, row.split == MST_SPLIT_SSE ? "data: {\"pad\":" : "{\"pad\":");
        char *room = mst_buf_reserve(&text, 20u << 20);
        memset(room, deep ? '[' : ' ', 20u << 20);
        text.n += 20u << 20;
        (void)mst_buf_add_c(&text, deep ? "\n\n" : "1}\n\n");
        t->variant = deep ? "nested without end" : "20 MiB of blanks in one event";
        mst_outcome_t outcome = play_whole(t, &row, mst_buf_view(&text), &d);
        if (mst_outcome_measured(outcome) || d.c.error.message[0] == '\0')
            wrong(t, &row, mst_outcome_name(outcome), mst_str_c(d.c.error.message));
        mst_decoder_deinit(&d);
    }
    mst_buf_deinit(&text);
}

#endif
