// A stack of open containers in place of recursion: the schema comes from the network.
#include "sim/instance.h"

#include "sim/plan.h"
#include "sim/words.h"

enum { DEPTH_MAX = 12, VALUES_MAX = 2000, ITEMS = 2, WORDS = 3 };

typedef struct {
    const mst_json_t *schema; // of the items, or the properties
    uint32_t at, count;
    bool array;
} level_t;

typedef struct {
    mst_jw_t w;
    mst_buf_t *out;
    level_t levels[DEPTH_MAX];
    uint32_t depth, values;
    uint64_t seed;
} maker_t;

static void
add_words(maker_t *m)
{
    char text[WORDS * 6];
    mst_buf_t words;
    mst_buf_init(&words, sizeof text);
    if (mst_sim_words(mst_sim_mix(m->seed, m->values), WORDS, &words) == MST_OK)
        mst_jw_str(&m->w, mst_buf_view(&words));
    mst_buf_deinit(&words);
}

static void
add_scalar(maker_t *m, const mst_json_t *schema, mst_str_t type)
{
    uint64_t n = mst_sim_mix(m->seed, m->values) % 100;
    double least = 0;
    (void)mst_json_f64(mst_json_get(schema, "minimum"), &least);
    if (mst_str_eq_c(type, "integer"))
        mst_jw_i64(&m->w, (int64_t)n + (least > -1e15 && least < 1e15 ? (int64_t)least : 0));
    else if (mst_str_eq_c(type, "number"))
        mst_jw_f64(&m->w, least + (double)n / 4);
    else if (mst_str_eq_c(type, "boolean"))
        mst_jw_bool(&m->w, n % 2 == 0);
    else if (mst_str_eq_c(type, "null"))
        mst_jw_null(&m->w);
    else
        add_words(m);
}

// "type" may be a list: the first counts.
static mst_str_t
type_of(const mst_json_t *schema)
{
    const mst_json_t *v = mst_json_get(schema, "type");
    mst_str_t type = MST_STR_NULL;
    if (!mst_json_str(v, &type))
        (void)mst_json_str(mst_json_at(v, 0), &type);
    if (type.n == 0 && mst_json_get(schema, "properties") != NULL)
        type = MST_STR("object");
    return type;
}

// Writes a value, or opens a container.
static void
add_value(maker_t *m, const mst_json_t *schema)
{
    const mst_json_t *choices = mst_json_get(schema, "enum"), *fixed = mst_json_get(schema, "const");
    mst_str_t type = type_of(schema);
    m->values++;
    if (fixed != NULL || (mst_json_is(choices, MST_JSON_ARR) && choices->count > 0)) {
        uint64_t pick = mst_sim_mix(m->seed, m->values);
        mst_jw_value(&m->w, fixed != NULL ? fixed : mst_json_at(choices, pick % choices->count));
        return;
    }
    bool object = mst_str_eq_c(type, "object"), array = mst_str_eq_c(type, "array");
    if ((!object && !array) || m->depth == DEPTH_MAX) {
        add_scalar(m, schema, type);
        return;
    }
    level_t *l = &m->levels[m->depth++];
    int64_t least = ITEMS;
    *l = (level_t){.schema = mst_json_get(schema, array ? "items" : "properties"), .array = array};
    if (array) {
        (void)mst_json_i64(mst_json_get(schema, "minItems"), &least);
        l->count = least < ITEMS ? ITEMS : least > 100 ? 100 : (uint32_t)least;
        mst_jw_arr(&m->w);
    } else {
        l->count = mst_json_is(l->schema, MST_JSON_OBJ) ? l->schema->count : 0;
        mst_jw_obj(&m->w);
    }
}

void
mst_sim_instance(const mst_json_t *schema, uint64_t seed, mst_buf_t *out)
{
    maker_t m = {.out = out, .seed = seed};
    mst_jw_init(&m.w, out);
    if (!mst_str_eq_c(type_of(schema), "object")) {
        mst_jw_obj(&m.w);
        mst_jw_key(&m.w, "answer");
        add_words(&m);
        mst_jw_obj_end(&m.w);
        return;
    }
    add_value(&m, schema);
    while (m.depth > 0) {
        level_t *l = &m.levels[m.depth - 1];
        if (l->at == l->count || m.values > VALUES_MAX) {
            m.depth--;
            if (l->array)
                mst_jw_arr_end(&m.w);
            else
                mst_jw_obj_end(&m.w);
            continue;
        }
        uint32_t i = l->at++;
        if (!l->array)
            mst_jw_key_str(&m.w, l->schema->u.members[i].key);
        add_value(&m, l->array ? l->schema : &l->schema->u.members[i].value);
    }
}
