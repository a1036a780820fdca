// muster reference PAGE: the reference pages of docs/reference/, written from the parameter tables that also drive
// parsing and --help, so that they cannot drift apart. A test compares them with the files.
#include "cli/commands.h"

#include "cli/cli.h"
#include "scorers/scorer.h"
#include "worker/provider/provider.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const char *
type_name(mst_param_type_t t)
{
    switch (t) {
    case MST_P_STR:
        return "text";
    case MST_P_URL:
        return "URL";
    case MST_P_BOOL:
        return "true or false";
    case MST_P_INT:
        return "whole number";
    case MST_P_NUM:
        return "number";
    case MST_P_ENUM:
        return "one of";
    case MST_P_STRLIST:
        return "list of texts";
    case MST_P_JSON:
        return "any value";
    case MST_P_SECRET:
        return "secret: `${NAME}`, `env:NAME` or `file:/path`";
    }
    return "";
}

// A "|" would end the cell of a Markdown table.
static void
print_cell(const char *text)
{
    for (; *text != '\0'; text++)
        printf(*text == '|' ? " or " : "%c", *text);
}

static void
print_type(const mst_param_t *p)
{
    printf("%s", type_name(p->type));
    if (p->type == MST_P_ENUM && p->choices != NULL) {
        putchar(' ');
        print_cell(p->choices);
    }
    if ((p->type == MST_P_INT || p->type == MST_P_NUM) && (p->min < 0 || p->min > 0 || p->max < 0 || p->max > 0))
        printf(", %g to %g", p->min, p->max);
}

static void
print_table(const mst_param_t *table)
{
    if (table == NULL || table[0].name == NULL) {
        printf("No parameters of its own.\n\n");
        return;
    }
    printf("| key | also | type | default | meaning |\n|---|---|---|---|---|\n");
    for (const mst_param_t *p = table; p->name != NULL; p++) {
        printf("| `%s` | ", p->name);
        if (p->alias != NULL)
            print_cell(p->alias);
        printf(" | ");
        print_type(p);
        printf(" | %s | ", p->required ? "required" : p->dflt != NULL ? p->dflt : "");
        print_cell(p->help != NULL ? p->help : "");
        printf(" |\n");
    }
    printf("\n");
}

static void
print_services(const mst_kind_t *k)
{
    if (k->services == NULL)
        return;
    printf("Services by name: `provider_type: NAME` is this provider with the service's address and key, where the\n"
           "configuration gives none.\n\n| name | address | key | address moved by |\n|---|---|---|---|\n");
    for (const mst_service_t *s = k->services; s->name != NULL; s++)
        printf("| `%s` | %s | %s | %s |\n", s->name, s->base_url, s->key_env != NULL ? s->key_env : "none",
               s->base_env != NULL ? s->base_env : "");
    printf("\n");
}

static void
print_kinds(const mst_kind_t *const *kinds)
{
    for (; *kinds != NULL; kinds++) {
        const mst_kind_t *k = *kinds;
        printf("## %s\n\n%s.", k->name, k->help);
        if (k->aliases != NULL) {
            printf(" Also known as ");
            print_cell(k->aliases);
            printf(".");
        }
        if (k->tier != NULL)
            printf(" Tier %s, default threshold %g.", k->tier, k->threshold);
        printf("\n\n");
        print_table(k->params);
        print_services(k);
    }
}

static void
print_aliases(void)
{
    printf("## Names of promptfoo\n\nRead as the scorer beside them; `not-` before any name negates it.\n\n"
           "| name | read as |\n|---|---|\n");
    for (const mst_scorer_alias_t *a = mst_scorers_aliases(); a->name != NULL; a++) {
        printf("| `%s` | ", a->name);
        if (a->scorer == NULL)
            printf("refused: %s |\n", a->why);
        else if (a->bare != NULL)
            printf("`%s`, without `value` `%s` %s |\n", a->scorer, a->bare, a->preset != NULL ? a->preset : "");
        else
            printf("`%s` %s |\n", a->scorer, a->preset != NULL ? a->preset : "");
    }
}

