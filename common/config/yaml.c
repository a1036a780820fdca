// libyaml's events to a tree. Nothing here recurses: open collections stand on a stack of fixed depth, and the
// children of each are a linked list until it closes.
#include "common/config/yaml.h"

#include "common/base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

// A simple key of YAML ends within 1024 characters; a key that the JSON writer escapes must still fit.
#define KEY_BYTES_MAX 500

typedef struct build build_t;

struct build { // a node and its place in its parent's list
    mst_ynode_t node;
    build_t *next;
};

typedef struct {
    build_t *self;
    build_t *first, *last; // children; of a map: key, value, key, value
    size_t count;
} frame_t;

typedef struct {
    const char *file;
    mst_arena_t *arena;
    mst_err_t *err;
    frame_t stack[MST_YAML_DEPTH_MAX];
    size_t depth;
    size_t nodes;
    size_t documents;
    const mst_ynode_t *root;
} tree_t;

#define FAIL_AT(t, rc, line, column, ...) fail_at((t), (rc), (size_t)(line), (size_t)(column), __VA_ARGS__)

static mst_rc fail_at(tree_t *t, mst_rc rc, size_t line, size_t column, const char *fmt, ...) MST_PRINTF(5, 6);

static mst_rc
fail_at(tree_t *t, mst_rc rc, size_t line, size_t column, const char *fmt, ...)
{
    char text[MST_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return MST_ERR(t->err, rc, "%s:%zu:%zu: %s", t->file, line, column, text);
}

static mst_rc
fail_node(tree_t *t, const mst_ynode_t *n, const char *what)
{
    return fail_at(t, MST_INVAL, n->line, n->column, "%s", what);
}

// The place of a byte that libyaml's reader refused; the reader knows only its offset.
static mst_rc
fail_reader(tree_t *t, mst_str_t text, const yaml_parser_t *p)
{
    size_t end = p->problem_offset < text.n ? p->problem_offset : text.n;
    size_t line = 1, column = 1;
    for (size_t i = 0; i < end; i++) {
        bool continuation = ((unsigned char)text.p[i] & 0xc0) == 0x80;
        column = text.p[i] == '\n' ? 1 : column + !continuation;
        line += text.p[i] == '\n';
    }
    bool control = p->problem != NULL && strstr(p->problem, "control") != NULL;
    if (control)
        return FAIL_AT(t, MST_INVAL, line, column,
                       "character U+%04X is not allowed as it is; write it as an escape in a quoted string",
                       (unsigned)p->problem_value);
    return FAIL_AT(t, MST_INVAL, line, column, "the text is not valid UTF-8");
}

// libyaml knows what it did not expect, not what was meant: most often text with a sign of YAML in it.
static const char *
quote_hint(const char *problem)
{
    static const char *const typical[] = {"mapping values are not allowed", "cannot start any token",
                                          "did not find expected ',' or", "did not find expected key",
                                          "did not find expected alphabetic"};
    for (size_t i = 0; i < sizeof typical / sizeof typical[0]; i++)
        if (strstr(problem, typical[i]) != NULL)
            return "; is it text? put it in quotes";
    return "";
}

// Is there a tab in front of the text of this line, counted from 0?
static bool
tab_indents(mst_str_t text, size_t line)
{
    size_t at = 0;
    for (; line > 0 && at < text.n; at++)
        line -= text.p[at] == '\n';
    while (at < text.n && text.p[at] == ' ')
        at++;
    return at < text.n && text.p[at] == '\t';
}

static mst_rc
fail_parser(tree_t *t, mst_str_t text, const yaml_parser_t *p)
{
    if (p->error == YAML_READER_ERROR)
        return fail_reader(t, text, p);
    if (p->error == YAML_MEMORY_ERROR)
        return MST_ERR(t->err, MST_NOMEM, "%s: out of memory", t->file);
    const char *problem = p->problem != NULL ? p->problem : "the text is not YAML";
    if (tab_indents(text, p->problem_mark.line))
        return FAIL_AT(t, MST_INVAL, p->problem_mark.line + 1, p->problem_mark.column + 1,
                       "a tab cannot indent YAML; use spaces");
    return FAIL_AT(t, MST_INVAL, p->problem_mark.line + 1, p->problem_mark.column + 1, "%s%s%s%s", problem,
                   p->context != NULL ? " " : "", p->context != NULL ? p->context : "", quote_hint(problem));
}

static build_t *
new_node(tree_t *t, mst_ykind_t kind, yaml_mark_t mark)
{
    build_t *b = MST_ARENA_NEW(t->arena, build_t);
    if (b == NULL) {
        MST_ERR(t->err, MST_LIMIT, "%s: the configuration needs too much memory", t->file);
        return NULL;
    }
    b->node.kind = kind;
    b->node.file = t->file;
    b->node.line = (uint32_t)(mark.line + 1);
    b->node.column = (uint32_t)(mark.column + 1);
    return b;
}

// Hangs a finished or just opened node below the innermost open collection.
static mst_rc
attach(tree_t *t, build_t *b)
{
    if (++t->nodes > MST_YAML_NODES_MAX)
        return FAIL_AT(t, MST_LIMIT, b->node.line, b->node.column, "more than %d nodes; move the records to a file",
                       MST_YAML_NODES_MAX);
    if (t->depth == 0) {
        t->root = &b->node;
        return MST_OK;
    }
    frame_t *f = &t->stack[t->depth - 1];
    bool is_key = f->self->node.kind == MST_Y_MAP && f->count % 2 == 0;
    if (is_key && b->node.kind != MST_Y_SCALAR)
        return fail_node(t, &b->node, "a key must be a word or a quoted string, not a list or a map");
    if (is_key && b->node.text.n > KEY_BYTES_MAX)
        return FAIL_AT(t, MST_LIMIT, b->node.line, b->node.column, "a key is longer than %d bytes", KEY_BYTES_MAX);
    if (f->last != NULL)
        f->last->next = b;
    else
        f->first = b;
    f->last = b;
    f->count++;
    return MST_OK;
}

static mst_rc
on_scalar(tree_t *t, const yaml_event_t *e)
{
    build_t *b = new_node(t, MST_Y_SCALAR, e->start_mark);
    if (b == NULL)
        return MST_LIMIT;
    if (e->data.scalar.anchor != NULL)
        return fail_node(t, &b->node, "anchors are not allowed; repeat the value");
    if (e->data.scalar.tag != NULL)
        return fail_node(t, &b->node, "tags are not allowed; quote the value if it is a string");
    bool ok;
    b->node.text = mst_arena_dup(t->arena, mst_str((const char *)e->data.scalar.value, e->data.scalar.length), &ok);
    b->node.plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!ok)
        return MST_ERR(t->err, MST_LIMIT, "%s: the configuration needs too much memory", t->file);
    return attach(t, b);
}

