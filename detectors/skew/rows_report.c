// SPDX-License-Identifier: Apache-2.0
// Words for fields that differ between served and offline.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/skew/rows.h"
#include "stats/value_text.h"

enum { EVIDENCE = 32, OFFSETS = 5, TEXT = 320 };

static void share_text(double part, double all, char *text, size_t size)
{
    double percent = all > 0 ? 100 * part / all : 0;
    snprintf(text, size, percent < 10 ? "%.1f%%" : "%.0f%%", percent);
}

// What the pairs that differ have in common, as in "nothing was served in 97% of those".
static void say_kind(const struct skew_field_tally *field, char *text, size_t size)
{
    static const char *const words[SKEW_VERDICTS] = {[SKEW_NOT_SERVED] = "nothing was served",
                                                     [SKEW_NOT_OFFLINE] =
                                                         "the offline side has no value",
                                                     [SKEW_DIFFERS] = "the values are unlike"};
    size_t most = SKEW_DIFFERS;
    char share[24];
    for (size_t i = SKEW_NOT_SERVED; i < SKEW_VERDICTS; i++)
        most = field->verdicts[i] > field->verdicts[most] ? i : most;
    share_text((double)field->verdicts[most], (double)skew_field_differ(field), share,
               sizeof share);
    snprintf(text, size, "%s (%s of those)", words[most], share);
}

static void say_field(const struct skew_field_tally *field, char *text, size_t size)
{
    char differ[32], pairs[32], share[24];
    share_text((double)skew_field_differ(field), (double)skew_field_pairs(field), share,
               sizeof share);
    snprintf(text, size, "%s of %s pairs (%s)", weir_count_text(skew_field_differ(field), differ),
             weir_count_text(skew_field_pairs(field), pairs), share);
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

void skew_rows_report(const struct skew_instance *instance, const struct skew_tally *tally,
                      const size_t *fields, size_t n, const struct weir_window *window)
{
    struct weir_evidence evidence[EVIDENCE];
    struct weir_sample samples[EVIDENCE][OFFSETS];
    const char *names[EVIDENCE];
    char after[EVIDENCE][TEXT], counts[TEXT], kind[TEXT], others[64] = "", summary[1200];
    const struct skew_field_tally *worst = &tally->fields[fields[0]];
    size_t shown = n < EVIDENCE ? n : EVIDENCE;
    for (size_t i = 0; i < shown; i++) {
        const struct skew_field_tally *field = &tally->fields[fields[i]];
        say_field(field, counts, sizeof counts);
        say_kind(field, kind, sizeof kind);
        snprintf(after[i], sizeof after[i], "differs in %.100s: %.200s", counts, kind);
        names[i] = instance->pairs[fields[i]].name;
        evidence[i] =
            (struct weir_evidence){.type = "field",
                                   .field = names[i],
                                   .after = after[i],
                                   .contribution = NAN,
                                   .samples = samples[i],
                                   .n_samples = take_samples(tally, fields[i], samples[i])};
    }
    if (n > 1)
        snprintf(others, sizeof others, "; %zu more field%s differ%s too", n - 1, n > 2 ? "s" : "",
                 n > 2 ? "" : "s");
    say_field(worst, counts, sizeof counts);
    say_kind(worst, kind, sizeof kind);
    snprintf(summary, sizeof summary, "%.200s differs between served and offline in %s: %s%s",
             names[0], counts, kind, others);
    double share = (double)skew_field_differ(worst) / (double)skew_field_pairs(worst);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "rows",
        .kind = "skew.row",
        .severity = WEIR_WARNING,
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
        .n_evidence = shown,
    };
    window->emit(window, &finding);
}
