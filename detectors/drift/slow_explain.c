// SPDX-License-Identifier: Apache-2.0
// Slow drift, explained by what drift's other incidents are: fields that drift become verdicts, of
// what they had since that seems so. Only since when it is cannot be seen in the last panes: it is
// dated by the trace, as a step or ramp of the signal that its chart summed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/onset_line.h"

enum {
    DATED = 16,  // fields
    BEFORE = 48, // steps that say what it was before
    ENOUGH = 50  // values
};
static const double NEARLY = 6;    // 2 ln of the likelihood ratio
static const double AT_LEAST = .3; // of where it is by now: the change that is dated
static const double CHANCE = 1e-3;
static const double UNSURE = 2; // 2 ln of the likelihood ratio of a ramp
static const double LIKE = .35; // of delta: what has to be told apart to know a change again
static const int64_t DAY = 24 * (int64_t)3600000;

// ---- since when

struct steps { // of one signal
    double *y, *weight;
    int64_t *start, *end;
    size_t n;
};

static int make_steps(struct steps *steps, size_t most)
{
    *steps = (struct steps){.y = malloc(2 * (most + 1) * sizeof(double)),
                            .start = malloc(2 * (most + 1) * sizeof(int64_t))};
    steps->weight = steps->y ? steps->y + most + 1 : NULL;
    steps->end = steps->start ? steps->start + most + 1 : NULL;
    return steps->y && steps->start ? 0 : WEIR_ENOMEM;
}

static void free_steps(struct steps *steps)
{
    free(steps->y);
    free(steps->start);
}

static int64_t time_at(const struct steps *steps, double position)
{
    size_t w = position < (double)steps->n ? (size_t)position : steps->n - 1;
    double part = fmin(position - (double)w, 1);
    return steps->start[w] + (int64_t)(part * (double)(steps->end[w] - steps->start[w]));
}

static int is_of(const struct weir_onset_fit *fit, const struct drift_creep *creep)
{
    return fit->change * creep->now > 0 && fabs(fit->change) >= AT_LEAST * fabs(creep->now);
}

// What it was before is fitted where enough of that is kept; else it is what was learnt.
static int fit(const struct drift_memory *memory, const struct drift_creep *creep, double nearly,
               struct steps *steps, struct weir_onset_fit *out)
{
    const struct drift *drift = memory->drift;
    const struct drift_slow *slow = &memory->calibration.slow;
    const struct drift_chart *chart = drift_slow_chart(memory, creep->field, (int)creep->signal);
    size_t before = 0;
    steps->n = drift_trace_take(&slow->trace, creep->field * WEIR_SIGNALS + creep->signal,
                                INT64_MIN, steps->y, steps->start, steps->end);
    for (size_t i = 0; i < steps->n; i++) {
        double span = (double)(steps->end[i] - steps->start[i]);
        double windows = drift->window > 0 ? fmax(span / (double)drift->window, 1) : 1;
        steps->y[i] -= chart->mean;
        steps->weight[i] = windows / (chart->sd * chart->sd);
        before += steps->end[i] <= creep->since;
    }
    struct weir_onset_line line = {steps->y, steps->weight, steps->n, before >= BEFORE, nearly};
    int code = weir_onset_fit(&line, out);
    if (!code && line.base && !is_of(out, creep)) {
        line.base = 0;
        code = weir_onset_fit(&line, out);
    }
    return code;
}

static int date(const struct drift_memory *memory, const struct drift_creep *creep, double nearly,
                struct steps *steps, struct drift_onset *out)
{
    struct weir_onset_fit found;
    *out = (struct drift_onset){.known = 0};
    int code = fit(memory, creep, nearly, steps, &found);
    if (code || !is_of(&found, creep))
        return code == WEIR_ENOMEM ? code : 0;
    int ramp = found.lead > log((double)steps->n);
    int ordered = drift_memory_cells(memory, creep->field)->shape == WEIR_SHAPE_NUMERIC;
    *out = (struct drift_onset){
        .known = 1,
        .kind = !ramp                                         ? WEIR_ONSET_SUDDEN
                : ordered && creep->signal < WEIR_SIGNAL_NULL ? WEIR_ONSET_INCREMENTAL
                                                              : WEIR_ONSET_GRADUAL,
        .at = time_at(steps, found.begins),
        .first = time_at(steps, found.earliest),
        .last = time_at(steps, found.latest),
        .open = found.earliest <= 0,
        .unsure = !ramp && found.lead > UNSURE,
    };
    return 0;
}

