// The parameter tables of the real scorers and providers, as configuration will use them.
#include "common/config/run_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/limits.h"
#include "scorers/scorer.h"
#include "worker/provider/provider.h"

#define NAMES_MAX 256

typedef struct {
    char names[NAMES_MAX][64];
    size_t count;
} names_t;

static void
add_name(names_t *n, const char *owner, mst_str_t name)
{
    assert_in_range(name.n, 1, 63);
    for (size_t i = 0; i < n->count; i++)
        if (mst_str_eq_c(name, n->names[i]))
            fail_msg("%s: the name \"%.*s\" is taken twice", owner, MST_FMT(name));
    assert_true(n->count < NAMES_MAX);
    memcpy(n->names[n->count], name.p, name.n);
    n->names[n->count++][name.n] = '\0';
}

// "a|b"
static void
add_names(names_t *n, const char *owner, const char *list)
{
    for (const char *p = list; p != NULL;) {
        const char *bar = strchr(p, '|');
        add_name(n, owner, mst_str(p, bar != NULL ? (size_t)(bar - p) : strlen(p)));
        p = bar != NULL ? bar + 1 : NULL;
    }
}

static void
add_table(names_t *n, const char *owner, const mst_param_t *table)
{
    for (const mst_param_t *row = table; row != NULL && row->name != NULL; row++) {
        add_name(n, owner, mst_str_c(row->name));
        add_names(n, owner, row->alias);
        if (row->help == NULL || row->help[0] == '\0')
            fail_msg("%s: \"%s\" has no help", owner, row->name);
        if (row->type == MST_P_ENUM && row->choices == NULL)
            fail_msg("%s: \"%s\" has no choices", owner, row->name);
        if (row->required && row->dflt != NULL)
            fail_msg("%s: \"%s\" is required and has a default", owner, row->name);
    }
}

// Every default is a value that the table itself accepts.
static void
check_defaults(const char *owner, const mst_param_t *table)
{
    mst_param_t copy[64];
    size_t n = 0;
    for (; table != NULL && table[n].name != NULL; n++) {
        assert_true(n < 63);
        copy[n] = table[n];
        copy[n].required = false;
    }
    copy[n] = (mst_param_t){.name = NULL};
    mst_arena_t *arena = mst_arena_new(MST_MIB);
    const mst_ynode_t *map;
    mst_params_t p;
    mst_err_t err;
    assert_int_equal(mst_yaml_parse(MST_STR("{}"), "t", arena, &map, &err), MST_OK);
    if (mst_params_parse(copy, map, "t", NULL, arena, &p, &err) != MST_OK)
        fail_msg("%s: %s", owner, err.message);
    for (size_t i = 0; i < n; i++)
        assert_true(p.values[i].set == (copy[i].dflt != NULL) && !p.values[i].given);
    mst_arena_free(&arena);
}

static void
check_kinds(const mst_kind_t *const *kinds, bool scorers)
{
    names_t all = {0};
    assert_non_null(kinds[0]);
    for (const mst_kind_t *const *k = kinds; *k != NULL; k++) {
        if (k > kinds)
            assert_true(strcmp(k[-1]->name, (*k)->name) < 0);
        add_name(&all, "kinds", mst_str_c((*k)->name));
        add_names(&all, "kinds", (*k)->aliases);
        assert_true((*k)->help != NULL && (*k)->help[0] != '\0');
        assert_true(((*k)->tier != NULL) == scorers);
        assert_true((*k)->threshold >= 0 && (*k)->threshold <= 1);
        names_t keys = {0};
        if (scorers)
            add_table(&keys, (*k)->name, mst_scorer_cfg_table);
        else
            add_names(&keys, (*k)->name, "provider_type|type|name");
        add_table(&keys, (*k)->name, (*k)->params);
        check_defaults((*k)->name, (*k)->params);
    }
}

static void
test_kinds_scorers(void **state)
{
    (void)state;
    check_kinds(mst_scorers_kinds(), true);
}

static void
test_kinds_providers(void **state)
{
    (void)state;
    check_kinds(mst_providers_kinds(), false);
}

static void
test_kinds_sections(void **state)
{
    (void)state;
    static const mst_param_t *const tables[] = {mst_run_cfg_table, mst_source_cfg_table, mst_scorer_cfg_table,
                                                mst_guard_cfg_table, mst_slo_cfg_table};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        names_t keys = {0};
        add_table(&keys, "section", tables[i]);
        check_defaults("section", tables[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_scorers),
        cmocka_unit_test(test_kinds_providers),
        cmocka_unit_test(test_kinds_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
