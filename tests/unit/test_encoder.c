// The encoder against a second one in double precision, on checkpoints made here; what folders may get wrong; sentence
// vectors.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/utf8.h"
#include "common/nn/text_model.h"
#include "unit/tiny_oracle.h"
#include "worker/model/openblas.h"

#define CLOSE 1e-5

static mst_blas_t blas;
static mst_arena_t *arena;

static int
set_up(void **state)
{
    mst_err_t err;
    (void)state;
    if (mst_openblas_open(&blas, &err) != MST_OK) {
        printf("skipped: %s\n", err.message);
        exit(77);
    }
    arena = mst_arena_new(512u << 20);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    mst_arena_free(&arena);
    return 0;
}

static mst_text_model_t *
open_model(tiny_t *t)
{
    mst_text_model_t *m = NULL;
    mst_err_t err;
    const mst_nn_files_t files = tiny_files(t);
    if (mst_text_model_new(&files, &blas, &m, &err) != MST_OK)
        fail_msg("%s", err.message);
    return m;
}

static void
random_ids(mst_prng_t *r, size_t vocab, size_t count, mst_nn_ids_t *out)
{
    *out = (mst_nn_ids_t){.ids = MST_ARENA_ARRAY(arena, uint32_t, count), .count = count, .max = count};
    for (size_t i = 0; i < count; i++)
        out->ids[i] = (uint32_t)mst_prng_below(r, vocab);
}

// The largest difference of any number in any layer over a batch of texts.
static double
worst(const tiny_spec_t *spec, const size_t *lengths, size_t count)
{
    tiny_t *t = tiny_new(spec);
    mst_text_model_t *m = open_model(t);
    mst_nn_ids_t texts[8];
    mst_prng_t r;
    double max = 0.0;
    mst_arena_reset(arena);
    mst_prng_seed(&r, spec->seed + 1);
    for (size_t i = 0; i < count; i++)
        random_ids(&r, t->vocab, lengths[i], &texts[i]);
    for (size_t layers = 0; layers <= spec->layers; layers++) {
        const float *got = NULL;
        mst_err_t err;
        if (mst_text_model_states(m, texts, count, layers, arena, &got, &err) != MST_OK)
            fail_msg("%s", err.message);
        for (size_t i = 0; i < count; i++) {
            double *want = oracle_states(t, texts[i].ids, texts[i].count, layers);
            for (size_t k = 0; k < texts[i].count * spec->hidden; k++)
                max = fmax(max, fabs((double)got[k] - want[k]));
            got += texts[i].count * spec->hidden;
            free(want);
        }
    }
    mst_text_model_free(&m);
    tiny_free(t);
    return max;
}

static void
test_encoder_agrees_with_double_precision(void **state)
{
    static const struct {
        const char *type, *act, *prefix;
        bool gamma;
        mst_dtype_t dtype;
        size_t hidden, layers, heads, ffn;
    } rows[] = {
        {"bert", "gelu", "", false, MST_DT_F32, 32, 3, 4, 48},
        {"bert", "gelu", "bert.", true, MST_DT_F16, 64, 4, 8, 100},
        {"bert", "gelu_new", "", false, MST_DT_BF16, 24, 2, 1, 96},
        {"bert", "relu", "", false, MST_DT_F32, 32, 2, 32, 16},
        {"roberta", "gelu", "roberta.", false, MST_DT_F32, 32, 3, 4, 48},
        {"roberta", "gelu", "", false, MST_DT_F16, 96, 6, 12, 384},
        {"roberta", "silu", "", false, MST_DT_BF16, 32, 2, 2, 64},
        {"distilbert", "gelu", "distilbert.", false, MST_DT_F32, 48, 3, 6, 64},
    };

    static const size_t lengths[] = {5, 64, 1, 2, 31};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tiny_spec_t s = tiny_spec(rows[i].type);
        s.act = rows[i].act;
        s.prefix = rows[i].prefix;
        s.gamma = rows[i].gamma;
        s.dtype = rows[i].dtype;
        s.hidden = rows[i].hidden;
        s.layers = rows[i].layers;
        s.heads = rows[i].heads;
        s.ffn = rows[i].ffn;
        s.seed = 100 + i;
        double max = worst(&s, lengths, sizeof lengths / sizeof lengths[0]);
        printf("%s %s: largest difference %.2g\n", s.type, s.act, max);
        assert_true(max > 0.0 && max <= CLOSE);
    }
}

