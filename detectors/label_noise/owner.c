// SPDX-License-Identifier: Apache-2.0
// At the window's close: the tallies of all tasks added up, and the past beside them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/label_noise/agreement.h"
#include "detectors/label_noise/label_noise.h"
#include "detectors/label_noise/report.h"
#include "stats/special.h"

enum { KAPPA_PAIRS = 200, KAPPA_WINDOWS = 5, CONFLICTS = 5 };

struct past { // of one annotator, halved every `memory`
    double judged, agreed;
};

struct owner {
    const struct noise_instance *instance;
    struct weir_names annotators, classes;
    struct past *past; // by annotator
    uint32_t n_past;
    double labels, contradicted; // of the past, as above
    double kappa, variance;      // running mean of windows' kappas and its squared deviation
    uint64_t kappas;             // windows in it
};

int noise_owner_create(void *instance, void **out, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for annotators");
    owner->instance = instance;
    weir_names_init(&owner->annotators, owner->instance->max_annotators);
    weir_names_init(&owner->classes, NOISE_CLASSES - 1);
    *out = owner;
    return 0;
}

static void clear(struct owner *owner)
{
    weir_names_free(&owner->annotators);
    weir_names_free(&owner->classes);
    free(owner->past);
    owner->past = NULL;
    owner->n_past = 0;
    owner->labels = owner->contradicted = owner->kappa = owner->variance = 0;
    owner->kappas = 0;
}

void noise_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    clear(owner);
    free(owner);
}

static int read_extracts(struct owner *owner, const struct weir_window *window,
                         struct noise_tally *tally)
{
    for (size_t i = 0; i < window->n_extracts; i++) {
        const struct weir_span *span = &window->extracts[i];
        struct weir_reader in = weir_reader_make(span->data, span->length);
        while (weir_reader_left(&in)) {
            int code = noise_tally_read(tally, &owner->annotators, &owner->classes, &in);
            if (code)
                return code;
        }
    }
    return 0;
}

static int reserve_past(struct owner *owner, uint32_t n)
{
    if (n <= owner->n_past)
        return 0;
    void *grown = realloc(owner->past, n * sizeof *owner->past);
    if (!grown)
        return WEIR_ENOMEM;
    owner->past = grown;
    memset(owner->past + owner->n_past, 0, (n - owner->n_past) * sizeof *owner->past);
    owner->n_past = n;
    return 0;
}

// The rates to compare: this window's where the annotator has enough labels in it (so that one
// who does well again is well at once), else with what is remembered.
static void make_rates(const struct owner *owner, const struct noise_tally *tally,
                       struct noise_rate *rates)
{
    for (uint32_t i = 0; i < tally->n; i++) {
        const struct noise_annotator *row = &tally->annotators[i];
        rates[i] = (struct noise_rate){(double)row->judged, (double)row->agreed};
        if (rates[i].judged < owner->instance->minimum && row->judged) {
            rates[i].judged += owner->past[i].judged;
            rates[i].agreed += owner->past[i].agreed;
        }
    }
}

// Of the labels whose truth is `truth`.
static void make_class_rates(const struct noise_tally *tally, uint32_t truth,
                             struct noise_rate *rates)
{
    memset(rates, 0, tally->n * sizeof *rates);
    for (uint32_t i = 0; i < tally->n; i++) {
        const uint64_t *confusion = tally->annotators[i].confusion;
        for (uint32_t given = 0; confusion && given < NOISE_CLASSES; given++)
            rates[i].judged += (double)confusion[truth * NOISE_CLASSES + given];
        if (confusion)
            rates[i].agreed = (double)confusion[truth * NOISE_CLASSES + truth];
    }
}

static int is_far_below(const struct owner *owner, const struct noise_verdict *verdict,
                        double tests)
{
    return verdict->known && verdict->p_value * tests < owner->instance->p_value &&
           verdict->upper < verdict->peers - owner->instance->effect;
}

