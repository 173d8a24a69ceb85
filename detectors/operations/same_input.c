// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/same_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/words.h"
#include "stats/special.h"

// So many repeated inputs tell what is usual, and with so few that differ a model is deterministic.
static const double KNOWN = 200, DETERMINISTIC = 0.05;
static const double LEAST_SHARE = 0.001, MOST_P = 1e-6, LEAST = 3;
// Over many windows: to what the share must have risen; what is suspect, in nats.
static const double RISEN = 0.03, SUSPECT = 3;
static const double DAY = 86400e3, MONTH = 30 * 86400e3;

struct found {
    uint64_t repeated, differing;
    double most; // largest difference
    const struct operations_input *example;
    uint64_t *hosts; // differing inputs that a host had a part in, by number; NULL: no hosts
    uint32_t worst;
    unsigned windows; // that the numbers are of; 0: the one at hand
};

static int differs(const struct operations_step *step, const struct operations_input *input)
{
    double low = fabs(input->low.score), high = fabs(input->high.score);
    return input->high.score - input->low.score >
           step->operations->tolerance * fmax(1, fmax(low, high));
}

static int look(const struct operations_step *step, struct found *found)
{
    const struct operations_repeats *repeats = &step->tally->repeats;
    const struct weir_names *hosts = &step->tally->hosts.names;
    memset(found, 0, sizeof *found);
    found->worst = OPERATIONS_NO_HOST;
    if (hosts->n && !(found->hosts = calloc(hosts->n, sizeof *found->hosts)))
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < repeats->n; i++) {
        const struct operations_input *input = &repeats->inputs[i];
        found->repeated += input->n > 1;
        if (input->n < 2 || !differs(step, input))
            continue;
        found->differing++;
        if (input->high.score - input->low.score > found->most || !found->example) {
            found->most = input->high.score - input->low.score;
            found->example = input;
        }
        if (input->low.host < hosts->n)
            found->hosts[input->low.host]++;
        if (input->high.host < hosts->n && input->high.host != input->low.host)
            found->hosts[input->high.host]++;
    }
    return 0;
}

// The host that has a part in nearly all differences, where no other has one in most.
static void blame(const struct operations_step *step, struct found *found)
{
    uint64_t most = 0, second = 0;
    uint32_t worst = 0;
    for (uint32_t h = 0; found->hosts && h < step->tally->hosts.names.n; h++) {
        if (found->hosts[h] > most) {
            second = most;
            most = found->hosts[h];
            worst = h;
        } else if (found->hosts[h] > second) {
            second = found->hosts[h];
        }
    }
    double all = (double)found->differing;
    if ((double)most >= 0.8 * all && (double)second <= 0.6 * all)
        found->worst = worst;
}

static struct weir_sample sample(const struct operations_step *step,
                                 const struct operations_answer *answer)
{
    return (struct weir_sample){step->tally->topic ? step->tally->topic : "", answer->partition,
                                answer->offset, NULL};
}

static void report(const struct operations_step *step, const struct found *found, int at_first,
                   double p_value, double usual)
{
    const struct operations *operations = step->operations;
    const char *field = operations->stream->fields[operations->scores[0]].name;
    const char *who =
        found->worst == OPERATIONS_NO_HOST ? NULL : step->tally->hosts.names.texts[found->worst];
    double share = (double)found->differing / (double)found->repeated;
    char text[700], why[400], before[80], after[120], text_share[OPERATIONS_TIME_TEXT];
    char when[40] = "", apart[40] = "";
    if (found->windows)
        snprintf(when, sizeof when, " in %u windows", found->windows);
    if (found->most > 0)
        snprintf(apart, sizeof apart, ", by up to %.3g", found->most);
    if (who)
        snprintf(why, sizeof why,
                 "host %.100s has a part in %llu of them: take it out of service and check its "
                 "hardware and build",
                 who, (unsigned long long)found->hosts[found->worst]);
    else if (found->windows)
        snprintf(why, sizeof why,
                 "no single window was enough to tell: look for a host or build that now and then "
                 "answers unlike the others, or for features that the stream does not carry");
    else if (at_first)
        snprintf(why, sizeof why,
                 "either the model is not deterministic (dropout left on, sampling), or it has "
                 "inputs that the stream does not carry");
    else
        snprintf(why, sizeof why, "%s",
                 found->hosts ? "no single host explains it: look for a release, or for features "
                                "that the stream does not carry"
                              : "a host or build answers unlike the others, or the model is not "
                                "deterministic any more");
    snprintf(text, sizeof text,
             "%.100s differs for the same input and model version in %llu of %llu inputs that came "
             "again%s (%s)%s; %s.",
             field, (unsigned long long)found->differing, (unsigned long long)found->repeated, when,
             operations_share_text(share, text_share), apart, why);
    snprintf(before, sizeof before, "%.2g%% of repeated inputs", 100 * usual);
    snprintf(after, sizeof after, "%.2g%% of repeated inputs", 100 * share);
    const char *host_field =
        operations->host >= 0 ? operations->stream->fields[operations->host].name : NULL;
    struct weir_slice_value slice = {host_field, who};
    struct weir_sample samples[2] = {{0}};
    for (int i = 0; found->example && i < 2; i++)
        samples[i] = sample(step, i ? &found->example->high : &found->example->low);
    struct weir_evidence evidence = {
        .type = "samples",
        .field = field,
        .slice = who ? &slice : NULL,
        .n_slice = who != NULL,
        .before = before,
        .after = after,
        .contribution = who ? (double)found->hosts[found->worst] / (double)found->differing : NAN,
        .samples = samples,
        .n_samples = found->example ? 2 : 0};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "same_input",
        .kind = "operations.nondeterminism",
        .severity = at_first && !who ? WEIR_INFO : WEIR_WARNING,
        .action = who ? WEIR_ACTION_CHECK_HARDWARE : WEIR_ACTION_INVESTIGATE_UPSTREAM,
        // Who is to blame may show later.
        .identity = WEIR_BY_KIND | WEIR_BY_FIELDS | WEIR_BY_MODEL_VERSION,
        .fields = &field,
        .n_fields = 1,
        .slice = who ? &slice : NULL,
        .n_slice = who != NULL,
        .share = share,
        .count = found->differing,
        .statistic = {"differing_share", share, usual, p_value, usual},
        .summary = text,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    step->window->emit(step->window, &finding);
}

