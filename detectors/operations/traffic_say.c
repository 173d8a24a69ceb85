// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/traffic_say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/operations/words.h"

enum { SHOWN = 5, TEXT = 800, FIELDS = 8, NAME = 300 };

// What a part is called by: of a slice by several fields, several.
struct place {
    struct weir_slice_value values[FIELDS];
    size_t n;
    char name[NAME];
};

static const char *field_of(const struct operations_step *step, enum operations_part_kind kind)
{
    return kind == OPERATIONS_PARTITION
               ? "partition"
               : step->operations->stream->fields[step->operations->source].name;
}

static void place_of(const struct operations_step *step, const struct operations_part *part,
                     struct place *place)
{
    place->n = part->kind != OPERATIONS_STREAM;
    snprintf(place->name, sizeof place->name, "%s", part->name);
    place->values[0] = (struct weir_slice_value){
        place->n && part->kind != OPERATIONS_SLICE ? field_of(step, part->kind) : NULL,
        place->name};
    if (part->kind != OPERATIONS_SLICE)
        return;
    place->n = 0;
    for (char *at = place->name, *end; place->n < FIELDS && *at; place->n++) {
        struct weir_slice_value *value = &place->values[place->n];
        value->field = at;
        if (!(end = strchr(at, 0x1f)))
            break;
        *end = 0;
        value->value = end + 1;
        if (!(end = strchr(end + 1, 0x1f)))
            break;
        *end = 0;
        at = end + 1;
    }
}

// "route app, country DE of transactions"
static void who_text(const struct operations_step *step, const struct operations_part *part,
                     const struct place *place, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < place->n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s %.60s", i ? ", " : "",
                                 part->kind == OPERATIONS_PARTITION ? "Partition"
                                                                    : place->values[i].field,
                                 place->values[i].value);
    if (used < size)
        snprintf(out + used, size - used, "%s%.100s", place->n ? " of " : "Stream ",
                 step->operations->stream->name);
}

static const char *where_to_look(enum operations_part_kind kind)
{
    return kind == OPERATIONS_STREAM ? "look at its producers and at the topic"
           : kind == OPERATIONS_PARTITION
               ? "the others flow: look at its leader and at how producers choose partitions"
               : "the others flow: look at what sends it";
}

static void emit(const struct operations_step *step, const struct operations_found *found,
                 struct weir_finding *finding)
{
    finding->size = sizeof *finding;
    finding->action = WEIR_ACTION_INVESTIGATE_UPSTREAM;
    finding->provisional = 1;
    finding->count = (uint64_t)fabs(found->decision.missing);
    finding->statistic =
        (struct weir_statistic){"log_likelihood_ratio", found->decision.score,
                                found->decision.threshold, NAN, found->decision.expected};
    step->window->emit(step->window, finding);
}

struct lines {
    struct place places[SHOWN];
    struct weir_evidence evidence[SHOWN];
    char before[SHOWN][60], after[SHOWN][60];
    size_t n;
};

static void list_parts(struct lines *lines, const struct operations_step *step,
                       const struct operations_found *parts, size_t n)
{
    for (lines->n = 0; lines->n < n && lines->n < SHOWN; lines->n++) {
        size_t i = lines->n;
        place_of(step, parts[i].part, &lines->places[i]);
        snprintf(lines->before[i], sizeof lines->before[i], "about %.2g records a window",
                 parts[i].decision.expected);
        snprintf(lines->after[i], sizeof lines->after[i], "%llu",
                 (unsigned long long)parts[i].rows);
        lines->evidence[i] = (struct weir_evidence){.type = "slice",
                                                    .slice = lines->places[i].values,
                                                    .n_slice = lines->places[i].n,
                                                    .before = lines->before[i],
                                                    .after = lines->after[i],
                                                    .contribution = NAN};
    }
}

// "0 records in the last 5 min, where about 7 are usual; about 40 have not come by now"
static void count_text(const struct operations_step *step, const struct operations_found *found,
                       char *out, size_t size)
{
    char span[OPERATIONS_TIME_TEXT];
    double missing = fmax(found->decision.missing, 0);
    operations_span_text(step->operations->step, span);
    int used = snprintf(out, size, "%llu record%s in the last %s, where about %.*f are usual",
                        (unsigned long long)found->rows, found->rows == 1 ? "" : "s", span,
                        found->decision.expected < 9.5 ? 1 : 0, found->decision.expected);
    if (missing > 1.5 * found->decision.expected && used > 0 && (size_t)used < size)
        snprintf(out + used, size - (size_t)used, "; about %.0f have not come by now", missing);
}

