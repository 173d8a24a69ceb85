// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/scores.h"

#include <math.h>
#include <stdio.h>

#include "detectors/operations/words.h"

// How many scores tell whether a field keeps to [0, 1]; at most this share may have been beyond.
static const double KNOWN = 1000, STRAY = 0.001;
// A run is remarkable from so many scores on, and where nothing is known of how they vary.
static const double RUN = 300, RUN_AT_FIRST = 2000;
// Scores that change with chance q stand still for 20 / q once in a billion.
static const double STILL = 20;
static const double WEEK = 7 * 86400e3;

static void emit(const struct operations_step *step, size_t i, struct weir_finding *finding)
{
    const struct operations *operations = step->operations;
    const char *field = operations->stream->fields[operations->scores[i]].name;
    finding->size = sizeof *finding;
    finding->kind = "operations.score_invalid";
    finding->action = WEIR_ACTION_INVESTIGATE_UPSTREAM;
    finding->fields = &field;
    finding->n_fields = 1;
    step->window->emit(step->window, finding);
}

// ---- beyond [0, 1]

static void judge_beyond(struct operations_score_past *past, const struct operations_step *step,
                         size_t i)
{
    const struct operations_scores *scores = &step->tally->scores[i];
    const char *field = step->operations->stream->fields[step->operations->scores[i]].name;
    double seen = (double)(past->inside + past->beyond);
    int known = seen >= KNOWN && (double)past->beyond <= STRAY * seen;
    if (!known || !scores->outside) {
        past->beyond += scores->outside;
        past->inside += scores->finite - scores->outside;
        return;
    }
    char text[500], share_text[OPERATIONS_TIME_TEXT];
    double share = (double)scores->outside / (double)scores->finite;
    struct weir_sample samples[OPERATIONS_SAMPLES];
    for (size_t k = 0; k < scores->n_samples; k++)
        samples[k] =
            (struct weir_sample){step->tally->topic ? step->tally->topic : "",
                                 scores->samples[k].partition, scores->samples[k].offset, NULL};
    struct weir_evidence evidence = {.type = "samples",
                                     .field = field,
                                     .before = "between 0 and 1",
                                     .contribution = NAN,
                                     .samples = samples,
                                     .n_samples = scores->n_samples};
    snprintf(text, sizeof text,
             "%llu of %llu values of %.100s (%s) lie outside 0 to 1, where it always was: has the "
             "model's last layer or a calibration step been lost? If it is meant, declare its "
             "range.",
             (unsigned long long)scores->outside, (unsigned long long)scores->finite, field,
             operations_share_text(share, share_text));
    struct weir_finding finding = {
        .rule = "outside",
        .severity = share < 0.01 ? WEIR_WARNING : WEIR_CRITICAL,
        .share = share,
        .count = scores->outside,
        .statistic = {"outside_share", share, STRAY, NAN, (double)past->beyond / seen},
        .summary = text,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    emit(step, i, &finding);
}

// ---- standing still

static void report_constant(const struct operations_score_past *past,
                            const struct operations_step *step, size_t i, double least)
{
    const char *field = step->operations->stream->fields[step->operations->scores[i]].name;
    char text[500], since[OPERATIONS_TIME_TEXT];
    snprintf(text, sizeof text,
             "%.100s is the same for all %llu predictions since %s%s: a fallback or a default "
             "answers, or the features do not reach the model.",
             field, (unsigned long long)past->run,
             operations_time_text(past->since, step->window->end, since),
             past->changes > 0 ? ", and it varied before" : "");
    struct weir_evidence evidence = {.type = "field",
                                     .field = field,
                                     .before = past->changes > 0 ? "it varied" : NULL,
                                     .after = "one value",
                                     .contribution = 1};
    struct weir_finding finding = {
        .rule = "constant",
        .severity = WEIR_CRITICAL,
        .share = 1,
        .count = past->run,
        .statistic = {"run", (double)past->run, least, NAN, (double)past->longest},
        .summary = text,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    emit(step, i, &finding);
}

static void judge_constant(struct operations_score_past *past, const struct operations_step *step,
                           size_t i)
{
    const struct operations_scores *scores = &step->tally->scores[i];
    double keep = pow(0.5, (double)(step->window->end - step->window->start) / WEEK);
    if (scores->low != scores->high || (past->run && scores->low != past->value)) {
        past->longest = past->run > past->longest ? past->run : past->longest;
        past->run = 0;
    }
    if (scores->low == scores->high) {
        if (!past->run) {
            past->value = scores->low;
            past->since = step->window->start;
        }
        past->run += scores->finite;
        double least =
            past->changes > 0 ? fmax(RUN, STILL * past->seen / past->changes) : RUN_AT_FIRST;
        least = fmax(least, 3 * (double)past->longest);
        if ((double)past->run >= least) {
            report_constant(past, step, i, least);
            return; // not learnt from
        }
    }
    past->seen = past->seen * keep + (double)scores->finite;
    past->changes = past->changes * keep + (double)scores->changes;
}

void operations_score_step(struct operations_score_past *past, const struct operations_step *step,
                           size_t i)
{
    const struct operations *operations = step->operations;
    if (!step->tally->scores[i].finite)
        return;
    if (!operations->stream->fields[operations->scores[i]].has_range)
        judge_beyond(past, step, i);
    judge_constant(past, step, i);
}

// ---- bytes

void operations_score_save(const struct operations_score_past *past, struct weir_buffer *out)
{
    weir_put_double(out, past->seen);
    weir_put_double(out, past->changes);
    weir_put_long(out, (int64_t)past->inside);
    weir_put_long(out, (int64_t)past->beyond);
    weir_put_double(out, past->value);
    weir_put_long(out, (int64_t)past->run);
    weir_put_long(out, (int64_t)past->longest);
    weir_put_long(out, past->since);
}

int operations_score_restore(struct operations_score_past *past, struct weir_reader *in)
{
    past->seen = weir_get_double(in);
    past->changes = weir_get_double(in);
    past->inside = operations_get_amount(in);
    past->beyond = operations_get_amount(in);
    past->value = weir_get_double(in);
    past->run = operations_get_amount(in);
    past->longest = operations_get_amount(in);
    past->since = operations_get_time(in);
    int sane = past->seen >= 0 && past->seen < 1e18 && past->changes >= 0 &&
               past->changes <= past->seen && isfinite(past->value);
    return in->failed || !sane ? WEIR_ECORRUPT : 0;
}
