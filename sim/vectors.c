// Vectors of texts, and the routes that give them. A vector is the sum of one random direction for each word, scaled to
// unit length: the same text has the same vector, texts with words in common have similar ones.
#include "sim/dialect.h"
#include "sim/words.h"

#include "common/base/hash.h"
#include "common/base/mem.h"

#include <math.h>
#include <stdlib.h>

#define ADD   MST_SIM_ADD
#define MICRO 1e6

enum { WORD_BYTES = 64, WORDS_MAX = 8192 }; // further words of a text do not count

// The next word of text in lower case, without what is neither letter nor digit; 0 = there is none.
static size_t
next_word(mst_str_t *text, char out[WORD_BYTES])
{
    size_t n = 0;
    while (text->n > 0 && (n == 0 || n < WORD_BYTES)) {
        unsigned char c = (unsigned char)*text->p;
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        if (!word && n > 0)
            break;
        *text = mst_str(text->p + 1, text->n - 1);
        if (word)
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return n;
}

static void
add_direction(uint64_t seed, double *v, uint32_t count)
{
    mst_prng_t r;
    mst_prng_seed(&r, seed);
    for (uint32_t i = 0; i < count; i++)
        v[i] += mst_prng_unit(&r) - 0.5;
}

static void
make_vector(mst_str_t text, double *v, uint32_t count)
{
    char word[WORD_BYTES];
    double sum = 0;
    size_t n, words = 0;
    for (; words < WORDS_MAX && (n = next_word(&text, word)) > 0; words++)
        add_direction(mst_xxh64(mst_str(word, n), 7), v, count);
    if (words == 0)
        add_direction(7, v, count);
    for (uint32_t i = 0; i < count; i++)
        sum += v[i] * v[i];
    for (uint32_t i = 0; i < count; i++)
        v[i] /= sqrt(sum);
}

static void
add_base64(const double *v, uint32_t count, mst_buf_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, held = 0;
    ADD(out, "\"");
    for (uint32_t i = 0; i < count * 4; i++) {
        float f = (float)v[i / 4];
        uint32_t word;
        memcpy(&word, &f, sizeof word);
        held = held << 8 | (word >> (8 * (i % 4)) & 255);
        for (bits += 8; bits >= 6; bits -= 6)
            mst_buf_add_byte(out, digits[held >> (bits - 6) & 63]);
    }
    if (bits > 0)
        mst_buf_add_byte(out, digits[held << (6 - bits) & 63]);
    for (uint32_t i = count * 4; i % 3 != 0; i++)
        mst_buf_add_byte(out, '=');
    ADD(out, "\"");
}

void
mst_sim_add_vector(const mst_sim_facts_t *f, const mst_sim_wish_t *w, mst_str_t text, mst_buf_t *out)
{
    uint32_t count = w->dimensions > 0 ? w->dimensions : f->opts->dimensions;
    double *v = MST_NEW_ARRAY(double, count);
    make_vector(text, v, count);
    if (w->base64) {
        add_base64(v, count, out);
    } else {
        ADD(out, "[");
        for (uint32_t i = 0; i < count; i++) {
            mst_buf_add_c(out, i > 0 ? "," : "");
            mst_sim_add_micro(out, (int64_t)(v[i] * MICRO + (v[i] < 0 ? -0.5 : 0.5)));
        }
        ADD(out, "]");
    }
    free(v);
}

double
mst_sim_similarity(const mst_sim_facts_t *f, mst_str_t a, mst_str_t b)
{
    uint32_t count = f->opts->dimensions;
    double *v = MST_NEW_ARRAY(double, 2 * (size_t)count), sum = 0;
    make_vector(a, v, count);
    make_vector(b, v + count, count);
    for (uint32_t i = 0; i < count; i++)
        sum += v[i] * v[count + i];
    free(v);
    return sum;
}

uint32_t
mst_sim_count_inputs(const mst_sim_request_t *q)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < q->input_count; i++)
        sum += mst_sim_token_count(q->inputs[i], UINT32_MAX - sum);
    return sum;
}

