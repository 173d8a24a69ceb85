// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/cli/terminal.h"
#include "consumer/config/value.h"
#include "consumer/host/plugins.h"

struct options {
    int json;
    struct weir_arg_list folders;
};

static const struct weir_arg args[] = {
    {"json", 0, WEIR_ARG_SWITCH, offsetof(struct options, json), NULL, "print JSON"},
    {"plugins", 'p', WEIR_ARG_LIST, offsetof(struct options, folders), "FOLDER",
     "also list the modules of this folder"},
    {.name = NULL}};

static const char *type_name(const struct weir_option *option)
{
    static const char *const names[] = {
        [WEIR_OPTION_BOOLEAN] = "boolean",   [WEIR_OPTION_INTEGER] = "integer",
        [WEIR_OPTION_NUMBER] = "number",     [WEIR_OPTION_SHARE] = "share",
        [WEIR_OPTION_DURATION] = "duration", [WEIR_OPTION_SIZE] = "size",
        [WEIR_OPTION_STRING] = "string",     [WEIR_OPTION_CHOICE] = "choice",
        [WEIR_OPTION_FIELD] = "field",       [WEIR_OPTION_STRINGS] = "list of strings",
        [WEIR_OPTION_STREAM] = "stream"};
    return names[option->type];
}

static int is_ranged(const struct weir_option *option)
{
    return option->low != 0 || option->high != 0;
}

static json_t *option_json(const struct weir_option *option)
{
    json_t *row =
        json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:b, s:b}", "key", option->key, "type",
                  type_name(option), "default", option->fallback, "unit", option->unit, "help",
                  option->help, "required", !!(option->flags & WEIR_OPTION_REQUIRED),
                  "resets_state", !!(option->flags & WEIR_OPTION_RESETS_STATE));
    if (option->choices)
        json_object_set_new(row, "choices", json_string(option->choices));
    if (is_ranged(option)) {
        // JSON has no infinity: an open side is left out.
        if (option->low > -1e300)
            json_object_set_new(row, "low", json_real(option->low));
        if (option->high < 1e300)
            json_object_set_new(row, "high", json_real(option->high));
    }
    return row;
}

static json_t *plugin_json(const struct weir_plugin *plugin)
{
    json_t *kinds = json_array(), *options = json_array();
    for (const char *const *kind = plugin->kinds; *kind; kind++)
        json_array_append_new(kinds, json_string(*kind));
    for (const struct weir_option *option = plugin->options; option && option->key; option++)
        json_array_append_new(options, option_json(option));
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", plugin->name, "version", plugin->version,
                     "description", plugin->description, "kinds", kinds, "options", options);
}

static int print_json(json_t *value)
{
    if (!value)
        return weir_cli_failed("out of memory");
    int failed = json_dumpf(value, stdout, JSON_INDENT(2)) || putchar('\n') == EOF;
    json_decref(value);
    return failed ? weir_cli_failed("standard output cannot be written") : WEIR_EXIT_DONE;
}

static void print_kinds(const struct weir_plugin *plugin)
{
    int column = 0;
    for (const char *const *kind = plugin->kinds; *kind; kind++) {
        if (!column || column + strlen(*kind) > 76)
            column = printf("%s  ", column ? "\n" : "") - 1;
        column += printf("%s%s", *kind, kind[1] ? ", " : "");
    }
    printf("\n");
}

static void print_amount(const struct weir_option *option, double value)
{
    char text[40];
    if (option->type == WEIR_OPTION_DURATION)
        weir_value_print_duration(text, sizeof text, value);
    else if (option->type == WEIR_OPTION_SIZE)
        weir_value_print_size(text, sizeof text, value);
    else
        snprintf(text, sizeof text, "%.15g", value);
    printf("%s", text);
}

static void print_range(const struct weir_option *option)
{
    if (option->choices)
        printf("; one of %s", option->choices);
    if (option->choices || !is_ranged(option))
        return;
    printf(option->high < 1e300 ? "; " : "; at least ");
    print_amount(option, option->low);
    if (option->high < 1e300) {
        printf(" to ");
        print_amount(option, option->high);
    }
}

