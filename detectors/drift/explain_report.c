// SPDX-License-Identifier: Apache-2.0
// An explanation in words: since when and how, what was first, which slices, whether again.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "detectors/drift/report.h"
#include "stats/value_text.h"

__attribute__((format(printf, 3, 4))) static void say(char *text, size_t size, const char *format,
                                                      ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    if (used < size)
        vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

// "country JP, route web"
static void slice_text(const struct weir_slice *slice, char *out, size_t size)
{
    *out = 0;
    for (size_t k = 0; k < slice->n_values; k++)
        say(out, size, "%s%.60s %.60s", k ? ", " : "", slice->values[k].field,
            slice->values[k].value ? slice->values[k].value : "null");
}

// ---- since when

static const char *how_it_came(enum weir_onset_kind kind)
{
    return kind == WEIR_ONSET_SUDDEN    ? "at once"
           : kind == WEIR_ONSET_GRADUAL ? "gradually"
                                        : "incrementally";
}

static const char *meaning_of(enum weir_onset_kind kind)
{
    return kind == WEIR_ONSET_SUDDEN    ? ""
           : kind == WEIR_ONSET_GRADUAL ? "; a growing share of records is new"
                                        : "; values move through what is in between";
}

// To the sentence, unless it is the present window that is the first; and with its interval.
static void say_onset(const struct drift_onset *onset, const struct weir_window *window,
                      const char *field, struct drift_lines *lines, char *text, size_t size)
{
    char at[32], first[32], last[32];
    const char *how = how_it_came(onset->kind);
    if (!onset->known)
        return;
    drift_time_text(onset->at, at);
    drift_time_text(onset->first, first);
    drift_time_text(onset->last, last);
    drift_add_line(lines, "onset", field);
    snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "as usual until %s%s UTC",
             onset->open ? "before " : "", first);
    if (onset->at == window->start && onset->first == window->start && !onset->open)
        snprintf(lines->after[lines->n - 1], DRIFT_TEXT,
                 "unlike it %s since the window of %s UTC, as far as one window can say", how, at);
    else
        snprintf(lines->after[lines->n - 1], DRIFT_TEXT,
                 "unlike it %s since %s UTC, between %s and %s%s", how, at, first, last,
                 onset->unsure ? "; or little by little, which cannot be told yet"
                               : meaning_of(onset->kind));
    if (onset->at < window->start && !onset->said)
        say(text, size, "; %s since %s%s UTC", how, onset->open ? "before " : "", at);
}

static void say_order(const struct drift_order *order, const struct drift_verdict *moved,
                      struct drift_lines *lines, char *text, size_t size)
{
    char until[32], from[32], names[200] = "";
    if (!order->n_first)
        return;
    for (size_t k = 0; k < order->n_first; k++)
        say(names, sizeof names, "%s%.60s", k ? ", " : "",
            moved[order->first[k]].field->info->name);
    drift_time_text(order->from.last, until);
    drift_time_text(order->next.first, from);
    drift_add_line(lines, "order", moved[order->first[0]].field->info->name);
    snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "%s changed first, by %s UTC", names, until);
    snprintf(lines->after[lines->n - 1], DRIFT_TEXT, "%s%s not before %s UTC",
             moved[order->later].field->info->name, order->n_later > 1 ? " and all others" : "",
             from);
    say(text, size, "; %s changed first, %s not before %s", names,
        order->n_later > 1 ? "the others" : moved[order->later].field->info->name, from);
}

// ---- where

