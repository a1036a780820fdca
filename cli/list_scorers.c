// muster list-scorers: the scorers of the registry, with tier, scope, default threshold and parameters.
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/kinds.h"
#include "common/base/limits.h"
#include "scorers/scorer.h"

#include <argp.h>
#include <stdio.h>
#include <strings.h>

enum { KEY_JSON = 1000 };

typedef struct {
    const char *tier;
    bool json, verbose;
} options_t;

static const char *const tiers[] = {"L1", "L2", "L3", "L4", "RAG"};

static const struct argp_option flags[] = {
    {"tier", 't', "TIER", 0, "Only scorers of this tier: L1 rules, L2 similarity, L3 judges, L4 systems, RAG", 0},
    {"verbose", 'v', NULL, 0, "With their parameters", 0},
    {"json", KEY_JSON, NULL, 0, "One JSON document, parameters included", 0},
    {0},
};

static const char *
tier_named(const char *name)
{
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        if (strcasecmp(name, tiers[i]) == 0)
            return tiers[i];
    }
    return NULL;
}

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
    case 't':
        o->tier = tier_named(arg);
        if (o->tier == NULL)
            argp_error(state, "unknown tier \"%s\"; tiers are L1, L2, L3, L4, RAG", arg);
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = flags,
    .parser = on_option,
    .doc = "List the scorers. A score passes when its value is at least the threshold; scope run means that it judges "
           "the run as a whole, not each case.\v"
           "Examples:\n"
           "  muster list-scorers\n"
           "  muster list-scorers --tier L4 --verbose\n"
           "  muster list-scorers --json",
};

static bool
is_listed(const mst_scorer_t *s, const options_t *o)
{
    return o->tier == NULL || strcmp(s->kind.tier, o->tier) == 0;
}

static const char *
scope_name(const mst_scorer_t *s)
{
    return s->scope == MST_SCOPE_RUN ? "run" : "case";
}

static int
print_json(const options_t *o)
{
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, MST_MIB);
    mst_jw_init(&w, &text);
    mst_jw_arr(&w);
    for (const mst_scorer_t *const *s = mst_scorers_all(); *s != NULL; s++) {
        if (!is_listed(*s, o))
            continue;
        mst_kinds_json(&w, &(*s)->kind);
        mst_jw_key(&w, "tier");
        mst_jw_str(&w, mst_str_c((*s)->kind.tier));
        mst_jw_key(&w, "scope");
        mst_jw_str(&w, mst_str_c(scope_name(*s)));
        mst_jw_key(&w, "threshold");
        mst_jw_f64(&w, (*s)->kind.threshold);
        mst_jw_obj_end(&w);
    }
    mst_jw_arr_end(&w);
    int code = mst_kinds_print_json(&text);
    mst_buf_deinit(&text);
    return code;
}

static int
print_text(const options_t *o)
{
    size_t listed = 0;
    for (const mst_scorer_t *const *s = mst_scorers_all(); *s != NULL; s++) {
        if (!is_listed(*s, o))
            continue;
        if (listed++ == 0)
            printf("%-14s %-4s %-5s %9s  %s\n", "NAME", "TIER", "SCOPE", "THRESHOLD", "SCORE");
        const mst_kind_t *k = &(*s)->kind;
        printf("%-14s %-4s %-5s %9g  %s\n", k->name, k->tier, scope_name(*s), k->threshold, k->help);
        if (o->verbose)
            mst_kinds_print_params(k->params);
    }
    if (listed == 0)
        printf("no scorer of tier %s in this build\n", o->tier != NULL ? o->tier : "any");
    return MST_EXIT_PASS;
}

int
mst_cmd_list_scorers(int argc, char **argv)
{
    options_t o = {0};
    error_t rc = argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (rc != 0)
        return MST_EXIT_USAGE;
    return o.json ? print_json(&o) : print_text(&o);
}
