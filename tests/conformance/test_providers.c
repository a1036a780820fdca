// The conformance suite of providers, the same for each one in the table. A provider's folder in
// tests/fixtures/providers/ holds what servers of its kind answer, written down by us:
//   *.jsonl        transcripts and requests, one a line
//   NAME.json      one transcript; its body may lie beside it, byte by byte, in NAME.txt
// A file that is dropped there is played. Every transcript is decoded at once, byte by byte, split at each place inside
// CRLF, characters and escapes, and in random cuts; good streams also in other framings (line ends, comments, folded
// data, lost event names), cut off early, and with an error in the middle. Then what no provider may take for an
// answer. A provider without transcripts fails.
#include "conformance/provider_hostile.h"
#include "conformance/provider_requests.h"

#include <dirent.h>

static mst_str_t
body_of(const mst_json_t *json, mst_str_t text, mst_buf_t *bytes)
{
    mst_str_t body = mst_json_get(json, "body") != NULL ? tst_str(json, "body") : text;
    if (!tst_bool(json, "latin1"))
        return body;
    mst_buf_reset(bytes);
    while (body.n > 0) {
        uint32_t cp = 0;
        size_t took = mst_utf8_next(body, &cp);
        (void)mst_buf_add_byte(bytes, (char)cp);
        body = mst_str(body.p + took, body.n - took);
    }
    return mst_buf_view(bytes);
}

static void
play_transcript(suite_t *t, row_t *row)
{
    mst_decoder_t d;
    mst_buf_t want, answer;
    size_t count = 0;
    mst_buf_init(&want, 256u << 20);
    mst_buf_init(&answer, 256u << 20);
    t->transcripts++;
    t->variant = "at once";
    mst_outcome_t outcome = play_whole(t, row, row->body, &d);
    check_row(t, row, outcome, &d.c);
    print_result(outcome, &d.c, &want);
    print_answer(outcome, &d.c, &answer);
    bool good = mst_outcome_measured(outcome) && !row->cut && row->status == 200;
    bool streamed = d.c.streamed;
    if (streamed && d.c.event_count > 1 && d.c.merged_reads == 0)
        wrong(t, row, "events of one read are not marked as such", MST_STR("merged_reads 0"));
    mst_decoder_deinit(&d);
    play_cuts(t, row, row->body, &want);
    if (row->status == 200 && row->split != MST_SPLIT_BODY) {
        event_t *events = events_of(t, row, row->body, &count);
        t->variant = "first token";
        for (size_t i = 0; i < count; i++)
            check_has_token(t, row, events[i].name, events[i].data);
    }
    if (good && !tst_bool(row->json, "open_end"))
        play_prefixes(t, row, mst_buf_view(&answer));
    if (good && streamed) {
        play_forms(t, row, &want);
        play_errors_inside(t, row);
    }
    mst_buf_deinit(&want);
    mst_buf_deinit(&answer);
}

static void
play_hostile(suite_t *t, const row_t *like)
{
    play_statuses(t, like);
    play_junk(t, like);
    play_large(t, like);
    t->hostile = true;
}

static void
take_row(suite_t *t, const mst_json_t *json, mst_str_t name, mst_str_t text)
{
    row_t row = {.json = json, .expect = mst_json_get(json, "expect"), .status = 200, .name = tst_str(json, "name")};
    mst_buf_t bytes;
    mst_str_t split = tst_str(json, "split");
    int64_t status = 200;
    mst_arena_reset(t->row_arena);
    if (row.name.n == 0)
        row.name = name;
    if (row.expect == NULL)
        wrong(t, &row, "a row without expect", MST_STR_NULL);
    if (mst_json_get(json, "request") != NULL) {
        check_request(t, &row);
        return;
    }
    read_ask(t, &row, json);
    row.ask.c = &row.c;
    mst_buf_init(&bytes, 64u << 20);
    (void)mst_json_i64(mst_json_get(json, "status"), &status);
    row.status = (int)status;
    row.cut = tst_bool(json, "cut");
    row.split = mst_str_eq_c(split, "body")     ? MST_SPLIT_BODY
                : mst_str_eq_c(split, "ndjson") ? MST_SPLIT_NDJSON
                                                : MST_SPLIT_SSE;
    row.body = body_of(json, text, &bytes);
    play_transcript(t, &row);
    if (tst_bool(json, "hostile"))
        play_hostile(t, &row);
    mst_buf_deinit(&bytes);
}

