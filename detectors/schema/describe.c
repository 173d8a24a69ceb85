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
    schema_put(&out, count->count == count->rows && count->rows > 1 ? "all " : "");
    schema_put_count(&out, count->count);
    if (count->count != count->rows || count->rows <= 1) {
        schema_put(&out, " of ");
        schema_put_count(&out, count->rows);
    }
    schema_put(&out, " records ");
    check->say(&said, &out);
    if (check->hint)
        schema_put(&out, "; %s", check->hint);
    finding->summary = text;
    finding->count = count->count;
    finding->share = share;
    finding->severity = critical ? WEIR_CRITICAL : check->severity;
    finding->statistic = (struct weir_statistic){"share", share, 0, NAN, NAN};
    return 0;
}
