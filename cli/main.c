// muster: finds the subcommand and hands over. --version and --help are answered here.
#include "cli/cli.h"

#include "cli/version.h"
#include "common/base/log.h"
#include "common/base/str.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void
print_help(FILE *f)
{
    fprintf(f, "Usage: muster COMMAND [OPTION...]\n"
               "Evaluate inference backends and check the health of the systems behind them.\n\n"
               "Commands:\n");
    for (const mst_command_t *c = mst_commands_all(); c->name != NULL; c++)
        fprintf(f, "  %-16s %s\n", c->name, c->help);
    fprintf(f, "\n  --version        versions of muster and of the libraries it runs with\n"
               "  --help           this text; 'muster COMMAND --help' for one command\n\n"
               "Examples:\n"
               "  muster run configs/quickstart.yaml\n"
               "  muster run eval.yaml --limit 100 -o results.json\n"
               "  muster show latest\n"
               "  muster sim --port 8000 --ttft-ms 50 --itl-ms 10\n");
}

static const char *
nearest_command(const char *name)
{
    const char *best = NULL;
    size_t best_distance = 3;
    for (const mst_command_t *c = mst_commands_all(); c->name != NULL; c++) {
        size_t d = mst_str_distance(mst_str_c(name), mst_str_c(c->name));
        if (d < best_distance) {
            best_distance = d;
            best = c->name;
        }
    }
    return best;
}

int
main(int argc, char **argv)
{
    mst_cli_hold_stdio();
    signal(SIGXFSZ, SIG_IGN); // a file over the limit of the process is a write that fails, with its sentence
    mst_log_init(MST_LOG_INFO, false);
    argp_err_exit_status = MST_EXIT_USAGE;
    if (argc < 2) {
        print_help(stderr);
        return MST_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return MST_EXIT_PASS;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        mst_version_print(stdout);
        return MST_EXIT_PASS;
    }
    const mst_command_t *c = mst_command_find(name);
    if (c == NULL) {
        const char *near = nearest_command(name);
        fprintf(stderr, "muster: error: unknown command \"%s\"%s%s%s; see 'muster --help'\n", name,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"" : "");
        return MST_EXIT_USAGE;
    }
    char title[64];
    snprintf(title, sizeof title, "muster %s", c->name);
    argv[1] = title;
    int code = c->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "muster: error: could not write to standard output: %s\n", strerror(errno));
        return code == MST_EXIT_PASS ? MST_EXIT_INFRA : code;
    }
    return code;
}
