#include "coordinator/dataset/row.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <stdio.h>

static const char *const field_names[MST_FIELD_COUNT] = {
    "id",       "input",    "expected_output", "actual_output", "context", "retrieval_context",
    "metadata", "messages", "turns",           "choices",
};

typedef struct {
    const mst_field_map_t *map;
    const mst_json_t *row;
    mst_arena_t *arena;
    mst_buf_t *scratch;
    mst_err_t *err;
} reader_t;

void
mst_field_map_init(mst_field_map_t *m, const mst_mapping_t *mapping, size_t count)
{
    for (size_t f = 0; f < MST_FIELD_COUNT; f++) {
        m->source[f] = mst_str_c(field_names[f]);
        for (size_t i = 0; i < count; i++)
            if (mst_str_eq_c(mapping[i].target, field_names[f]))
                m->source[f] = mapping[i].source;
    }
}

static const char *
type_name(mst_json_type_t type)
{
    static const char *const names[] = {"null", "a bool", "a number", "a number", "a string", "a list", "an object"};
    return names[type];
}

// NULL when absent or null.
static const mst_json_t *
look(const reader_t *r, mst_field_t field)
{
    const mst_json_t *v = mst_json_path(r->row, r->map->source[field]);
    return v == NULL || v->type == MST_JSON_NULL ? NULL : v;
}

static mst_rc
too_large(const reader_t *r)
{
    return MST_ERR(r->err, MST_LIMIT, "the row is too large");
}

static mst_rc
misfit(const reader_t *r, mst_field_t field, const char *wanted, const mst_json_t *v)
{
    mst_str_t source = mst_str_cut(r->map->source[field], 80);
    return MST_ERR(r->err, MST_INVAL, "\"%.*s\" must be %s, not %s", MST_FMT(source), wanted, type_name(v->type));
}

static mst_rc
keep(const reader_t *r, mst_str_t *out)
{
    bool ok;
    *out = mst_arena_dup(r->arena, mst_buf_view(r->scratch), &ok);
    return ok ? MST_OK : too_large(r);
}

// A string of the row. Only an escaped lone surrogate can make one that is not valid UTF-8.
static mst_rc
keep_string(const reader_t *r, mst_str_t s, mst_str_t *out)
{
    *out = s;
    if (mst_utf8_valid(s))
        return MST_OK;
    mst_buf_reset(r->scratch);
    if (mst_utf8_repair(s, r->scratch) != MST_OK)
        return too_large(r);
    return keep(r, out);
}

static mst_rc
keep_json(const reader_t *r, const mst_json_t *v, mst_str_t *out)
{
    mst_jw_t w;
    mst_buf_reset(r->scratch);
    mst_jw_init(&w, r->scratch);
    mst_jw_value(&w, v);
    return r->scratch->failed ? too_large(r) : keep(r, out);
}

// expected_output, actual_output: a value that is not a string counts as its JSON text (18, true, ["a"]).
static mst_rc
read_text(const reader_t *r, mst_field_t field, bool *has, mst_str_t *out)
{
    const mst_json_t *v = look(r, field);
    *has = v != NULL;
    if (v == NULL)
        return MST_OK;
    return v->type == MST_JSON_STR ? keep_string(r, v->u.s, out) : keep_json(r, v, out);
}

static mst_rc
read_id(const reader_t *r, mst_str_t *out)
{
    const mst_json_t *v = look(r, MST_FIELD_ID);
    if (v == NULL)
        return MST_OK;
    if (v->type == MST_JSON_INT)
        return keep_json(r, v, out);
    if (v->type != MST_JSON_STR)
        return misfit(r, MST_FIELD_ID, "a string or a whole number", v);
    if (v->u.s.n == 0)
        return MST_ERR(r->err, MST_INVAL, "the id is empty; leave it out to have one assigned");
    if (v->u.s.n > MST_ID_MAX)
        return MST_ERR(r->err, MST_INVAL, "the id is %zu bytes long; the maximum is %d", v->u.s.n, MST_ID_MAX);
    for (size_t i = 0; i < v->u.s.n; i++)
        if ((unsigned char)v->u.s.p[i] < 0x20 || v->u.s.p[i] == 0x7f)
            return MST_ERR(r->err, MST_INVAL, "the id holds a control character");
    if (!mst_utf8_valid(v->u.s))
        return MST_ERR(r->err, MST_INVAL, "the id holds a lone surrogate");
    *out = v->u.s;
    return MST_OK;
}