static bool
read_openai(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    mst_str_t encoding = MST_STR_NULL, task = MST_STR_NULL;
    int64_t dimensions = 0;
    if (!mst_sim_read_str(in, in->root, "model", &q->model) ||
        !mst_sim_read_str(in, in->root, "encoding_format", &encoding) ||
        !mst_sim_read_str(in, in->root, "task", &task) ||
        !mst_sim_read_int(in, in->root, "dimensions", 1, 16384, &dimensions))
        return false;
    q->wish.base64 = mst_str_eq_c(encoding, "base64");
    q->wish.per_token = mst_str_eq_c(task, "token_embed");
    q->wish.dimensions = (uint32_t)dimensions;
    return mst_sim_read_inputs(in, mst_json_get(in->root, "input"), "input", q);
}

static void
add_list_tail(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    uint32_t tokens = mst_sim_count_inputs(q);
    ADD(out, "],\"model\":");
    mst_sim_json_str(out, f->opts->model != NULL ? mst_str_c(f->opts->model)
                          : q->model.n > 0       ? q->model
                                                 : MST_STR("sim"));
    mst_sim_add_count(out, ",\"usage\":{\"prompt_tokens\":", tokens);
    mst_sim_add_count(out, ",\"total_tokens\":", tokens);
    ADD(out, "}}");
}

static void
add_openai(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    ADD(out, "{\"object\":\"list\",\"data\":[");
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_sim_add_count(out,
                          i > 0 ? ",{\"object\":\"embedding\",\"index\":" : "{\"object\":\"embedding\",\"index\":", i);
        ADD(out, ",\"embedding\":");
        mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
        ADD(out, "}");
    }
    add_list_tail(f, q, out);
}

static void
add_token_vectors(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_str_t text, mst_buf_t *out)
{
    const char *before = "[";
    for (mst_str_t token; text.n > 0; text = mst_str(text.p + token.n, text.n - token.n), before = ",") {
        token = mst_sim_token(text);
        mst_buf_add_c(out, before);
        mst_sim_add_vector(f, &q->wish, token, out);
    }
    mst_buf_add_c(out, before[0] == '[' ? "[]" : "]");
}

static void
add_pooling(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    ADD(out, "{\"id\":\"pool-1\",\"object\":\"list\",\"created\":" MST_SIM_CREATED ",\"data\":[");
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_sim_add_count(out, i > 0 ? ",{\"object\":\"pooling\",\"index\":" : "{\"object\":\"pooling\",\"index\":", i);
        ADD(out, ",\"data\":");
        if (q->wish.per_token)
            add_token_vectors(f, q, q->inputs[i], out);
        else
            mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
        ADD(out, "}");
    }
    add_list_tail(f, q, out);
}

static bool
read_tei(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return mst_sim_read_inputs(in, mst_json_get(in->root, "inputs"), "inputs", q);
}

static void
add_tei(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_buf_add_c(out, i > 0 ? "," : "[");
        mst_sim_add_vector(f, &q->wish, q->inputs[i], out);
    }
    mst_buf_add_c(out, q->input_count > 0 ? "]" : "[]");
}

static void
add_tei_tokens(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    for (uint32_t i = 0; i < q->input_count; i++) {
        mst_buf_add_c(out, i > 0 ? "," : "[");
        add_token_vectors(f, q, q->inputs[i], out);
    }
    mst_buf_add_c(out, q->input_count > 0 ? "]" : "[]");
}

