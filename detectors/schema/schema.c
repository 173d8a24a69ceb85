// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/schema.h"

#include <stdlib.h>
#include <string.h>

static const struct weir_option options[] = {
    {"quarantine", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Copy records that break a rule to the quarantine.", WEIR_OPTION_RESETS_STATE},
    {"empty", WEIR_OPTION_CHOICE, "auto", 0, 0, "auto|true|false", NULL,
     "Report empty strings in string fields; auto: where the reference has none.",
     WEIR_OPTION_RESETS_STATE},
    {"sentinels", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report values that often stand for \"none\" (-999, N/A, 1970-01-01, 0) where the reference "
     "never had them; declared ones are always reported.",
     0},
    {"misspelled", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report strings that the reference never had and that are a letter or two from a frequent "
     "one.",
     0},
    {"critical_share", WEIR_OPTION_SHARE, "5%", 0, 1, NULL, NULL,
     "Share of bad records from which on a rule is critical and not a warning.", 0},
    {"only_alert", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
     "Rules whose records are told of and not quarantined: range, or of one field range:amount.",
     0},
    {"only_quarantine", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
     "Rules whose records are quarantined and not told of.", 0},
    {"duplicates", WEIR_OPTION_DURATION, NULL, 0, 0, NULL, NULL,
     "Report records with a key that came so short before, by event time; not given: none.", 0},
    {"duplicate_keys", WEIR_OPTION_INTEGER, "1000000", 1000, 1e8, NULL, "keys",
     "So many keys are remembered of a partition, in up to 48 bytes each.", 0},
    {"future", WEIR_OPTION_DURATION, "1d", 0, 0, NULL, NULL,
     "Report event times so far ahead of the Kafka timestamp; 0s: none.", 0},
    {"out_of_order", WEIR_OPTION_DURATION, NULL, 0, 0, NULL, NULL,
     "Report records so far behind the newest event time of their partition; not given: none.", 0},
    {"too_late", WEIR_OPTION_DURATION, NULL, 0, 0, NULL, NULL,
     "Report records whose Kafka timestamp is so far behind their event time; not given: none.", 0},
    {"null_rate_change", WEIR_OPTION_SHARE, "0.5%", 0, 1, NULL, NULL,
     "By how much the share of nulls and missing values must change.", 0},
    {"windows", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Judge windows as well as records; false turns all of these checks off.", 0},
    {"minimum", WEIR_OPTION_INTEGER, "200", 10, 1e12, NULL, "records",
     "Windows and slices with fewer records are not judged.", 0},
    {"null_rate", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Compare the share of nulls and missing values with the reference and with earlier windows.",
     0},
    {"volume", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report windows with far fewer or far more records than any before.", 0},
    {"frozen", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report fields that varied and have one value now.", 0},
    {"categories", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report categories that the reference never had, and those of its that vanished.", 0},
    {"distinct", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report string fields with far fewer or far more distinct values than in any window before.",
     0},
    {"unit", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report numbers that are the reference's in another unit or scale: all of them, or a share.",
     0},
    {"default_spike", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report single values that fill a share of a field: defaults, sensors that hang.", 0},
    {"swapped", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report two fields whose values stand in each other's place.", 0},
    {"gibberish", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report texts that read like none of the reference's.", 0},
    {"freshness", WEIR_OPTION_DURATION, NULL, 1, 1e13, NULL, NULL,
     "How old events may be when they arrive, by Kafka's timestamp; without it this is not "
     "looked at.",
     0},
    {"rules", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
     "Conditions that each record has to meet, such as \"dates: end >= start\" or "
     "\"amount > 100 when country == 'JP'\"; see docs/expressions.md.",
     0},
    {"depends", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
     "Fields that say what another is, as \"zip -> city\": records with another city than the "
     "reference had with that zip are reported. Needs a profile that has learnt it; `weir infer` "
     "lists what one has.",
     0},
    {"window_rules", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
     "Conditions that each window has to meet, such as \"mean(amount) between 40 and 60\" or "
     "\"null_rate(country) < 1% when rows > 1000\"; see docs/expressions.md.",
     0},
    {"evolution", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report writer schemas of the registry that lost or changed what the stream's fields need.",
     0},
    {"integer_floats", WEIR_OPTION_CHOICE, "alert", 0, 0, "alert|error|false", NULL,
     "Integers that come written as floats (3.0) after 1,000 that did not: alert tells of them for "
     "a "
     "day and lets them pass; error: each is a fault like a wrong type.",
     WEIR_OPTION_RESETS_STATE},
    {0}};

static const char *const kinds[] = {"schema.type",
                                    "schema.missing",
                                    "schema.null",
                                    "schema.nan",
                                    "schema.range",
                                    "schema.length",
                                    "schema.values",
                                    "schema.pattern",
                                    "schema.empty",
                                    "schema.time",
                                    "schema.null_rate",
                                    "schema.unknown_field",
                                    "schema.undecodable",
                                    "schema.volume",
                                    "schema.frozen",
                                    "schema.categories",
                                    "schema.distinct",
                                    "schema.unit",
                                    "schema.precision",
                                    "schema.sentinel",
                                    "schema.duplicate",
                                    "schema.rule",
                                    "schema.default_spike",
                                    "schema.swapped",
                                    "schema.gibberish",
                                    "schema.freshness",
                                    "schema.bounds",
                                    "schema.evolution",
                                    NULL};

static void destroy(void *instance)
{
    struct schema *schema = instance;
    if (schema) {
        schema_windows_destroy(schema);
        schema_rules_destroy(schema);
        schema_cross_destroy(&schema->cross);
        schema_depends_destroy(&schema->depends);
        schema_bounds_destroy(&schema->bounds);
    }
    free(schema);
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    struct schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    const struct weir_option_value *values = config->options;
    schema->stream = config->stream;
    const char *empty = values[SCHEMA_OPTION_EMPTY].string;
    schema->empty = !empty || !strcmp(empty, "false") ? SCHEMA_EMPTY_LEGAL
                    : !strcmp(empty, "true")          ? SCHEMA_EMPTY_FAULT
                                                      : SCHEMA_EMPTY_AUTO;
    const char *floats = values[SCHEMA_OPTION_INTEGER_FLOATS].string;
    schema->floats = floats && strcmp(floats, "false");
    schema->float_is_error = floats && !strcmp(floats, "error");
    schema->duplicates = values[SCHEMA_OPTION_DUPLICATES].integer;
    schema->duplicate_keys = (size_t)values[SCHEMA_OPTION_DUPLICATE_KEYS].integer;
    schema->future = values[SCHEMA_OPTION_FUTURE].integer;
    schema->out_of_order = values[SCHEMA_OPTION_OUT_OF_ORDER].integer;
    schema->too_late = values[SCHEMA_OPTION_TOO_LATE].integer;
    schema->critical_share = values[SCHEMA_OPTION_CRITICAL_SHARE].number;
    schema->null_rate_change = values[SCHEMA_OPTION_NULL_RATE_CHANGE].number;
    schema->minimum = (uint64_t)values[SCHEMA_OPTION_MINIMUM].integer;
    schema->window_hop = config->window_hop;
    schema->redact = config->redact;
    schema->freshness =
        values[SCHEMA_OPTION_FRESHNESS].set ? values[SCHEMA_OPTION_FRESHNESS].integer : 0;
    schema->references = config->references;
    schema->n_references = config->n_references;
    schema->peers = config->peers;
    schema->n_peers = config->n_peers;
    schema->key = -1;
    int code = schema_rules_create(schema, config, setup, error);
    if (!code)
        code = schema_windows_create(schema, config, setup, error);
    if (code) {
        destroy(schema);
        return code;
    }
    *instance = schema;
    return 0;
}

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "schema",
    .version = WEIR_VERSION,
    .description = "Records that a model should not be given: wrong types, missing values, NaN, "
                   "values out of bounds",
    .options = options,
    .kinds = kinds,
    .state_version = 6,
    .create = create,
    .destroy = destroy,
    .edge_create = schema_edge_create,
    .edge_destroy = schema_edge_destroy,
    .edge_observe = schema_edge_observe,
    .edge_close = schema_edge_close,
    .edge_save = schema_edge_save,
    .edge_restore = schema_edge_restore,
    .owner_create = schema_owner_create,
    .owner_destroy = schema_owner_destroy,
    .owner_window = schema_owner_window,
    .owner_save = schema_owner_save,
    .owner_restore = schema_owner_restore,
    .describe = schema_describe,
    .edge_memory = schema_edge_memory,
    .edge_memory_most = schema_edge_memory_most,
};
