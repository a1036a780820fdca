// Validations per second: a schema of the size that extraction tasks have, compiled once, against values that conform
// and that do not; with and without reading the text. bench/jsonschema_reference.py does the same in Python.
#include "common/base/clock.h"
#include "common/schema/schema.h"

#include <stdio.h>
#include <stdlib.h>

static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"email\",\"items\",\"total\"],\"additionalProperties\":false,"
    "\"properties\":{\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":80},"
    "\"email\":{\"type\":\"string\",\"pattern\":\"^[^@ ]+@[^@ ]+\\\\.[a-z]{2,}$\"},"
    "\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":150},\"tags\":{\"type\":\"array\",\"uniqueItems\":true,"
    "\"items\":{\"enum\":[\"new\",\"vip\",\"late\",\"gift\"]}},\"items\":{\"type\":\"array\",\"minItems\":1,"
    "\"items\":{\"$ref\":\"#/$defs/item\"}},\"total\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"ship\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\":[\"city\"],\"properties\":{"
    "\"city\":{\"type\":\"string\"},\"zip\":{\"type\":\"string\"}}}]}},\"$defs\":{\"item\":{\"type\":\"object\","
    "\"required\":[\"sku\",\"count\"],\"properties\":{\"sku\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-\\\\d+$\"},"
    "\"count\":{\"type\":\"integer\",\"minimum\":1},\"price\":{\"type\":\"number\",\"multipleOf\":0.01}}}}}";

static const char good[] =
    "{\"name\":\"Ada Lovelace\",\"email\":\"ada@example.org\",\"age\":36,\"tags\":[\"new\",\"vip\"],"
    "\"items\":[{\"sku\":\"AB-1\",\"count\":2,\"price\":9.99},{\"sku\":\"CD-22\",\"count\":1,\"price\":19.5},"
    "{\"sku\":\"EF-333\",\"count\":7,\"price\":0.25}],\"total\":41.23,\"ship\":{\"city\":\"London\",\"zip\":\"N1\"}}";

static const char bad[] =
    "{\"name\":\"Ada Lovelace\",\"email\":\"ada@example.org\",\"age\":36,\"tags\":[\"new\",\"vip\"],"
    "\"items\":[{\"sku\":\"AB-1\",\"count\":2,\"price\":9.99},{\"sku\":\"CD-22\",\"count\":1,\"price\":19.5},"
    "{\"sku\":\"EF-333\",\"count\":0,\"price\":0.25}],\"total\":41.23,\"ship\":{\"city\":\"London\",\"zip\":\"N1\"}}";

static const mst_json_t *
parse(mst_json_parser_t *parser, mst_str_t text, mst_arena_t *arena)
{
    mst_err_t err;
    const mst_json_t *v = NULL;
    if (mst_json_parse(parser, text, arena, &v, NULL, &err) != MST_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return v;
}

static void
bench(const char *what, mst_schema_t *schema, mst_str_t text, bool read, int rounds)
{
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(1u << 20);
    const mst_json_t *value = parse(parser, text, arena);
    mst_schema_verdict_t verdict;
    mst_err_t err;
    size_t valid = 0;
    int64_t start = mst_mono_ns();
    for (int i = 0; i < rounds; i++) {
        if (read) {
            mst_arena_reset(arena);
            value = parse(parser, text, arena);
        }
        if (mst_schema_check(schema, value, &verdict, &err) != MST_OK)
            exit(1);
        valid += verdict.valid;
    }
    double seconds = (double)(mst_mono_ns() - start) / 1e9;
    printf("%-36s %12.0f a second (%zu of %d valid)\n", what, (double)rounds / seconds, valid, rounds);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
}

int
main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 200000;
    mst_json_parser_t *parser = mst_json_parser_new();
    mst_arena_t *arena = mst_arena_new(8u << 20);
    mst_err_t err;
    mst_schema_t *schema = NULL;
    int64_t start = mst_mono_ns();
    for (int i = 0; i < 200; i++) {
        mst_schema_free(&schema);
        if (mst_schema_new(parse(parser, mst_str_c(schema_text), arena), NULL, &schema, &err) != MST_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
    }
    printf("%-36s %12.0f a second\n", "compiling", 200.0 / ((double)(mst_mono_ns() - start) / 1e9));
    bench("valid", schema, mst_str_c(good), false, rounds);
    bench("valid, read from text", schema, mst_str_c(good), true, rounds);
    bench("invalid, with its sentence", schema, mst_str_c(bad), false, rounds);
    mst_schema_free(&schema);
    mst_arena_free(&arena);
    mst_json_parser_free(&parser);
    return 0;
}