// Judges each annotator, over all classes and then class by class: one who never says the rare
// class agrees almost always. Returns how many are far below the others.
static int judge_annotators(const struct owner *owner, const struct noise_tally *tally,
                            const struct weir_window *window)
{
    uint32_t n = tally->n, n_classes = owner->classes.n;
    struct noise_rate *all = calloc(n ? n : 1, sizeof *all);
    struct noise_rate *rates = calloc((size_t)(n ? n : 1) * (n_classes + 1), sizeof *rates);
    double *scratch = calloc(n ? n : 1, sizeof *scratch);
    int bad = !all || !rates || !scratch ? WEIR_ENOMEM : 0;
    if (!bad) {
        make_rates(owner, tally, all);
        for (uint32_t c = 0; c < n_classes; c++)
            make_class_rates(tally, c, rates + (size_t)c * n);
    }
    for (uint32_t i = 0; bad >= 0 && i < n; i++) {
        double tests = 1 + n_classes;
        struct noise_verdict verdict =
            noise_judge_annotator(all, n, i, owner->instance->minimum, scratch);
        int truth = -1, far = is_far_below(owner, &verdict, tests);
        for (uint32_t c = 0; !far && c < n_classes; c++) {
            verdict = noise_judge_annotator(rates + (size_t)c * n, n, i, owner->instance->minimum,
                                            scratch);
            far = is_far_below(owner, &verdict, tests);
            truth = (int)c;
        }
        if (!far)
            continue;
        bad++;
        noise_report_annotator(owner->instance, tally, &owner->annotators, &owner->classes, i,
                               far && truth >= 0 ? truth : -1, &verdict, window);
    }
    free(all);
    free(rates);
    free(scratch);
    return bad;
}

static void judge_conflicts(const struct owner *owner, const struct noise_tally *tally,
                            const struct weir_window *window)
{
    double labels = (double)tally->labels, contradicted = (double)tally->contradicted;
    double limit = owner->instance->conflicts;
    // What has always been so is no news: twice the past, which begins at half a percent.
    double usual = (owner->contradicted + 1) / (owner->labels + 200);
    if (2 * usual > limit)
        limit = 2 * usual;
    if (contradicted < CONFLICTS || contradicted <= limit * labels)
        return;
    double p = noise_beta_binomial_cdf(labels - contradicted, labels, 1 - limit, 0);
    if (p < owner->instance->p_value)
        noise_report_conflicts(tally, &owner->annotators, usual, limit, p, window);
}

static double window_kappa(const struct noise_tally *tally)
{
    double classes[NOISE_CLASSES];
    for (size_t i = 0; i < NOISE_CLASSES; i++)
        classes[i] = (double)tally->classes[i];
    return tally->pairs < KAPPA_PAIRS ? NAN
                                      : noise_kappa((double)tally->pairs_agreed,
                                                    (double)tally->pairs, classes, NOISE_CLASSES);
}

// A drop of everybody's agreement; where single annotators explain it, they are the news.
static void judge_kappa(const struct owner *owner, double kappa, const struct noise_tally *tally,
                        const struct weir_window *window)
{
    if (isnan(kappa) || owner->kappas < KAPPA_WINDOWS)
        return;
    double z = weir_normal_upper_quantile(owner->instance->p_value);
    double drop = fmax(z, 4) * sqrt(owner->variance);
    if (drop < owner->instance->kappa_drop)
        drop = owner->instance->kappa_drop;
    if (kappa < owner->kappa - drop)
        noise_report_kappa(tally, kappa, owner->kappa, owner->kappa - drop, window);
}

