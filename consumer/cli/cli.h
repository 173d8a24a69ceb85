// SPDX-License-Identifier: Apache-2.0
// The command line: one file a command, one table of them all.
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

// Exit codes of every command.
enum weir_exit {
    WEIR_EXIT_DONE = 0,
    WEIR_EXIT_FAILED = 1, // it ran and failed
    WEIR_EXIT_USAGE = 2,  // the command line or the configuration is wrong
    WEIR_EXIT_ALERTS = 3  // `replay --fail-on`: an alert of that severity was raised
};

struct weir_arg; // consumer/cli/args.h

struct weir_command {
    const char *name;
    const char *synopsis; // behind `weir NAME`
    const char *summary;  // one line
    const char *help;     // the text of `weir NAME --help`, below the synopsis
    // `argv[0]` is the command's name. Returns an exit code.
    int (*run)(int argc, char **argv);
    const struct weir_arg *args; // its options, printed below the help; may be NULL
};

int weir_cli_main(int argc, char **argv);
// Prints `weir NAME: message`, and where to find help, to standard error; WEIR_EXIT_USAGE.
__attribute__((format(printf, 2, 3))) int weir_cli_usage(const struct weir_command *command,
                                                         const char *format, ...);
// Prints `weir: message` to standard error; WEIR_EXIT_FAILED.
__attribute__((format(printf, 1, 2))) int weir_cli_failed(const char *format, ...);

// One a command, each in its own file; cli.c has the table.
extern const struct weir_command weir_command_run;
extern const struct weir_command weir_command_replay;
extern const struct weir_command weir_command_check;
extern const struct weir_command weir_command_profile;
extern const struct weir_command weir_command_compare;
extern const struct weir_command weir_command_show;
extern const struct weir_command weir_command_infer;
extern const struct weir_command weir_command_detectors;
extern const struct weir_command weir_command_alerts;
extern const struct weir_command weir_command_demo;
extern const struct weir_command weir_command_generate;
extern const struct weir_command weir_command_version;

#endif