// Query and documents: the query is the first input.
static bool
read_pairs(mst_sim_reader_t *in, mst_sim_request_t *q, const char *query, const char *documents)
{
    mst_str_t one;
    if (!mst_json_str(mst_json_get(in->root, query), &one))
        return mst_sim_bad(in, query, "must be a text");
    if (!mst_sim_read_str(in, in->root, "model", &q->model) ||
        !mst_sim_read_inputs(in, mst_json_get(in->root, documents), documents, q))
        return false;
    mst_str_t *all = MST_ARENA_ARRAY(in->arena, mst_str_t, q->input_count + 1);
    if (all == NULL)
        return mst_sim_bad(in, documents, "must fit into memory");
    all[0] = one;
    memcpy(all + 1, q->inputs, q->input_count * sizeof *all);
    q->inputs = all;
    q->input_count++;
    return true;
}

static bool
read_score(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    return read_pairs(in, q, "text_1", "text_2");
}

static bool
read_rerank(mst_sim_reader_t *in, mst_sim_request_t *q)
{
    bool tei = mst_json_get(in->root, "texts") != NULL;
    return read_pairs(in, q, "query", tei ? "texts" : "documents");
}

static void
add_similarity(const mst_sim_facts_t *f, const mst_sim_request_t *q, uint32_t i, mst_buf_t *out)
{
    double s = (mst_sim_similarity(f, q->inputs[0], q->inputs[i]) + 1) / 2;
    mst_sim_add_micro(out, (int64_t)(s * MICRO + 0.5));
}

static void
add_score(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    ADD(out, "{\"id\":\"score-1\",\"object\":\"list\",\"created\":" MST_SIM_CREATED ",\"data\":[");
    for (uint32_t i = 1; i < q->input_count; i++) {
        mst_sim_add_count(out, i > 1 ? ",{\"object\":\"score\",\"index\":" : "{\"object\":\"score\",\"index\":", i - 1);
        ADD(out, ",\"score\":");
        add_similarity(f, q, i, out);
        ADD(out, "}");
    }
    add_list_tail(f, q, out);
}

static void
add_rerank(const mst_sim_facts_t *f, const mst_sim_request_t *q, mst_buf_t *out)
{
    bool tei = f->dialect == MST_SIM_TEI;
    if (!tei)
        ADD(out, "{\"id\":\"rerank-1\",\"results\":");
    ADD(out, "[");
    for (uint32_t i = 1; i < q->input_count; i++) { // in the order of the documents
        mst_sim_add_count(out, i > 1 ? ",{\"index\":" : "{\"index\":", i - 1);
        mst_buf_add_c(out, tei ? ",\"score\":" : ",\"relevance_score\":");
        add_similarity(f, q, i, out);
        ADD(out, "}");
    }
    mst_buf_add_c(out, tei ? "]" : "]}");
}

#define BIT(d) MST_SIM_BIT(MST_SIM_##d)

enum { SERVERS = BIT(OPENAI) | BIT(VLLM) | BIT(SGLANG) | BIT(LLAMACPP) | BIT(OLLAMA) | BIT(TEI) };

const mst_sim_route_t mst_sim_routes_vectors[] = {
    {"POST", "/v1/embeddings", SERVERS, MST_SIM_OPENAI, .timed = true, .read = read_openai, .body = add_openai},
    {"POST", "/pooling", BIT(VLLM), MST_SIM_VLLM, .timed = true, .read = read_openai, .body = add_pooling},
    {"POST", "/score", BIT(VLLM), MST_SIM_VLLM, .timed = true, .read = read_score, .body = add_score},
    {"POST", "/rerank", BIT(VLLM), MST_SIM_VLLM, .timed = true, .read = read_rerank, .body = add_rerank},
    {"POST", "/rerank", BIT(TEI), MST_SIM_TEI, "texts", .timed = true, .read = read_rerank, .body = add_rerank},
    {"POST", "/embed", BIT(TEI), MST_SIM_TEI, .timed = true, .read = read_tei, .body = add_tei},
    {"POST", "/embed_all", BIT(TEI), MST_SIM_TEI, .timed = true, .read = read_tei, .body = add_tei_tokens},
    {NULL},
};
