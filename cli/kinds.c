#include "cli/kinds.h"

#include "cli/cli.h"

#include <stdio.h>

#define NAME_WIDTH 20

static const char *
type_name(mst_param_type_t type)
{
    switch (type) {
    case MST_P_STR:
        return "text";
    case MST_P_URL:
        return "URL";
    case MST_P_BOOL:
        return "bool";
    case MST_P_INT:
        return "integer";
    case MST_P_NUM:
        return "number";
    case MST_P_ENUM:
        return "choice";
    case MST_P_STRLIST:
        return "list of texts";
    case MST_P_JSON:
        return "object";
    case MST_P_SECRET:
        return "secret";
    }
    return "unknown";
}

static bool
has_range(const mst_param_t *p)
{
    return p->min < 0.0 || p->min > 0.0 || p->max < 0.0 || p->max > 0.0;
}

void
mst_kinds_print_params(const mst_param_t *table)
{
    for (const mst_param_t *p = table; p->name != NULL; p++) {
        printf("    %-*s %s", NAME_WIDTH, p->name, p->type == MST_P_ENUM ? p->choices : type_name(p->type));
        if (has_range(p))
            printf(" %.15g..%.15g", p->min, p->max);
        if (p->required)
            printf(", required");
        if (p->dflt != NULL)
            printf(", default %s", p->dflt);
        if (p->alias != NULL)
            printf(", also %s", p->alias);
        printf("\n    %*s   %s\n", NAME_WIDTH - 2, "", p->help);
    }
}

static void
text_or_null(mst_jw_t *w, const char *key, const char *value)
{
    mst_jw_key(w, key);
    if (value != NULL)
        mst_jw_str(w, mst_str_c(value));
    else
        mst_jw_null(w);
}

// "a|b|c" as a list.
static void
list(mst_jw_t *w, const char *key, const char *names)
{
    mst_str_t rest = mst_str_c(names);
    mst_jw_key(w, key);
    mst_jw_arr(w);
    while (rest.n > 0) {
        const char *bar = memchr(rest.p, '|', rest.n);
        size_t n = bar != NULL ? (size_t)(bar - rest.p) : rest.n;
        mst_jw_str(w, mst_str(rest.p, n));
        n += bar != NULL ? 1 : 0;
        rest = mst_str(rest.p + n, rest.n - n);
    }
    mst_jw_arr_end(w);
}

static void
param_json(mst_jw_t *w, const mst_param_t *p)
{
    mst_jw_obj(w);
    text_or_null(w, "name", p->name);
    text_or_null(w, "type", type_name(p->type));
    mst_jw_key(w, "required");
    mst_jw_bool(w, p->required);
    text_or_null(w, "default", p->dflt);
    list(w, "aliases", p->alias);
    if (p->choices != NULL)
        list(w, "choices", p->choices);
    if (has_range(p)) {
        mst_jw_key(w, "min");
        mst_jw_f64(w, p->min);
        mst_jw_key(w, "max");
        mst_jw_f64(w, p->max);
    }
    text_or_null(w, "help", p->help);
    mst_jw_obj_end(w);
}

void
mst_kinds_json(mst_jw_t *w, const mst_kind_t *kind)
{
    mst_jw_obj(w);
    text_or_null(w, "name", kind->name);
    list(w, "aliases", kind->aliases);
    text_or_null(w, "help", kind->help);
    mst_jw_key(w, "params");
    mst_jw_arr(w);
    for (const mst_param_t *p = kind->params; p->name != NULL; p++)
        param_json(w, p);
    mst_jw_arr_end(w);
}

int
mst_kinds_print_json(mst_buf_t *text)
{
    mst_err_t err;
    if (text->failed) {
        MST_ERR(&err, MST_NOMEM, "the list does not fit into memory");
        return mst_cli_fail(&err);
    }
    printf("%.*s\n", MST_FMT(mst_buf_view(text)));
    return MST_EXIT_PASS;
}
