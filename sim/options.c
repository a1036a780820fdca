// The options: one table of names, places and ranges; defaults; and the checks across options.
#include "sim/sim.h"

#include "common/base/limits.h"
#include "sim/dialect.h"
#include "sim/faults.h"

#include <stdlib.h>

#define HOUR_MS   3600000.0
#define AT(field) offsetof(mst_sim_opts_t, field)

static const mst_sim_option_t options[] = {
    {"host", MST_SIM_O_STR, AT(host), 0, 0, "ADDRESS", "address to listen on (127.0.0.1)"},
    {"port", MST_SIM_O_U16, AT(port), 0, 65535, "PORT", "port to listen on; 0 = any free one (0)"},
    {"dialect", MST_SIM_O_ENUM, AT(dialect), 0, 0, MST_SIM_DIALECT_NAMES, "whose routes and shapes the port has (any)"},
    {"listen", MST_SIM_O_STR, AT(listen), 0, 0, "DIALECT@PORT,...", "further ports: vllm@8001,ollama@11434"},
    {"seed", MST_SIM_O_U64, AT(seed), 0, 0, "N", "seed of everything that is drawn (1)"},
    {"model", MST_SIM_O_STR, AT(model), 0, 0, "NAME", "the only model; others get 404 (any)"},
    {"api_key", MST_SIM_O_STR, AT(api_key), 0, 0, "KEY", "answer 401 without this bearer key"},
    {"ttft_ms", MST_SIM_O_NUM, AT(ttft_ms), 0, HOUR_MS, "MS", "time to the first token: median (0 = at once)"},
    {"ttft_sigma", MST_SIM_O_NUM, AT(ttft_sigma), 0, 5, "S", "its log-normal sigma (0)"},
    {"itl_ms", MST_SIM_O_NUM, AT(itl_ms), 0, HOUR_MS, "MS", "time between two events: median (0 = at once)"},
    {"itl_sigma", MST_SIM_O_NUM, AT(itl_sigma), 0, 5, "S", "its log-normal sigma (0)"},
    {"tokens_min", MST_SIM_O_U32, AT(tokens_min), 1, 100000, "N", "shortest made-up answer in tokens (16)"},
    {"tokens_max", MST_SIM_O_U32, AT(tokens_max), 1, 100000, "N", "longest made-up answer in tokens (64)"},
    {"tokens_per_event", MST_SIM_O_U32, AT(tokens_per_event), 1, 1000, "N", "tokens in one event of a stream (1)"},
    {"tokens_per_event_max", MST_SIM_O_U32, AT(tokens_per_event_max), 0, 1000, "N",
     "each event has from tokens_per_event to N tokens (0 = always the same)"},
    {"burst", MST_SIM_O_U32, AT(burst), 1, 100000, "N", "so many events of a stream are due together (1)"},
    {"prefill_stall_ms", MST_SIM_O_NUM, AT(prefill_stall_ms), 0, HOUR_MS, "MS",
     "each new request holds up all streams for so long (0)"},
    {"head_late", MST_SIM_O_BOOL, AT(head_late), 0, 0, NULL, "the head of the answer comes with the first token"},
    {"crlf", MST_SIM_O_BOOL, AT(crlf), 0, 0, NULL, "lines of a stream end in CRLF"},
    {"ping_every", MST_SIM_O_U32, AT(ping_every), 0, 1000000, "N", "a ping before every N-th event of a stream (0)"},
    {"split_writes", MST_SIM_O_U32, AT(split_writes), 1, 1000, "N", "each event is sent in N pieces (1)"},
    {"split_ms", MST_SIM_O_NUM, AT(split_ms), 0, 60000, "MS", "time between two pieces of an event (0)"},
    {"reasoning", MST_SIM_O_BOOL, AT(reasoning), 0, 0, NULL, "send some reasoning tokens first"},
    {"replies", MST_SIM_O_STR, AT(replies_path), 0, 0, "FILE", "answers from a JSON Lines file: sim/README.md"},
    {"tool_calls", MST_SIM_O_U32, AT(tool_calls), 0, 16, "N",
     "answer with N calls when the request brings tools (0 = one when it insists)"},
    {"p_refusal", MST_SIM_O_NUM, AT(p_refusal), 0, 1, "P", "probability of a refusal as the answer"},
    {"usage", MST_SIM_O_ENUM, AT(usage), 0, 0, "exact|absent|zero", "what is told of tokens used (exact)"},
    {"usage_delay_ms", MST_SIM_O_NUM, AT(usage_delay_ms), 0, HOUR_MS, "MS", "usage comes so long after the text (0)"},
    {"dimensions", MST_SIM_O_U32, AT(dimensions), 1, 16384, "N", "length of the vectors of texts (64)"},
    {"context_length", MST_SIM_O_U32, AT(context_length), 0, 100000000, "N",
     "a prompt longer than this many tokens is refused (0 = none is)"},
    {"echo", MST_SIM_O_BOOL, AT(echo), 0, 0, NULL, "answer with the prompt"},
    {"p_429", MST_SIM_O_NUM, AT(p_429), 0, 1, "P", "probability of status 429 with Retry-After"},
    {"p_500", MST_SIM_O_NUM, AT(p_500), 0, 1, "P", "probability of status 500"},
    {"p_cut", MST_SIM_O_NUM, AT(p_cut), 0, 1, "P", "probability of a close in the middle of an answer"},
    {"p_hang_before", MST_SIM_O_NUM, AT(p_hang_before), 0, 1, "P", "probability of no answer at all"},
    {"p_hang_after", MST_SIM_O_NUM, AT(p_hang_after), 0, 1, "P", "probability of silence after the first token"},
    {"p_malformed", MST_SIM_O_NUM, AT(p_malformed), 0, 1, "P", "probability of one event with broken JSON"},
    {"p_slow", MST_SIM_O_NUM, AT(p_slow), 0, 1, "P", "probability of delays ten times as long"},
    {"p_error", MST_SIM_O_NUM, AT(p_error), 0, 1, "P", "probability of an error in the middle of a stream"},
    {"faults", MST_SIM_O_STR, AT(faults), 0, 0, "WHAT@WHEN,...", "faults by schedule: 429@10,cut@20-29,hang@3s-5s"},
    {"retry_after_s", MST_SIM_O_NUM, AT(retry_after_s), 0, 86400, "S", "Retry-After of the 429s (1)"},
    {"logprob_nan", MST_SIM_O_NUM, AT(logprob_nan), 0, 1, "P", "probability, per token, of a bare NaN as logprob"},
    {"logprob_sentinel", MST_SIM_O_NUM, AT(logprob_sentinel), 0, 1, "P", "the same of -9999.0"},
    {"logprob_null", MST_SIM_O_NUM, AT(logprob_null), 0, 1, "P", "the same of null"},
    {"sync_steps", MST_SIM_O_BOOL, AT(sync_steps), 0, 0, NULL, "all streams get their tokens at the same instants"},
    {"truth", MST_SIM_O_STR, AT(truth_path), 0, 0, "FILE", "write what was sent when (see sim/README.md)"},
    {"connections_max", MST_SIM_O_U32, AT(connections_max), 1, 1000000, "N", "connections; more get 503 (10000)"},
};