static int remember(struct owner *owner, const struct noise_tally *tally, double kappa)
{
    double keep = exp2(-(double)owner->instance->hop / (double)owner->instance->memory);
    if (reserve_past(owner, tally->n))
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < owner->n_past; i++) {
        owner->past[i].judged *= keep;
        owner->past[i].agreed *= keep;
        if (i < tally->n) {
            owner->past[i].judged += (double)tally->annotators[i].judged;
            owner->past[i].agreed += (double)tally->annotators[i].agreed;
        }
    }
    owner->labels = owner->labels * keep + (double)tally->labels;
    owner->contradicted = owner->contradicted * keep + (double)tally->contradicted;
    if (isnan(kappa))
        return 0;
    // Winsorised at three standard deviations, so that one bad stretch moves the past little.
    double sd = sqrt(owner->variance) > 0.01 ? sqrt(owner->variance) : 0.01;
    double step = kappa - owner->kappa;
    if (owner->kappas >= KAPPA_WINDOWS)
        step = step > 3 * sd ? 3 * sd : step < -3 * sd ? -3 * sd : step;
    double weight = 1 / (double)(owner->kappas + 1);
    double least = 1 - keep < 0.01 ? 0.01 : 1 - keep;
    weight = owner->kappas && weight < least ? least : weight;
    owner->kappa += weight * step;
    owner->variance = owner->kappas ? (1 - weight) * (owner->variance + weight * step * step) : 0;
    owner->kappas++;
    return 0;
}

int noise_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    struct noise_tally tally = {0};
    int bad = read_extracts(owner, window, &tally);
    if (!bad && reserve_past(owner, tally.n))
        bad = WEIR_ENOMEM;
    if (!bad)
        bad = judge_annotators(owner, &tally, window);
    if (bad >= 0) {
        double kappa = window_kappa(&tally);
        judge_conflicts(owner, &tally, window);
        if (!bad)
            judge_kappa(owner, kappa, &tally, window);
        if (window->phase == WEIR_FINAL)
            bad = remember(owner, &tally, kappa);
    }
    noise_tally_free(&tally);
    if (bad < 0)
        return weir_error_set(error, bad,
                              bad == WEIR_ENOMEM
                                  ? "no memory for the annotators of a window"
                                  : "what the edges wrote of a window does not decode");
    return 0;
}

// ---- state

int noise_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    weir_names_save(&owner->annotators, out);
    weir_names_save(&owner->classes, out);
    weir_put_long(out, owner->n_past);
    for (uint32_t i = 0; i < owner->n_past; i++) {
        weir_put_double(out, owner->past[i].judged);
        weir_put_double(out, owner->past[i].agreed);
    }
    weir_put_double(out, owner->labels);
    weir_put_double(out, owner->contradicted);
    weir_put_double(out, owner->kappa);
    weir_put_double(out, owner->variance);
    weir_put_long(out, (int64_t)owner->kappas);
    return out->failed ? WEIR_ENOMEM : 0;
}

static double get_amount(struct weir_reader *in)
{
    double value = weir_get_double(in);
    if (!(value >= 0 && value < 1e18))
        in->failed = 1;
    return in->failed ? 0 : value;
}

static int restore(struct owner *owner, struct weir_reader *in)
{
    int code = weir_names_restore(&owner->annotators, in);
    if (!code)
        code = weir_names_restore(&owner->classes, in);
    if (code)
        return code;
    size_t n = weir_get_count(in, owner->annotators.n);
    if (reserve_past(owner, (uint32_t)n))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        owner->past[i].judged = get_amount(in);
        owner->past[i].agreed = get_amount(in);
    }
    owner->labels = get_amount(in);
    owner->contradicted = get_amount(in);
    owner->kappa = weir_get_double(in);
    owner->variance = get_amount(in);
    int64_t kappas = weir_get_long(in);
    if (in->failed || !(fabs(owner->kappa) < 1e6) || kappas < 0)
        return WEIR_ECORRUPT;
    owner->kappas = (uint64_t)kappas;
    return 0;
}

int noise_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error)
{
    struct owner *owner = state;
    (void)state_version;
    int code = restore(owner, in);
    if (code)
        clear(owner);
    return code ? weir_error_set(error, code, "the saved state of annotators does not decode") : 0;
}
