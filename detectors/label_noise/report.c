// SPDX-License-Identifier: Apache-2.0
#include "detectors/label_noise/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *class_name(const struct weir_names *classes, uint32_t class)
{
    return class < classes->n ? classes->texts[class] : "(another label)";
}

// The confusion that sets the annotator apart: where the others say `truth`, how often do they
// and how often does this one say `given`.
struct confusion {
    uint32_t truth, given;
    double own, peers; // shares
};

static double share_of(const uint64_t *confusion, uint32_t truth, uint32_t given)
{
    double total = 0;
    for (uint32_t g = 0; g < NOISE_CLASSES; g++)
        total += (double)confusion[truth * NOISE_CLASSES + g];
    return total > 0 ? (double)confusion[truth * NOISE_CLASSES + given] / total : 0;
}

static int names_before(const struct weir_names *classes, uint32_t a, uint32_t b)
{
    return strcmp(class_name(classes, a), class_name(classes, b)) < 0;
}

// Numbers of classes depend on who was seen first, so ties go by name.
static int is_worse(const struct weir_names *classes, const struct confusion *a,
                    const struct confusion *b)
{
    double x = a->own - a->peers, y = b->own - b->peers;
    if (x != y)
        return x > y;
    if (a->truth != b->truth)
        return names_before(classes, a->truth, b->truth);
    return names_before(classes, a->given, b->given);
}

static int worst_confusion(const struct noise_tally *tally, const struct weir_names *classes,
                           uint32_t annotator, struct confusion *worst)
{
    uint64_t others[NOISE_CLASSES * NOISE_CLASSES] = {0};
    const uint64_t *own = tally->annotators[annotator].confusion;
    int found = 0;
    if (!own)
        return 0;
    for (uint32_t i = 0; i < tally->n; i++) {
        const uint64_t *confusion = tally->annotators[i].confusion;
        for (size_t c = 0; i != annotator && confusion && c < NOISE_CLASSES * NOISE_CLASSES; c++)
            others[c] += confusion[c];
    }
    for (uint32_t truth = 0; truth < NOISE_CLASSES; truth++) {
        for (uint32_t given = 0; given < NOISE_CLASSES; given++) {
            struct confusion it = {truth, given, share_of(own, truth, given),
                                   share_of(others, truth, given)};
            if (truth == given || !own[truth * NOISE_CLASSES + given])
                continue;
            if (!found || is_worse(classes, &it, worst))
                *worst = it;
            found = 1;
        }
    }
    return found;
}

static enum weir_severity severity_of(const struct noise_instance *instance,
                                      const struct noise_verdict *verdict)
{
    return verdict->upper < verdict->peers - 3 * instance->effect ? WEIR_CRITICAL : WEIR_WARNING;
}

void noise_report_annotator(const struct noise_instance *instance, const struct noise_tally *tally,
                            const struct weir_names *annotators, const struct weir_names *classes,
                            uint32_t annotator, int truth, const struct noise_verdict *verdict,
                            const struct weir_window *window)
{
    const char *name = annotators->texts[annotator];
    const struct noise_annotator *row = &tally->annotators[annotator];
    char summary[900], before[400], after[400], within[300] = "";
    struct confusion worst;
    struct weir_slice_value slice = {instance->annotator_field, name};
    struct weir_evidence evidence = {.type = "confusion",
                                     .field = instance->annotator_field,
                                     .slice = &slice,
                                     .n_slice = 1,
                                     .contribution = NAN};
    if (truth >= 0)
        snprintf(within, sizeof within, " where it should be '%s'",
                 class_name(classes, (uint32_t)truth));
    snprintf(summary, sizeof summary,
             "Annotator %s agrees with the others on %.0f%% of labels%s; the others agree on "
             "%.0f%%. Hold this annotator's labels back from training and look at some of them.",
             name, 100 * verdict->rate, within, 100 * verdict->peers);
    size_t n_evidence = 0;
    if (worst_confusion(tally, classes, annotator, &worst)) {
        const char *should = class_name(classes, worst.truth);
        const char *given = class_name(classes, worst.given);
        snprintf(before, sizeof before, "others say '%.80s' for '%.80s' on %.1f%%", given, should,
                 100 * worst.peers);
        snprintf(after, sizeof after, "%.80s says '%.80s' for '%.80s' on %.1f%%", name, given,
                 should, 100 * worst.own);
        evidence.before = before;
        evidence.after = after;
        n_evidence = 1;
    }
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "annotator",
        .kind = "label.annotator",
        .severity = severity_of(instance, verdict),
        .action = WEIR_ACTION_REVIEW_ANNOTATOR,
        .slice = &slice,
        .n_slice = 1,
        .provisional = 1,
        .share = tally->labels ? (double)row->labels / (double)tally->labels : NAN,
        .count = row->labels,
        .statistic = {"agreement", verdict->rate, verdict->peers - instance->effect,
                      verdict->p_value, verdict->peers},
        .summary = summary,
        .evidence = &evidence,
        .n_evidence = n_evidence,
    };
    window->emit(window, &finding);
}

