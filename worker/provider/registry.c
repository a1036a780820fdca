// The table of all providers, made from providers.def.
#include "worker/provider/provider.h"

#define MST_PROVIDER(name) extern const mst_provider_t mst_provider_##name;
#include "worker/provider/providers.def"
#undef MST_PROVIDER

static const mst_provider_t *const all[] = {
#define MST_PROVIDER(name) &mst_provider_##name,
#include "worker/provider/providers.def"
#undef MST_PROVIDER
    NULL,
};

static const mst_kind_t *const kinds[] = {
#define MST_PROVIDER(name) &mst_provider_##name.kind,
#include "worker/provider/providers.def"
#undef MST_PROVIDER
    NULL,
};

const mst_provider_t *const *
mst_providers_all(void)
{
    return all;
}

const mst_kind_t *const *
mst_providers_kinds(void)
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

const mst_provider_t *
mst_provider_find(mst_str_t name)
{
    for (size_t i = 0; all[i] != NULL; i++) {
        if (mst_str_eq_c(name, all[i]->kind.name) || is_alias(all[i]->kind.aliases, name))
            return all[i];
    }
    return NULL;
}
