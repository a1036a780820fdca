#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proc/file.h"
#include "common/proc/git.h"
#include "common/proc/host.h"

#define SHA_A "0123456789abcdef0123456789abcdef01234567"
#define SHA_B "fedcba9876543210fedcba9876543210fedcba98"

typedef struct {
    char dir[64];
} place_t;

static int
setup(void **state)
{
    place_t *p = calloc(1, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/test_proc.XXXXXX");
    *state = p;
    return mkdtemp(p->dir) ? 0 : -1;
}

static int
teardown(void **state)
{
    place_t *p = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    int rc = system(command);
    free(p);
    return rc;
}

// Writes dir/name, with the directories on the way.
static void
put(const place_t *p, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    for (char *slash = strchr(path + strlen(p->dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static mst_git_t
git_at(const place_t *p, const char *sub, bool wanted)
{
    char path[256];
    mst_git_t g;
    snprintf(path, sizeof path, "%s/%s", p->dir, sub);
    assert_int_equal(mst_git_read(path, &g), wanted);
    return g;
}

static void
test_proc_git_branch_with_its_own_file(void **state)
{
    const place_t *p = *state;
    put(p, ".git/HEAD", "ref: refs/heads/feature/x\n");
    put(p, ".git/refs/heads/feature/x", SHA_A "\n");
    put(p, "a/b/c", "");
    mst_git_t g = git_at(p, "a/b", true); // found from below
    assert_string_equal(g.sha, SHA_A);
    assert_string_equal(g.branch, "feature/x");
}

static void
test_proc_git_packed_refs_and_detached_head(void **state)
{
    const place_t *p = *state;
    put(p, ".git/HEAD", "ref: refs/heads/main\n");
    put(p, ".git/packed-refs", "# pack-refs with: peeled fully-peeled sorted\n" SHA_B " refs/heads/mainline\n" SHA_A
                               " refs/heads/main\n^" SHA_B "\n");
    mst_git_t g = git_at(p, ".", true);
    assert_string_equal(g.sha, SHA_A);
    assert_string_equal(g.branch, "main");
    put(p, ".git/HEAD", SHA_B "\n");
    g = git_at(p, ".", true);
    assert_string_equal(g.sha, SHA_B);
    assert_string_equal(g.branch, "");
}

static void
test_proc_git_linked_worktree_and_submodule(void **state)
{
    const place_t *p = *state;
    put(p, "main/.git/HEAD", "ref: refs/heads/main\n");
    put(p, "main/.git/refs/heads/main", SHA_A "\n");
    put(p, "main/.git/refs/heads/side", SHA_B "\n");
    put(p, "main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
    put(p, "main/.git/worktrees/w/commondir", "../..\n");
    put(p, "w/.git", "gitdir: ../main/.git/worktrees/w\n");
    mst_git_t g = git_at(p, "w", true);
    assert_string_equal(g.sha, SHA_B);
    assert_string_equal(g.branch, "side");
    put(p, "main/sub/.git", "gitdir: ../.git/modules/sub\n");
    put(p, "main/.git/modules/sub/HEAD", SHA_A "\n");
    assert_string_equal(git_at(p, "main/sub", true).sha, SHA_A);
}

static void
test_proc_git_without_a_commit_or_a_repository(void **state)
{
    const place_t *p = *state;
    put(p, "x/y", "");
    (void)git_at(p, "x", false);
    (void)git_at(p, "not/there", false);
    put(p, ".git/HEAD", "ref: refs/heads/main\n");
    mst_git_t g = git_at(p, ".", true);
    assert_string_equal(g.sha, "");
    assert_string_equal(g.branch, "main");
}

static void
test_proc_git_hostile_files(void **state)
{
    const place_t *p = *state;
    put(p, "secret", SHA_A "\n");
    put(p, "r/.git/HEAD", "ref: refs/heads/../../../../secret\n");
    assert_string_equal(git_at(p, "r", false).sha, "");
    put(p, "r/.git/HEAD", "ref: secret\n");
    (void)git_at(p, "r", false);
    put(p, "r/.git/HEAD", "ref: refs/heads/loop\n");
    put(p, "r/.git/refs/heads/loop", "ref: refs/heads/loop\n");
    assert_string_equal(git_at(p, "r", true).sha, "");
    put(p, "r/.git/refs/heads/loop", "0123456789ABCDEF not a hash\n");
    assert_string_equal(git_at(p, "r", true).sha, "");
    char big[5000];
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = '\0';
    put(p, "r/.git/HEAD", big);
    (void)git_at(p, "r", false);
    put(p, "s/.git", big);
    (void)git_at(p, "s", false);
    put(p, "s/.git", "");
    (void)git_at(p, "s", false);
}

static void
test_proc_host_of_this_machine(void **state)
{
    (void)state;
    mst_host_t h;
    mst_host_read("/proc", &h);
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    assert_string_equal(h.name, name);
    assert_true(h.cpu_count >= 1);
}

static void
test_proc_host_accelerators(void **state)
{
    const place_t *p = *state;
    mst_host_t h;
    mst_host_read(p->dir, &h);
    assert_string_equal(h.device, "");
    assert_string_equal(h.driver, "");
    put(p, "driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (x)\nGCC version: 12.2\n");
    put(p, "driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 42\n");
    put(p, "driver/nvidia/gpus/0000:02:00.0/information", "Model: \t\t NVIDIA H200\n");
    mst_host_read(p->dir, &h);
    assert_string_equal(h.device, "2 x NVIDIA H200");
    assert_string_equal(h.driver, "570.86.15");
    put(p, "driver/nvidia/gpus/0000:03:00.0/information", "garbage\n");
    put(p, "driver/nvidia/version", "something else\n");
    mst_host_read(p->dir, &h);
    assert_string_equal(h.device, "2 x NVIDIA H200");
    assert_string_equal(h.driver, "");
}

static void
test_proc_usage_grows(void **state)
{
    (void)state;
    mst_usage_t before, after;
    mst_usage_read(&before);
    assert_true(before.rss_bytes > 0);
    size_t n = 32U * 1024 * 1024;
    char *p = malloc(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7);
    mst_usage_read(&after);
    assert_true(after.rss_bytes >= before.rss_bytes + n / 2);
    assert_true(after.rss_peak_bytes >= before.rss_peak_bytes);
    assert_true(after.cpu_ns > before.cpu_ns);
    assert_int_equal(p[n - 1], (char)((n - 1) * 7));
    free(p);
}

static void
test_proc_file_lines(void **state)
{
    const place_t *p = *state;
    char path[256], out[8];
    snprintf(path, sizeof path, "%s/f", p->dir);
    put(p, "f", "  abc \nName: value\n");
    assert_true(mst_file_line(path, out, sizeof out));
    assert_string_equal(out, "abc");
    assert_true(mst_file_value(path, "Name:", out, sizeof out));
    assert_string_equal(out, "value");
    assert_false(mst_file_value(path, "Other:", out, sizeof out));
    put(p, "f", "12345678\n");
    assert_false(mst_file_line(path, out, sizeof out));
    assert_string_equal(out, "");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_proc_git_branch_with_its_own_file),
        TEST(test_proc_git_packed_refs_and_detached_head),
        TEST(test_proc_git_linked_worktree_and_submodule),
        TEST(test_proc_git_without_a_commit_or_a_repository),
        TEST(test_proc_git_hostile_files),
        TEST(test_proc_host_of_this_machine),
        TEST(test_proc_host_accelerators),
        TEST(test_proc_usage_grows),
        TEST(test_proc_file_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
