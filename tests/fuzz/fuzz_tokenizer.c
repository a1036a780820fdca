// A tokenizer's files and a text of any bytes. The first byte says which file comes first: tokenizer.json, vocab.txt,
// or vocab.json and merges.txt; parts end at a NUL byte. Ids stay below the largest, a text is cut at the length,
// and the same text gives the same ids.
#include "common/nn/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const char *names[2];
    mst_str_t texts[2];
} parts_t;

static void
require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz_tokenizer: %s\n", what);
    abort();
}

static mst_rc
read_part(void *ud, const char *name, mst_str_t *out, mst_err_t *err)
{
    const parts_t *p = ud;
    for (size_t i = 0; i < 2; i++) {
        if (p->names[i] != NULL && strcmp(p->names[i], name) == 0) {
            *out = p->texts[i];
            return MST_OK;
        }
    }
    return MST_ERR(err, MST_NOTFOUND, "there is no file \"%s\"", name);
}

static mst_str_t
next_part(mst_str_t *rest)
{
    const char *nul = rest->n > 0 ? memchr(rest->p, 0, rest->n) : NULL;
    size_t n = nul != NULL ? (size_t)(nul - rest->p) : rest->n;
    mst_str_t part = mst_str(rest->p, n);
    n += nul != NULL ? 1 : 0;
    *rest = mst_str(rest->p + n, rest->n - n);
    return part;
}

static void
use(const mst_tokenizer_t *t, mst_str_t text, unsigned flags)
{
    mst_arena_t *arena = mst_arena_new(64u << 20);
    const mst_tokenizer_how_t how = {.len_max = 2 + flags % 61, .slow = (flags & 64) != 0, .prefix_blank = flags > 127};
    mst_nn_ids_t a, b;
    mst_err_t err;
    require(mst_tokenizer_encode(t, text, &how, arena, &a, &err) == MST_OK, "a short text does not fit");
    require(mst_tokenizer_encode(t, text, &how, arena, &b, &err) == MST_OK, "a short text does not fit again");
    require(a.count >= 2 && a.count <= how.len_max, "a text is not cut");
    require(a.count == b.count && memcmp(a.ids, b.ids, a.count * sizeof *a.ids) == 0, "the same text differs");
    for (size_t i = 0; i < a.count; i++)
        require(a.ids[i] <= mst_tokenizer_id_max(t), "an id is over the largest");
    mst_arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[3][2] = {{"tokenizer.json", "tokenizer_config.json"},
                                            {"vocab.txt", "tokenizer_config.json"},
                                            {"vocab.json", "merges.txt"}};
    if (size < 2)
        return 0;
    mst_str_t rest = mst_str((const char *)data + 2, size - 2);
    parts_t p = {.names = {names[data[0] % 3][0], names[data[0] % 3][1]}};
    p.texts[0] = next_part(&rest);
    p.texts[1] = next_part(&rest);
    if (p.texts[1].n == 0 && data[0] % 3 != 2)
        p.names[1] = NULL;
    const mst_nn_files_t files = {.read = read_part, .ud = &p};
    mst_arena_t *arena = mst_arena_new(64u << 20);
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_tokenizer_t *t = NULL;
    mst_err_t err = {0};
    mst_rc rc = mst_tokenizer_new(&files, parser, arena, &t, &err);
    require((rc == MST_OK) == (t != NULL), "a tokenizer and an error");
    require(rc == MST_OK || err.message[0] != '\0', "refused without a sentence");
    if (rc == MST_OK)
        use(t, rest, data[1]);
    mst_json_parser_free(&parser);
    mst_arena_free(&arena);
    return 0;
}
