// SPDX-License-Identifier: Apache-2.0
// Which slices of what was served the pairs that differ are of.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/names.h"
#include "detectors/skew/rows.h"
#include "stats/value_text.h"

enum { FIELDS = 16, TEXT = 300 };
// Nearly all of the pairs that differ, and not nearly all of the pairs.
static const double NEARLY = 0.9, MOST = 0.8;

static size_t values_of(const struct skew_instance *instance, size_t by, const char *text,
                        struct weir_slice_value values[SKEW_BY_FIELDS], char room[SKEW_SLICE_TEXT])
{
    size_t n = 0;
    snprintf(room, SKEW_SLICE_TEXT, "%s", text);
    for (char *at = room; at && n < instance->n_by_fields[by]; n++) {
        char *end = strchr(at, SKEW_BETWEEN);
        if (end)
            *end = 0;
        values[n] = (struct weir_slice_value){instance->by_names[by][n], at};
        at = end ? end + 1 : NULL;
    }
    return n;
}

size_t skew_rows_blame(const struct skew_instance *instance, const struct skew_tally *tally,
                       size_t field, char *text, size_t size,
                       struct weir_slice_value values[SKEW_BY_FIELDS], char room[SKEW_SLICE_TEXT])
{
    const struct skew_slice_tally *best = NULL;
    double pairs = (double)skew_field_pairs(&tally->fields[field]);
    double differ = (double)skew_field_differ(&tally->fields[field]);
    size_t best_by = 0;
    *text = 0;
    for (size_t by = 0; by < instance->n_by; by++)
        for (size_t i = 0; i < tally->n_slices[by]; i++) {
            const struct skew_slice_tally *slice = &tally->slices[by][i];
            const uint64_t *count = &slice->count[2 * field];
            if ((double)count[1] < NEARLY * differ || (double)count[0] > MOST * pairs ||
                (best && best->count[2 * field] <= count[0]))
                continue;
            best = slice;
            best_by = by;
        }
    if (!best)
        return 0;
    char name[TEXT], number[2][32];
    size_t n = values_of(instance, best_by, best->text, values, room);
    skew_slice_text(values, n, name, sizeof name);
    snprintf(text, size, ", nearly all of them where %s (%s of %s pairs there)", name,
             weir_count_text(best->count[2 * field + 1], number[0]),
             weir_count_text(best->count[2 * field], number[1]));
    return n;
}

// ---- slices that are told by themselves

struct told {
    char after[FIELDS][TEXT];
    struct weir_evidence evidence[FIELDS];
    const char *names[FIELDS];
    size_t n, worst;
    double most;
};

static void add_field(struct told *told, const struct skew_instance *instance,
                      const struct skew_slice_tally *slice, size_t field)
{
    const uint64_t *count = &slice->count[2 * field];
    double share = (double)count[1] / (double)count[0];
    char number[2][32];
    if (share > told->most) {
        told->most = share;
        told->worst = field;
    }
    size_t at = told->n++;
    if (at >= FIELDS)
        return;
    snprintf(told->after[at], TEXT, "differs in %s of %s pairs (%.3g%%)",
             weir_count_text(count[1], number[0]), weir_count_text(count[0], number[1]),
             100 * share);
    told->names[at] = instance->pairs[field].name;
    told->evidence[at] = (struct weir_evidence){
        .type = "field", .field = told->names[at], .after = told->after[at], .contribution = NAN};
}

static void emit(struct told *told, const struct skew_instance *instance,
                 const struct skew_slice_tally *slice, size_t by, size_t more,
                 const struct weir_window *window)
{
    struct weir_slice_value values[SKEW_BY_FIELDS];
    char room[SKEW_SLICE_TEXT], name[TEXT], others[100] = "", summary[SKEW_SAID], number[2][32];
    size_t n = values_of(instance, by, slice->text, values, room);
    const uint64_t *count = &slice->count[2 * told->worst];
    skew_slice_text(values, n, name, sizeof name);
    size_t used = 0;
    if (told->n > 1)
        used = (size_t)snprintf(others, sizeof others, "; %zu more field%s differ%s there too",
                                told->n - 1, told->n == 2 ? "" : "s", told->n == 2 ? "s" : "");
    if (more)
        snprintf(others + used, sizeof others - used, "; so it is in %zu more slice%s", more,
                 more == 1 ? "" : "s");
    snprintf(summary, sizeof summary,
             "%.100s differs between served and offline where %s, in %s of %s pairs (%.3g%%), and "
             "no more than is allowed on the whole%s; look at what serves these records",
             instance->pairs[told->worst].name, name, weir_count_text(count[1], number[0]),
             weir_count_text(count[0], number[1]), 100 * told->most, others);
    size_t shown = told->n < FIELDS ? told->n : FIELDS;
    for (size_t i = 0; i < shown; i++) {
        told->evidence[i].after = told->after[i];
        told->evidence[i].slice = values;
        told->evidence[i].n_slice = n;
    }
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "rows",
        .kind = "skew.row",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .identity = WEIR_BY_KIND, // one incident, whether the whole shows it or not
        .fields = told->names,
        .n_fields = shown,
        .slice = values,
        .n_slice = n,
        .share = told->most,
        .count = count[1],
        .statistic = {"mismatch", told->most, instance->mismatch, NAN, NAN},
        .summary = summary,
        .evidence = told->evidence,
        .n_evidence = shown,
    };
    window->emit(window, &finding);
}

static int collect(const struct skew_instance *instance, const struct skew_tally *tally,
                   const struct skew_slice_tally *slice, double slices, struct told *told)
{
    for (size_t f = 0; f < tally->n_fields; f++) {
        const uint64_t *count = &slice->count[2 * f];
        if (count[0] >= instance->minimum &&
            skew_rows_is_over((double)count[1], (double)count[0], instance->mismatch,
                              (double)tally->n_fields * slices, instance->chance))
            add_field(told, instance, slice, f);
    }
    return told->n > 0;
}

void skew_rows_slices(const struct skew_instance *instance, const struct skew_tally *tally,
                      const struct weir_window *window)
{
    const struct skew_slice_tally *worst = NULL;
    struct told best = {.n = 0};
    size_t slices = 0, found = 0, worst_by = 0;
    for (size_t by = 0; by < instance->n_by; by++)
        slices += tally->n_slices[by];
    for (size_t by = 0; by < instance->n_by; by++)
        for (size_t i = 0; i < tally->n_slices[by]; i++) {
            struct told told = {.n = 0};
            if (!collect(instance, tally, &tally->slices[by][i], (double)slices, &told))
                continue;
            found += !found || by == worst_by;
            // A part of a slice is not told before the slice.
            if (worst && (by != worst_by || told.most <= best.most))
                continue;
            worst = &tally->slices[by][i];
            worst_by = by;
            best = told;
        }
    if (worst)
        emit(&best, instance, worst, worst_by, found - 1, window);
}
