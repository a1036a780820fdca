// Assertion names of promptfoo. Taken over where they mean the same as a scorer here, with `value`, `threshold` and
// defaults put where that scorer has them; refused with a sentence where the same name would give other verdicts.
// "not-" before any name is the configuration's business. A name that is a scorer's own (contains, regex, cost, bleu,
// perplexity) keeps that scorer's parameters.
#include "scorers/scorer.h"

#define VALUE_LIST .value = "value", .list = true

static const mst_scorer_alias_t aliases[] = {
    {.name = "icontains", .scorer = "contains", .value = "value", .preset = "{case_sensitive: false}"},
    {.name = "contains-all", .scorer = "contains", VALUE_LIST},
    {.name = "contains-any", .scorer = "contains", VALUE_LIST, .preset = "{match: any}"},
    {.name = "icontains-all", .scorer = "contains", VALUE_LIST, .preset = "{case_sensitive: false}"},
    {.name = "icontains-any", .scorer = "contains", VALUE_LIST, .preset = "{case_sensitive: false, match: any}"},
    {.name = "is-json", .scorer = "json_schema", .bare = "json_valid", .value = "schema"},
    {.name = "contains-json", .scorer = "json_schema", .bare = "json_valid", .value = "schema",
     .preset = "{extract: any}"},
    {.name = "levenshtein", .scorer = "edit_distance", .value = "expected", .threshold = "max_distance",
     .preset = "{max_distance: 5}"},
    {.name = "similar", .scorer = "cosine", .value = "expected", .preset = "{threshold: 0.75}"},
    {.name = "assert-set", .why = "its score is a mean of its assertions; write all: (every scorer must pass) or any:"},
    {.name = "rouge-n", .why = "it is a recall of its own; use rouge with rouge_types: [rouge1] and set its threshold"},
    {.name = "rouge-l", .why = "it is a measure of its own; use rouge with rouge_types: [rougeL] and a threshold"},
    {.name = "rouge-s", .why = "skip-bigrams are not counted here; use rouge with rouge_types: [rouge2]"},
    {.name = "gleu", .why = "use bleu or chrf and set their threshold"},
    {.name = "meteor", .why = "it needs tables of synonyms; use rouge with use_stemmer, or chrf"},
    {.name = "latency", .why = "it judges the whole request; use ttft, tpot or latency_p99 with their limits in ms"},
    {.name = "perplexity-score", .why = "use perplexity with max_perplexity; its score falls above that limit"},
    {.name = "javascript", .why = "write the check as a program for type: exec, in any language"},
    {.name = "python", .why = "write the check as a function for type: exec (docs/extending.md)"},
    {.name = "ruby", .why = "write the check as a program for type: exec, in any language"},
    {.name = "webhook", .why = "write the check as a program for type: exec, in any language"},
    {.name = NULL},
};

const mst_scorer_alias_t *
mst_scorers_aliases(void)
{
    return aliases;
}
