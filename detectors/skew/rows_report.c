// SPDX-License-Identifier: Apache-2.0
// Words for fields that differ between served and offline, and for records without a partner.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/skew/cause.h"
#include "detectors/skew/rows.h"
#include "stats/value_text.h"

enum { EVIDENCE = 32, OFFSETS = 5, TEXT = 400 };

static void share_text(double share, char *text, size_t size)
{
    double percent = 100 * share;
    snprintf(text, size, percent < 10 ? "%.1f%%" : "%.0f%%", percent);
}

// "1,204 of 4,000 pairs (30%)"
static void say_counts(uint64_t n, uint64_t all, const char *what, char *text, size_t size)
{
    char of_n[32], of_all[32], share[24];
    share_text((double)n / (double)all, share, sizeof share);
    snprintf(text, size, "%s of %s %s (%s)", weir_count_text(n, of_n), weir_count_text(all, of_all),
             what, share);
}

// "served is the offline value of 6 hours before (97% of those)"
static void say_kind(const struct skew_instance *instance, const struct skew_field_tally *field,
                     const struct skew_cause *cause, char *text, size_t size)
{
    char words[TEXT], share[24];
    skew_say_cause(cause, instance->redact, skew_field_differ(field), words, sizeof words);
    share_text(cause->share, share, sizeof share);
    if (cause->kind == SKEW_NO_CAUSE)
        snprintf(text, size, "%s", words);
    else
        snprintf(text, size, "%.300s (%s of those)", words, share);
}

static size_t take_samples(const struct skew_tally *tally, size_t field,
                           struct weir_sample *samples)
{
    const struct skew_field_tally *of = &tally->fields[field];
    size_t n = of->n_samples < OFFSETS ? of->n_samples : OFFSETS;
    for (size_t i = 0; i < n; i++)
        samples[i] = (struct weir_sample){tally->topic, of->samples[i].partition,
                                          of->samples[i].offset, NULL};
    return tally->topic ? n : 0;
}

struct told { // of one field
    char after[TEXT];
    struct weir_sample samples[OFFSETS];
    struct skew_cause cause;
};

static int tell_field(const struct skew_instance *instance, const struct skew_tally *tally,
                      size_t at, struct told *told, struct weir_evidence *evidence)
{
    const struct skew_field_tally *field = &tally->fields[at];
    char counts[TEXT], kind[TEXT];
    if (skew_find_cause(&instance->pairs[at], field, &told->cause))
        return WEIR_ENOMEM;
    say_counts(skew_field_differ(field), skew_field_pairs(field), "pairs", counts, sizeof counts);
    say_kind(instance, field, &told->cause, kind, sizeof kind);
    snprintf(told->after, sizeof told->after, "%s: differs in %.90s: %.250s",
             skew_kind_name(told->cause.kind), counts, kind);
    *evidence = (struct weir_evidence){.type = "field",
                                       .field = instance->pairs[at].name,
                                       .after = told->after,
                                       .contribution = NAN,
                                       .samples = told->samples,
                                       .n_samples = take_samples(tally, at, told->samples)};
    return 0;
}

static void say_others(const struct skew_instance *instance, const size_t *fields, size_t n,
                       char *text, size_t size)
{
    *text = 0;
    if (n == 2)
        snprintf(text, size, "; %.80s differs too", instance->pairs[fields[1]].name);
    else if (n > 2)
        snprintf(text, size, "; %.80s and %zu more field%s differ too",
                 instance->pairs[fields[1]].name, n - 2, n > 3 ? "s" : "");
}

