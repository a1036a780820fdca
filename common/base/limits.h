// Every named maximum of the product in one place. Bytes unless the name says otherwise.
// Where a limit guards an input from outside, passing it is MST_LIMIT with a sentence that names it.
#ifndef MST_BASE_LIMITS_H
#define MST_BASE_LIMITS_H

#define MST_KIB (1024UL)
#define MST_MIB (1024UL * 1024UL)

// input
#define MST_YAML_BYTES_MAX        (1 * MST_MIB)
#define MST_YAML_DEPTH_MAX        64
#define MST_YAML_NODES_MAX        100000
#define MST_JSON_BYTES_MAX        (32 * MST_MIB)
#define MST_JSON_DEPTH_MAX        64
#define MST_JSONL_LINE_MAX        (16 * MST_MIB)
#define MST_DECOMPRESS_RATIO_MAX  200
#define MST_HTTP_BODY_MAX         (64 * MST_MIB)
#define MST_HTTP_HEADER_MAX       (64 * MST_KIB)
#define MST_SSE_EVENT_MAX         (64 * MST_MIB)
#define MST_SSE_LINE_MAX          (64 * MST_MIB)

// comparing texts
#define MST_TEXT_SCRATCH_MAX      (256 * MST_MIB) // of one table of tokens or n-grams
#define MST_TEXT_ROWS_MAX         (64 * MST_MIB)  // of a table that a longest common subsequence is read back from
#define MST_TEXT_PATTERN_MAX      (4 * MST_MIB)   // units of the shorter text of an edit distance
#define MST_TEXT_WORK_MAX         (1UL << 29)     // steps of 64 comparisons for one subsequence or one distance

// the wire
#define MST_WIRE_FRAME_MAX        (1 * MST_MIB)   // any one message
#define MST_WIRE_UNPACK_MAX       (8 * MST_MIB)   // memory that unpacking one message may take
#define MST_CASE_INLINE_MAX       (64 * MST_KIB)  // a larger case travels as blob chunks
#define MST_RESULT_INLINE_MAX     (512 * MST_KIB) // a larger result travels as blob chunks
#define MST_BLOB_CHUNK            (256 * MST_KIB)
#define MST_CASE_BYTES_MAX        (64 * MST_MIB)  // a whole packed case
#define MST_RESULT_BYTES_MAX      (96 * MST_MIB)  // a whole reassembled result
#define MST_RAW_BYTES_MAX         (1 * MST_MIB)  // of a raw request and a raw response that are kept
#define MST_UNIT_CASES_MAX        128
#define MST_UNIT_BYTES_MAX        (512 * MST_KIB) // inline cases of one unit
#define MST_BATCH_BYTES_MAX       (768 * MST_KIB) // results sent in one message
#define MST_BATCH_ROWS_MAX        512
#define MST_LEASES_MAX            8192 // leases named in one message
#define MST_ORIGINS_MAX           4096 // origins of one session
#define MST_NAME_MAX              512  // names in messages: workers, models, engines
#define MST_SENTENCE_MAX          4096 // a sentence for people in a message

// a run
#define MST_TARGETS_MAX           64
#define MST_MODELS_MAX            256 // models by a name of one's own, of one file
#define MST_REPEATS_MAX           1000
#define MST_REPEAT_NO_MAX         1000000 // a load goes through its dataset as often as it needs
#define MST_SCORERS_MAX           64
#define MST_CASE_SLICES_MAX       16  // slices and tags of one case
#define MST_SLICE_NAME_MAX        100 // bytes of a slice's name
#define MST_SLICES_MAX            64  // slices of a run that are aggregated
#define MST_REDUCTIONS_MAX        8 // reductions of one scorer
#define MST_CONCURRENCY_MAX       8192
#define MST_CREDIT_CASES_MAX      8192
#define MST_CASES_MAX             1000000000UL
#define MST_CASES_HELD_BYTES_MAX  (64 * MST_MIB) // cases read ahead and not committed: reading pauses above
#define MST_REASON_MAX            1024 // one score's reason, cut with "..."
#define MST_ID_MAX                512  // a case id
#define MST_TOKENS_MAX            2000000 // token events of one completion

#define MST_MONEY_MAX 1e15 // of a run, in whatever currency its prices are

#endif
