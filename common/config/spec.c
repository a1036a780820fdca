// A configuration as canonical JSON: every setting, aliases resolved, defaults written out. It is JSON and at the
// same time YAML that libyaml reads back to the same values, so a few characters that JSON allows as they are and
// YAML does not (or folds into a blank) are escaped.
#include "common/config/context.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <math.h>

typedef struct {
    mst_arena_t *arena;
    mst_json_member_t *m;
    uint32_t count;
    bool ok;
} object_t;

static void
object_init(object_t *o, mst_arena_t *arena, size_t members_max)
{
    *o = (object_t){.arena = arena, .ok = true};
    o->m = MST_ARENA_ARRAY(arena, mst_json_member_t, members_max);
    o->ok = o->m != NULL;
}

static void
put(object_t *o, const char *key, mst_json_t value)
{
    if (o->ok)
        o->m[o->count++] = (mst_json_member_t){mst_str_c(key), value};
}

static void
put_str(object_t *o, const char *key, mst_str_t s)
{
    if (s.n > 0)
        put(o, key, (mst_json_t){.type = MST_JSON_STR, .u.s = s});
}

static void
put_int(object_t *o, const char *key, int64_t v)
{
    put(o, key, (mst_json_t){.type = MST_JSON_INT, .u.i = v});
}

static void
put_bool(object_t *o, const char *key, bool v)
{
    put(o, key, (mst_json_t){.type = MST_JSON_BOOL, .u.b = v});
}

static void
put_num(object_t *o, const char *key, double v)
{
    put(o, key, (mst_json_t){.type = MST_JSON_DOUBLE, .u.d = v});
}

static void
put_json(object_t *o, const char *key, const mst_json_t *v)
{
    if (v != NULL)
        put(o, key, *v);
}

static mst_json_t
object_value(const object_t *o)
{
    return (mst_json_t){.type = MST_JSON_OBJ, .count = o->count, .u.members = o->m};
}

static mst_json_t
list_value(const mst_param_value_t *v, mst_arena_t *arena, bool *ok)
{
    mst_json_t *items = MST_ARENA_ARRAY(arena, mst_json_t, v->u.list.count);
    if (items == NULL) {
        *ok = false;
        return (mst_json_t){0};
    }
    for (size_t i = 0; i < v->u.list.count; i++)
        items[i] = (mst_json_t){.type = MST_JSON_STR, .u.s = v->u.list.items[i]};
    return (mst_json_t){.type = MST_JSON_ARR, .count = (uint32_t)v->u.list.count, .u.items = items};
}

static mst_json_t
param_value(mst_param_type_t type, const mst_param_value_t *v, mst_arena_t *arena, bool *ok)
{
    switch (type) {
    case MST_P_STR:
    case MST_P_URL:
    case MST_P_ENUM:
    case MST_P_SECRET:
        return (mst_json_t){.type = MST_JSON_STR, .u.s = v->u.s};
    case MST_P_BOOL:
        return (mst_json_t){.type = MST_JSON_BOOL, .u.b = v->u.b};
    case MST_P_INT:
        return (mst_json_t){.type = MST_JSON_INT, .u.i = v->u.i};
    case MST_P_NUM:
        return (mst_json_t){.type = MST_JSON_DOUBLE, .u.d = v->u.d};
    case MST_P_STRLIST:
        return list_value(v, arena, ok);
    case MST_P_JSON:
        break;
    }
    return *v->u.json;
}

// The default of a secret is not written: it is where a worker may look, and must look only when it was given.
static bool
written(const mst_param_t *row, const mst_param_value_t *v)
{
    return v->set && (row->type != MST_P_SECRET || v->given);
}

size_t
mst_cfg_members(const mst_params_t *p, mst_json_member_t *m, mst_arena_t *arena, bool *ok)
{
    size_t n = 0;
    for (size_t i = 0; i < mst_cfg_rows(p->table); i++)
        if (written(&p->table[i], &p->values[i]))
            m[n++] = (mst_json_member_t){mst_str_c(p->table[i].name),
                                         param_value(p->table[i].type, &p->values[i], arena, ok)};
    return n;
}

static void
put_params(object_t *o, const mst_params_t *p)
{
    if (o->ok)
        o->count += (uint32_t)mst_cfg_members(p, o->m + o->count, o->arena, &o->ok);
}

