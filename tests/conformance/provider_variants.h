// One transcript in every way of cutting and framing it: the result is the same. And its beginnings: each of them
// either fails or is the whole answer.
#ifndef MST_TESTS_PROVIDER_VARIANTS_H
#define MST_TESTS_PROVIDER_VARIANTS_H

#include "conformance/provider_play.h"

#define RANDOM_CUTS 12
#define SPLITS_MAX  400 // places inside something, of one transcript
#define PREFIXES    24  // random ones, beside the event boundaries

// Is offset at, between two bytes, inside something that a reader could break on: CR LF, a character of several bytes,
// an escape, the blank behind "data:", a byte order mark?
static inline bool
is_inside(mst_str_t body, size_t at)
{
    unsigned char before = (unsigned char)body.p[at - 1], after = (unsigned char)body.p[at];
    if ((before == '\r' && after == '\n') || (after & 0xc0) == 0x80 || before == '\\' || before == ':')
        return true;
    if (before == '\n' && (after == '\n' || after == '\r'))
        return true;
    for (size_t back = 2; back <= 5 && back <= at; back++) { // \uXXXX
        if (body.p[at - back] == '\\' && at - back + 1 < body.n && body.p[at - back + 1] == 'u')
            return true;
    }
    return false;
}

static inline void
check_same(suite_t *t, const row_t *row, mst_str_t body, const cuts_t *cuts, mst_buf_t *want)
{
    mst_decoder_t d;
    mst_buf_t got;
    mst_buf_init(&got, 256u << 20);
    mst_outcome_t outcome = play(t, row, body, cuts, &d);
    print_result(outcome, &d.c, &got);
    if (!mst_str_eq(mst_buf_view(want), mst_buf_view(&got)))
        wrong(t, row, "another result", mst_buf_view(&got));
    mst_buf_deinit(&got);
    if (row->split == MST_SPLIT_SSE && mst_outcome_measured(outcome) && d.c.ttft_ns >= 0) {
        int64_t piece = first_token_piece(t, row, body, cuts);
        int64_t stamp = piece >= 0 ? (int64_t)cuts->ends[piece] * NS_A_BYTE : -1;
        if (stamp != d.c.ttft_ns && !(tst_bool(row->json, "eager") && piece >= 0 && stamp <= d.c.ttft_ns))
            wrong(t, row, "the first token is seen with another piece than stamped", row->name);
    }
    mst_decoder_deinit(&d);
}

static inline void
play_bytewise(suite_t *t, const row_t *row, mst_str_t body, mst_buf_t *want)
{
    cuts_t cuts = {.ends = MST_NEW_ARRAY(size_t, body.n + 1), .count = body.n};
    for (size_t i = 0; i < body.n; i++)
        cuts.ends[i] = i + 1;
    check_same(t, row, body, &cuts, want);
    free(cuts.ends);
}

static inline void
play_inside(suite_t *t, const row_t *row, mst_str_t body, mst_buf_t *want)
{
    cuts_t all = {.ends = MST_NEW_ARRAY(size_t, body.n + 1)};
    for (size_t at = 1; at < body.n; at++) {
        if (is_inside(body, at))
            all.ends[all.count++] = at;
    }
    size_t step = all.count / SPLITS_MAX + 1;
    for (size_t i = 0; i < all.count; i += step) {
        size_t two[2] = {all.ends[i], body.n};
        cuts_t cuts = {.ends = two, .count = 2};
        check_same(t, row, body, &cuts, want);
    }
    all.ends[all.count++] = body.n;
    check_same(t, row, body, &all, want);
    free(all.ends);
}

static inline void
play_random(suite_t *t, const row_t *row, mst_str_t body, mst_buf_t *want)
{
    cuts_t cuts = {.ends = MST_NEW_ARRAY(size_t, body.n + 1)};
    for (int i = 0; i < RANDOM_CUTS && body.n > 0; i++) {
        cuts.count = 0;
        for (size_t at = 0; at < body.n;) {
            at += 1 + mst_prng_below(&t->prng, i < 3 ? 5 : 120);
            cuts.ends[cuts.count++] = at < body.n ? at : body.n;
        }
        check_same(t, row, body, &cuts, want);
    }
    free(cuts.ends);
}

static inline void
play_cuts(suite_t *t, const row_t *row, mst_str_t body, mst_buf_t *want)
{
    if (body.n == 0)
        return;
    t->variant = "every byte alone";
    play_bytewise(t, row, body, want);
    t->variant = "split inside CRLF, characters and escapes";
    play_inside(t, row, body, want);
    t->variant = "random cuts";
    play_random(t, row, body, want);
}

// The same events in other clothes: line ends, marks, blanks, fields that nobody reads, comments.
typedef struct {
    const char *what, *line_end, *data, *before_each, *start;
    bool no_names, no_last_blank, folded;
} form_t;

static const form_t sse_forms[] = {
    {.what = "plain", .line_end = "\n", .data = "data: "},
    {.what = "CRLF", .line_end = "\r\n", .data = "data: "},
    {.what = "CR alone", .line_end = "\r", .data = "data: "},
    {.what = "byte order mark", .line_end = "\n", .data = "data: ", .start = "\xef\xbb\xbf"},
    {.what = "data without a blank", .line_end = "\n", .data = "data:"},
    {.what = "comments", .line_end = "\n", .data = "data: ", .before_each = ": ping\n\n:\n\n"},
    {.what = "other fields", .line_end = "\n", .data = "data: ", .before_each = "id: 7\nretry: 10\nfoo: bar\nfoo\n"},
    {.what = "empty events", .line_end = "\n", .data = "data: ", .before_each = "\n\n\nevent: none\n\n"},
    {.what = "no event names", .line_end = "\n", .data = "data: ", .no_names = true},
    {.what = "no blank line at the end", .line_end = "\n", .data = "data: ", .no_last_blank = true},
    {.what = "data in several lines", .line_end = "\r\n", .data = "data: ", .folded = true},
};