static mst_rc
on_open(tree_t *t, mst_ykind_t kind, yaml_mark_t mark, bool anchor, bool tag)
{
    build_t *b = new_node(t, kind, mark);
    if (b == NULL)
        return MST_LIMIT;
    if (anchor)
        return fail_node(t, &b->node, "anchors are not allowed; repeat the value");
    if (tag)
        return fail_node(t, &b->node, "tags are not allowed");
    if (t->depth == MST_YAML_DEPTH_MAX)
        return FAIL_AT(t, MST_LIMIT, b->node.line, b->node.column, "nested deeper than %d levels", MST_YAML_DEPTH_MAX);
    mst_rc rc = attach(t, b);
    if (rc == MST_OK)
        t->stack[t->depth++] = (frame_t){.self = b};
    return rc;
}

static int
compare_keys(const void *a, const void *b)
{
    const mst_ynode_t *x = *(const mst_ynode_t *const *)a, *y = *(const mst_ynode_t *const *)b;
    int order = mst_str_cmp(x->text, y->text);
    if (order != 0)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : 1;
}

// Sorted copy, so that a map of 50,000 keys does not cost 50,000 squared.
static mst_rc
refuse_duplicates(tree_t *t, const mst_ynode_t *map)
{
    if (map->count < 2)
        return MST_OK;
    const mst_ynode_t **sorted = malloc(map->count * sizeof *sorted);
    if (sorted == NULL)
        return MST_ERR(t->err, MST_NOMEM, "%s: out of memory", t->file);
    memcpy(sorted, map->keys, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, compare_keys);
    mst_rc rc = MST_OK;
    for (size_t i = 1; i < map->count && rc == MST_OK; i++)
        if (mst_str_eq(sorted[i - 1]->text, sorted[i]->text))
            rc = FAIL_AT(t, MST_INVAL, sorted[i]->line, sorted[i]->column,
                         "key \"%.*s\" is given twice, first in line %u", MST_FMT(mst_str_cut(sorted[i]->text, 80)),
                         sorted[i - 1]->line);
    free(sorted);
    return rc;
}