static mst_json_t
source_value(const mst_source_cfg_t *s, mst_arena_t *arena, bool *ok)
{
    object_t o, mapping;
    object_init(&o, arena, 5);
    object_init(&mapping, arena, s->mapping_count);
    put_str(&o, "source_type", mst_str_c(mst_cfg_source_type_name(s->type)));
    put_str(&o, "path", s->path);
    put_json(&o, "records", s->records);
    if (s->limit >= 0)
        put_int(&o, "limit", s->limit);
    for (size_t i = 0; i < s->mapping_count && mapping.ok; i++)
        mapping.m[mapping.count++] =
            (mst_json_member_t){s->mapping[i].target, {.type = MST_JSON_STR, .u.s = s->mapping[i].source}};
    if (mapping.count > 0)
        put(&o, "field_mapping", object_value(&mapping));
    *ok = *ok && o.ok && mapping.ok;
    return object_value(&o);
}

// As a list of texts in their one spelling; left out when there is none.
static void
put_reduce(object_t *o, const mst_reduce_t *reduce, size_t count)
{
    char text[MST_REDUCE_TEXT_MAX];
    if (count == 0)
        return;
    mst_json_t *items = MST_ARENA_ARRAY(o->arena, mst_json_t, count);
    o->ok = o->ok && items != NULL;
    for (size_t i = 0; i < count && o->ok; i++)
        items[i] = (mst_json_t){.type = MST_JSON_STR,
                                .u.s = mst_arena_dup(o->arena, mst_reduce_text(reduce[i], text), &o->ok)};
    put(o, "reduce", (mst_json_t){.type = MST_JSON_ARR, .count = (uint32_t)count, .u.items = items});
}

// What turns a verdict round or takes part of it away is written only where it is said.
static void
put_turns(object_t *o, const mst_scorer_cfg_t *s)
{
    if (s->negate)
        put_bool(o, "negate", true);
    if (s->weighted)
        put_num(o, "weight", s->weight);
}

// A section of its own: which kind, then its settings.
static void
put_provider(object_t *o, const char *key, const mst_provider_cfg_t *cfg)
{
    object_t p;
    if (cfg->kind == NULL)
        return;
    object_init(&p, o->arena, 1 + mst_cfg_rows(cfg->params.table) + mst_cfg_rows(cfg->common.table));
    put_str(&p, "provider_type", mst_str_c(cfg->kind->name));
    put_params(&p, &cfg->params);
    put_params(&p, &cfg->common);
    put(o, key, object_value(&p));
    o->ok = o->ok && p.ok;
}

// Left out where it is the usual one answer.
static void
put_request(object_t *o, const mst_request_cfg_t *r)
{
    object_t p;
    if (r->kind == MST_REQUEST_GENERATE)
        return;
    object_init(&p, o->arena, 4);
    put_str(&p, "kind", mst_str_c(mst_request_kind_name(r->kind)));
    if (p.ok && (r->kind == MST_REQUEST_LOGLIKELIHOOD || r->kind == MST_REQUEST_MULTIPLE_CHOICE))
        put(&p, "delimiter", (mst_json_t){.type = MST_JSON_STR, .u.s = r->delimiter});
    if (r->kind == MST_REQUEST_PERPLEXITY && r->window > 0) {
        put_int(&p, "window", r->window);
        put_int(&p, "stride", r->stride);
    }
    if (r->kind == MST_REQUEST_CONVERSATION)
        put_str(&p, "recorded_turns", r->ask_recorded ? MST_STR("ask") : MST_STR("keep"));
    put(o, "request", object_value(&p));
    o->ok = o->ok && p.ok;
}

static mst_json_t
scorer_value(const mst_scorer_cfg_t *s, mst_arena_t *arena, bool *ok)
{
    object_t o;
    object_init(&o, arena, 9 + mst_cfg_rows(s->params.table));
    put_str(&o, "scorer_name", mst_str_c(s->kind->name));
    put_str(&o, "tier", mst_str_c(s->kind->tier));
    put_str(&o, "label", s->label);
    put_num(&o, "threshold", s->threshold);
    put_str(&o, "on_missing", mst_str_c(mst_cfg_on_missing_name(s->on_missing)));
    put_reduce(&o, s->reduce, s->reduce_count);
    put_turns(&o, s);
    put_params(&o, &s->params);
    put_provider(&o, "provider", &s->endpoint);
    *ok = *ok && o.ok;
    return object_value(&o);
}