static int
print_page(const char *page)
{
    if (strcmp(page, "configuration") == 0) {
        printf("# Configuration of a run\n\nMade by `muster reference configuration`.\n\n");
        print_table(mst_run_cfg_table);
        printf("## data_source\n\n");
        print_table(mst_source_cfg_table);
        printf("## each of scorers\n\nBeside the scorer's own parameters (scorers.md).\n\n");
        print_table(mst_scorer_cfg_table);
        printf("## a set of scorers\n\nAn entry of `scorers` with `any` or `all` in place of a scorer's name. Its "
               "members take what\nscorers take, but `weight`, and are shown in the breakdown.\n\n");
        print_table(mst_set_cfg_table);
        printf("## provider, and each of targets\n\nBeside the provider's own parameters (providers.md).\n\n");
        print_table(mst_target_cfg_table);
        printf("## launch\n\nOf a provider or target (docs/local-models.md). In `command`, `ready_url` and `base_url` "
               "the text `{port}` is a free port.\n\n");
        print_table(mst_launch_cfg_table);
        printf("## request\n\n`request: multiple_choice`, or a map:\n\n");
        print_table(mst_request_cfg_table);
        printf("## prices\n\nA map from models, or `*` for every other, to:\n\n");
        print_table(mst_price_cfg_table);
        printf("## budget\n\n");
        print_table(mst_budget_cfg_table);
        printf("Before a request starts, the most that it can take is held back (a token for each byte of its case, "
               "and `max_tokens`), so that\nno budget is passed however many are in flight. "
               "Without `max_tokens`, or with "
               "several workers, a budget can be passed by what\nthe answers then in flight take. The run ends in "
               "state "
               "`budget_stop`; `muster run CONFIG --resume RUN` with a larger budget goes\non with the cases that have "
               "no result.\n\n");
        printf("A scorer that asks a server of its own (scorers.md says which) has a section `provider` (or "
               "`embeddings`), which\nis read like the run's.\n\n");
        printf("## numerical_guard\n\n");
        print_table(mst_guard_cfg_table);
        printf("## slo\n\n");
        print_table(mst_slo_cfg_table);
        printf("## load\n\nWhat the settings mean together: docs/load.md.\n\n");
        print_table(mst_load_cfg_table);
        printf("`simulate` takes the options of `muster sim` with `_` for `-`, such as `ttft_ms: 40`; the "
               "provider's `base_url`\nis then that of the simulated backend. "
               "Paths are relative to the working directory.\n\n");
        printf("`provider` is the short form of `targets` with one of them. `${NAME}` in any text is replaced by the\n"
               "environment variable; an unset one is an error. Texts with `: `, `#`, `[`, `{` or `*` need quotes. A "
               "key that\n is not in these tables is an error.\n");
        return MST_EXIT_PASS;
    }
    if (strcmp(page, "scorers") == 0) {
        printf("# Scorers\n\nMade by `muster reference scorers`.\n\n");
        print_kinds(mst_scorers_kinds());
        print_aliases();
        return MST_EXIT_PASS;
    }
    if (strcmp(page, "providers") == 0) {
        printf("# Providers\n\nMade by `muster reference providers`.\n\n## Every provider\n\n");
        print_table(mst_provider_cfg_table);
        print_kinds(mst_providers_kinds());
        return MST_EXIT_PASS;
    }
    fprintf(stderr, "muster: error: no page \"%s\"; there are configuration, scorers and providers\n", page);
    return MST_EXIT_USAGE;
}

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    const char **page = state->input;
    if (key == ARGP_KEY_ARG && *page == NULL)
        *page = arg;
    else if (key == ARGP_KEY_ARG || (key == ARGP_KEY_END && *page == NULL))
        argp_error(state, "PAGE is one of configuration, scorers, providers");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

int
mst_cmd_reference(int argc, char **argv)
{
    static const struct argp argp = {NULL,
                                     on_option,
                                     "PAGE",
                                     "Print a reference page as Markdown: configuration, scorers or providers.\v"
                                     "Examples:\n  muster reference scorers | less\n",
                                     NULL,
                                     NULL,
                                     NULL};
    const char *page = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &page);
    return print_page(page);
}