static void
test_encoder_takes_large_batches_in_groups(void **state)
{
    enum { TEXTS = 150 };

    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    mst_text_model_t *m = open_model(t);
    mst_nn_ids_t *texts = MST_NEW_ARRAY(mst_nn_ids_t, TEXTS);
    mst_prng_t r;
    mst_err_t err;
    const float *all = NULL, *one = NULL;
    (void)state;
    mst_arena_reset(arena);
    mst_prng_seed(&r, 3);
    for (size_t i = 0; i < TEXTS; i++)
        random_ids(&r, t->vocab, 1 + mst_prng_below(&r, 64), &texts[i]);
    assert_int_equal(mst_text_model_states(m, texts, TEXTS, 3, arena, &all, &err), MST_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(mst_text_model_states(m, &texts[i], 1, 3, arena, &one, &err), MST_OK);
        for (size_t k = 0; k < texts[i].count * s.hidden; k++)
            assert_true(fabs((double)all[k] - (double)one[k]) <= CLOSE);
        all += texts[i].count * s.hidden;
    }
    free(texts);
    mst_text_model_free(&m);
    tiny_free(t);
}

static void
test_encoder_refuses_ids_and_lengths_without_rows(void **state)
{
    tiny_spec_t s = tiny_spec("roberta");
    tiny_t *t = tiny_new(&s);
    mst_text_model_t *m = open_model(t);
    uint32_t ids[80] = {0};
    mst_nn_ids_t text = {.ids = ids, .count = 65};
    const float *out;
    mst_err_t err;
    (void)state;
    assert_int_equal(mst_text_model_cfg(m)->positions, 64); // 66 rows, two before the first
    assert_int_equal(mst_text_model_states(m, &text, 1, 3, arena, &out, &err), MST_INVAL);
    text.count = 0;
    assert_int_equal(mst_text_model_states(m, &text, 1, 3, arena, &out, &err), MST_INVAL);
    text.count = 64;
    assert_int_equal(mst_text_model_states(m, &text, 1, 4, arena, &out, &err), MST_INVAL);
    assert_int_equal(mst_text_model_states(m, &text, 1, 3, arena, &out, &err), MST_OK);
    ids[63] = (uint32_t)t->vocab;
    assert_int_equal(mst_text_model_states(m, &text, 1, 3, arena, &out, &err), MST_INVAL);
    mst_text_model_free(&m);
    tiny_free(t);
}

// Opening must fail with that code and a sentence that has these words.
static void
expect_refused(tiny_t *t, mst_rc rc, const char *words)
{
    mst_text_model_t *m = NULL;
    mst_err_t err;
    const mst_nn_files_t files = tiny_files(t);
    mst_rc got = mst_text_model_new(&files, &blas, &m, &err);
    assert_null(m);
    if (got != rc || strstr(err.message, words) == NULL)
        fail_msg("code %d, \"%s\", not %d with \"%s\"", got, err.message, rc, words);
}

