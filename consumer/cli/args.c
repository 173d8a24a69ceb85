// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/args.h"

#include <getopt.h>
#include <string.h>

#include "consumer/config/value.h"

enum { ARGS = 48, FIRST = 256 };

static size_t count(const struct weir_arg *args)
{
    size_t n = 0;
    while (args && args[n].name)
        n++;
    return n < ARGS ? n : ARGS;
}

void weir_args_print(const struct weir_arg *args, FILE *out)
{
    for (size_t i = 0, n = count(args); i < n; i++) {
        char left[64];
        char letter[8] = "    ";
        if (args[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", args[i].letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, args[i].name, args[i].value ? " " : "",
                 args[i].value ? args[i].value : "");
        fprintf(out, "  %-26s %s\n", left, args[i].help);
    }
}

static int take(const struct weir_command *command, const struct weir_arg *arg, char *text,
                void *options)
{
    void *to = (char *)options + arg->offset;
    struct weir_arg_list *list = to;
    const char *why = NULL;
    int64_t value = 0;
    switch (arg->type) {
    case WEIR_ARG_SWITCH:
        *(int *)to = 1;
        return 0;
    case WEIR_ARG_TEXT:
        *(const char **)to = text;
        return 0;
    case WEIR_ARG_LIST:
        if (list->n == WEIR_ARG_LIST_MAXIMUM)
            return weir_cli_usage(command, "--%s was given over %d times", arg->name,
                                  WEIR_ARG_LIST_MAXIMUM);
        list->items[list->n++] = text;
        return 0;
    case WEIR_ARG_INTEGER:
        why = weir_value_integer(text, &value, &why) ? why : NULL;
        if (value < 0)
            why = "it must not be negative";
        break;
    case WEIR_ARG_DURATION:
        why = weir_value_duration(text, &value, &why) ? why : NULL;
        break;
    case WEIR_ARG_TIME:
        why = weir_value_time(text, &value, &why) ? why : NULL;
        break;
    }
    if (why)
        return weir_cli_usage(command, "--%s %s: %s", arg->name, text, why);
    *(int64_t *)to = value;
    return 0;
}

int weir_args_parse(const struct weir_command *command, int argc, char **argv, void *options,
                    int *first)
{
    const struct weir_arg *args = command->args;
    struct option table[ARGS + 1];
    char letters[2 * ARGS + 2] = ":";
    size_t n = count(args), used = 1;
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < n; i++) {
        int has = args[i].type == WEIR_ARG_SWITCH ? no_argument : required_argument;
        table[i] = (struct option){args[i].name, has, NULL, FIRST + (int)i};
        if (args[i].letter) {
            letters[used++] = args[i].letter;
            if (has == required_argument)
                letters[used++] = ':';
        }
    }
    letters[used] = 0;
    optind = 0; // begins anew
    opterr = 0;
    for (int got; (got = getopt_long(argc, argv, letters, table, NULL)) != -1;) {
        size_t at = n;
        if (got == ':')
            return weir_cli_usage(command, "%s needs a value", argv[optind - 1]);
        if (got == '?')
            return weir_cli_usage(command, "there is no option %s", argv[optind - 1]);
        for (size_t i = 0; i < n; i++) {
            if (got == FIRST + (int)i || (got == args[i].letter && got))
                at = i;
        }
        int code = at < n ? take(command, &args[at], optarg, options) : WEIR_EXIT_USAGE;
        if (code)
            return code;
    }
    *first = optind;
    return 0;
}

int weir_args_pair(const char *text, char *name, size_t size, const char **path)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1] || (size_t)(equals - text) >= size)
        return -1;
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = 0;
    *path = equals + 1;
    return 0;
}
