// The final number of an answer, found as the GSM8K tasks of lm-evaluation-harness and of the data set's own code
// find it. Written by hand, since it is on the path of every case; a test holds them against the regular
// expressions. Pure; allocates nothing. Thread: any.
#ifndef MST_TEXT_NUMBER_H
#define MST_TEXT_NUMBER_H

#include "common/base/str.h"

typedef enum {
    MST_NUMBER_STRICT,   // first  #### (\-?[0-9\.\,]+)
    MST_NUMBER_FLEXIBLE, // last   (-?[$0-9.,]{2,})|(-?[0-9]+)
    MST_NUMBER_COT,      // first  The answer is (\-?[0-9\.\,]+).
    MST_NUMBER_ORIGINAL, // as STRICT; what differs is the comparison (mst_number_original_eq)
} mst_number_filter_t;

// View of the number in text, or false: then the harness says "[invalid]".
bool mst_number_extract(mst_number_filter_t filter, mst_str_t text, mst_str_t *out);

// Without all "," and "$", then without everything up to the last "#### ", then without a last "." (also before a
// last newline), then in lower case (ASCII): what the harness compares. Writes at most s.n bytes to out.
mst_str_t mst_number_harness_form(mst_str_t s, char *out);

// The same with commas alone removed, for the data set's own comparison.
mst_str_t mst_number_original_form(mst_str_t s, char *out);

// Equality by value of two decimal numbers of any length, exactly: "18.00" is "18", "-0" is "0", "1,000" is
// "1000". Commas, "$", blanks at the ends and a last "." are let go. False when either is no number.
bool mst_number_value_eq(mst_str_t a, mst_str_t b);

#endif
