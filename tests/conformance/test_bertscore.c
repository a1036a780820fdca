// BERTScore's formulas against bert_score: greedy matching, idf, rescaling, its tables of baselines; and pooling and
// cosine of sentence vectors against sentence-transformers.
#include "conformance/scoring.h"

#include "common/nn/bertscore.h"
#include "common/nn/pooling.h"
#include "worker/model/openblas.h"

#include <math.h>

#define NEAR 1e-9

typedef struct {
    mst_blas_t blas;
    mst_arena_t *arena;
} rig_t;

typedef bool check_fn(const rig_t *r, const mst_json_t *row);

static int
run_table(const rig_t *r, const char *name, check_fn *check)
{
    tst_file_t *f = tst_open_data(name);
    size_t rows = 0, agreed = 0;
    if (f == NULL)
        return 77;
    for (const mst_json_t *row; (row = tst_row(f)) != NULL; rows++) {
        mst_arena_reset(r->arena);
        bool same = check(r, row);
        agreed += same;
        if (!same)
            printf("%s:%zu differs\n", name, f->line);
    }
    tst_close(f);
    return tst_agreed(name, agreed, rows);
}

// A list of numbers, or of lists of numbers, one behind the other.
static double *
numbers(const mst_json_t *v, mst_arena_t *arena, size_t *out_rows, size_t *out_cols)
{
    bool nested = v->count > 0 && mst_json_at(v, 0)->type == MST_JSON_ARR;
    *out_rows = v->count;
    *out_cols = nested ? mst_json_at(v, 0)->count : 1;
    double *out = MST_ARENA_ARRAY(arena, double, *out_rows **out_cols + 1);
    for (uint32_t r = 0; r < v->count; r++) {
        for (uint32_t c = 0; c < *out_cols; c++)
            (void)mst_json_f64(nested ? mst_json_at(mst_json_at(v, r), c) : mst_json_at(v, r), &out[r * *out_cols + c]);
    }
    return out;
}

static bool
near(double a, double b)
{
    return fabs(a - b) <= NEAR;
}

static bool
check_matching(const rig_t *r, const mst_json_t *row)
{
    size_t n = 0, one, weights;
    mst_bs_side_t hyp, ref;
    mst_prf1_t got, base, scaled;
    mst_err_t err;
    hyp.vectors = numbers(mst_json_get(row, "hyp_embeddings"), r->arena, &hyp.count, &n);
    ref.vectors = numbers(mst_json_get(row, "ref_embeddings"), r->arena, &ref.count, &n);
    hyp.weights = numbers(mst_json_get(row, "hyp_idf"), r->arena, &weights, &one);
    ref.weights = numbers(mst_json_get(row, "ref_idf"), r->arena, &weights, &one);
    if (mst_bertscore_match(&r->blas, &hyp, &ref, n, r->arena, &got, &err) != MST_OK)
        return false;
    const double *b = numbers(mst_json_get(row, "baseline"), r->arena, &weights, &one);
    base = (mst_prf1_t){b[0], b[1], b[2]};
    scaled = mst_bertscore_rescale(got, base);
    const double *want = numbers(mst_json_get(row, "rescaled"), r->arena, &weights, &one);
    return near(got.precision, tst_num(row, "precision")) && near(got.recall, tst_num(row, "recall")) &&
           near(got.f1, tst_num(row, "f1")) && near(scaled.precision, want[0]) && near(scaled.recall, want[1]) &&
           near(scaled.f1, want[2]);
}

static bool
check_idf(const rig_t *r, const mst_json_t *row)
{
    const mst_json_t *documents = mst_json_get(row, "reference_token_ids"), *idf = mst_json_get(row, "idf");
    mst_idf_t table;
    mst_err_t err;
    if (mst_idf_init(&table, 30521, r->arena, &err) != MST_OK)
        return false;
    for (uint32_t i = 0; i < documents->count; i++) {
        const mst_json_t *list = mst_json_at(documents, i);
        mst_nn_ids_t ids = {.ids = MST_ARENA_ARRAY(r->arena, uint32_t, list->count), .max = list->count};
        for (uint32_t k = 0; k < list->count; k++) {
            int64_t id = 0;
            (void)mst_json_i64(mst_json_at(list, k), &id);
            (void)mst_nn_ids_put(&ids, (uint32_t)id);
        }
        mst_idf_add(&table, &ids);
    }
    bool same = idf->count > 0 && near(mst_idf_weight(&table, 30000), tst_num(row, "idf_unseen")) &&
                near(mst_idf_weight(&table, UINT32_MAX), tst_num(row, "idf_unseen"));
    for (uint32_t i = 0; i < idf->count; i++) {
        uint64_t id = 0;
        double want = -1.0;
        same = same && mst_str_to_u64(idf->u.members[i].key, &id) && mst_json_f64(&idf->u.members[i].value, &want) &&
               near(mst_idf_weight(&table, (uint32_t)id), want);
    }
    return same;
}

