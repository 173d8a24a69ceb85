// SPDX-License-Identifier: Apache-2.0
// What the host itself says of rules that records broke.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "consumer/task/merger.h"

static void circuit_words(const struct weir_plan_stream *stream,
                          const struct weir_rule_count *count, size_t partitions, char *text,
                          size_t size)
{
    const struct weir_gate_config *gate = &stream->config->gate;
    const char *name = stream->info.name;
    int64_t over = gate->over / 1000;
    const char *unit = "s";
    if (over % 60 == 0) {
        over /= 60;
        unit = "min";
    }
    if (gate->beyond_stop && count->n_samples)
        snprintf(text, size,
                 "The gate of %s stopped %zu partition%s, the first one [%d] behind offset %" PRId64
                 ": over %g%% of the records within %" PRId64 " %s are bad. Nothing more of it is "
                 "read, nor goes to %s, until gate: is changed (resume:, or beyond: pass) and "
                 "reloaded",
                 name, partitions, partitions == 1 ? "" : "s", count->samples[0].partition,
                 count->samples[0].offset, gate->quarantine_at_most * 100, over, unit, gate->topic);
    else
        snprintf(text, size,
                 "The gate of %s is open in %zu partition%s: over %g%% of the records within "
                 "%" PRId64 " %s are bad, so nothing is held back and %" PRIu64
                 " records, good and bad, went on to %s. It closes by itself once fewer are bad; "
                 "the stream's other incidents say what is wrong with them",
                 name, partitions, partitions == 1 ? "" : "s", gate->quarantine_at_most * 100, over,
                 unit, count->count, gate->topic);
}

// Which limit it was, where that is known.
static void limit_words(const struct weir_rule_count *count, char *text, size_t size)
{
    enum { SHOWN = 3 };
    int at = snprintf(text, size, "A limit was reached: %" PRIu64 " record%s left out of detail",
                      count->count, count->count == 1 ? " was" : "s were");
    for (size_t i = 0; i < count->n_details && i < SHOWN && at >= 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%s (%" PRIu64 ")", i ? "; " : ". ",
                       count->details[i].name, count->details[i].count);
}

// "40 d", "1.5 h": to two digits, which no single record can be told by.
static void put_about(double ms, char *text, size_t size)
{
    static const struct {
        double ms;
        const char *name;
    } units[] = {{86400e3, "d"}, {3600e3, "h"}, {60e3, "min"}, {1e3, "s"}, {1, "ms"}};
    size_t u = 0;
    while (u < 4 && ms < units[u].ms)
        u++;
    double n = ms / units[u].ms, scale = n >= 10 ? pow(10, floor(log10(n)) - 1) : 0.1;
    snprintf(text, size, "%.10g %s", round(n / scale) * scale, units[u].name);
}

static void jump_words(const struct weir_rule_count *count, char *text, size_t size)
{
    char least[32] = "", most[32] = "";
    int one = count->count == 1;
    if (count->n_details && count->details[0].minimum > 0) {
        put_about(count->details[0].minimum, least, sizeof least);
        put_about(count->details[0].maximum, most, sizeof most);
    }
    snprintf(text, size,
             "%" PRIu64 " of %" PRIu64
             " record%s %s far ahead of the others in event time%s%s%s%s: "
             "windows leave %s out. Look for a producer whose clock, time zone or unit is wrong",
             count->count, count->rows, count->rows == 1 ? "" : "s", one ? "is" : "are",
             *least ? ", by about " : "", least, strcmp(least, most) ? " to " : "",
             strcmp(least, most) ? most : "", one ? "it" : "them");
}

static void leap_words(const char *stream, const struct weir_rule_count *count, char *text,
                       size_t size)
{
    char least[32] = "far";
    if (count->n_details && count->details[0].maximum > 0)
        put_about(count->details[0].maximum, least, sizeof least);
    snprintf(text, size,
             "The event time of %s leapt %s ahead, from one record to the next, and all that came "
             "since say so too. Either nothing was sent for so long, or clocks, a time zone or a "
             "unit are wrong everywhere: compare with when the records were written",
             stream, least);
}

void weir_merger_words(const struct weir_merger *merger, const struct weir_plan_detector *detector,
                       const struct weir_rule *rule, const struct weir_rule_count *count,
                       size_t partitions, char *text, size_t size)
{
    const char *name = merger->plan->streams[detector->stream].info.name;
    const char *field =
        rule->field >= 0 ? detector->config.stream->fields[rule->field].name : "records";
    int one = count->count == 1;
    if (!detector->plugin && !strcmp(rule->name, "circuit"))
        circuit_words(&merger->plan->streams[detector->stream], count, partitions, text, size);
    else if (detector->plugin)
        snprintf(text, size, "%s: %" PRIu64 " of %" PRIu64 " record%s break%s rule '%s'", field,
                 count->count, count->rows, count->rows == 1 ? "" : "s", one ? "s" : "",
                 rule->name);
    else if (!strcmp(rule->name, "undecodable"))
        snprintf(text, size, "%" PRIu64 " of %" PRIu64 " record%s do%s not decode", count->count,
                 count->rows, count->rows == 1 ? "" : "s", one ? "es" : "");
    else if (!strcmp(rule->name, "jump"))
        jump_words(count, text, size);
    else if (!strcmp(rule->name, "leap"))
        leap_words(name, count, text, size);
    else if (!strcmp(rule->name, "gap"))
        snprintf(text, size, "%" PRIu64 " offset%s gone before %s read: %s never looked at",
                 count->count, one ? " was" : "s were", one ? "it was" : "they were",
                 one ? "its record was" : "these records were");
    else if (!strcmp(rule->name, "limit"))
        limit_words(count, text, size);
    else
        snprintf(text, size, "A detector failed on records (%s)", rule->name);
}
