// Where the three differ: SQuAD joins what punctuation separated ("a-b" is "ab"), TriviaQA does not; two answers that
// both normalise to nothing have F1 0 in v1.1 and in TriviaQA, 1 in v2.0, which also leaves out right answers that
// normalise to nothing, and takes the empty answer as the right one when none is left.
#include "common/text/qa.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/text/normalise.h"
#include "common/text/vocab.h"

#include <stdlib.h>

struct mst_qa {
    mst_qa_rules_t rules;
    mst_vocab_t vocab; // words of one right answer
    mst_buf_t counts;  // of each: uint32_t
    mst_buf_t scratch, answer, gold;
};

bool
mst_qa_rules_parse(mst_str_t name, mst_qa_rules_t *out)
{
    static const char *const names[] = {"squad", "squad2", "triviaqa"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mst_str_eq_c(name, names[i])) {
            *out = (mst_qa_rules_t)i;
            return true;
        }
    }
    return false;
}

mst_qa_t *
mst_qa_new(mst_qa_rules_t rules)
{
    mst_qa_t *q = MST_NEW(mst_qa_t);
    q->rules = rules;
    mst_vocab_init(&q->vocab);
    mst_buf_t *bufs[] = {&q->counts, &q->scratch, &q->answer, &q->gold};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        mst_buf_init(bufs[i], MST_TEXT_SCRATCH_MAX);
    return q;
}

void
mst_qa_free(mst_qa_t **q)
{
    if (q == NULL || *q == NULL)
        return;
    mst_vocab_deinit(&(*q)->vocab);
    mst_buf_deinit(&(*q)->counts);
    mst_buf_deinit(&(*q)->scratch);
    mst_buf_deinit(&(*q)->answer);
    mst_buf_deinit(&(*q)->gold);
    free(*q);
    *q = NULL;
}

// A character of the lowered text that both rules treat alike, or what becomes of it: a blank, or nothing.
typedef enum { PART, BLANK, GONE } fate_t;

static fate_t
fate(mst_qa_rules_t rules, uint32_t cp)
{
    if (mst_text_is_space(cp))
        return BLANK;
    if (cp < 0x80 && mst_text_is_mark((char)cp))
        return rules == MST_QA_TRIVIAQA ? BLANK : GONE;
    bool quote = cp == 0x2018 || cp == 0x2019 || cp == 0xB4;
    return quote && rules == MST_QA_TRIVIAQA ? BLANK : PART;
}

static bool
is_article(mst_str_t s)
{
    if (s.n == 1)
        return s.p[0] == 'a';
    if (s.n == 2)
        return memcmp(s.p, "an", 2) == 0;
    return s.n == 3 && memcmp(s.p, "the", 3) == 0;
}

// Drops the run of word characters that was written last when it is an article. True when it was.
static bool
drop_article(mst_buf_t *out, size_t run)
{
    if (!is_article(mst_str(out->p + run, out->n - run)))
        return false;
    out->n = run;
    return true;
}

mst_rc
mst_qa_normalise(mst_qa_rules_t rules, mst_str_t text, mst_buf_t *scratch, mst_buf_t *out)
{
    mst_str_t s = text;
    if (mst_text_lower(text, scratch, &s) != MST_OK)
        return MST_LIMIT;
    char *p = mst_room(out, s.n + 1); // never longer than the lowered text
    if (p == NULL)
        return MST_LIMIT;
    size_t run = 0; // where the run of word characters starts that out ends with
    bool in_run = false, blank = false;
    while (s.n > 0) {
        uint32_t cp = 0;
        size_t took = mst_text_next(s, &cp);
        fate_t f = fate(rules, cp);
        bool word = f == PART && mst_text_is_word(cp);
        if (f != GONE && in_run && !word) {
            blank = drop_article(out, run) || blank;
            in_run = false;
        }
        if (f == BLANK)
            blank = true;
        if (f == PART) {
            if (blank && out->n > 0 && p[out->n - 1] != ' ')
                p[out->n++] = ' ';
            blank = false;
            if (word && !in_run)
                run = out->n;
            in_run = word;
            for (size_t i = 0; i < took; i++)
                p[out->n++] = s.p[i];
        }
        s = mst_str(s.p + took, s.n - took);
    }
    if (in_run)
        (void)drop_article(out, run);
    if (out->n > 0 && p[out->n - 1] == ' ')
        out->n--;
    return MST_OK;
}

