// muster list-providers: the providers of the registry and their parameters.
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/kinds.h"
#include "common/base/limits.h"
#include "worker/provider/provider.h"

#include <argp.h>
#include <stdio.h>

enum { KEY_JSON = 1000 };

typedef struct {
    bool json, verbose;
} options_t;

static const struct argp_option flags[] = {
    {"verbose", 'v', NULL, 0, "With their parameters", 0},
    {"json", KEY_JSON, NULL, 0, "One JSON document, parameters included", 0},
    {0},
};

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    options_t *o = state->input;
    switch (key) {
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
    .doc = "List the providers: the kinds of backend that can be asked.\v"
           "Examples:\n"
           "  muster list-providers\n"
           "  muster list-providers --verbose\n"
           "  muster list-providers --json",
};

static int
print_json(void)
{
    mst_buf_t text;
    mst_jw_t w;
    mst_buf_init(&text, MST_MIB);
    mst_jw_init(&w, &text);
    mst_jw_arr(&w);
    for (const mst_provider_t *const *p = mst_providers_all(); *p != NULL; p++) {
        mst_kinds_json(&w, &(*p)->kind);
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
    printf("%-14s %-20s %s\n", "NAME", "ALSO", "WHAT");
    for (const mst_provider_t *const *p = mst_providers_all(); *p != NULL; p++) {
        const mst_kind_t *k = &(*p)->kind;
        printf("%-14s %-20s %s\n", k->name, k->aliases != NULL ? k->aliases : "", k->help);
        if (o->verbose)
            mst_kinds_print_params(k->params);
    }
    return MST_EXIT_PASS;
}

int
mst_cmd_list_providers(int argc, char **argv)
{
    options_t o = {0};
    error_t rc = argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (rc != 0)
        return MST_EXIT_USAGE;
    return o.json ? print_json() : print_text(&o);
}