// Who contradicts most; of equals the first by name.
static const char *most_contradicting(const struct noise_tally *tally,
                                      const struct weir_names *annotators, uint64_t *count)
{
    const char *name = "";
    *count = 0;
    for (uint32_t i = 0; i < tally->n; i++) {
        uint64_t own = tally->annotators[i].contradicted;
        if (own > *count || (own && own == *count && strcmp(annotators->texts[i], name) < 0)) {
            *count = own;
            name = annotators->texts[i];
        }
    }
    return name;
}

void noise_report_conflicts(const struct noise_tally *tally, const struct weir_names *annotators,
                            double usual, double limit, double p_value,
                            const struct weir_window *window)
{
    uint64_t most;
    char summary[700], before[60], after[60];
    const char *name = most_contradicting(tally, annotators, &most);
    double share = (double)tally->contradicted / (double)tally->labels;
    struct weir_sample samples[NOISE_SAMPLES] = {0};
    for (size_t i = 0; i < tally->n_samples; i++) {
        samples[i].topic = tally->topic ? tally->topic : "";
        samples[i].partition = tally->samples[i].partition;
        samples[i].offset = tally->samples[i].offset;
    }
    snprintf(summary, sizeof summary,
             "%llu labels (%.1f%%) contradict an earlier one of the same annotator on the same "
             "item, %llu of them by %s; usual is %.1f%%. Someone labels twice and differently, or "
             "items share a key.",
             (unsigned long long)tally->contradicted, 100 * share, (unsigned long long)most, name,
             100 * usual);
    snprintf(before, sizeof before, "%.2f%% of labels", 100 * usual);
    snprintf(after, sizeof after, "%.2f%% of labels", 100 * share);
    struct weir_evidence evidence = {.type = "samples",
                                     .before = before,
                                     .after = after,
                                     .contribution = NAN,
                                     .samples = samples,
                                     .n_samples = tally->n_samples};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "conflict",
        .kind = "label.conflict",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_REVIEW_LABELS,
        .provisional = 1,
        .share = share,
        .count = tally->contradicted,
        .statistic = {"contradicting_share", share, limit, p_value, usual},
        .summary = summary,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    window->emit(window, &finding);
}

void noise_report_kappa(const struct noise_tally *tally, double kappa, double before, double limit,
                        const struct weir_window *window)
{
    char summary[500], was[60], is[60];
    snprintf(summary, sizeof summary,
             "Annotators agree less than they did: kappa %.2f over %llu items, usually %.2f, and "
             "no single annotator explains it. Have the labelling instructions or the items "
             "changed?",
             kappa, (unsigned long long)tally->items, before);
    snprintf(was, sizeof was, "kappa %.2f", before);
    snprintf(is, sizeof is, "kappa %.2f", kappa);
    struct weir_evidence evidence = {
        .type = "agreement", .before = was, .after = is, .contribution = NAN};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "agreement",
        .kind = "label.noise",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_REVIEW_LABELS,
        .provisional = 1,
        .share = NAN,
        .count = tally->items,
        .statistic = {"kappa", kappa, limit, NAN, before},
        .summary = summary,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    window->emit(window, &finding);
}