// The rows that the mask leaves, pooled and made one long.
static const double *
pooled(const rig_t *r, const mst_json_t *row, const char *key, size_t *out_n)
{
    size_t rows, used = 0, one;
    const double *all = numbers(mst_json_get(row, key), r->arena, &rows, out_n);
    const double *mask = numbers(mst_json_get(row, "attention_mask"), r->arena, &rows, &one);
    double *kept = MST_ARENA_ARRAY(r->arena, double, rows **out_n + 1);
    double *out = MST_ARENA_ARRAY(r->arena, double, *out_n);
    for (size_t i = 0; i < rows; i++) {
        for (size_t d = 0; mask[i] > 0.0 && d < *out_n; d++)
            kept[used * *out_n + d] = all[i * *out_n + d];
        used += mask[i] > 0.0;
    }
    mst_pool(MST_POOL_MEAN, kept, used, *out_n, out);
    mst_l2_normalise(out, *out_n);
    return out;
}

static bool
check_pooling(const rig_t *r, const mst_json_t *row)
{
    size_t n, one;
    const double *a = pooled(r, row, "token_embeddings_a", &n), *b = pooled(r, row, "token_embeddings_b", &n);
    const double *want_a = numbers(mst_json_get(row, "pooled_normalized_a"), r->arena, &n, &one);
    const double *want_b = numbers(mst_json_get(row, "pooled_normalized_b"), r->arena, &n, &one);
    bool same = near(mst_cosine(a, b, n), tst_num(row, "cosine_eps1e8")) &&
                near(fmax(0.0, mst_cosine(a, b, n)), tst_num(row, "score_clamped"));
    for (size_t d = 0; d < n; d++)
        same = same && near(a[d], want_a[d]) && near(b[d], want_b[d]);
    return same;
}

static int
check_baselines(void)
{
    static const struct {
        const char *file;
        size_t layers, probe;
        double p, r, f;
    } tables[] = {
        {"bertscore/rescale_baseline/en/roberta-large.tsv", 24, 17, 0.83150584, 0.8314941, 0.83122575},
        {"bertscore/rescale_baseline/en/microsoft/deberta-xlarge-mnli.tsv", 48, 40, 0.5169066, 0.5170288, 0.5150192},
    };

    size_t agreed = 0, rows = 0;
    for (size_t i = 0; i < 2; i++) {
        tst_file_t *f = tst_open_data(tables[i].file);
        mst_prf1_t b;
        mst_err_t err;
        if (f == NULL)
            return 77;
        for (size_t layer = 0; layer <= tables[i].layers; layer++, rows++)
            agreed += mst_bertscore_baseline(mst_str(f->text, f->n), layer, &b, &err) == MST_OK && b.f1 > 0.2;
        rows += 2;
        agreed += mst_bertscore_baseline(mst_str(f->text, f->n), tables[i].layers + 1, &b, &err) == MST_NOTFOUND;
        agreed += mst_bertscore_baseline(mst_str(f->text, f->n), tables[i].probe, &b, &err) == MST_OK &&
                  near(b.precision, tables[i].p) && near(b.recall, tables[i].r) && near(b.f1, tables[i].f);
        tst_close(f);
    }
    return tst_agreed("tables of baselines", agreed, rows);
}

int
main(void)
{
    rig_t r = {.arena = mst_arena_new(64u << 20)};
    mst_err_t err;
    if (mst_openblas_open(&r.blas, &err) != MST_OK) {
        printf("skipped: %s\n", err.message);
        return 77;
    }
    int matching = run_table(&r, "fixtures/bertscore_matching.jsonl", check_matching);
    int idf = run_table(&r, "fixtures/bertscore_idf.jsonl", check_idf);
    int pooling = run_table(&r, "fixtures/embedding_pooling_cosine.jsonl", check_pooling);
    int tables = check_baselines();
    mst_arena_free(&r.arena);
    if (matching == 77 || idf == 77 || pooling == 77 || tables == 77)
        return 77;
    return matching | idf | pooling | tables;
}