static void print_plugin(const struct weir_plugin *plugin)
{
    const char *bold = weir_terminal_colour(stdout, WEIR_COLOUR_BOLD);
    const char *end = weir_terminal_colour(stdout, WEIR_COLOUR_NONE);
    printf("%s%s%s %s: %s\n\nfinds\n", bold, plugin->name, end, plugin->version,
           plugin->description);
    print_kinds(plugin);
    printf("\noptions (beside stream, fields, by, reference, window, for, resolve_after, repeat, "
           "severity, runbook)\n");
    if (!plugin->options || !plugin->options->key)
        printf("  none\n");
    for (const struct weir_option *option = plugin->options; option && option->key; option++) {
        printf("  %s%s%s: %s", bold, option->key, end, type_name(option));
        if (option->unit)
            printf(" (%s)", option->unit);
        if (option->fallback)
            printf(", default %s", option->fallback);
        else
            printf(option->flags & WEIR_OPTION_REQUIRED ? ", required" : ", unset by default");
        print_range(option);
        printf("\n      %s%s\n", option->help,
               option->flags & WEIR_OPTION_RESETS_STATE ? " Changing it starts its state anew."
                                                        : "");
    }
}

static int print_one(const struct weir_plugins *plugins, const char *type, int json)
{
    const struct weir_plugin *plugin = weir_plugins_find(plugins, type);
    struct weir_nearest nearest = {0};
    if (plugin && json)
        return print_json(plugin_json(plugin));
    if (plugin) {
        print_plugin(plugin);
        return WEIR_EXIT_DONE;
    }
    for (size_t i = 0; i < weir_plugins_count(plugins); i++)
        weir_nearest_offer(&nearest, type, weir_plugins_at(plugins, i)->name);
    return weir_cli_usage(&weir_command_detectors, "there is no detector type '%s'%s%s%s", type,
                          nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                          nearest.best ? "'?" : "");
}

static int print_all(const struct weir_plugins *plugins, int json)
{
    if (json) {
        json_t *list = json_array();
        for (size_t i = 0; i < weir_plugins_count(plugins); i++)
            json_array_append_new(list, plugin_json(weir_plugins_at(plugins, i)));
        return print_json(list);
    }
    for (size_t i = 0; i < weir_plugins_count(plugins); i++) {
        const struct weir_plugin *plugin = weir_plugins_at(plugins, i);
        printf("%s%s%s: %s\n", weir_terminal_colour(stdout, WEIR_COLOUR_BOLD), plugin->name,
               weir_terminal_colour(stdout, WEIR_COLOUR_NONE), plugin->description);
        print_kinds(plugin);
    }
    return WEIR_EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    struct weir_error error = {0};
    struct weir_plugins *plugins = NULL;
    int first, code = weir_args_parse(&weir_command_detectors, argc, argv, &options, &first);
    if (code)
        return code;
    if (argc - first > 1)
        return weir_cli_usage(&weir_command_detectors, "one TYPE at a time");
    if (weir_plugins_create(&plugins, &error))
        return weir_cli_failed("%s", error.message);
    for (size_t i = 0; i < options.folders.n; i++) {
        if (weir_plugins_add(plugins, options.folders.items[i], &error))
            fprintf(stderr, "weir: %s\n", error.message);
    }
    code = first < argc ? print_one(plugins, argv[first], options.json)
                        : print_all(plugins, options.json);
    weir_plugins_destroy(plugins);
    return code;
}

const struct weir_command weir_command_detectors = {
    .name = "detectors",
    .synopsis = "[TYPE] [--json] [--plugins FOLDER]",
    .summary = "list detectors, or the options of one",
    .help = "Lists the detector types that a configuration can name, with the kinds of failure\n"
            "that each finds; with TYPE, the options of that one.",
    .run = run,
    .args = args,
};
