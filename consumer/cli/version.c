// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "consumer/cli/cli.h"

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("weir %s\n", WEIR_VERSION);
    return WEIR_EXIT_DONE;
}

const struct weir_command weir_command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "print the version",
    .help = "Prints the version of the program.",
    .run = run,
};