static void say_silent(const struct operations_step *step, const struct operations_found *found,
                       const struct lines *lines)
{
    const struct operations_part *part = found->part;
    int whole = part->kind == OPERATIONS_STREAM;
    struct place place;
    char text[TEXT], since[OPERATIONS_TIME_TEXT], counts[200], who[NAME];
    place_of(step, part, &place);
    who_text(step, part, &place, who, sizeof who);
    operations_time_text(part->seen, step->window->end, since);
    count_text(step, found, counts, sizeof counts);
    snprintf(text, sizeof text, "%s is silent since about %s: %s; %s.", who, since, counts,
             where_to_look(part->kind));
    struct weir_finding finding = {
        .rule = "silent",
        .kind = part->kind == OPERATIONS_SLICE ? "outage.silence" : "operations.silent",
        .severity = whole ? WEIR_CRITICAL : WEIR_WARNING,
        .slice = place.values,
        .n_slice = place.n,
        .share = fmin(fmax(1 - found->decision.left, 0), 1),
        .summary = text,
        .evidence = lines ? lines->evidence : NULL,
        .n_evidence = lines ? lines->n : 0,
    };
    emit(step, found, &finding);
}

void operations_say_stream_silent(const struct operations_step *step,
                                  const struct operations_found *stream,
                                  const struct operations_found *parts, size_t n)
{
    struct lines lines;
    list_parts(&lines, step, parts, n);
    say_silent(step, stream, &lines);
}

static void say_many(const struct operations_step *step, const struct operations_found *parts,
                     size_t n)
{
    enum operations_part_kind kind = parts[0].part->kind;
    struct operations_found all = parts[0];
    struct lines lines;
    char text[TEXT], since[OPERATIONS_TIME_TEXT], names[200] = "";
    int64_t last = parts[0].part->seen;
    for (size_t i = 1; i < n; i++) {
        last = parts[i].part->seen > last ? parts[i].part->seen : last;
        all.decision.missing += parts[i].decision.missing;
        all.decision.expected += parts[i].decision.expected;
    }
    list_parts(&lines, step, parts, n);
    for (size_t i = 0, used = 0; i < lines.n && used < sizeof names; i++) {
        for (size_t k = 0; k < lines.places[i].n && used < sizeof names; k++)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.30s",
                                     k   ? " "
                                     : i ? ", "
                                         : "",
                                     lines.places[i].values[k].value);
    }
    operations_time_text(last, step->window->end, since);
    snprintf(text, sizeof text,
             "%zu %s of %.100s are silent since about %s or before (%s ...), where about %.0f "
             "records a window are usual; %s.",
             n,
             kind == OPERATIONS_PARTITION ? "partitions"
             : kind == OPERATIONS_SLICE   ? "slices"
                                          : "producers",
             step->operations->stream->name, since, names, all.decision.expected,
             kind == OPERATIONS_PARTITION ? "the others flow: look for a broker that is down"
                                          : "the others flow: look at what these have in common");
    struct weir_finding finding = {
        .rule = kind == OPERATIONS_PARTITION ? "silent_partitions"
                : kind == OPERATIONS_SLICE   ? "silent_slices"
                                             : "silent_producers",
        .kind = kind == OPERATIONS_SLICE ? "outage.silence" : "operations.silent",
        .severity = WEIR_CRITICAL,
        .share = NAN,
        .summary = text,
        .evidence = lines.evidence,
        .n_evidence = lines.n,
    };
    emit(step, &all, &finding);
}

void operations_say_parts_silent(const struct operations_step *step,
                                 const struct operations_found *parts, size_t n)
{
    for (size_t from = 0, to; from < n; from = to) {
        size_t told = 0;
        for (to = from; to < n && parts[to].part->kind == parts[from].part->kind; to++)
            told += parts[to].told != 0;
        if (told && to - from > SHOWN) {
            say_many(step, parts + from, to - from);
            continue;
        }
        for (size_t i = from; i < to; i++) {
            if (parts[i].told)
                say_silent(step, &parts[i], NULL);
        }
    }
}

void operations_say_throughput(const struct operations_step *step,
                               const struct operations_found *found)
{
    int low = found->decision.left < 1;
    char text[TEXT], since[OPERATIONS_TIME_TEXT], counts[200], factor[OPERATIONS_TIME_TEXT];
    operations_time_text(found->decision.since, step->window->end, since);
    count_text(step, found, counts, sizeof counts);
    if (low)
        operations_share_text(found->decision.left, factor);
    else
        snprintf(factor, sizeof factor, found->decision.left < 10 ? "%.2g times" : "%.0f times",
                 found->decision.left);
    snprintf(text, sizeof text,
             "%.100s has %s %s %sits usual records for this hour and day since about %s: %s; %s.",
             step->operations->stream->name, low ? "only" : "about", factor, low ? "of " : "",
             since, counts,
             low ? "look at what feeds it"
                 : "look for a replay, a retry storm, duplicates or a new caller, and whether "
                   "serving can carry it");
    struct weir_finding finding = {
        .rule = low ? "throughput_low" : "throughput_high",
        .kind = "operations.throughput",
        .severity = WEIR_WARNING,
        .share = fmin(fabs(1 - found->decision.left), 1),
        .summary = text,
    };
    emit(step, found, &finding);
}
