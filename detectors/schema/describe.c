// SPDX-License-Identifier: Apache-2.0
// A sentence for someone who has just been woken up.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/value_text.h"

enum { CRITICAL_RECORDS = 10 };

void schema_put(struct schema_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = text->length < text->size
                ? vsnprintf(text->data + text->length, text->size - text->length, format, arguments)
                : 0;
    va_end(arguments);
    text->length += n > 0 ? (size_t)n : 0;
}

void schema_put_count(struct schema_text *text, uint64_t count)
{
    char digits[32];
    schema_put(text, "%s", weir_count_text(count, digits));
}

void schema_put_records(struct schema_text *text, const char *all, uint64_t count, uint64_t rows)
{
    int is_all = count == rows && rows > 1;
    schema_put(text, "%s", is_all ? all : "");
    schema_put_count(text, count);
    if (!is_all) {
        schema_put(text, " of ");
        schema_put_count(text, rows);
    }
    schema_put(text, rows == 1 ? " record " : " records ");
}

void schema_agree(struct schema_text *text, size_t at, uint64_t count)
{
    static const char *const verbs[][2] = {{"have ", "has "},      {"are ", "is "},
                                           {"lack ", "lacks "},    {"do ", "does "},
                                           {"carry ", "carries "}, {"break ", "breaks "}};
    char rest[512];
    if (count != 1 || text->length >= text->size)
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t length = strlen(verbs[i][0]);
        if (strncmp(text->data + at, verbs[i][0], length))
            continue;
        snprintf(rest, sizeof rest, "%s", text->data + at + length);
        text->length = at;
        schema_put(text, "%s%s", verbs[i][1], rest);
        return;
    }
}

void schema_put_duration(struct schema_text *text, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms)
        i++;
    schema_put(text, "%lld %s", (long long)(ms / units[i].ms), units[i].name);
}

int schema_describe(void *instance, const struct weir_rule_count *count,
                    struct weir_finding *finding, char *text, size_t size)
{
    const struct schema *schema = instance;
    struct schema_text out = {text, size, 0};
    if (size &&
        schema_cross_say(&schema->cross, count, schema->critical_share, finding, text, size))
        return 0;
    if (size &&
        schema_depends_say(&schema->depends, count, schema->critical_share,
                           schema->n_references ? schema->references[0] : "", finding, text, size))
        return 0;
    if (size && schema_evolution_say(schema, count, finding, text, size))
        return 0;
    if (count->rule >= schema->n_rules || !size)
        return WEIR_EINVAL;
    const struct schema_rule *rule = &schema->rules[count->rule];
    const struct schema_record_check *check = &schema_record_checks[rule->check];
    struct schema_said said = {schema, rule->field, count};
    double share = count->rows ? (double)count->count / (double)count->rows : NAN;
    int critical =
        !rule->is_mild && count->count >= CRITICAL_RECORDS && share >= schema->critical_share;
    if (rule->field)
        schema_put(&out, "%s: ", rule->field->field->name);
    schema_put_records(&out, "all ", count->count, count->rows);
    size_t verb = out.length;
    check->say(&said, &out);
    schema_agree(&out, verb, count->count);
    if (check->hint)
        schema_put(&out, "; %s", check->hint);
    finding->summary = text;
    finding->count = count->count;
    finding->share = share;
    finding->severity = critical ? WEIR_CRITICAL : check->severity;
    finding->statistic = (struct weir_statistic){"share", share, 0, NAN, NAN};
    return 0;
}
