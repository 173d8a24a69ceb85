// SPDX-License-Identifier: Apache-2.0
// Options of a command from one table, which also prints them under `--help` (set `args` of
// struct weir_command).
#ifndef WEIR_CLI_ARGS_H
#define WEIR_CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "consumer/cli/cli.h"

enum weir_arg_type {
    WEIR_ARG_SWITCH,   // int, 1 where it is given
    WEIR_ARG_TEXT,     // const char *
    WEIR_ARG_LIST,     // struct weir_arg_list; may be given many times
    WEIR_ARG_INTEGER,  // int64_t, not negative
    WEIR_ARG_DURATION, // int64_t, ms: 30s, 5m, 7d
    WEIR_ARG_TIME      // int64_t, epoch ms: 2026-01-31T18:30:00Z
};

struct weir_arg {
    const char *name; // "config" for --config; NULL ends a table
    char letter;      // 'c' for -c, or 0
    enum weir_arg_type type;
    size_t offset;     // into the command's own struct
    const char *value; // what stands for the value in the help: "FILE"
    const char *help;
};

enum { WEIR_ARG_LIST_MAXIMUM = 64 };
struct weir_arg_list {
    const char *items[WEIR_ARG_LIST_MAXIMUM];
    size_t n;
};

// Fills `options` (zeroed, or preset with defaults, by the caller) by command->args; the texts
// are argv's. 0 with the operands moved to the end of argv from `*first` on; otherwise the
// fault has been printed and WEIR_EXIT_USAGE is returned.
int weir_args_parse(const struct weir_command *command, int argc, char **argv, void *options,
                    int *first);
void weir_args_print(const struct weir_arg *args, FILE *out);
// "NAME=PATH" in two: 0, or -1 where there is no '=' or nothing before it. `name` takes `size`.
int weir_args_pair(const char *text, char *name, size_t size, const char **path);

#endif
