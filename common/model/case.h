// A case: one dataset row, prompt or conversation. Open record; every slice borrows from the row's arena or
// from the message that it came in.
#ifndef MST_MODEL_CASE_H
#define MST_MODEL_CASE_H

#include "common/base/str.h"

typedef struct {
    uint64_t case_no;      // place in the dataset as accepted, from 0; refused rows do not count
    mst_str_t id;          // unique in its dataset; "case-000001" style when the row has none
    mst_str_t input;       // prompt
    bool has_expected;
    mst_str_t expected;    // reference answer; a non-string value as its JSON text
    bool has_actual;
    mst_str_t actual;      // recorded answer: with it and without a provider nothing is asked
    mst_str_t messages;    // JSON array of chat messages, or empty: then input is one user message
    mst_str_t context;     // JSON array of strings, or empty
    mst_str_t retrieval_context; // the same
    mst_str_t metadata;    // JSON object, or empty; of recorded answers: ttft_ms, total_latency_ms, tokens_generated
    uint8_t digest[8];     // first 8 bytes of the SHA-256 of the canonical row
} mst_case_t;

// What identifies one result in a run: who was asked, what, and for which time.
typedef struct {
    uint64_t case_no;
    uint32_t target_no;
    uint32_t repeat_no;
} mst_key_t;

#endif
