// What the subcommands share.
#include "cli/cli.h"

#include "cli/commands.h"
#include "common/base/buf.h"
#include "report/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAY_MAX (64 * 1024)

static const mst_command_t commands[] = {
#define MST_COMMAND(function, name, help) {name, help, mst_cmd_##function},
#include "cli/commands.def"
#undef MST_COMMAND
    {NULL, NULL, NULL},
};

const mst_command_t *
mst_commands_all(void)
{
    return commands;
}

const mst_command_t *
mst_command_find(const char *name)
{
    for (const mst_command_t *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

int
mst_cli_exit_code(mst_rc rc)
{
    switch (rc) {
    case MST_OK:
        return MST_EXIT_PASS;
    case MST_INVAL:
    case MST_PROTO:
    case MST_LIMIT:
    case MST_NOTFOUND:
    case MST_CONFLICT:
    case MST_UNSUPPORTED:
        return MST_EXIT_USAGE;
    case MST_CANCELED:
        return MST_EXIT_INTERRUPTED;
    case MST_NOMEM:
    case MST_IO:
    case MST_FULL:
    case MST_TIMEOUT:
    case MST_CLOSED:
    case MST_AGAIN:
    case MST_DENIED:
    case MST_INTERNAL:
        break;
    }
    return MST_EXIT_INFRA;
}

int
mst_cli_fail(const mst_err_t *err)
{
    mst_cli_say("muster: error: ", err->message);
    return mst_cli_exit_code(err->rc);
}

// Messages quote what came from outside: it must not drive the terminal.
void
mst_cli_say(const char *before, const char *text)
{
    mst_buf_t b;
    mst_buf_init(&b, SAY_MAX);
    mst_fmt_safe(mst_str_c(text), false, &b);
    fprintf(stderr, "%s%.*s\n", before, MST_FMT(mst_buf_view(&b)));
    mst_buf_deinit(&b);
}

void
mst_cli_drop_output(FILE *f)
{
    __fpurge(f);
    clearerr(f);
}

// A file that is opened where standard output or error should be would get what is printed there: a database, a
// document. What is missing becomes a place that takes nothing.
void
mst_cli_hold_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); // the lowest that is free: fd
}

const char *
mst_cli_db(const char *option)
{
    if (option != NULL)
        return option;
    const char *env = getenv("MUSTER_DB");
    return env != NULL && env[0] != '\0' ? env : "sqlite:muster.db";
}

bool
mst_cli_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && (no_colour == NULL || no_colour[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

mst_rc
mst_cli_read_file(const char *path, size_t max, char **out, size_t *out_n, mst_err_t *err)
{
    *out = NULL;
    *out_n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return MST_ERR_SUB(err, errno == ENOENT ? MST_NOTFOUND : MST_INVAL, errno, "could not open \"%s\": %s", path,
                           strerror(errno));
    mst_rc rc = MST_OK;
    mst_buf_t b;
    mst_buf_init(&b, max + 1);
    for (;;) {
        char *p = mst_buf_reserve(&b, b.max - b.n < 65536 ? b.max - b.n : 65536);
        if (p == NULL) {
            rc = MST_ERR(err, MST_NOMEM, "could not read \"%s\": out of memory", path);
            break;
        }
        ssize_t n = read(fd, p, b.max - b.n < 65536 ? b.max - b.n : 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = MST_ERR_SUB(err, MST_INVAL, errno, "could not read \"%s\": %s", path, strerror(errno));
            break;
        }
        if (n == 0)
            break;
        b.n += (size_t)n;
        if (b.n > max) {
            rc = MST_ERR(err, MST_LIMIT, "file \"%s\" is larger than %zu bytes", path, max);
            break;
        }
    }
    close(fd);
    if (rc == MST_OK)
        *out = mst_buf_take(&b, out_n);
    mst_buf_deinit(&b);
    return rc;
}