int skew_rows_report(const struct skew_instance *instance, const struct skew_tally *tally,
                     const size_t *fields, size_t n, const struct weir_window *window)
{
    struct weir_evidence evidence[EVIDENCE + 1];
    struct weir_slice_value values[SKEW_BY_FIELDS];
    char where[SKEW_SAID], room[SKEW_SLICE_TEXT];
    struct told told[EVIDENCE];
    const char *names[EVIDENCE];
    char counts[TEXT], kind[TEXT], others[200], summary[1500];
    const struct skew_field_tally *worst = &tally->fields[fields[0]];
    size_t shown = n < EVIDENCE ? n : EVIDENCE;
    int rounded = 1; // and nothing else
    for (size_t i = 0; i < shown; i++) {
        if (tell_field(instance, tally, fields[i], &told[i], &evidence[i]))
            return WEIR_ENOMEM;
        names[i] = instance->pairs[fields[i]].name;
        rounded &= told[i].cause.kind == SKEW_ROUNDING;
    }
    say_counts(skew_field_differ(worst), skew_field_pairs(worst), "pairs", counts, sizeof counts);
    say_kind(instance, worst, &told[0].cause, kind, sizeof kind);
    say_others(instance, fields, n, others, sizeof others);
    size_t n_values =
        skew_rows_blame(instance, tally, fields[0], where, sizeof where, values, room);
    if (n_values)
        evidence[shown] = (struct weir_evidence){.type = "slice",
                                                 .field = names[0],
                                                 .slice = values,
                                                 .n_slice = n_values,
                                                 .contribution = NAN};
    snprintf(summary, sizeof summary,
             "%.200s differs between served and offline in %.100s%.300s: %.400s%.200s; %.100s",
             names[0], counts, where, kind, others, skew_advise(told[0].cause.kind));
    double share = (double)skew_field_differ(worst) / (double)skew_field_pairs(worst);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "rows",
        .kind = "skew.row",
        .severity = rounded ? WEIR_INFO : WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .identity = WEIR_BY_KIND,
        .fields = names,
        .n_fields = shown,
        .share = share,
        .count = skew_field_differ(worst),
        .statistic = {.name = "mismatch",
                      .value = share,
                      .threshold = instance->mismatch,
                      .p_value = NAN,
                      .baseline = NAN},
        .summary = summary,
        .evidence = evidence,
        .n_evidence = shown + (n_values > 0),
    };
    window->emit(window, &finding);
    return 0;
}

void skew_rows_report_lonely(const struct skew_instance *instance, const struct skew_tally *tally,
                             int offline, const struct weir_window *window)
{
    uint64_t lonely = tally->lonely[offline ? SKEW_LONELY_OFFLINE : SKEW_LONELY_SERVED];
    const char *mine = offline ? instance->offline_name : instance->served_name;
    const char *other = offline ? instance->served_name : instance->offline_name;
    char what[160], counts[TEXT], late[200], summary[1000], number[32];
    snprintf(late, sizeof late,
             "%s records came later than `lateness` allows and were left out; raise it, or bring "
             "them in order",
             weir_count_text(tally->lonely[SKEW_LATE], number));
    // Where hardly any find one, though the other side has the keys, times are what is unlike.
    int at_other_times =
        !offline && tally->lonely[SKEW_SAME_KEY] * 2 > lonely && tally->pairs * 4 < lonely;
    snprintf(what, sizeof what, "records of %.100s", mine);
    say_counts(lonely, lonely + tally->pairs, what, counts, sizeof counts);
    snprintf(
        summary, sizeof summary,
        "%s have no partner in %.100s, a record of the same key and event time: %s", counts, other,
        tally->lonely[SKEW_LATE] * 2 > lonely ? late
        : at_other_times ? "it has most of the keys, at other times; see that both sides carry "
                           "the time of the same event, or set `apart`"
        : offline        ? "see what computes records that were never served"
                         : "see whether the offline pipeline misses records or is behind");
    double share = (double)lonely / (double)(lonely + tally->pairs);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = offline ? "unpaired_offline" : "unpaired_served",
        .kind = "skew.row",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .share = share,
        .count = lonely,
        .statistic = {.name = "unpaired",
                      .value = share,
                      .threshold = instance->unpaired,
                      .p_value = NAN,
                      .baseline = NAN},
        .summary = summary,
    };
    window->emit(window, &finding);
}