// A JSON array of strings: a single string is a list of one, other values count as their JSON text.
static mst_rc
read_texts(const reader_t *r, mst_field_t field, mst_str_t *out)
{
    const mst_json_t *v = look(r, field);
    if (v == NULL)
        return MST_OK;
    if (v->type != MST_JSON_ARR && v->type != MST_JSON_STR)
        return misfit(r, field, "a list of strings", v);
    size_t count = v->type == MST_JSON_ARR ? v->count : 1;
    mst_json_t *items = MST_ARENA_ARRAY(r->arena, mst_json_t, count);
    if (items == NULL)
        return too_large(r);
    for (size_t i = 0; i < count; i++) {
        items[i] = v->type == MST_JSON_ARR ? v->u.items[i] : *v;
        if (items[i].type == MST_JSON_STR)
            continue;
        mst_str_t text;
        mst_rc rc = keep_json(r, &items[i], &text);
        if (rc != MST_OK)
            return rc;
        items[i] = (mst_json_t){.type = MST_JSON_STR, .u.s = text};
    }
    mst_json_t list = {.type = MST_JSON_ARR, .count = (uint32_t)count, .u.items = items};
    return keep_json(r, &list, out);
}

// A field that Muster looks for under a common name: what does not fit counts only when it was mapped.
static bool
is_mapped(const reader_t *r, mst_field_t field)
{
    return !mst_str_eq_c(r->map->source[field], field_names[field]);
}

// Choices: a list, or an object with a list "text". NULL with MST_OK: there are none.
static mst_rc
look_choices(const reader_t *r, const mst_json_t **out)
{
    const mst_json_t *v = look(r, MST_FIELD_CHOICES);
    const mst_json_t *list = v != NULL && v->type == MST_JSON_OBJ ? mst_json_get(v, "text") : v;
    *out = mst_json_is(list, MST_JSON_ARR) ? list : NULL;
    if (v != NULL && *out == NULL && is_mapped(r, MST_FIELD_CHOICES))
        return misfit(r, MST_FIELD_CHOICES, "a list of texts", v);
    return MST_OK;
}

// The metadata, with the choices of the row as one more member; its own come first.
static mst_rc
read_metadata(const reader_t *r, mst_str_t *out)
{
    const mst_json_t *v = look(r, MST_FIELD_METADATA), *choices = NULL;
    if (v != NULL && v->type != MST_JSON_OBJ)
        return misfit(r, MST_FIELD_METADATA, "an object", v);
    mst_rc rc = look_choices(r, &choices);
    if (rc != MST_OK || (v == NULL && choices == NULL))
        return rc;
    if (choices == NULL || mst_json_get(v, "choices") != NULL)
        return keep_json(r, v, out);
    uint32_t n = v != NULL ? v->count : 0;
    mst_json_member_t *m = MST_ARENA_ARRAY(r->arena, mst_json_member_t, n + 1);
    if (m == NULL)
        return too_large(r);
    for (uint32_t i = 0; i < n; i++)
        m[i] = v->u.members[i];
    m[n] = (mst_json_member_t){MST_STR("choices"), *choices};
    const mst_json_t whole = {.type = MST_JSON_OBJ, .count = n + 1, .u.members = m};
    return keep_json(r, &whole, out);
}

// A list of texts: what the user says, turn by turn.
static mst_rc
read_turns(const reader_t *r, const mst_json_t *v, mst_str_t *out, mst_str_t *out_prompt)
{
    mst_json_t *items = MST_ARENA_ARRAY(r->arena, mst_json_t, v->count);
    mst_json_member_t *members = MST_ARENA_ARRAY(r->arena, mst_json_member_t, 2 * (size_t)v->count);
    if (items == NULL || members == NULL)
        return too_large(r);
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->u.items[i].type != MST_JSON_STR)
            return MST_ERR(r->err, MST_INVAL, "turn %u is %s, and the first one is a string", i + 1,
                           type_name(v->u.items[i].type));
        mst_json_member_t *m = &members[2 * (size_t)i];
        m[0] = (mst_json_member_t){MST_STR("role"), {.type = MST_JSON_STR, .u.s = MST_STR("user")}};
        m[1] = (mst_json_member_t){MST_STR("content"), v->u.items[i]};
        items[i] = (mst_json_t){.type = MST_JSON_OBJ, .count = 2, .u.members = m};
        *out_prompt = v->u.items[i].u.s;
    }
    const mst_json_t list = {.type = MST_JSON_ARR, .count = v->count, .u.items = items};
    return keep_json(r, &list, out);
}