static int find_onsets(const struct drift_memory *memory, struct drift_creep *creeps, size_t n,
                       struct drift_explanation *out)
{
    struct drift_dated dated[DATED];
    struct steps steps;
    size_t n_dated = 0;
    int code = make_steps(&steps, memory->calibration.slow.trace.most);
    // Of so many intervals hardly one is to miss what it is about.
    double nearly = NEARLY + 2 * log((double)n);
    for (size_t k = 0; k < n && k < DATED && !code; k++) {
        code = date(memory, &creeps[k], NEARLY, &steps, &creeps[k].onset);
        if (code || n < 2)
            continue;
        dated[n_dated].field = k;
        code = date(memory, &creeps[k], nearly, &steps, &dated[n_dated].onset);
        n_dated += dated[n_dated].onset.known != 0;
    }
    free_steps(&steps);
    if (!code && n > 1 && n_dated == n)
        drift_find_order(dated, n_dated, &out->order);
    out->onset = creeps[0].onset;
    out->onset.said = 1;
    return code;
}

// ---- what else

static enum drift_test test_of(enum weir_signal signal)
{
    return signal == WEIR_SIGNAL_NULL     ? DRIFT_NULL_RATE
           : signal == WEIR_SIGNAL_UNSEEN ? DRIFT_UNSEEN
                                          : DRIFT_OMNIBUS;
}

// What the field had lately beside the whole calibration: both have all hours, about.
struct beside {
    struct weir_summary now, then;
};

static int compare(struct drift_memory *memory, struct drift_room *room,
                   const struct drift_creep *creep, const struct drift_counts *lately,
                   struct beside *beside, struct drift_verdict *verdict)
{
    struct drift local = *memory->drift;
    const struct drift_chart *chart = drift_slow_chart(memory, creep->field, (int)creep->signal);
    double windows = fmax((double)memory->calibration.stretch.n, 1);
    double values = (double)memory->calibration.pooled[creep->field].values / windows;
    struct drift_verdict judged = *verdict;
    local.minimum = ENOUGH;
    beside->now = drift_memory_over(memory, creep->field, lately);
    beside->then =
        drift_memory_over(memory, creep->field, &memory->calibration.pooled[creep->field]);
    // A sample's signal has a standard error of 1 / sqrt(n), about.
    judged.dispersion = verdict->dispersion = fmax(chart->sd * chart->sd * values, 1);
    int code = drift_judge(&local, CHANCE, room, &beside->now, &beside->then, &judged);
    verdict->effect = judged.effect;
    verdict->now = &beside->now;
    verdict->then = &beside->then;
    return code;
}

// Whether enough was seen of it to know it again.
static int is_known(const struct drift_memory *memory, const struct drift_verdict *lead, size_t f)
{
    const struct drift_episode *episode = drift_episode_of(memory, f);
    double n = episode ? (double)episode->counts.values : 0;
    double m = (double)memory->calibration.pooled[f].values;
    return n > 0 && m > 0 &&
           2 * drift_effect_error(n, m, lead->dispersion) < LIKE * memory->drift->delta;
}

int drift_slow_explain(struct drift_memory *memory, const struct weir_window *window,
                       struct drift_room *room, struct drift_creep *creeps, size_t n,
                       struct drift_verdict *crept, struct drift_explanation *out)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    size_t f = creeps[0].field;
    struct beside beside;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++)
        crept[i] = (struct drift_verdict){.field = &memory->drift->fields[creeps[i].field],
                                          .test = test_of(creeps[i].signal),
                                          .score = creeps[i].score,
                                          .moved = 1};
    int code = find_onsets(memory, creeps, n, out);
    if (!code)
        code = drift_episodes_add(memory, window, crept, n);
    const struct drift_counts *lately = drift_lately(memory, f);
    // Of a part of a day the hours might be what differs.
    if (code || !lately || window->end - slow->suspected[f] < DAY)
        return code;
    code = compare(memory, room, &creeps[0], lately, &beside, &crept[0]);
    if (!code)
        code = drift_find_carriers(memory, window, room, &crept[0], 1, &out->carriers);
    if (!code && is_known(memory, &crept[0], f))
        drift_find_recurrence(memory, &crept[0],
                              out->onset.known ? out->onset.first : creeps[0].since, room,
                              &out->again);
    crept[0].now = crept[0].then = NULL;
    return code;
}