// A set, its members left to the caller: they are scorers.
static mst_json_t
set_value(const mst_scorer_cfg_t *s, mst_json_t members, mst_arena_t *arena, bool *ok)
{
    object_t o;
    object_init(&o, arena, 5);
    put(&o, s->mode == MST_SET_ANY ? "any" : "all", members);
    put_str(&o, "label", s->label);
    if (!isnan(s->threshold))
        put_num(&o, "threshold", s->threshold);
    put_turns(&o, s);
    *ok = *ok && o.ok;
    return object_value(&o);
}

static mst_json_t
members_value(const mst_scorer_cfg_t *set, mst_arena_t *arena, bool *ok)
{
    mst_json_t *items = MST_ARENA_ARRAY(arena, mst_json_t, set->member_count);
    *ok = *ok && items != NULL;
    for (size_t i = 0; i < set->member_count && *ok; i++)
        items[i] = scorer_value(&set->members[i], arena, ok);
    return (mst_json_t){.type = MST_JSON_ARR, .count = *ok ? (uint32_t)set->member_count : 0, .u.items = items};
}

static mst_json_t
scorers_value(const mst_run_cfg_t *cfg, mst_arena_t *arena, bool *ok)
{
    mst_json_t *items = MST_ARENA_ARRAY(arena, mst_json_t, cfg->scorer_count);
    if (items == NULL)
        *ok = false;
    for (size_t i = 0; i < cfg->scorer_count && *ok; i++) {
        const mst_scorer_cfg_t *s = &cfg->scorers[i];
        if (s->mode == MST_SET_NONE)
            items[i] = scorer_value(s, arena, ok);
        else
            items[i] = set_value(s, members_value(s, arena, ok), arena, ok);
    }
    return (mst_json_t){.type = MST_JSON_ARR, .count = *ok ? (uint32_t)cfg->scorer_count : 0, .u.items = items};
}

static void
put_slo(object_t *o, const mst_slo_t *slo)
{
    object_t levels;
    if (!mst_slo_any(slo))
        return;
    object_init(&levels, o->arena, MST_SLO_COUNT);
    for (int i = 0; i < MST_SLO_COUNT; i++)
        if (slo->ms[i] > 0)
            put_num(&levels, mst_slo_cfg_table[i].name, slo->ms[i]);
    o->ok = o->ok && levels.ok;
    put(o, "slo", object_value(&levels));
}

static mst_json_t
target_value(const mst_target_cfg_t *t, mst_arena_t *arena, bool *ok)
{
    object_t o;
    object_init(&o, arena, 4 + mst_cfg_rows(t->provider.params.table) + mst_cfg_rows(t->provider.common.table));
    put_str(&o, "provider_type", mst_str_c(t->provider.kind->name));
    put_str(&o, "label", t->label);
    if (t->concurrency > 0)
        put_int(&o, "concurrency", t->concurrency);
    put_json(&o, "simulate", t->simulate);
    put_params(&o, &t->provider.params);
    put_params(&o, &t->provider.common);
    *ok = *ok && o.ok;
    return object_value(&o);
}

// One is written in the short form.
static void
put_targets(object_t *o, const mst_run_cfg_t *cfg, mst_arena_t *arena, bool *ok)
{
    if (cfg->target_count == 0)
        return;
    mst_json_t *items = MST_ARENA_ARRAY(arena, mst_json_t, cfg->target_count);
    *ok = *ok && items != NULL;
    for (size_t i = 0; i < cfg->target_count && *ok; i++)
        items[i] = target_value(&cfg->targets[i], arena, ok);
    if (!*ok)
        return;
    if (cfg->target_count == 1)
        put(o, "provider", items[0]);
    else
        put(o, "targets",
            (mst_json_t){.type = MST_JSON_ARR, .count = (uint32_t)cfg->target_count, .u.items = items});
    put_str(o, "placement", cfg->placement == MST_PLACE_SHARE ? MST_STR("share") : MST_STR("replicate"));
}

static void
put_cache(object_t *o, const mst_run_cfg_t *cfg)
{
    if (cfg->cache == MST_CACHE_OFF)
        return;
    put_str(o, "cache", mst_str_c(mst_cfg_cache_names[cfg->cache]));
    put_str(o, "cache_path", cfg->cache_path);
    put_int(o, "cache_max_mb", cfg->cache_max_mb);
}

