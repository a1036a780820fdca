// muster scorer NAME: one scorer in full, with an example to paste into a configuration.
#include "scorers/scorer.h"

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/kinds.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    const char **name = state->input;
    if (key == ARGP_KEY_ARG && *name == NULL)
        *name = arg;
    else if (key == ARGP_KEY_ARG || (key == ARGP_KEY_END && *name == NULL))
        argp_error(state, "give the name of one scorer (muster list-scorers)");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

// A value that the parameter may have: its default, else one that fits its type.
static void
print_value(const mst_param_t *p)
{
    static const char *const samples[] = {
        [MST_P_STR] = "\"text\"", [MST_P_BOOL] = "true",        [MST_P_INT] = "1",  [MST_P_NUM] = "1.0",
        [MST_P_ENUM] = "",        [MST_P_STRLIST] = "[\"text\"]", [MST_P_JSON] = "{}", [MST_P_SECRET] = "env:NAME",
    };
    if (p->dflt != NULL)
        printf("%s", p->dflt);
    else if (p->type == MST_P_ENUM)
        printf("%.*s", (int)strcspn(p->choices, "|"), p->choices);
    else if ((p->type == MST_P_INT || p->type == MST_P_NUM) && p->min > 1.0)
        printf("%g", p->min);
    else
        printf("%s", samples[p->type]);
}

// Required parameters and the first few others, which stand as comments.
static void
print_example(const mst_kind_t *k)
{
    printf("\nIn a configuration:\n\n    scorers:\n      - type: %s\n", k->name);
    for (const mst_param_t *p = k->params; p->name != NULL; p++) {
        printf("        %s%s: ", p->required ? "" : "# ", p->name);
        print_value(p);
        printf("\n");
    }
    printf("        # threshold: %g\n        # negate: true\n        # weight: 2\n", k->threshold);
}

static void
print_promptfoo_names(const mst_kind_t *k)
{
    const char *between = "\nNames of promptfoo that are read as this scorer: ";
    for (const mst_scorer_alias_t *a = mst_scorers_aliases(); a->name != NULL; a++) {
        if (a->scorer == NULL || (strcmp(a->scorer, k->name) != 0 && (!a->bare || strcmp(a->bare, k->name) != 0)))
            continue;
        printf("%s%s", between, a->name);
        between = ", ";
    }
    if (between[0] == ',')
        printf("\n");
}

static int
print_scorer(const mst_scorer_t *s)
{
    const mst_kind_t *k = &s->kind;
    printf("%s  tier %s, judges %s, default threshold %g\n", k->name, k->tier,
           s->scope == MST_SCOPE_RUN ? "the whole run" : "each case", k->threshold);
    if (k->aliases != NULL)
        printf("also: %s\n", k->aliases);
    printf("\n%s.\n\nParameters%s\n", k->help, k->params[0].name != NULL ? ":" : ": none of its own");
    mst_kinds_print_params(k->params);
    printf("\nOf every scorer:\n");
    mst_kinds_print_params(mst_scorer_cfg_table);
    print_promptfoo_names(k);
    print_example(k);
    return MST_EXIT_PASS;
}

// Names of other tools have no scorer of their own, but one that they are read as.
static const mst_scorer_t *
find(const char *name, const mst_scorer_alias_t **out_alias)
{
    const mst_scorer_t *s = mst_scorer_find(mst_str_c(name));
    const char *plain = strncmp(name, "not-", 4) == 0 ? name + 4 : name;
    *out_alias = NULL;
    if (s == NULL)
        s = mst_scorer_find(mst_str_c(plain));
    for (const mst_scorer_alias_t *a = mst_scorers_aliases(); s == NULL && a->name != NULL; a++) {
        if (strcmp(a->name, plain) != 0)
            continue;
        *out_alias = a;
        return a->scorer != NULL ? mst_scorer_find(mst_str_c(a->scorer)) : NULL;
    }
    return s;
}

int
mst_cmd_scorer(int argc, char **argv)
{
    static const struct argp argp = {
        NULL, on_option, "NAME", "Show one scorer: what it means, its parameters with types and defaults, an example.\v"
        "Examples:\n  muster scorer rouge\n  muster scorer icontains\n", NULL, NULL, NULL};
    const char *name = NULL;
    const mst_scorer_alias_t *alias = NULL;
    argp_parse(&argp, argc, argv, 0, NULL, &name);
    const mst_scorer_t *s = find(name, &alias);
    if (s == NULL && alias != NULL)
        fprintf(stderr, "muster: error: scorer \"%s\" is not taken over from promptfoo: %s\n", name, alias->why);
    else if (s == NULL)
        fprintf(stderr, "muster: error: no scorer \"%s\"; muster list-scorers shows them\n", name);
    if (s == NULL)
        return MST_EXIT_USAGE;
    if (alias != NULL)
        printf("%s is promptfoo's name for:\n\n", alias->name);
    return print_scorer(s);
}
