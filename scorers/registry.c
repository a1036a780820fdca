// The table of all scorers, made from scorers.def.
#include "scorers/scorer.h"

#define MST_SCORER(name) extern const mst_scorer_t mst_scorer_##name;
#include "scorers/scorers.def"
#undef MST_SCORER

static const mst_scorer_t *const all[] = {
#define MST_SCORER(name) &mst_scorer_##name,
#include "scorers/scorers.def"
#undef MST_SCORER
    NULL,
};

static const mst_kind_t *const kinds[] = {
#define MST_SCORER(name) &mst_scorer_##name.kind,
#include "scorers/scorers.def"
#undef MST_SCORER
    NULL,
};

const mst_scorer_t *const *
mst_scorers_all(void)
{
    return all;
}

const mst_kind_t *const *
mst_scorers_kinds(void)
{
    return kinds;
}

// Is name one of "a|b|c"?
static bool
is_alias(const char *aliases, mst_str_t name)
{
    mst_str_t rest = mst_str_c(aliases);
    while (rest.n > 0) {
        const char *bar = memchr(rest.p, '|', rest.n);
        size_t n = bar != NULL ? (size_t)(bar - rest.p) : rest.n;
        if (mst_str_eq(mst_str(rest.p, n), name))
            return true;
        n += bar != NULL ? 1 : 0;
        rest = mst_str(rest.p + n, rest.n - n);
    }
    return false;
}

const mst_scorer_t *
mst_scorer_find(mst_str_t name)
{
    for (size_t i = 0; all[i] != NULL; i++) {
        if (mst_str_eq_c(name, all[i]->kind.name) || is_alias(all[i]->kind.aliases, name))
            return all[i];
    }
    return NULL;
}