// Messages; *out_prompt: the text of the last one of the user, which stands for the conversation in reports.
static mst_rc
read_messages(const reader_t *r, mst_field_t field, const mst_json_t *v, mst_str_t *out, mst_str_t *out_prompt)
{
    if (v->type != MST_JSON_ARR)
        return misfit(r, field, "a list of messages", v);
    if (v->count == 0)
        return MST_ERR(r->err, MST_INVAL, "the list of messages is empty");
    *out_prompt = MST_STR_NULL;
    if (v->u.items[0].type == MST_JSON_STR)
        return read_turns(r, v, out, out_prompt);
    for (size_t i = 0; i < v->count; i++) {
        const mst_json_t *m = &v->u.items[i];
        mst_str_t role, text;
        if (!mst_json_str(mst_json_get(m, "role"), &role))
            return MST_ERR(r->err, MST_INVAL, "message %zu has no \"role\"", i + 1);
        if (mst_str_eq_c(role, "user") && mst_json_str(mst_json_get(m, "content"), &text))
            *out_prompt = text;
    }
    return keep_json(r, v, out);
}

// "the row has no \"input\"; it has question, answer: name one in field_mapping"
static mst_rc
no_input(const reader_t *r)
{
    char keys[120] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < r->row->count && n < sizeof keys - 48; i++) {
        mst_str_t key = mst_str_cut(r->row->u.members[i].key, 32);
        n += (size_t)snprintf(keys + n, sizeof keys - n, "%s%.*s", n == 0 ? "" : ", ", MST_FMT(key));
    }
    mst_str_t source = mst_str_cut(r->map->source[MST_FIELD_INPUT], 64);
    return MST_ERR(r->err, MST_INVAL, "the row has no \"%.*s\"%s%s%s", MST_FMT(source), n > 0 ? "; it has " : "", keys,
                   n > 0 ? ": name one in field_mapping" : "");
}

static mst_rc
read_input(const reader_t *r, mst_case_t *out)
{
    const mst_json_t *input = look(r, MST_FIELD_INPUT);
    const mst_json_t *messages = look(r, MST_FIELD_MESSAGES);
    mst_field_t field = MST_FIELD_MESSAGES;
    mst_str_t prompt = MST_STR_NULL;
    const mst_json_t *turns = messages == NULL ? look(r, MST_FIELD_TURNS) : NULL;
    if (turns != NULL && (turns->type == MST_JSON_ARR || is_mapped(r, MST_FIELD_TURNS))) {
        messages = turns;
        field = MST_FIELD_TURNS;
    }
    if (input == NULL && messages == NULL)
        return no_input(r);
    if (input != NULL && input->type == MST_JSON_ARR && messages == NULL) { // a conversation as input
        messages = input;
        input = NULL;
        field = MST_FIELD_INPUT;
    }
    if (input != NULL && input->type != MST_JSON_STR)
        return misfit(r, MST_FIELD_INPUT, "a string or a list of messages", input);
    if (messages != NULL) {
        mst_rc rc = read_messages(r, field, messages, &out->messages, &prompt);
        if (rc != MST_OK)
            return rc;
    }
    return keep_string(r, input != NULL ? input->u.s : prompt, &out->input);
}

mst_rc
mst_row_to_case(const mst_field_map_t *m, const mst_json_t *row, mst_arena_t *arena, mst_buf_t *scratch,
                mst_case_t *out, mst_err_t *err)
{
    *out = (mst_case_t){0};
    reader_t r = {.map = m, .row = row, .arena = arena, .scratch = scratch, .err = err};
    if (row->type != MST_JSON_OBJ)
        return MST_ERR(err, MST_INVAL, "the row is %s, not an object", type_name(row->type));
    mst_rc rc = read_input(&r, out);
    if (rc == MST_OK)
        rc = read_id(&r, &out->id);
    if (rc == MST_OK)
        rc = read_text(&r, MST_FIELD_EXPECTED, &out->has_expected, &out->expected);
    if (rc == MST_OK)
        rc = read_text(&r, MST_FIELD_ACTUAL, &out->has_actual, &out->actual);
    if (rc == MST_OK)
        rc = read_texts(&r, MST_FIELD_CONTEXT, &out->context);
    if (rc == MST_OK)
        rc = read_texts(&r, MST_FIELD_RETRIEVAL, &out->retrieval_context);
    if (rc == MST_OK)
        rc = read_metadata(&r, &out->metadata);
    return rc;
}