static bool
next_word(mst_str_t *rest, mst_str_t *out)
{
    if (rest->n == 0)
        return false;
    const char *blank = memchr(rest->p, ' ', rest->n);
    size_t n = blank != NULL ? (size_t)(blank - rest->p) : rest->n, skip = blank != NULL ? n + 1 : n;
    *out = mst_str(rest->p, n);
    *rest = mst_str(rest->p + skip, rest->n - skip);
    return true;
}

// Counts the words of the right answer; *total: how many.
static mst_rc
learn(mst_qa_t *q, mst_str_t gold, size_t *total)
{
    mst_str_t word;
    mst_vocab_clear(&q->vocab);
    mst_room_trim(&q->counts);
    for (*total = 0; next_word(&gold, &word); (*total)++) {
        uint32_t id = mst_vocab_add(&q->vocab, word), zero = 0;
        bool fresh = id != MST_VOCAB_NONE && (size_t)id == q->counts.n / sizeof zero;
        if (id == MST_VOCAB_NONE || (fresh && mst_buf_add(&q->counts, &zero, sizeof zero) != MST_OK))
            return MST_LIMIT;
        ((uint32_t *)(void *)q->counts.p)[id]++;
    }
    return MST_OK;
}

static mst_rc
f1_of(mst_qa_t *q, mst_str_t gold, mst_str_t answer, double *out)
{
    size_t wanted = 0, given = 0, same = 0;
    mst_str_t word;
    mst_rc rc = learn(q, gold, &wanted);
    if (rc != MST_OK)
        return rc;
    uint32_t *counts = (uint32_t *)(void *)q->counts.p;
    for (; next_word(&answer, &word); given++) {
        uint32_t id = mst_vocab_find(&q->vocab, word);
        if (id == MST_VOCAB_NONE || counts[id] == 0)
            continue;
        counts[id]--;
        same++;
    }
    *out = 0.0;
    if (q->rules == MST_QA_SQUAD2 && (wanted == 0 || given == 0))
        *out = wanted == given ? 1.0 : 0.0;
    if (same > 0) {
        double precision = (double)same / (double)given, recall = (double)same / (double)wanted;
        *out = 2.0 * precision * recall / (precision + recall);
    }
    return MST_OK;
}

static mst_rc
against(mst_qa_t *q, mst_str_t gold, mst_qa_score_t *best)
{
    double f1 = 0.0;
    mst_str_t answer = mst_buf_view(&q->answer);
    mst_rc rc = f1_of(q, gold, answer, &f1);
    if (rc != MST_OK)
        return rc;
    if (f1 > best->f1)
        best->f1 = f1;
    if (mst_str_eq(gold, answer))
        best->em = 1.0;
    return MST_OK;
}

mst_rc
mst_qa_score(mst_qa_t *q, const mst_str_t *golds, size_t gold_count, mst_str_t answer, mst_qa_score_t *out,
             mst_err_t *err)
{
    if (gold_count == 0)
        return MST_ERR(err, MST_INVAL, "qa_f1 needs a right answer");
    *out = (mst_qa_score_t){0};
    size_t used = 0;
    mst_rc rc = mst_qa_normalise(q->rules, answer, &q->scratch, &q->answer);
    for (size_t i = 0; i < gold_count && rc == MST_OK; i++) {
        rc = mst_qa_normalise(q->rules, golds[i], &q->scratch, &q->gold);
        if (rc != MST_OK || (q->rules == MST_QA_SQUAD2 && q->gold.n == 0))
            continue;
        used++;
        rc = against(q, mst_buf_view(&q->gold), out);
    }
    if (rc == MST_OK && used == 0)
        rc = against(q, MST_STR(""), out);
    mst_room_trim(&q->scratch);
    mst_room_trim(&q->answer);
    if (rc != MST_OK)
        return MST_ERR(err, MST_LIMIT, "texts of %zu and %zu bytes are too long to compare", golds[0].n, answer.n);
    return MST_OK;
}