// A file as it is; to free. NULL: there is none.
static char *
read_all(const char *folder, const char *name, size_t *n)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    (void)fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = mst_xalloc((size_t)size + 1);
    *n = fread(text, 1, (size_t)size, f);
    (void)fclose(f);
    return text;
}

static void
take_single(suite_t *t, const char *folder, const char *name)
{
    size_t n = 0, text_n = 0;
    char beside[512];
    mst_str_t stem = mst_str(name, strlen(name) - 5);
    mst_arena_t *arena = mst_arena_new(256u << 20);
    const mst_json_t *json = NULL;
    mst_err_t err = {0};
    (void)snprintf(beside, sizeof beside, "%.*s.txt", MST_FMT(stem));
    char *file = read_all(folder, name, &n), *text = read_all(folder, beside, &text_n);
    if (mst_json_parse(t->parser, mst_str(file, n), arena, &json, NULL, &err) != MST_OK) {
        printf("%s/%s: %s\n", folder, name, err.message);
        t->bad++;
    } else {
        take_row(t, json, stem, mst_str(text, text_n));
    }
    mst_arena_free(&arena);
    free(file);
    free(text);
}

static void
take_rows(suite_t *t, const char *folder, const char *name)
{
    tst_file_t *f = tst_open(folder, name);
    for (const mst_json_t *json; f != NULL && (json = tst_row(f)) != NULL;)
        take_row(t, json, mst_str_c(name), MST_STR_NULL);
    if (f != NULL)
        tst_close(f);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
take_folder(suite_t *t)
{
    char folder[2048];
    char *names[1024];
    size_t count = 0;
    (void)snprintf(folder, sizeof folder, "%s/tests/fixtures/providers/%s", MST_SOURCE_DIR, t->provider->kind.name);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir != NULL && count < 1024 && (e = readdir(dir)) != NULL;)
        names[count++] = mst_xstrdup(e->d_name);
    if (dir != NULL)
        (void)closedir(dir);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        if (mst_str_ends(mst_str_c(names[i]), MST_STR(".jsonl")))
            take_rows(t, folder, names[i]);
        else if (mst_str_ends(mst_str_c(names[i]), MST_STR(".json")))
            take_single(t, folder, names[i]);
        free(names[i]);
    }
}

static bool
run_provider(suite_t *t, const mst_provider_t *p)
{
    t->provider = p;
    t->transcripts = t->variants = t->requests = t->bad = 0;
    t->hostile = false;
    mst_prng_seed(&t->prng, 7);
    take_folder(t);
    mst_arena_reset(t->row_arena);
    row_t like = {.status = 200};
    read_ask(t, &like, NULL);
    like.ask.c = &like.c;
    if (!t->hostile)
        play_hostile(t, &like);
    bool ok = t->transcripts > 0 && t->bad == 0;
    printf("%s: %zu transcripts, %zu variants passed, %zu requests%s\n", p->kind.name, t->transcripts,
           t->bad == 0 ? t->variants : 0, t->requests,
           ok                    ? ""
           : t->transcripts == 0 ? "; FAILED: a provider needs transcripts in tests/fixtures/providers"
                                 : "; FAILED, see above");
    return ok;
}

// Names of providers may be given; none: all.
int
main(int argc, char **argv)
{
    suite_t t = {.parser = mst_json_parser_new(),
                 .arena = mst_arena_new(512u << 20),
                 .scratch = mst_arena_new(256u << 20),
                 .row_arena = mst_arena_new(1024u << 20)};
    const mst_provider_t *const *all = mst_providers_all();
    size_t failed = 0, played = 0;
    for (size_t i = 0; all[i] != NULL; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted = wanted || strcmp(argv[a], all[i]->kind.name) == 0;
        played += wanted;
        failed += wanted && !run_provider(&t, all[i]);
    }
    mst_json_parser_free(&t.parser);
    mst_arena_free(&t.arena);
    mst_arena_free(&t.scratch);
    mst_arena_free(&t.row_arena);
    printf("providers: %zu of %zu passed\n", played - failed, played);
    return failed == 0 && played > 0 ? 0 : 1;
}