// JSON with a line end at the places where blanks are free.
static inline void
add_folded(mst_buf_t *out, const form_t *f, mst_str_t data)
{
    bool quoted = false;
    for (size_t i = 0; i < data.n; i++) {
        char c = data.p[i];
        (void)mst_buf_add_byte(out, c);
        if (quoted && c == '\\' && i + 1 < data.n)
            (void)mst_buf_add_byte(out, data.p[++i]);
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ',' || c == '{') && i + 1 < data.n)
            (void)mst_buf_addf(out, "%s%s", f->line_end, f->data);
    }
}

static inline void
write_sse(const form_t *f, const event_t *events, size_t count, mst_buf_t *out)
{
    mst_buf_reset(out);
    (void)mst_buf_add_c(out, f->start != NULL ? f->start : "");
    for (size_t i = 0; i < count; i++) {
        (void)mst_buf_add_c(out, f->before_each != NULL ? f->before_each : "");
        if (events[i].name.n > 0 && !f->no_names)
            (void)mst_buf_addf(out, "event: %.*s%s", MST_FMT(events[i].name), f->line_end);
        (void)mst_buf_add_c(out, f->data);
        mst_str_t rest = events[i].data;
        for (const char *lf; (lf = memchr(rest.p, '\n', rest.n)) != NULL;) {
            size_t n = (size_t)(lf - rest.p);
            (void)mst_buf_add(out, rest.p, n);
            (void)mst_buf_addf(out, "%s%s", f->line_end, f->data);
            rest = mst_str(lf + 1, rest.n - n - 1);
        }
        if (f->folded && rest.n == events[i].data.n && rest.n > 0 && rest.p[0] == '{')
            add_folded(out, f, rest);
        else
            (void)mst_buf_add_str(out, rest);
        (void)mst_buf_add_c(out, f->line_end);
        if (!f->no_last_blank || i + 1 < count)
            (void)mst_buf_add_c(out, f->line_end);
    }
}

static const form_t line_forms[] = {
    {.what = "plain", .line_end = "\n"},
    {.what = "CRLF", .line_end = "\r\n"},
    {.what = "blank lines", .line_end = "\n\n \n"},
    {.what = "indented", .line_end = " \n", .data = "  "},
    {.what = "no line end at the end", .line_end = "\n", .no_last_blank = true},
};

static inline void
write_lines(const form_t *f, const event_t *events, size_t count, mst_buf_t *out)
{
    mst_buf_reset(out);
    for (size_t i = 0; i < count; i++) {
        (void)mst_buf_add_c(out, f->data != NULL ? f->data : "");
        (void)mst_buf_add_str(out, events[i].data);
        if (!f->no_last_blank || i + 1 < count)
            (void)mst_buf_add_c(out, f->line_end);
    }
}

static inline void
play_forms(suite_t *t, const row_t *row, mst_buf_t *want)
{
    bool sse = row->split == MST_SPLIT_SSE;
    size_t count = 0, forms = sse ? sizeof sse_forms / sizeof sse_forms[0] : sizeof line_forms / sizeof line_forms[0];
    event_t *events = events_of(t, row, row->body, &count);
    mst_buf_t text;
    mst_buf_init(&text, 256u << 20);
    for (size_t i = 0; i < forms && count > 0; i++) {
        const form_t *f = sse ? &sse_forms[i] : &line_forms[i];
        t->variant = f->what;
        if (f->no_names && tst_bool(row->json, "plain_names"))
            continue;
        if (sse)
            write_sse(f, events, count, &text);
        else
            write_lines(f, events, count, &text);
        size_t end = text.n;
        cuts_t one = {.ends = &end, .count = 1};
        check_same(t, row, mst_buf_view(&text), &one, want);
        play_bytewise(t, row, mst_buf_view(&text), want);
    }
    mst_buf_deinit(&text);
}

// A clean end before the terminator is no success.
static inline void
play_prefixes(suite_t *t, const row_t *row, mst_str_t whole)
{
    size_t count = 0;
    event_t *events = events_of(t, row, row->body, &count);
    mst_buf_t got;
    mst_buf_init(&got, 256u << 20);
    t->variant = "a beginning of it";
    for (size_t i = 0; i < count + PREFIXES; i++) {
        size_t n = i < count ? events[i].end : mst_prng_below(&t->prng, (uint32_t)row->body.n);
        mst_decoder_t d;
        mst_outcome_t outcome = play_whole(t, row, mst_str(row->body.p, n), &d);
        print_answer(outcome, &d.c, &got);
        if (mst_outcome_measured(outcome) && !mst_str_eq(mst_buf_view(&got), whole))
            wrong(t, row, "taken for a whole answer", mst_buf_view(&got));
        if (!mst_outcome_measured(outcome) && d.c.error.message[0] == '\0')
            wrong(t, row, "failed without a sentence", mst_buf_view(&got));
        mst_decoder_deinit(&d);
    }
    mst_buf_deinit(&got);
}

#endif
