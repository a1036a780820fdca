// muster --version: our version and those of the libraries that this process really runs with.
#ifndef MST_CLI_VERSION_H
#define MST_CLI_VERSION_H

#include <stdio.h>

void mst_version_print(FILE *f);

#endif
