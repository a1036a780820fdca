// Which kind a scorer or a provider is, by its name.
#include "common/config/context.h"

#include <stdio.h>

const mst_kind_t *
mst_cfg_find_kind(const mst_kind_t *const *kinds, mst_str_t name)
{
    for (; kinds != NULL && *kinds != NULL; kinds++)
        if (mst_str_eq_c(name, (*kinds)->name) || mst_cfg_in_list((*kinds)->aliases, name))
            return *kinds;
    return NULL;
}

mst_rc
mst_cfg_unknown_kind(mst_cfg_ctx_t *c, const mst_kind_t *const *kinds, const char *noun, const mst_ynode_t *n)
{
    char shown[MST_CFG_SHOW_MAX], hint[MST_CFG_SHOW_MAX + 24], known[240] = "";
    size_t used = 0;
    mst_cfg_near_t near = {.wanted = n->text};
    for (const mst_kind_t *const *k = kinds; k != NULL && *k != NULL; k++) {
        mst_cfg_near(&near, (*k)->name);
        mst_cfg_near_list(&near, (*k)->aliases);
        for (const mst_service_t *s = (*k)->services; s != NULL && s->name != NULL; s++)
            mst_cfg_near(&near, s->name);
        if (used + strlen((*k)->name) + 20 < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used == 0 ? "; known are " : ", ",
                                     (*k)->name);
    }
    return mst_cfg_fail(c, MST_INVAL, n, "unknown %s \"%s\"%s%s", noun, mst_cfg_show(n->text, shown),
                        mst_cfg_hint(&near, hint), near.best.n > 0 ? "" : known);
}

mst_rc
mst_cfg_kind_name(mst_cfg_ctx_t *c, const char *noun, const mst_ynode_t *map, const mst_param_t *row,
                  const mst_ynode_t **out_node, mst_str_t *out)
{
    char shown[MST_CFG_SHOW_MAX];
    if (map->kind != MST_Y_MAP)
        return mst_cfg_fail(c, MST_INVAL, map, "a %s must be a map of settings, not %s; write {%s: ...}", noun,
                            mst_cfg_what(map, shown), row->name);
    const mst_ynode_t *n = mst_cfg_find(map, row);
    if (n == NULL)
        return mst_cfg_fail(c, MST_INVAL, map, "\"%s\" is missing: which %s is it", row->name, noun);
    mst_param_value_t v = {0};
    mst_rc rc = mst_cfg_value(c, row, n, &v);
    *out_node = n;
    *out = v.u.s;
    return rc;
}
