// `muster sim`: the simulated backend as a process. Its options are the rows of mst_sim_options.
#include "sim/sim.h"

#include "cli/cli.h"
#include "cli/commands.h"
#include "common/base/mem.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { FIRST_KEY = 1000 }; // of argp: row i of the table is FIRST_KEY + i

static const char doc[] =
    "Serve a simulated inference backend: the routes of OpenAI, vLLM, SGLang, TGI, llama.cpp, Ollama, Anthropic and "
    "TEI, with seeded delays, tokens, logprobs, vectors and faults. The same seed and the same requests give the same "
    "answers.\v"
    "The first line on standard output is \"listening on http://ADDRESS:PORT/v1\". Serves until SIGINT or SIGTERM.\n"
    "Delays and faults are drawn from the seed, the case (X-Case-Id, else the prompt), X-Repeat and X-Attempt.\n\n"
    "Examples:\n"
    "  muster sim --port 8000 --ttft-ms 50 --ttft-sigma 0.3 --itl-ms 10\n"
    "  muster sim --replies answers.jsonl --api-key secret\n"
    "  muster sim --p-429 0.1 --retry-after-s 0.5 --p-cut 0.05\n"
    "  muster sim --dialect vllm --port 8000 --listen ollama@11434,anthropic@8001\n"
    "  muster sim --faults 429@10,cut@20-29,hang@60s\n"
    "  muster sim --itl-ms 20 --sync-steps --truth truth.jsonl\n";

static error_t
on_option(int key, char *arg, struct argp_state *state)
{
    size_t count;
    const mst_sim_option_t *table = mst_sim_options(&count);
    if (key == ARGP_KEY_ARG)
        argp_error(state, "unexpected argument \"%s\"", arg);
    if (key < FIRST_KEY || (size_t)(key - FIRST_KEY) >= count)
        return ARGP_ERR_UNKNOWN;
    mst_err_t err;
    const char *value = arg != NULL ? arg : "true"; // a switch
    if (mst_sim_opts_set(state->input, table[key - FIRST_KEY].name, value, &err) != MST_OK)
        argp_error(state, "%s", err.message);
    return 0;
}

// The flags of the table, as argp wants them; names holds their spellings.
static struct argp_option *
make_flags(char (**out_names)[32])
{
    size_t count;
    const mst_sim_option_t *table = mst_sim_options(&count);
    struct argp_option *flags = MST_NEW_ARRAY(struct argp_option, count + 1);
    char(*names)[32] = mst_xalloc(count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%s", table[i].name);
        for (char *c = names[i]; *c != '\0'; c++)
            *c = *c == '_' ? '-' : *c;
        flags[i] = (struct argp_option){names[i], FIRST_KEY + (int)i, table[i].value, 0, table[i].help, 1};
    }
    *out_names = names;
    return flags;
}

// A connection is a descriptor: as many as the system lets us have.
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static mst_rc
wait_for_signal(int fd, mst_err_t *err)
{
    struct signalfd_siginfo info;
    ssize_t n;
    do
        n = read(fd, &info, sizeof info);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof info
               ? MST_OK
               : MST_ERR_SUB(err, MST_IO, errno, "could not wait for a signal: %s", strerror(errno));
}

static mst_rc
serve(const mst_sim_opts_t *opts, mst_err_t *err)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    mst_sim_t *sim = NULL;
    mst_rc rc = MST_OK;
    int fd = signalfd(-1, &stop, SFD_CLOEXEC);
    if (fd < 0)
        return MST_ERR_SUB(err, MST_IO, errno, "could not take signals: %s", strerror(errno));
    rc = mst_sim_start(opts, &sim, err);
    if (rc != MST_OK)
        goto out;
    bool v6 = strchr(opts->host, ':') != NULL;
    printf("listening on http://%s%s%s:%u/v1\n", v6 ? "[" : "", opts->host, v6 ? "]" : "", (unsigned)mst_sim_port(sim));
    const char *dialect;
    uint16_t port;
    for (size_t i = 1; (port = mst_sim_port_at(sim, i, &dialect)) != 0; i++)
        printf("%s on http://%s%s%s:%u\n", dialect, v6 ? "[" : "", opts->host, v6 ? "]" : "", (unsigned)port);
    fflush(stdout);
    rc = wait_for_signal(fd, err);
out:
    mst_sim_stop(&sim);
    close(fd);
    return rc;
}

int
mst_cmd_sim(int argc, char **argv)
{
    mst_sim_opts_t opts;
    mst_err_t err;
    char(*names)[32];
    struct argp_option *flags = make_flags(&names);
    const struct argp argp = {flags, on_option, NULL, doc, NULL, NULL, NULL};
    mst_sim_defaults(&opts);
    error_t bad = argp_parse(&argp, argc, argv, 0, NULL, &opts);
    free(flags);
    free(names);
    if (bad != 0)
        return MST_EXIT_USAGE;
    raise_descriptor_limit();
    return serve(&opts, &err) == MST_OK ? MST_EXIT_PASS : mst_cli_fail(&err);
}
