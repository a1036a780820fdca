#include "common/nn/bertscore.h"

#include "common/nn/pooling.h"

#include <math.h>

#define SPECIALS 2 // begin and end

mst_rc
mst_idf_init(mst_idf_t *idf, uint32_t id_max, mst_arena_t *arena, mst_err_t *err)
{
    *idf = (mst_idf_t){.id_max = id_max};
    idf->seen = MST_ARENA_ARRAY(arena, uint32_t, (size_t)id_max + 1);
    idf->last = MST_ARENA_ARRAY(arena, uint32_t, (size_t)id_max + 1);
    if (idf->seen == NULL || idf->last == NULL)
        return MST_ERR(err, MST_LIMIT, "no room for the frequencies of %u tokens", id_max);
    return MST_OK;
}

void
mst_idf_add(mst_idf_t *idf, const mst_nn_ids_t *document)
{
    idf->documents++;
    for (size_t i = 0; i < document->count; i++) {
        uint32_t id = document->ids[i];
        if (id <= idf->id_max && idf->last[id] != idf->documents) {
            idf->last[id] = idf->documents;
            idf->seen[id]++;
        }
    }
}

double
mst_idf_weight(const mst_idf_t *idf, uint32_t id)
{
    double df = id <= idf->id_max ? (double)idf->seen[id] : 0.0;
    return log(((double)idf->documents + 1.0) / (df + 1.0));
}

// Mean of the best matches, by weight. NaN without any weight.
static double
weighted(const double *best, const double *weights, size_t count)
{
    double sum = 0.0, all = 0.0;
    for (size_t i = 0; i < count; i++)
        all += weights[i];
    for (size_t i = 0; i < count; i++)
        sum += best[i] * (weights[i] / all);
    return sum;
}

mst_rc
mst_bertscore_match(const mst_blas_t *blas, mst_bs_side_t *answer, mst_bs_side_t *reference, size_t n,
                    mst_arena_t *arena, mst_prf1_t *out, mst_err_t *err)
{
    size_t rows = answer->count, cols = reference->count;
    *out = (mst_prf1_t){0};
    if (rows <= SPECIALS || cols <= SPECIALS)
        return MST_OK;
    double *cosines = mst_arena_alloc_raw(arena, rows * cols * sizeof *cosines);
    double *best = mst_arena_alloc_raw(arena, (rows + cols) * sizeof *best);
    if (cosines == NULL || best == NULL)
        return MST_ERR(err, MST_LIMIT, "no room to match %zu with %zu tokens", rows, cols);
    for (size_t i = 0; i < rows; i++)
        mst_l2_normalise(answer->vectors + i * n, n);
    for (size_t i = 0; i < cols; i++)
        mst_l2_normalise(reference->vectors + i * n, n);
    blas->dgemm(MST_BLAS_ROW_MAJOR, MST_BLAS_NO_TRANS, MST_BLAS_TRANS, (int)rows, (int)cols, (int)n, 1.0,
                answer->vectors, (int)n, reference->vectors, (int)n, 0.0, cosines, (int)cols);
    for (size_t i = 0; i < rows + cols; i++)
        best[i] = -INFINITY;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < cols; c++) {
            best[r] = fmax(best[r], cosines[r * cols + c]);
            best[rows + c] = fmax(best[rows + c], cosines[r * cols + c]);
        }
    }
    out->precision = weighted(best, answer->weights, rows);
    out->recall = weighted(best + rows, reference->weights, cols);
    out->f1 = 2.0 * out->precision * out->recall / (out->precision + out->recall);
    if (!isfinite(out->precision) || !isfinite(out->recall))
        *out = (mst_prf1_t){0};
    if (!isfinite(out->f1))
        out->f1 = 0.0;
    return MST_OK;
}

mst_prf1_t
mst_bertscore_rescale(mst_prf1_t s, mst_prf1_t b)
{
    return (mst_prf1_t){.precision = (s.precision - b.precision) / (1.0 - b.precision),
                        .recall = (s.recall - b.recall) / (1.0 - b.recall),
                        .f1 = (s.f1 - b.f1) / (1.0 - b.f1)};
}

// The next field of a line, up to a comma or a tab.
static mst_str_t
next_field(mst_str_t *line)
{
    size_t n = 0;
    while (n < line->n && line->p[n] != ',' && line->p[n] != '\t')
        n++;
    mst_str_t field = mst_str_trim(mst_str(line->p, n));
    n += n < line->n ? 1 : 0;
    *line = mst_str(line->p + n, line->n - n);
    return field;
}

static bool
read_row(mst_str_t line, mst_prf1_t *out)
{
    mst_prf1_t b;
    if (!mst_str_to_f64(next_field(&line), false, &b.precision) ||
        !mst_str_to_f64(next_field(&line), false, &b.recall) || !mst_str_to_f64(next_field(&line), false, &b.f1))
        return false;
    *out = b;
    return b.precision < 1.0 && b.recall < 1.0 && b.f1 < 1.0;
}

mst_rc
mst_bertscore_baseline(mst_str_t table, size_t layer, mst_prf1_t *out, mst_err_t *err)
{
    while (table.n > 0) {
        const char *lf = memchr(table.p, '\n', table.n);
        size_t n = lf != NULL ? (size_t)(lf - table.p) : table.n;
        mst_str_t line = mst_str(table.p, n);
        n += lf != NULL ? 1 : 0;
        table = mst_str(table.p + n, table.n - n);
        uint64_t number = 0;
        if (!mst_str_to_u64(next_field(&line), &number) || number != layer)
            continue;
        if (read_row(line, out))
            return MST_OK;
        return MST_ERR(err, MST_PROTO, "the row of layer %zu does not hold three numbers below 1", layer);
    }
    return MST_ERR(err, MST_NOTFOUND, "there is no row of layer %zu", layer);
}