static mst_rc
on_close(tree_t *t)
{
    frame_t *f = &t->stack[--t->depth];
    mst_ynode_t *n = &f->self->node;
    bool is_map = n->kind == MST_Y_MAP;
    n->count = is_map ? f->count / 2 : f->count;
    n->items = MST_ARENA_ARRAY(t->arena, const mst_ynode_t *, n->count);
    n->keys = is_map ? MST_ARENA_ARRAY(t->arena, const mst_ynode_t *, n->count) : NULL;
    if (n->items == NULL || (is_map && n->keys == NULL))
        return MST_ERR(t->err, MST_LIMIT, "%s: the configuration needs too much memory", t->file);
    size_t i = 0;
    for (build_t *b = f->first; b != NULL; b = b->next, i++) {
        if (is_map && i % 2 == 0)
            n->keys[i / 2] = &b->node;
        else
            n->items[is_map ? i / 2 : i] = &b->node;
    }
    return is_map ? refuse_duplicates(t, n) : MST_OK;
}

static mst_rc
on_document(tree_t *t, const yaml_event_t *e)
{
    if (e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
        return FAIL_AT(t, MST_INVAL, e->start_mark.line + 1, e->start_mark.column + 1,
                       "tag directives are not allowed");
    if (t->documents++ > 0)
        return FAIL_AT(t, MST_INVAL, e->start_mark.line + 1, e->start_mark.column + 1,
                       "a second document begins here; one file holds one configuration");
    return MST_OK;
}

static mst_rc
on_event(tree_t *t, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(t, e);
    case YAML_SCALAR_EVENT:
        return on_scalar(t, e);
    case YAML_ALIAS_EVENT:
        return FAIL_AT(t, MST_INVAL, e->start_mark.line + 1, e->start_mark.column + 1,
                       "aliases are not allowed; repeat the value");
    case YAML_SEQUENCE_START_EVENT:
        return on_open(t, MST_Y_SEQ, e->start_mark, e->data.sequence_start.anchor != NULL,
                       e->data.sequence_start.tag != NULL);
    case YAML_MAPPING_START_EVENT:
        return on_open(t, MST_Y_MAP, e->start_mark, e->data.mapping_start.anchor != NULL,
                       e->data.mapping_start.tag != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(t);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return MST_OK;
}

mst_rc
mst_yaml_parse(mst_str_t text, const char *file, mst_arena_t *arena, const mst_ynode_t **out, mst_err_t *err)
{
    *out = NULL;
    if (text.n > MST_YAML_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "%s: %zu bytes are more than the maximum of %lu; move the records to a file",
                       file, text.n, MST_YAML_BYTES_MAX);
    if (mst_str_starts(text, MST_STR("\xef\xbb\xbf")))
        text = mst_str(text.p + 3, text.n - 3);
    tree_t t = {.file = file, .arena = arena, .err = err};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return MST_ERR(err, MST_NOMEM, "%s: out of memory", file);
    // Said outright, or a byte-order mark would make libyaml read UTF-16.
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.p != NULL ? text.p : ""), text.n);
    mst_rc rc = MST_OK;
    for (bool done = false; rc == MST_OK && !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            rc = fail_parser(&t, text, &parser);
            break;
        }
        rc = on_event(&t, &event);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (rc == MST_OK && t.root == NULL)
        rc = FAIL_AT(&t, MST_INVAL, 1, 1, "the text is empty");
    if (rc == MST_OK)
        *out = t.root;
    return rc;
}

const mst_ynode_t *
mst_yaml_get(const mst_ynode_t *map, const char *key)
{
    if (map == NULL || map->kind != MST_Y_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (mst_str_eq_c(map->keys[i]->text, key))
            return map->items[i];
    return NULL;
}