void
mst_sim_defaults(mst_sim_opts_t *o)
{
    *o = (mst_sim_opts_t){.host = "127.0.0.1",
                          .seed = 1,
                          .tokens_min = 16,
                          .tokens_max = 64,
                          .tokens_per_event = 1,
                          .burst = 1,
                          .split_writes = 1,
                          .dimensions = 64,
                          .retry_after_s = 1,
                          .connections_max = 10000};
}

const mst_sim_option_t *
mst_sim_options(size_t *out_count)
{
    *out_count = sizeof options / sizeof options[0];
    return options;
}

// A flag's spelling is as good as a configuration's.
static bool
same_name(mst_str_t given, const char *name)
{
    if (given.n != strlen(name))
        return false;
    for (size_t i = 0; i < given.n; i++)
        if ((given.p[i] == '-' ? '_' : given.p[i]) != name[i])
            return false;
    return true;
}

static const mst_sim_option_t *
find(mst_str_t name)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (same_name(name, options[i].name))
            return &options[i];
    return NULL;
}

static mst_rc
unknown(mst_str_t name, mst_err_t *err)
{
    const char *near = NULL;
    size_t best = 4;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t d = mst_str_distance(name, mst_str_c(options[i].name));
        near = d < best ? options[i].name : near;
        best = d < best ? d : best;
    }
    return MST_ERR(err, MST_INVAL, "the simulated backend has no option \"%.*s\"%s%s%s", MST_FMT(name),
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"" : "");
}

static mst_rc
set_num(mst_sim_opts_t *o, const mst_sim_option_t *opt, double v, mst_err_t *err)
{
    if (!(v >= opt->min && v <= opt->max))
        return MST_ERR(err, MST_INVAL, "%s is %g; it must be between %g and %g", opt->name, v, opt->min, opt->max);
    memcpy((char *)o + opt->offset, &v, sizeof v);
    return MST_OK;
}

