// The schema validator against the JSON Schema Test Suite, drafts 2020-12 and 7: every file of the folders, the
// optional ones (optional/, formats asserted) counted by themselves. And the built-in metaschemas, which were written
// anew, against the official documents: both must say the same of every schema and every value of the suite.
#include "common/schema/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX 2000
#define BASE      "http://localhost:1234/"

typedef struct {
    char *paths[FILES_MAX];
    size_t count;
} files_t;

typedef struct {
    mst_json_parser_t *parser;
    mst_arena_t *arena; // documents
    mst_schema_doc_t remotes[FILES_MAX];
    size_t remote_count;
    mst_schema_t *ours[2], *official[2]; // metaschemas, by draft
    size_t required, required_agreed, optional, optional_agreed, meta, meta_agreed;
} suite_t;

static void
list_files(files_t *to, const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char path[4096];
        struct stat st;
        if (e->d_name[0] == '.' || to->count == FILES_MAX)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            list_files(to, path);
        else
            to->paths[to->count++] = mst_xstrdup(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static int
order_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const mst_json_t *
read_json(suite_t *s, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    mst_err_t err;
    const mst_json_t *v = NULL;
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = mst_xalloc(n + 1);
    n = fread(text, 1, n, f);
    fclose(f);
    if (mst_json_parse(s->parser, mst_str(text, n), s->arena, &v, NULL, &err) != MST_OK)
        printf("%s: %s\n", path, err.message);
    free(text);
    return v;
}

static mst_str_t
text_of(const mst_json_t *obj, const char *key)
{
    mst_str_t t = MST_STR_NULL;
    (void)mst_json_str(mst_json_get(obj, key), &t);
    return t;
}

// Do the metaschemas, ours and the official one, say the same of a value?
static void
check_meta(suite_t *s, int draft, const mst_json_t *value)
{
    mst_schema_verdict_t a, b;
    mst_err_t err;
    mst_rc ra = mst_schema_check(s->ours[draft], value, &a, &err);
    mst_rc rb = mst_schema_check(s->official[draft], value, &b, &err);
    s->meta++;
    s->meta_agreed += ra == rb && (ra != MST_OK || a.valid == b.valid);
    if (ra == MST_OK && rb == MST_OK && a.valid != b.valid)
        printf("metaschemas differ: %.*s / %.*s\n", MST_FMT(a.message), MST_FMT(b.message));
}

static void
run_group(suite_t *s, const char *name, int draft, const mst_json_t *group)
{
    bool optional = strstr(name, "/optional/") != NULL;
    mst_schema_opts_t opts = {.draft = draft == 0 ? MST_SCHEMA_2020_12 : MST_SCHEMA_DRAFT_7,
                              .assert_format = optional,
                              .docs = s->remotes,
                              .doc_count = s->remote_count};
    const mst_json_t *tests = mst_json_get(group, "tests"), *root = mst_json_get(group, "schema");
    mst_schema_t *schema = NULL;
    mst_err_t err;
    mst_rc rc = mst_schema_new(root, &opts, &schema, &err);
    if (rc != MST_OK)
        printf("%s: %.*s: %s\n", name, MST_FMT(text_of(group, "description")), err.message);
    check_meta(s, draft, root);
    for (uint32_t i = 0; tests != NULL && i < tests->count; i++) {
        const mst_json_t *t = mst_json_at(tests, i), *data = mst_json_get(t, "data");
        bool want = false, got = false;
        mst_schema_verdict_t verdict = {.valid = false};
        (void)mst_json_bool(mst_json_get(t, "valid"), &want);
        check_meta(s, draft, data);
        mst_rc each = rc == MST_OK ? mst_schema_check(schema, data, &verdict, &err) : rc;
        got = each == MST_OK && verdict.valid == want && (want || verdict.message.n > 0);
        if (!got)
            printf("%s: %.*s: %.*s: wanted %s, got %s %.*s\n", name, MST_FMT(text_of(group, "description")),
                   MST_FMT(text_of(t, "description")), want ? "valid" : "invalid",
                   each == MST_OK ? "the contrary" : err.message, MST_FMT(verdict.message));
        *(optional ? &s->optional : &s->required) += 1;
        *(optional ? &s->optional_agreed : &s->required_agreed) += got;
    }
    mst_schema_free(&schema);
}

static void
load_remotes(suite_t *s, const char *folder)
{
    char path[4096];
    files_t files = {.count = 0};
    snprintf(path, sizeof path, "%s/remotes", folder);
    list_files(&files, path);
    for (size_t i = 0; i < files.count; i++) {
        const mst_json_t *root = read_json(s, files.paths[i]);
        snprintf(path, sizeof path, BASE "%s", files.paths[i] + strlen(folder) + strlen("/remotes/"));
        if (root != NULL)
            s->remotes[s->remote_count++] =
                (mst_schema_doc_t){.uri = mst_arena_dup(s->arena, mst_str_c(path), NULL), .root = root};
        free(files.paths[i]);
    }
}

static bool
load_metaschemas(suite_t *s, const char *folder)
{
    static const char *const uris[] = {"https://json-schema.org/draft/2020-12/schema",
                                       "http://json-schema.org/draft-07/schema#"};
    static const char *const names[] = {"draft202012/metaschema.json", "draft7/metaschema.json"};
    char path[4096];
    mst_err_t err;
    mst_schema_doc_t docs[32];
    files_t files = {.count = 0};
    snprintf(path, sizeof path, "%s/metaschemas/draft202012/vocabularies", folder);
    list_files(&files, path);
    size_t count = 0;
    for (size_t i = 0; i < files.count && count < 32; i++) {
        docs[count].root = read_json(s, files.paths[i]);
        docs[count].uri = text_of(docs[count].root, "$id");
        count += docs[count].root != NULL;
        free(files.paths[i]);
    }
    for (int d = 0; d < 2; d++) {
        mst_buf_t text;
        const mst_json_t *ref = NULL;
        mst_buf_init(&text, 4096);
        (void)mst_buf_addf(&text, "{\"$ref\":\"%s\"}", uris[d]);
        snprintf(path, sizeof path, "%s/metaschemas/%s", folder, names[d]);
        const mst_json_t *official = read_json(s, path);
        mst_schema_opts_t opts = {.assert_format = true, .docs = docs, .doc_count = count};
        mst_rc rc = mst_json_parse(s->parser, mst_buf_view(&text), s->arena, &ref, NULL, &err);
        mst_buf_deinit(&text);
        opts.draft = d == 0 ? MST_SCHEMA_2020_12 : MST_SCHEMA_DRAFT_7;
        if (rc == MST_OK && official != NULL)
            rc = mst_schema_new(official, &opts, &s->official[d], &err);
        opts.doc_count = 0;
        if (rc == MST_OK)
            rc = mst_schema_new(ref, &opts, &s->ours[d], &err);
        if (rc != MST_OK || official == NULL) {
            printf("%s: %s\n", path, rc != MST_OK ? err.message : "absent");
            return false;
        }
    }
    return true;
}

static void
run_folder(suite_t *s, const char *folder, const char *draft, int index)
{
    char path[4096];
    files_t files = {.count = 0};
    snprintf(path, sizeof path, "%s/tests/%s", folder, draft);
    list_files(&files, path);
    qsort(files.paths, files.count, sizeof files.paths[0], order_paths);
    for (size_t i = 0; i < files.count; i++) {
        const mst_json_t *groups = read_json(s, files.paths[i]);
        const char *name = files.paths[i] + strlen(folder) + strlen("/tests/");
        for (uint32_t k = 0; groups != NULL && k < groups->count; k++)
            run_group(s, name, index, mst_json_at(groups, k));
        free(files.paths[i]);
    }
}

int
main(void)
{
    const char *data = getenv("MUSTER_TEST_DATA");
    char folder[2048];
    struct stat st;
    snprintf(folder, sizeof folder, "%s/jsonschema", data != NULL ? data : MST_SOURCE_DIR "/../shared/data");
    if (stat(folder, &st) != 0) {
        printf("skipped: no folder %s (set MUSTER_TEST_DATA to the folder of test data)\n", folder);
        return 77;
    }
    suite_t *s = MST_NEW(suite_t);
    s->parser = mst_json_parser_new();
    s->arena = mst_arena_new(512u << 20);
    load_remotes(s, folder);
    bool ok = load_metaschemas(s, folder);
    if (ok) {
        run_folder(s, folder, "draft2020-12", 0);
        run_folder(s, folder, "draft7", 1);
    }
    printf("json schema, required: agreed %zu of %zu\n", s->required_agreed, s->required);
    printf("json schema, optional: agreed %zu of %zu\n", s->optional_agreed, s->optional);
    printf("metaschemas against the official ones: agreed %zu of %zu\n", s->meta_agreed, s->meta);
    ok = ok && s->required > 0 && s->required == s->required_agreed && s->meta == s->meta_agreed;
    ok = ok && s->optional == s->optional_agreed;
    for (int d = 0; d < 2; d++) {
        mst_schema_free(&s->ours[d]);
        mst_schema_free(&s->official[d]);
    }
    mst_json_parser_free(&s->parser);
    mst_arena_free(&s->arena);
    free(s);
    return ok ? 0 : 1;
}
