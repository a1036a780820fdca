// muster inspect-data: the first cases of a dataset as a run would see them.
#include "cli/cli.h"
#include "cli/commands.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "coordinator/dataset/dataset.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAPPINGS_MAX  8
#define TEXT_SHOWN    120 // characters of each text
#define REFUSED_SHOWN 5

typedef struct {
    const char *path;
    int64_t limit;
    mst_mapping_t mapping[MAPPINGS_MAX];
    size_t mapping_count;
} options_t;

static const struct argp_option option_table[] = {
    {"limit", 'n', "N", 0, "Show so many cases (default 5)", 0},
    {"map", 'm', "FIELD=PATH", 0, "Take a field of the case from this path in the row, such as input=question", 0},
    {0},
};

static void
add_mapping(options_t *o, const char *arg, struct argp_state *state)
{
    static const char *const fields[] = {
        "id", "input", "expected_output", "actual_output", "context",
        "retrieval_context", "metadata", "messages", "turns", "choices"};
    const char *equals = strchr(arg, '=');
    if (equals == NULL || equals[1] == '\0' || o->mapping_count == MAPPINGS_MAX)
        argp_error(state, "\"%s\" is not FIELD=PATH", arg);
    else {
        mst_str_t field = mst_str(arg, (size_t)(equals - arg));
        bool known = false;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            known = known || mst_str_eq_c(field, fields[i]);
        if (!known)
            argp_error(state, "\"%.*s\" is not a field of a case", MST_FMT(field));
        o->mapping[o->mapping_count++] = (mst_mapping_t){field, mst_str_c(equals + 1)};
    }
}

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case 'n':
        if (!mst_str_to_i64(mst_str_c(arg), &o->limit) || o->limit < 1)
            argp_error(state, "--limit must be a whole number of at least 1, not \"%s\"", arg);
        return 0;
    case 'm':
        add_mapping(o, arg, state);
        return 0;
    case ARGP_KEY_ARG:
        if (o->path != NULL)
            argp_error(state, "one file at a time: \"%s\" is one too many", arg);
        o->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->path == NULL)
            argp_error(state, "which file?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "FILE",
    .doc = "Show the first cases of a JSONL dataset (plain, .gz or .zst) as a run would see them.\v"
           "Exit status: 0 at least one case, 2 no usable case.\n\n"
           "Examples:\n"
           "  muster inspect-data data/qa.jsonl\n"
           "  muster inspect-data test.jsonl.zst -n 20\n"
           "  muster inspect-data q.jsonl -m input=question -m expected_output=gold.text",
};

// One line of at most TEXT_SHOWN characters; what would move the cursor becomes a blank.
static void
print_text(const char *name, mst_str_t s)
{
    printf("  %-9s ", name);
    size_t shown = 0, at = 0;
    while (at < s.n && shown < TEXT_SHOWN) {
        uint32_t cp;
        size_t n = mst_utf8_next(mst_str(s.p + at, s.n - at), &cp);
        if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
            putchar(' ');
        else
            fwrite(s.p + at, 1, n, stdout);
        at += n;
        shown++;
    }
    puts(at < s.n ? "..." : "");
}

static size_t
count_chunks(mst_json_parser_t *parser, mst_str_t list, mst_arena_t *arena)
{
    const mst_json_t *v = NULL;
    if (list.n == 0 || mst_json_parse(parser, list, arena, &v, NULL, NULL) != MST_OK)
        return 0;
    return v->count;
}

static void
print_case(const mst_case_t *c, mst_json_parser_t *parser, mst_arena_t *arena)
{
    printf("%.*s\n", MST_FMT(c->id));
    print_text("input", c->input);
    if (c->messages.n > 0)
        print_text("messages", c->messages);
    if (c->has_expected)
        print_text("expected", c->expected);
    if (c->has_actual)
        print_text("actual", c->actual);
    size_t chunks = count_chunks(parser, c->context, arena) + count_chunks(parser, c->retrieval_context, arena);
    if (chunks > 0)
        printf("  context   %zu chunk%s\n", chunks, chunks == 1 ? "" : "s");
}

// The first few tell what is wrong; the count at the end tells how much.
static void
on_refused(void *ud, const mst_refused_t *row)
{
    unsigned *told = ud;
    if (++*told > REFUSED_SHOWN)
        return;
    fflush(stdout);
    fprintf(stderr, "muster: warning: line %" PRIu64 " refused: %s\n", row->line, row->message);
}

static mst_rc
print_cases(mst_dataset_t *d, mst_err_t *err)
{
    mst_arena_t *arena = mst_arena_new(256 * MST_MIB);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_rc rc;
    mst_case_t c;
    while ((rc = mst_dataset_next(d, arena, &c, err)) == MST_OK) {
        print_case(&c, parser, arena);
        mst_arena_reset(arena);
    }
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return rc == MST_NOTFOUND ? MST_OK : rc;
}

int
mst_cmd_inspect_data(int argc, char **argv)
{
    options_t o = {.limit = 5};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    mst_source_cfg_t source = {.type = MST_SRC_JSONL,
                               .path = mst_str_c(o.path),
                               .mapping = o.mapping,
                               .mapping_count = o.mapping_count,
                               .limit = o.limit};
    mst_dataset_t *d;
    mst_err_t err;
    unsigned told = 0;
    mst_rc rc = mst_dataset_open(&source, false, on_refused, &told, &d, &err);
    if (rc != MST_OK)
        return mst_cli_fail(&err);
    rc = print_cases(d, &err);
    uint64_t cases, refused;
    mst_digest_t hash;
    mst_dataset_totals(d, &cases, &refused, &hash);
    if (rc == MST_OK && cases == 0)
        rc = MST_ERR(&err, MST_INVAL, "dataset \"%s\" has no usable row among its %" PRIu64, o.path,
                     mst_dataset_info(d)->lines);
    if (rc == MST_OK) {
        char digest[2 * MST_SHA256_BYTES + 1];
        mst_digest_hex(&mst_dataset_info(d)->digest, digest);
        printf("%" PRIu64 " of %" PRIu64 " rows shown, %" PRIu64 " refused, %" PRIu64 " bytes, sha256 %s\n", cases,
               mst_dataset_info(d)->lines, refused, mst_dataset_info(d)->bytes, digest);
    }
    mst_dataset_close(&d);
    return rc == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