static mst_rc
set_int(mst_sim_opts_t *o, const mst_sim_option_t *opt, uint64_t v, mst_err_t *err)
{
    char *to = (char *)o + opt->offset;
    if (opt->type != MST_SIM_O_U64 && ((double)v < opt->min || (double)v > opt->max))
        return MST_ERR(err, MST_INVAL, "%s is %llu; it must be between %.0f and %.0f", opt->name, (unsigned long long)v,
                       opt->min, opt->max);
    if (opt->type == MST_SIM_O_U16)
        memcpy(to, &(uint16_t){(uint16_t)v}, sizeof(uint16_t));
    else if (opt->type == MST_SIM_O_U32)
        memcpy(to, &(uint32_t){(uint32_t)v}, sizeof(uint32_t));
    else
        memcpy(to, &v, sizeof v);
    return MST_OK;
}

// Place of the word in "a|b|c"; -1: it is none of them.
static int64_t
word_place(const char *words, mst_str_t word)
{
    mst_str_t rest = mst_str_c(words);
    for (int64_t i = 0;; i++) {
        int64_t bar = mst_str_find(rest, MST_STR("|"), 0);
        if (mst_str_eq(bar < 0 ? rest : mst_str(rest.p, (size_t)bar), word))
            return i;
        if (bar < 0)
            return -1;
        rest = mst_str(rest.p + bar + 1, rest.n - (size_t)bar - 1);
    }
}

static mst_rc
set_word(mst_sim_opts_t *o, const mst_sim_option_t *opt, mst_str_t word, mst_err_t *err)
{
    int64_t place = word_place(opt->value, word);
    if (place < 0)
        return MST_ERR(err, MST_INVAL, "%s is \"%.*s\"; it must be one of %s", opt->name,
                       MST_FMT(mst_str_cut(word, 60)), opt->value);
    memcpy((char *)o + opt->offset, &(uint32_t){(uint32_t)place}, sizeof(uint32_t));
    return MST_OK;
}

static void
set_bool(mst_sim_opts_t *o, const mst_sim_option_t *opt, bool v)
{
    memcpy((char *)o + opt->offset, &v, sizeof v);
}

static void
set_text(mst_sim_opts_t *o, const mst_sim_option_t *opt, const char *z)
{
    memcpy((char *)o + opt->offset, &z, sizeof(const char *));
}

static mst_rc
bad_value(const mst_sim_option_t *opt, mst_str_t value, const char *wanted, mst_err_t *err)
{
    return MST_ERR(err, MST_INVAL, "%s is \"%.*s\"; it must be %s", opt->name, MST_FMT(mst_str_cut(value, 60)), wanted);
}

mst_rc
mst_sim_opts_set(mst_sim_opts_t *o, const char *name, const char *value, mst_err_t *err)
{
    const mst_sim_option_t *opt = find(mst_str_c(name));
    if (opt == NULL)
        return unknown(mst_str_c(name), err);
    mst_str_t text = mst_str_c(value);
    uint64_t whole;
    double number;
    switch (opt->type) {
    case MST_SIM_O_STR:
        set_text(o, opt, value);
        return MST_OK;
    case MST_SIM_O_BOOL:
        if (!mst_str_eq_c(text, "true") && !mst_str_eq_c(text, "false"))
            return bad_value(opt, text, "true or false", err);
        set_bool(o, opt, mst_str_eq_c(text, "true"));
        return MST_OK;
    case MST_SIM_O_NUM:
        if (!mst_str_to_f64(text, false, &number))
            return bad_value(opt, text, "a number", err);
        return set_num(o, opt, number, err);
    case MST_SIM_O_ENUM:
        return set_word(o, opt, text, err);
    case MST_SIM_O_U16:
    case MST_SIM_O_U32:
    case MST_SIM_O_U64:
        break;
    }
    if (!mst_str_to_u64(text, &whole))
        return bad_value(opt, text, "a whole number", err);
    return set_int(o, opt, whole, err);
}