static void
test_encoder_refuses_what_it_would_get_wrong(void **state)
{
    static const struct {
        const char *file, *text; // NULL: the file is not there
        mst_rc rc;
        const char *words;
    } rows[] = {
        {"config.json", NULL, MST_NOTFOUND, "there is no config.json"},
        {"model.safetensors", NULL, MST_NOTFOUND, "there is no model.safetensors"},
        {"vocab.txt", NULL, MST_NOTFOUND, "no tokenizer.json, no vocab.txt"},
        {"config.json", "[]", MST_PROTO, "not a JSON object"},
        {"config.json", "{\"model_type\":\"deberta\"}", MST_UNSUPPORTED, "model_type \"deberta\""},
        {"config.json", "{\"model_type\":\"bert\",\"position_embedding_type\":\"relative_key\"}", MST_UNSUPPORTED,
         "relative_key"},
        {"config.json", "{\"model_type\":\"bert\",\"hidden_act\":\"mish\"}", MST_UNSUPPORTED, "\"mish\""},
        {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":1e18}", MST_LIMIT, "hidden_size"},
        {"config.json",
         "{\"model_type\":\"bert\",\"hidden_size\":32,\"num_hidden_layers\":3,\"num_attention_heads\":5,"
         "\"intermediate_size\":48,\"max_position_embeddings\":64,\"vocab_size\":150}",
         MST_PROTO, "5 heads cannot share"},
        {"config.json",
         "{\"model_type\":\"bert\",\"hidden_size\":32,\"num_hidden_layers\":3,\"num_attention_heads\":4,"
         "\"intermediate_size\":48,\"max_position_embeddings\":63,\"vocab_size\":146}",
         MST_PROTO, "position_embeddings.weight\" does not have the shape"},
        {"config.json",
         "{\"model_type\":\"bert\",\"hidden_size\":32,\"num_hidden_layers\":3,\"num_attention_heads\":4,"
         "\"intermediate_size\":48,\"max_position_embeddings\":64,\"vocab_size\":146,\"layer_norm_eps\":\"NaN\"}",
         MST_PROTO, "layer_norm_eps that is no number"},
        {"model.safetensors", "short", MST_PROTO, "too short"},
        {"model.safetensors", "\377\377\377\377\377\377\377\377{}", MST_PROTO, "not a safetensors file"},
        {"vocab.txt", "a\nb\n", MST_PROTO, "begin and end"},
        {"modules.json", "[{\"type\":\"sentence_transformers.models.Dense\",\"path\":\"2_Dense\"}]", MST_UNSUPPORTED,
         "models.Dense"},
        {"modules.json", "[{\"type\":\"x.Transformer\",\"path\":\"../up\"}]", MST_PROTO, "not below"},
        {"modules.json", "[{\"type\":\"x.Pooling\",\"path\":\"1_Pooling\"}]", MST_PROTO, "1_Pooling/config.json"},
        {"tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}", MST_UNSUPPORTED, "Unigram"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tiny_spec_t s = tiny_spec("bert");
        tiny_t *t = tiny_new(&s);
        if (rows[i].text == NULL)
            tiny_remove(t, rows[i].file);
        else
            tiny_put(t, rows[i].file, rows[i].text);
        expect_refused(t, rows[i].rc, rows[i].words);
        tiny_free(t);
    }
}

static void
test_encoder_refuses_every_cut_of_a_checkpoint(void **state)
{
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    mst_buf_t *file = NULL;
    (void)state;
    for (size_t i = 0; i < t->file_count; i++)
        file = strcmp(t->files[i].name, "model.safetensors") == 0 ? &t->files[i].bytes : file;
    size_t whole = file->n;
    for (size_t n = 0; n < whole; n += 1 + whole / 97) {
        file->n = n;
        expect_refused(t, MST_PROTO, "");
    }
    file->n = whole;
    tiny_free(t);
}

static void
pooled(const tiny_t *t, const mst_nn_ids_t *ids, bool cls, bool normalise, double *out)
{
    size_t h = t->spec.hidden, used = cls ? 1 : ids->count;
    double *x = oracle_states(t, ids->ids, ids->count, t->spec.layers), length = 0.0;
    for (size_t d = 0; d < h; d++) {
        out[d] = 0.0;
        for (size_t i = 0; i < used; i++)
            out[d] += x[i * h + d] / (double)used;
        length += out[d] * out[d];
    }
    for (size_t d = 0; normalise && d < h; d++)
        out[d] /= sqrt(length);
    free(x);
}

static void
expect_vectors(tiny_t *t, const char *text, size_t tokens, bool cls, bool normalise)
{
    mst_text_model_t *m = open_model(t);
    const mst_str_t texts[2] = {mst_str_c(text), MST_STR("a dog")};
    const mst_tokenizer_how_t how = {.len_max = tokens};
    const double *got = NULL;
    double want[64];
    mst_nn_ids_t ids;
    mst_err_t err;
    mst_arena_reset(arena);
    assert_int_equal(mst_text_model_embed(m, texts, 2, arena, &got, &err), MST_OK);
    assert_int_equal(
        mst_tokenizer_encode(mst_text_model_tokenizer(m), mst_utf8_trim(texts[0]), &how, arena, &ids, &err), MST_OK);
    pooled(t, &ids, cls, normalise, want);
    for (size_t d = 0; d < t->spec.hidden; d++)
        assert_true(fabs(got[d] - want[d]) <= CLOSE);
    mst_text_model_free(&m);
}

static void
test_sentence_vectors_follow_the_folder(void **state)
{
    static const char text[] = "  the cat sat on the mat, un-unit 42 dogs sitting on the unknown \xC3\xA9t\xC3\xA9  ";
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    (void)state;
    // a bare folder: mean of all tokens, as long as the model goes, not normalised
    expect_vectors(t, text, 64, false, false);
    expect_vectors(t, "", 64, false, false);
    tiny_put(t, "modules.json",
             "[{\"idx\":0,\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},"
             "{\"idx\":1,\"type\":\"sentence_transformers.models.Pooling\",\"path\":\"1_Pooling\"},"
             "{\"idx\":2,\"type\":\"sentence_transformers.models.Normalize\",\"path\":\"2_Normalize\"}]");
    tiny_put(t, "1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":false}");
    tiny_put(t, "sentence_bert_config.json", "{\"max_seq_length\":9,\"do_lower_case\":false}");
    expect_vectors(t, text, 9, false, true);
    tiny_put(t, "1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":false,\"pooling_mode_cls_token\":true}");
    expect_vectors(t, text, 9, true, true);
    tiny_put(t, "1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}");
    expect_refused(t, MST_UNSUPPORTED, "exactly one");
    tiny_free(t);
}

static void
test_sentence_length_is_the_smallest_that_is_named(void **state)
{
    tiny_spec_t s = tiny_spec("bert");
    tiny_t *t = tiny_new(&s);
    (void)state;
    mst_text_model_t *m = open_model(t);
    assert_int_equal(mst_text_model_len_max(m), 64);
    mst_text_model_free(&m);
    tiny_put(t, "tokenizer_config.json", "{\"model_max_length\":32}");
    m = open_model(t);
    assert_int_equal(mst_text_model_len_max(m), 32);
    mst_text_model_free(&m);
    tiny_put(t, "sentence_bert_config.json", "{\"max_seq_length\":48}"); // the library overrides the tokenizer
    m = open_model(t);
    assert_int_equal(mst_text_model_len_max(m), 48);
    mst_text_model_free(&m);
    tiny_put(t, "sentence_bert_config.json", "{\"max_seq_length\":4800}");
    tiny_put(t, "tokenizer_config.json", "{\"model_max_length\":1000000000000000019884624838656}");
    m = open_model(t);
    assert_int_equal(mst_text_model_len_max(m), 64);
    mst_text_model_free(&m);
    tiny_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder_agrees_with_double_precision),
        cmocka_unit_test(test_encoder_takes_large_batches_in_groups),
        cmocka_unit_test(test_encoder_refuses_ids_and_lengths_without_rows),
        cmocka_unit_test(test_encoder_refuses_what_it_would_get_wrong),
        cmocka_unit_test(test_encoder_refuses_every_cut_of_a_checkpoint),
        cmocka_unit_test(test_sentence_vectors_follow_the_folder),
        cmocka_unit_test(test_sentence_length_is_the_smallest_that_is_named),
    };
    return cmocka_run_group_tests_name("encoder", tests, set_up, tear_down);
}
