// The layer of each published model whose token vectors agree best with human judgement, as bert_score's authors
// measured it on WMT16. 0 would be the embeddings. Models of other families are listed for those who read a score
// elsewhere; whether one can be run here is the encoder's to say.
#include "common/nn/bertscore.h"

static const struct {
    const char *model;
    int layer;
} layers[] = {
    {"bert-base-uncased", 9},
    {"bert-large-uncased", 18},
    {"bert-base-cased-finetuned-mrpc", 9},
    {"bert-base-multilingual-cased", 9},
    {"bert-base-chinese", 8},
    {"roberta-base", 10},
    {"roberta-large", 17},
    {"roberta-large-mnli", 19},
    {"roberta-base-openai-detector", 7},
    {"roberta-large-openai-detector", 15},
    {"distilbert-base-uncased", 5},
    {"distilbert-base-uncased-distilled-squad", 4},
    {"distilbert-base-multilingual-cased", 5},
    {"distilroberta-base", 5},
    {"albert-xxlarge-v2", 8},
    {"xlm-roberta-base", 9},
    {"xlm-roberta-large", 17},
    {"allenai/scibert_scivocab_uncased", 8},
    {"allenai/scibert_scivocab_cased", 9},
    {"dbmdz/bert-base-turkish-cased", 10},
    {"dbmdz/distilbert-base-turkish-cased", 4},
    {"facebook/bart-large-mnli", 11},
    {"microsoft/deberta-base", 9},
    {"microsoft/deberta-base-mnli", 9},
    {"microsoft/deberta-large", 16},
    {"microsoft/deberta-large-mnli", 18},
    {"microsoft/deberta-v2-xlarge-mnli", 17},
    {"microsoft/deberta-v2-xxlarge-mnli", 22},
    {"microsoft/deberta-v3-base", 9},
    {"microsoft/deberta-v3-large", 12},
    {"microsoft/deberta-xlarge", 18},
    {"microsoft/deberta-xlarge-mnli", 40},
    {"microsoft/mpnet-base", 8},
    {"princeton-nlp/sup-simcse-bert-base-uncased", 10},
    {"princeton-nlp/sup-simcse-bert-large-uncased", 18},
    {"princeton-nlp/sup-simcse-roberta-base", 10},
    {"princeton-nlp/sup-simcse-roberta-large", 16},
    {"princeton-nlp/unsup-simcse-bert-base-uncased", 10},
    {"princeton-nlp/unsup-simcse-bert-large-uncased", 18},
    {"princeton-nlp/unsup-simcse-roberta-base", 8},
    {"princeton-nlp/unsup-simcse-roberta-large", 13},
    {"ProsusAI/finbert", 10},
    {"SpanBERT/spanbert-base-cased", 8},
    {"SpanBERT/spanbert-large-cased", 17},
    {"google/bert_uncased_L-2_H-128_A-2", 1},
    {"google/bert_uncased_L-2_H-256_A-4", 1},
    {"google/bert_uncased_L-2_H-512_A-8", 1},
    {"google/bert_uncased_L-2_H-768_A-12", 2},
    {"google/bert_uncased_L-4_H-128_A-2", 3},
    {"google/bert_uncased_L-4_H-256_A-4", 3},
    {"google/bert_uncased_L-4_H-512_A-8", 3},
    {"google/bert_uncased_L-4_H-768_A-12", 3},
    {"google/bert_uncased_L-6_H-128_A-2", 5},
    {"google/bert_uncased_L-6_H-256_A-4", 5},
    {"google/bert_uncased_L-6_H-512_A-8", 5},
    {"google/bert_uncased_L-6_H-768_A-12", 5},
    {"google/bert_uncased_L-8_H-128_A-2", 7},
    {"google/bert_uncased_L-8_H-256_A-4", 7},
    {"google/bert_uncased_L-8_H-512_A-8", 6},
    {"google/bert_uncased_L-8_H-768_A-12", 7},
    {"google/bert_uncased_L-10_H-128_A-2", 8},
    {"google/bert_uncased_L-10_H-256_A-4", 8},
    {"google/bert_uncased_L-10_H-512_A-8", 9},
    {"google/bert_uncased_L-10_H-768_A-12", 8},
    {"google/bert_uncased_L-12_H-128_A-2", 10},
    {"google/bert_uncased_L-12_H-256_A-4", 11},
    {"google/bert_uncased_L-12_H-512_A-8", 10},
    {"google/bert_uncased_L-12_H-768_A-12", 9},
};

static mst_str_t
last_part(mst_str_t path)
{
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/')
            return mst_str(path.p + i, path.n - i);
    }
    return path;
}

// Organisations are left aside: a folder seldom carries one.
int
mst_bertscore_layer(mst_str_t model)
{
    mst_str_t name = last_part(model);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        if (mst_str_eq(last_part(mst_str_c(layers[i].model)), name))
            return layers[i].layer;
    }
    return -1;
}