// What is left to one window: it is judged alone, and with those before it.
static double p_limit(const struct operations *operations)
{
    return fmin(operations->alarms * (double)operations->step / MONTH / 2, MOST_P);
}

// Too few in each window, but window after window. Whether there is reason not to learn from it.
static int judge_long(struct operations_same_input *past, const struct operations_step *step,
                      struct found *found, double usual)
{
    double threshold = -log(p_limit(step->operations)), risen = fmax(RISEN, 5 * usual);
    if (risen >= 1 || past->repeated < KNOWN || past->differing > DETERMINISTIC * past->repeated)
        return 0;
    double score = weir_rate_add(&past->sum, usual, risen, (double)found->differing,
                                 (double)found->repeated, step->window->start, 1.3 * threshold);
    if (score < threshold || past->sum.hits < LEAST)
        return score > SUSPECT;
    found->differing = (uint64_t)past->sum.hits;
    found->repeated = (uint64_t)past->sum.of;
    found->windows = past->sum.windows;
    report(step, found, 0, exp(-score), usual);
    return 1;
}

int operations_same_input_step(struct operations_same_input *past,
                               const struct operations_step *step)
{
    struct found found;
    if (look(step, &found))
        return WEIR_ENOMEM;
    double repeated = (double)found.repeated, differing = (double)found.differing;
    double before = past->repeated > 0 ? past->differing / past->repeated : 0;
    int known = past->repeated >= KNOWN;
    double usual = known ? fmax(LEAST_SHARE, 1.5 * before) : LEAST_SHARE;
    double p_value = usual < 1 ? weir_binomial_sf(differing, repeated, usual) : 1;
    int alarm = differing >= LEAST && p_value < p_limit(step->operations);
    int at_first = !known && differing > DETERMINISTIC * repeated;
    int suspect = 0;
    if (alarm) {
        blame(step, &found);
        report(step, &found, at_first, p_value, usual);
    } else {
        suspect = judge_long(past, step, &found, usual);
    }
    // What has begun as it is, is how it is; what was deterministic does not get used to less.
    if ((!alarm && !suspect) || at_first || (known && before > DETERMINISTIC)) {
        double keep = pow(0.5, (double)(step->window->end - step->window->start) / DAY);
        past->repeated = past->repeated * keep + repeated;
        past->differing = past->differing * keep + differing;
    }
    free(found.hosts);
    return 0;
}

void operations_same_input_save(const struct operations_same_input *past, struct weir_buffer *out)
{
    weir_put_double(out, past->repeated);
    weir_put_double(out, past->differing);
}

int operations_same_input_restore(struct operations_same_input *past, struct weir_reader *in)
{
    past->repeated = weir_get_double(in);
    past->differing = weir_get_double(in);
    int sane = past->repeated >= 0 && past->repeated < 1e18 && past->differing >= 0 &&
               past->differing <= past->repeated;
    return in->failed || !sane ? WEIR_ECORRUPT : 0;
}

void operations_same_input_save_sum(const struct operations_same_input *past,
                                    struct weir_buffer *out)
{
    weir_rate_sum_write(&past->sum, out);
}

int operations_same_input_restore_sum(struct operations_same_input *past, struct weir_reader *in)
{
    weir_rate_sum_read(&past->sum, in);
    return in->failed ? WEIR_ECORRUPT : 0;
}
