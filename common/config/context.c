// Errors with a place, shown values, and "did you mean".
#include "common/config/context.h"

#include "common/config/scalar.h"

#include <stdarg.h>
#include <stdio.h>

mst_rc
mst_cfg_fail(const mst_cfg_ctx_t *c, mst_rc rc, const mst_ynode_t *at, const char *fmt, ...)
{
    char text[MST_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return MST_ERR(c->err, rc, "%s:%u:%u: %s", at->file != NULL ? at->file : c->file, at->line, at->column, text);
}

mst_rc
mst_cfg_nomem(const mst_cfg_ctx_t *c)
{
    return MST_ERR(c->err, MST_LIMIT, "%s: the configuration needs too much memory", c->file);
}

const char *
mst_cfg_show(mst_str_t s, char out[MST_CFG_SHOW_MAX])
{
    mst_str_t cut = mst_str_cut(s, MST_CFG_SHOW_MAX - 4);
    if (cut.n > 0)
        memcpy(out, cut.p, cut.n);
    for (size_t i = 0; i < cut.n; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = '?';
    memcpy(out + cut.n, cut.n < s.n ? "..." : "", cut.n < s.n ? 4 : 1);
    return out;
}

const char *
mst_cfg_what(const mst_ynode_t *n, char out[MST_CFG_SHOW_MAX])
{
    if (n->kind == MST_Y_SEQ)
        return "a list";
    if (n->kind == MST_Y_MAP)
        return "a map";
    if (mst_yaml_is_null(n))
        return "nothing";
    char shown[MST_CFG_SHOW_MAX];
    mst_cfg_show(mst_str_cut(n->text, MST_CFG_SHOW_MAX - 8), shown);
    snprintf(out, MST_CFG_SHOW_MAX, "\"%.*s\"", MST_CFG_SHOW_MAX - 4, shown);
    return out;
}

bool
mst_cfg_words(const char *list, mst_cfg_word_fn *fn, void *ud)
{
    for (const char *p = list; p != NULL;) {
        const char *bar = strchr(p, '|');
        mst_str_t word = mst_str(p, bar != NULL ? (size_t)(bar - p) : strlen(p));
        if (word.n > 0 && fn(ud, word))
            return true;
        p = bar != NULL ? bar + 1 : NULL;
    }
    return false;
}

static bool
same_word(void *ud, mst_str_t word)
{
    return mst_str_eq(*(const mst_str_t *)ud, word);
}

bool
mst_cfg_in_list(const char *list, mst_str_t word)
{
    return mst_cfg_words(list, same_word, &word);
}

static bool
near_word(void *ud, mst_str_t word)
{
    mst_cfg_near_t *near = ud;
    size_t allowed = near->wanted.n / 3 > 2 ? near->wanted.n / 3 : 2;
    size_t d = mst_str_distance(near->wanted, word);
    // A name that shares nothing with the wanted one is no help, however short both are.
    if (d > allowed || d >= word.n || d >= near->wanted.n)
        return false;
    if (near->best.n > 0 && d >= near->distance)
        return false;
    near->best = word;
    near->distance = d;
    return false;
}

void
mst_cfg_near(mst_cfg_near_t *near, const char *name)
{
    if (name != NULL)
        near_word(near, mst_str_c(name));
}

void
mst_cfg_near_list(mst_cfg_near_t *near, const char *names)
{
    mst_cfg_words(names, near_word, near);
}

const char *
mst_cfg_hint(const mst_cfg_near_t *near, char out[MST_CFG_SHOW_MAX + 24])
{
    char shown[MST_CFG_SHOW_MAX];
    out[0] = '\0';
    if (near->best.n > 0)
        snprintf(out, MST_CFG_SHOW_MAX + 24, "; did you mean \"%s\"?", mst_cfg_show(near->best, shown));
    return out;
}