static mst_json_t
spec_value(const mst_run_cfg_t *cfg, mst_arena_t *arena, bool *ok)
{
    object_t o;
    object_init(&o, arena, 35);
    put_str(&o, "name", cfg->name);
    put_str(&o, "description", cfg->description);
    put(&o, "data_source", source_value(&cfg->source, arena, ok));
    put(&o, "scorers", scorers_value(cfg, arena, ok));
    put_targets(&o, cfg, arena, ok);
    put_request(&o, &cfg->request);
    if (cfg->probe != MST_PROBE_LIGHT)
        put_str(&o, "probe", mst_str_c(mst_cfg_probe_names[cfg->probe]));
    put_cache(&o, cfg);
    put_int(&o, "concurrency", cfg->concurrency);
    put_int(&o, "repeats", cfg->repeats);
    put_reduce(&o, cfg->reduce, cfg->reduce_count);
    put_bool(&o, "fail_fast", cfg->fail_fast);
    put_bool(&o, "strict", cfg->strict);
    put_bool(&o, "keep_raw", cfg->keep_raw);
    put_num(&o, "min_coverage", cfg->min_coverage);
    put_str(&o, "system_prompt", cfg->system_prompt);
    put_str(&o, "wandb_project", cfg->wandb_project);
    put_json(&o, "wandb_tags", cfg->wandb_tags);
    put_json(&o, "prices", cfg->prices_json);
    put_json(&o, "budget", cfg->budget_json);
    put_json(&o, "numerical_guard", cfg->numerical_guard);
    put_slo(&o, &cfg->slo);
    if (cfg->load.model != MST_LOAD_NONE)
        put(&o, "load", mst_cfg_load_value(&cfg->load, arena, ok));
    put_json(&o, "simulate", cfg->simulate);
    *ok = *ok && o.ok;
    return object_value(&o);
}

// Allowed raw in a JSON string, but refused by YAML (DEL, C1, BOM, noncharacters) or a line break to it.
static bool
needs_escape(uint32_t cp)
{
    return (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029 || cp == 0xfeff || cp == 0xfffe || cp == 0xffff;
}

// Copies JSON text with those escapes. Returns an upper bound of the nodes that YAML will see in it.
static size_t
make_readable(mst_str_t json, mst_buf_t *out)
{
    size_t nodes = 1, done = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.n;) {
        unsigned char c = (unsigned char)json.p[i];
        uint32_t cp = c;
        size_t n = c < 0x80 ? 1 : mst_utf8_next(mst_str(json.p + i, json.n - i), &cp);
        if (needs_escape(cp)) {
            mst_buf_add(out, json.p + done, i - done);
            mst_buf_addf(out, "\\u%04x", (unsigned)cp);
            done = i + n;
        }
        if (in_string && c == '\\')
            n = 2; // the escaped character is ASCII
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string)
            nodes += c == ',' || c == ':' || c == '[' || c == '{';
        i += n;
    }
    mst_buf_add(out, json.p + done, json.n - done);
    return nodes;
}

mst_rc
mst_run_cfg_spec(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_str_t *out, mst_err_t *err)
{
    bool ok = true;
    mst_json_t value = spec_value(cfg, arena, &ok);
    if (!ok)
        return MST_ERR(err, MST_LIMIT, "the configuration needs too much memory");
    mst_buf_t json, spec;
    mst_buf_init(&json, MST_YAML_BYTES_MAX);
    mst_buf_init(&spec, MST_YAML_BYTES_MAX);
    mst_jw_t w;
    mst_jw_init(&w, &json);
    mst_jw_canonical(&w, &value);
    size_t nodes = make_readable(mst_buf_view(&json), &spec);
    mst_rc rc = MST_OK;
    if (json.failed || spec.failed)
        rc = MST_ERR(err, MST_LIMIT, "written out, the configuration is larger than %lu bytes; move the records to a "
                     "file", MST_YAML_BYTES_MAX);
    else if (nodes > MST_YAML_NODES_MAX)
        rc = MST_ERR(err, MST_LIMIT, "written out, the configuration has more than %d nodes; move the records to a "
                     "file", MST_YAML_NODES_MAX);
    else
        *out = mst_arena_dup(arena, mst_buf_view(&spec), &ok);
    if (rc == MST_OK && !ok)
        rc = MST_ERR(err, MST_LIMIT, "the configuration needs too much memory");
    mst_buf_deinit(&json);
    mst_buf_deinit(&spec);
    return rc;
}
