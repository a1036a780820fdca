// The section request: what is asked about each case. A name alone, or a map with settings.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/config/scalar.h"

const mst_param_t mst_request_cfg_table[] = {
    {.name = "kind",
     .alias = "type|output_type",
     .type = MST_P_ENUM,
     .dflt = "generate",
     .choices = "generate|conversation|loglikelihood|multiple_choice|perplexity",
     .help = "generate: one answer; conversation: one answer to each user message in turn; loglikelihood: of the "
             "expected answer (or of each of `choices`) after the input; multiple_choice: the likeliest of `choices`; "
             "perplexity: of the input itself"},
    {.name = "delimiter",
     .type = MST_P_STR,
     .dflt = " ",
     .help = "between the input and a continuation that does not begin with white space"},
    {.name = "window",
     .type = MST_P_INT,
     .min = 16,
     .max = 16777216,
     .help = "perplexity: longest text of one request, in characters; for texts longer than the model's context"},
    {.name = "stride",
     .type = MST_P_INT,
     .min = 1,
     .max = 16777216,
     .help = "perplexity: new characters a window; the rest of it is context. Default: half of the window"},
    {.name = "recorded_turns",
     .type = MST_P_ENUM,
     .dflt = "keep",
     .choices = "keep|ask",
     .help = "conversation: an answer that the data already hold behind a user message is kept as it is, or left out "
             "and asked for"},
    {.name = NULL},
};

enum { ROW_KIND, ROW_DELIMITER, ROW_WINDOW, ROW_STRIDE, ROW_TURNS };

static const char *const kind_names[] = {"generate", "conversation", "loglikelihood", "multiple_choice", "perplexity"};

const char *
mst_request_kind_name(mst_request_kind_t kind)
{
    return kind_names[kind];
}

static mst_request_kind_t
kind_of(mst_str_t name)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (mst_str_eq_c(name, kind_names[i]))
            return (mst_request_kind_t)i;
    return MST_REQUEST_GENERATE;
}

// A key that says nothing for this kind is a misunderstanding.
static mst_rc
check(mst_cfg_ctx_t *c, const mst_ynode_t *n, const mst_params_t *p, mst_request_kind_t kind)
{
    static const struct {
        size_t row;
        uint32_t kinds;
    } belongs[] = {
        {ROW_DELIMITER, 1U << MST_REQUEST_LOGLIKELIHOOD | 1U << MST_REQUEST_MULTIPLE_CHOICE},
        {ROW_WINDOW, 1U << MST_REQUEST_PERPLEXITY},
        {ROW_STRIDE, 1U << MST_REQUEST_PERPLEXITY},
        {ROW_TURNS, 1U << MST_REQUEST_CONVERSATION},
    };

    for (size_t i = 0; i < sizeof belongs / sizeof belongs[0]; i++)
        if (p->values[belongs[i].row].given && (belongs[i].kinds & 1U << kind) == 0)
            return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(n, &mst_request_cfg_table[belongs[i].row]),
                                "\"%s\" means nothing for requests of kind %s",
                                mst_request_cfg_table[belongs[i].row].name, kind_names[kind]);
    int64_t window = mst_params_int(p, "window", 0), stride = mst_params_int(p, "stride", 0);
    if (stride > 0 && (window == 0 || stride > window))
        return mst_cfg_fail(c, MST_INVAL, mst_cfg_find(n, &mst_request_cfg_table[ROW_STRIDE]),
                            "\"stride\" must be at most \"window\", which is %s",
                            window == 0 ? "not given" : "smaller");
    return MST_OK;
}

mst_rc
mst_cfg_request(mst_cfg_ctx_t *c, const mst_ynode_t *n, mst_request_cfg_t *out)
{
    mst_param_value_t v = {0};
    *out = (mst_request_cfg_t){.kind = MST_REQUEST_GENERATE, .delimiter = MST_STR(" ")};
    if (n == NULL || mst_yaml_is_null(n))
        return MST_OK;
    if (n->kind == MST_Y_SCALAR) {
        mst_rc rc = mst_cfg_value(c, &mst_request_cfg_table[ROW_KIND], n, &v);
        out->kind = rc == MST_OK ? kind_of(v.u.s) : out->kind;
        return rc;
    }
    mst_params_t p;
    c->section = "request";
    mst_rc rc = mst_cfg_params(c, &(mst_cfg_tables_t){.own = mst_request_cfg_table}, n, &p, NULL);
    c->section = NULL;
    if (rc != MST_OK)
        return rc;
    out->kind = kind_of(p.values[ROW_KIND].u.s);
    out->delimiter = p.values[ROW_DELIMITER].u.s;
    out->window = mst_params_int(&p, "window", 0);
    out->stride = mst_params_int(&p, "stride", out->window / 2);
    out->ask_recorded = mst_str_eq_c(p.values[ROW_TURNS].u.s, "ask");
    return check(c, n, &p, out->kind);
}
