// SPDX-License-Identifier: Apache-2.0
// For tests of record checks: a host that writes down what it is told, and records from JSON.
#ifndef WEIR_DETECTORS_SCHEMA_RECORD_HARNESS_H
#define WEIR_DETECTORS_SCHEMA_RECORD_HARNESS_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json.h"
#include "detectors/schema/record.h"
#include "stats/buffer.h"

extern const struct weir_plugin weir_plugin;

static struct {
    char names[128][64];
    unsigned flags[128];
    int n;
} rules;
static char flagged[1 << 16];    // "rule=row,row;"
static char said[1 << 16];       // "rule name=row,row;"
static char complained[1 << 12]; // "error FIELD.KEY[item]@offset: message\n"
static uint64_t limited;
static const struct weir_summary *reference;         // of every field; NULL: none
static const struct weir_summary *references_of[16]; // instead, where there is one
static void *instance, *edge;
static struct weir_builder *builder;
static struct weir_json_decoder *json;
static struct weir_error error;
static const struct weir_stream *current;
static int64_t next_offset;

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *e)
{
    (void)setup;
    (void)e;
    snprintf(rules.names[rules.n], sizeof rules.names[0], "%s", rule->name);
    rules.flags[rules.n] = rule->flags;
    return rules.n++;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *e)
{
    (void)setup;
    (void)by;
    (void)field;
    (void)parts;
    (void)e;
    return 0;
}

static const struct weir_summary *on_reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup;
    (void)i;
    return field < 16 && references_of[field] ? references_of[field] : reference;
}

static void on_complain(const struct weir_setup *setup, const struct weir_complaint *complaint)
{
    size_t at = strlen(complained);
    (void)setup;
    at += (size_t)snprintf(complained + at, sizeof complained - at, "%s %s%s%s[%zu]@%zu: %s",
                           complaint->warning ? "warning" : "error",
                           complaint->field ? current->fields[complaint->field - 1].name : "",
                           complaint->field ? "." : "", complaint->option, complaint->item,
                           complaint->offset, complaint->message);
    for (size_t i = 0; i < complaint->n_places; i++) {
        const struct weir_complaint_place *place = &complaint->places[i];
        const char *field = place->field ? current->fields[place->field - 1].name : "";
        at += (size_t)snprintf(complained + at, sizeof complained - at, "; see %s%s%s[%zu]@%zu",
                               field, *field ? "." : "", place->option, place->item, place->offset);
    }
    snprintf(complained + at, sizeof complained - at, "\n");
}

static void on_flag(const struct weir_edge *host, unsigned rule, const uint32_t *rows, size_t n)
{
    size_t at = strlen(flagged);
    (void)host;
    at += (size_t)snprintf(flagged + at, sizeof flagged - at, "%s=", rules.names[rule]);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(flagged + at, sizeof flagged - at, "%u%s", rows[i],
                               i + 1 < n ? "," : ";");
}

static void on_detail(const struct weir_edge *host, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n)
{
    size_t at = strlen(said);
    (void)host;
    at += (size_t)snprintf(said + at, sizeof said - at, "%s %.*s=", rules.names[rule], (int)length,
                           name);
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(said + at, sizeof said - at, "%u", rows[i]);
        if (values)
            at += (size_t)snprintf(said + at, sizeof said - at, "(%g)", values[i]);
        at += (size_t)snprintf(said + at, sizeof said - at, i + 1 < n ? "," : ";");
    }
}

static void on_limit(const struct weir_edge *host, const char *what, const uint32_t *rows, size_t n)
{
    (void)host;
    (void)what;
    (void)rows;
    limited += n;
}

static const struct weir_setup setup_host = {.size = sizeof(struct weir_setup),
                                             .need = on_need,
                                             .rule = on_rule,
                                             .reference = on_reference,
                                             .complain = on_complain};
static const struct weir_edge edge_host = {
    .size = sizeof(struct weir_edge), .flag = on_flag, .limit_rows = on_limit, .detail = on_detail};

static inline size_t has_reference(void)
{
    size_t any = reference != NULL;
    for (int i = 0; i < 16; i++)
        any |= references_of[i] != NULL;
    return any;
}

static inline int create(const struct weir_stream *of, const struct weir_option_value *options,
                         int redact)
{
    static const char *const references[] = {"training"};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "contract",
                                          .stream = of,
                                          .references = references,
                                          .n_references = has_reference(),
                                          .redact = redact,
                                          .options = options};
    rules.n = 0;
    *complained = 0;
    limited = 0;
    next_offset = 0;
    current = of;
    return weir_plugin.create(&config, &setup_host, &instance, &error);
}

// Options that are not given are off; SCHEMA_OPTION_QUARANTINE is on.
static inline void start(const struct weir_stream *of, struct weir_option_value *options)
{
    struct weir_builder_options builder_options = {.stream = of, .report_unknown = of->closed};
    options[SCHEMA_OPTION_QUARANTINE] = (struct weir_option_value){.set = 1, .integer = 1};
    int code = create(of, options, 0);
    ck_assert_msg(code == 0, "%s\n%s", error.message, complained);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(weir_builder_create(&builder_options, &builder, &error), 0);
    ck_assert_int_eq(weir_json_decoder_create(&builder_options, builder, &json, &error), 0);
}

static inline void stop(void)
{
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
}

// What it saved, taken in by a new edge.
static inline void restart(void)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &out), 0);
    weir_plugin.edge_destroy(edge);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error), 0);
    weir_buffer_free(&out);
}

// One batch of lines; `timestamps` may be NULL: 0, no timestamp.
static inline const char *observe(const char *const *lines, const int64_t *timestamps)
{
    weir_builder_begin(builder, "topic", 0);
    for (int i = 0; lines[i]; i++) {
        struct weir_record record = {
            next_offset++, timestamps ? timestamps[i] : 0, {NULL, 0}, {NULL, 0}};
        if (*lines[i])
            record.value = (struct weir_span){(const uint8_t *)lines[i], strlen(lines[i])};
        weir_json_decoder_add(json, &record);
    }
    *flagged = *said = 0;
    ck_assert_int_eq(
        weir_plugin.edge_observe(edge, weir_builder_finish(builder), &edge_host, &error), 0);
    return flagged;
}
#define OBSERVE(...) observe((const char *const[]){__VA_ARGS__, NULL}, NULL)

static inline int rule_named(const char *name)
{
    for (int i = 0; i < rules.n; i++) {
        if (strcmp(rules.names[i], name) == 0)
            return i;
    }
    ck_abort_msg("no rule %s", name);
}

// The sentence for `count` of 10,240 records.
static inline const char *sentence(const char *rule, uint64_t count,
                                   const struct weir_rule_detail *details, size_t n_details)
{
    static char text[480];
    struct weir_rule_count counted = {.size = sizeof counted,
                                      .rule = (unsigned)rule_named(rule),
                                      .count = count,
                                      .rows = 10240,
                                      .details = details,
                                      .n_details = n_details};
    struct weir_finding finding = {.size = sizeof finding};
    ck_assert_int_eq(weir_plugin.describe(instance, &counted, &finding, text, sizeof text), 0);
    return text;
}

#endif
