// The functions of commands.def: int mst_cmd_NAME(int argc, char **argv), each in its own file.
#ifndef MST_CLI_COMMANDS_H
#define MST_CLI_COMMANDS_H

#define MST_COMMAND(function, name, help) int mst_cmd_##function(int argc, char **argv);
#include "cli/commands.def"
#undef MST_COMMAND

#endif
