// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "consumer/cli/args.h"

// A line each, in the order of the overview.
// clang-format off
static const struct weir_command *const commands[] = {
    &weir_command_run,
    &weir_command_replay,
    &weir_command_check,
    &weir_command_profile,
    &weir_command_compare,
    &weir_command_show,
    &weir_command_infer,
    &weir_command_detectors,
    &weir_command_alerts,
    &weir_command_demo,
    &weir_command_generate,
    &weir_command_version,
};
// clang-format on

static void print_overview(FILE *out)
{
    fprintf(out, "weir watches the data that feeds machine-learning systems while it flows.\n\n"
                 "usage: weir COMMAND [ARGUMENT ...]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`weir COMMAND --help` tells more of each.\n");
}

static void print_help(const struct weir_command *command)
{
    printf("usage: weir %s%s%s\n\n%s\n", command->name, *command->synopsis ? " " : "",
           command->synopsis, command->help);
    if (command->args) {
        printf("\n");
        weir_args_print(command->args, stdout);
    }
}

int weir_cli_usage(const struct weir_command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "weir %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nusage: weir %s %s\n", command->name, command->synopsis);
    return WEIR_EXIT_USAGE;
}

int weir_cli_failed(const char *format, ...)
{
    va_list args;
    fputs("weir: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return WEIR_EXIT_FAILED;
}

int weir_cli_main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return WEIR_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_overview(stdout);
        return WEIR_EXIT_DONE;
    }
    if (!strcmp(name, "--version"))
        name = "version";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i]->name, name))
            continue;
        for (int k = 2; k < argc && strcmp(argv[k], "--"); k++) {
            if (!strcmp(argv[k], "--help") || !strcmp(argv[k], "-h")) {
                print_help(commands[i]);
                return WEIR_EXIT_DONE;
            }
        }
        return commands[i]->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "weir: there is no command '%s'\n\n", name);
    print_overview(stderr);
    return WEIR_EXIT_USAGE;
}
