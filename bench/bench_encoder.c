// What a sentence vector and a BERTScore cost on one core: encoders of the size of all-MiniLM-L6-v2 and of bert-base,
// with random weights, for texts of several lengths; and the tokenizer alone. Processor time. bench_encoder
#include "common/base/clock.h"
#include "common/nn/text_model.h"
#include "tests/unit/tiny_model.h"
#include "worker/model/openblas.h"

#define SECONDS 2.0

static void
make_text(size_t words, mst_buf_t *out)
{
    static const char *const some[] = {"the", "cat", "sat", "on", "mat", "dog", "unit", "sitting"};
    mst_buf_reset(out);
    for (size_t i = 0; i < words; i++)
        (void)mst_buf_addf(out, "%s%s", i > 0 ? " " : "", some[(i * 5 + i / 3) % 8]);
}

static void
bench_lengths(const mst_text_model_t *m, const char *name, mst_arena_t *arena)
{
    static const size_t lengths[] = {8, 30, 120, 250};
    const mst_encoder_cfg_t *c = mst_text_model_cfg(m);
    mst_buf_t text;
    mst_buf_init(&text, 1u << 20);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mst_nn_ids_t ids;
        mst_err_t err;
        const double *vectors;
        size_t rounds = 0;
        make_text(lengths[i], &text);
        const mst_str_t pair[2] = {mst_buf_view(&text), mst_buf_view(&text)};
        mst_arena_reset(arena);
        if (mst_text_model_ids(m, pair[0], arena, &ids, &err) != MST_OK)
            abort();
        double tokens = (double)ids.count;
        int64_t from = mst_cpu_ns(), now = from;
        for (; (double)(now - from) < SECONDS * 1e9; rounds++, now = mst_cpu_ns()) {
            mst_arena_reset(arena);
            if (mst_text_model_embed(m, pair, 2, arena, &vectors, &err) != MST_OK)
                abort();
        }
        double each = (double)(now - from) / (double)rounds;
        double flops = 2.0 * tokens * (double)c->layers *
                       (2.0 * (double)c->hidden * (4.0 * (double)c->hidden + 2.0 * (double)c->ffn) +
                        4.0 * tokens * (double)c->hidden);
        printf("model %s tokens %.0f ms_per_pair %.3f pairs_per_s %.0f gflop_per_s %.1f\n", name, tokens, each / 1e6,
               1e9 / each, flops / each);
    }
    mst_buf_deinit(&text);
}

static void
bench_tokenizer(const mst_text_model_t *m, const char *name, mst_arena_t *arena)
{
    const mst_tokenizer_how_t how = {.len_max = 1u << 20};
    mst_buf_t text;
    mst_nn_ids_t ids;
    mst_err_t err;
    size_t bytes = 0;
    mst_buf_init(&text, 1u << 20);
    make_text(1000, &text);
    int64_t from = mst_cpu_ns(), now = from;
    for (; (double)(now - from) < SECONDS * 1e9; bytes += text.n, now = mst_cpu_ns()) {
        mst_arena_reset(arena);
        if (mst_tokenizer_encode(mst_text_model_tokenizer(m), mst_buf_view(&text), &how, arena, &ids, &err) != MST_OK)
            abort();
    }
    printf("model %s tokenizer_mb_per_s %.1f\n", name, (double)bytes * 1e3 / (double)(now - from));
    mst_buf_deinit(&text);
}

int
main(void)
{
    static const struct {
        const char *name, *type;
        size_t layers, hidden, heads, ffn;
    } rows[] = {{"MiniLM-L6", "bert", 6, 384, 12, 1536}, {"roberta-base", "roberta", 12, 768, 12, 3072}};

    mst_arena_t *arena = mst_arena_new(1u << 30);
    mst_blas_t blas;
    mst_err_t err;
    if (mst_openblas_open(&blas, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tiny_spec_t s = tiny_spec(rows[i].type);
        mst_text_model_t *m = NULL;
        s.layers = rows[i].layers;
        s.hidden = rows[i].hidden;
        s.heads = rows[i].heads;
        s.ffn = rows[i].ffn;
        s.positions = 514;
        tiny_t *t = tiny_new(&s);
        const mst_nn_files_t files = tiny_files(t);
        if (mst_text_model_new(&files, &blas, &m, &err) != MST_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        bench_lengths(m, rows[i].name, arena);
        bench_tokenizer(m, rows[i].name, arena);
        mst_text_model_free(&m);
        tiny_free(t);
    }
    mst_arena_free(&arena);
    return 0;
}