static mst_rc
set_from_json(mst_sim_opts_t *o, const mst_sim_option_t *opt, const mst_json_t *v, mst_arena_t *arena, mst_err_t *err)
{
    mst_str_t s;
    bool b;
    int64_t i;
    double d;
    if (opt->type == MST_SIM_O_STR && mst_json_is(v, MST_JSON_NULL)) {
        set_text(o, opt, NULL);
        return MST_OK;
    }
    if (opt->type == MST_SIM_O_STR && mst_json_str(v, &s)) {
        bool ok;
        mst_str_t copy = mst_arena_dup(arena, s, &ok);
        if (!ok || memchr(copy.p, '\0', copy.n) != NULL)
            return MST_ERR(err, ok ? MST_INVAL : MST_LIMIT, "%s is too long or holds a NUL", opt->name);
        set_text(o, opt, copy.p);
        return MST_OK;
    }
    if (opt->type == MST_SIM_O_ENUM && mst_json_str(v, &s))
        return set_word(o, opt, s, err);
    if (opt->type == MST_SIM_O_BOOL && mst_json_bool(v, &b)) {
        set_bool(o, opt, b);
        return MST_OK;
    }
    if (opt->type == MST_SIM_O_NUM && mst_json_f64(v, &d))
        return set_num(o, opt, d, err);
    bool whole = opt->type == MST_SIM_O_U16 || opt->type == MST_SIM_O_U32 || opt->type == MST_SIM_O_U64;
    if (whole && mst_json_i64(v, &i) && i >= 0)
        return set_int(o, opt, (uint64_t)i, err);
    static const char *const wanted[] = {"text",           "true or false", "a whole number", "a whole number",
                                         "a whole number", "a number",      "a word"};
    return MST_ERR(err, MST_INVAL, "%s must be %s", opt->name, wanted[opt->type]);
}

mst_rc
mst_sim_opts_json(mst_sim_opts_t *o, const mst_json_t *section, mst_arena_t *arena, mst_err_t *err)
{
    if (!mst_json_is(section, MST_JSON_OBJ))
        return MST_ERR(err, MST_INVAL, "the options of a simulated backend must be a mapping");
    for (uint32_t i = 0; i < section->count; i++) {
        const mst_json_member_t *m = &section->u.members[i];
        const mst_sim_option_t *opt = find(m->key);
        mst_rc rc = opt == NULL ? unknown(m->key, err) : set_from_json(o, opt, &m->value, arena, err);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

mst_rc
mst_sim_opts_check(const mst_sim_opts_t *o, mst_err_t *err)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        double v;
        uint32_t n;
        memcpy(&v, (const char *)o + options[i].offset, options[i].type == MST_SIM_O_NUM ? sizeof v : 0);
        memcpy(&n, (const char *)o + options[i].offset, options[i].type == MST_SIM_O_U32 ? sizeof n : 0);
        if (options[i].type == MST_SIM_O_NUM && !(v >= options[i].min && v <= options[i].max))
            return MST_ERR(err, MST_INVAL, "%s is %g; it must be between %g and %g", options[i].name, v, options[i].min,
                           options[i].max);
        if (options[i].type == MST_SIM_O_U32 && ((double)n < options[i].min || (double)n > options[i].max))
            return MST_ERR(err, MST_INVAL, "%s is %u; it must be between %.0f and %.0f", options[i].name, n,
                           options[i].min, options[i].max);
    }
    double faults =
        o->p_429 + o->p_500 + o->p_cut + o->p_hang_before + o->p_hang_after + o->p_malformed + o->p_slow + o->p_error;
    if (faults > 1.0 + 1e-9)
        return MST_ERR(err, MST_INVAL, "the probabilities of faults (p_429 to p_error) add up to %g, more than 1",
                       faults);
    if (o->logprob_nan + o->logprob_sentinel + o->logprob_null > 1.0 + 1e-9)
        return MST_ERR(err, MST_INVAL, "logprob_nan, logprob_sentinel and logprob_null add up to more than 1");
    if (o->tokens_min > o->tokens_max)
        return MST_ERR(err, MST_INVAL, "tokens_min %u is over tokens_max %u", o->tokens_min, o->tokens_max);
    if (o->sync_steps && o->itl_ms <= 0)
        return MST_ERR(err, MST_INVAL, "sync_steps needs an itl_ms over 0: it is the step");
    if (o->host == NULL)
        return MST_ERR(err, MST_INVAL, "host is missing");
    mst_sim_schedule_t schedule;
    mst_sim_listen_t ports[MST_SIM_PORTS_MAX];
    uint32_t count;
    mst_rc rc = mst_sim_schedule_read(o->faults, &schedule, err);
    return rc == MST_OK ? mst_sim_listen_read(o->listen, ports, MST_SIM_PORTS_MAX - 1, &count, err) : rc;
}