static void add_carrier(const struct drift_carriers *carriers, const struct weir_window *window,
                        size_t k, const char *field, struct drift_lines *lines)
{
    const struct weir_slice *slice = &window->slices[carriers->slice[k]];
    char share[16], usual[16], count[32];
    struct weir_evidence *line = drift_add_line(lines, "carrier", field);
    line->slice = slice->values;
    line->n_slice = slice->n_values;
    weir_count_text(slice->rows, count);
    drift_percent((double)slice->rows / (double)window->rows, share);
    if (carriers->how == DRIFT_CARRIED_MIX) {
        snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "%s of all records usually",
                 drift_percent(carriers->usual, usual));
        snprintf(lines->after[lines->n - 1], DRIFT_TEXT,
                 "%s of them, %s records; within slices %s is as usual", share, count, field);
        return;
    }
    snprintf(lines->before[lines->n - 1], DRIFT_TEXT,
             "all other slices are as they usually are (apart by %.2g)", carriers->rest);
    snprintf(lines->after[lines->n - 1], DRIFT_TEXT,
             "%s records (%s of all) are unlike what this slice usually has%s", count, share,
             k ? "" : "; strongest of its kind");
    if (carriers->n == 1)
        line->contribution = carriers->part;
}

static void say_carriers(const struct drift_carriers *carriers, const struct weir_window *window,
                         const char *field, struct drift_lines *lines, char *text, size_t size)
{
    char names[300] = "", one[140], share[16], usual[16];
    if (carriers->how == DRIFT_CARRIED_UNKNOWN || !carriers->any)
        return;
    if (carriers->how == DRIFT_CARRIED_ALL) {
        for (size_t k = 0; k < carriers->any->n_values; k++)
            say(names, sizeof names, "%s%.60s", k ? ", " : "", carriers->any->values[k].field);
        drift_add_line(lines, "carrier", field);
        snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "%zu slices by %s", carriers->of, names);
        snprintf(lines->after[lines->n - 1], DRIFT_TEXT, "all of them moved alike");
        say(text, size, "; in all slices by %s alike", names);
        return;
    }
    for (size_t k = 0; k < carriers->n && k < DRIFT_CARRIERS; k++) {
        slice_text(&window->slices[carriers->slice[k]], one, sizeof one);
        say(names, sizeof names, "%s%s", k ? "; " : "", one);
        add_carrier(carriers, window, k, field, lines);
    }
    drift_percent(carriers->share, share);
    if (carriers->how == DRIFT_CARRIED_MIX)
        say(text, size, "; no slice moved by itself: %s has %s of the records, usually %s", names,
            share, drift_percent(carriers->usual, usual));
    else if (carriers->n > DRIFT_CARRIERS)
        say(text, size, "; only in %s and %zu more slices (%s of the records)", names,
            carriers->n - DRIFT_CARRIERS, share);
    else
        say(text, size, "; only in %s (%s of the records)", names, share);
}

// ---- again

static void say_again(const struct drift_recurrence *again, const char *field,
                      struct drift_lines *lines, char *text, size_t size)
{
    char from[32], to[32], every[48] = "";
    if (!again->times)
        return;
    drift_time_text(again->began, from);
    drift_time_text(again->ended, to);
    if (again->every)
        snprintf(every, sizeof every, ", about every %.3g %s",
                 (double)again->every / (again->every >= 172800000 ? 86400e3 : 3600e3),
                 again->every >= 172800000 ? "days" : "hours");
    drift_add_line(lines, "recurring", field);
    snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "the same from %s to %s UTC", from, to);
    snprintf(lines->after[lines->n - 1], DRIFT_TEXT, "%zu earlier episode%s like this%s",
             again->times, again->times == 1 ? "" : "s", every);
    say(text, size, "; the same as from %s to %s%s", from, to, every);
}

void drift_explain_report(const struct drift_explanation *explanation,
                          const struct weir_window *window, const struct drift_verdict *moved,
                          struct drift_lines *lines, char *text, size_t size)
{
    const char *field = moved[0].field->info->name;
    say_onset(&explanation->onset, window, field, lines, text, size);
    say_order(&explanation->order, moved, lines, text, size);
    say_carriers(&explanation->carriers, window, field, lines, text, size);
    say_again(&explanation->again, field, lines, text, size);
}
