// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DETECTORS = WEIR_CALIBRATION_DETECTORS, DELAYS = WEIR_CALIBRATION_DELAYS };

static void numbers(const struct weir_statistic *statistic, double out[DELAYS])
{
    out[0] = statistic->value;
    out[1] = statistic->threshold;
    out[2] = statistic->baseline;
}

// ---- taking

struct weir_calibration_seen *weir_calibration_find(struct weir_calibrations *calibrations,
                                                    const char *name)
{
    for (size_t i = 0; i < calibrations->n; i++) {
        if (!strcmp(calibrations->detectors[i].name, name))
            return &calibrations->detectors[i];
    }
    if (calibrations->n == DETECTORS)
        return NULL;
    struct weir_calibration_seen *seen = &calibrations->detectors[calibrations->n++];
    *seen = (struct weir_calibration_seen){.delta = NAN};
    snprintf(seen->name, sizeof seen->name, "%s", name);
    return seen;
}

static struct weir_calibration_field *find_field(struct weir_calibrations *calibrations,
                                                 struct weir_calibration_seen *seen,
                                                 const char *name)
{
    for (size_t i = 0; i < seen->n_fields; i++) {
        if (!strcmp(seen->fields[i].name, name))
            return &seen->fields[i];
    }
    struct weir_calibration_field *grown =
        realloc(seen->fields, (seen->n_fields + 1) * sizeof *grown);
    if (!grown) {
        calibrations->failed = 1;
        return NULL;
    }
    seen->fields = grown;
    grown[seen->n_fields] = (struct weir_calibration_field){.half = NAN};
    snprintf(grown[seen->n_fields].name, sizeof grown->name, "%s", name);
    return &grown[seen->n_fields++];
}

static void take_field(struct weir_calibration_field *field, const char *name,
                       const struct weir_statistic *statistic)
{
    if (!strcmp(name, "calibration.unjudged")) {
        double why = statistic->value;
        int is_known = why > WEIR_CALIBRATION_JUDGED && why <= WEIR_CALIBRATION_CONSTANT;
        field->unjudged = is_known ? (enum weir_calibration_unjudged)why : WEIR_CALIBRATION_JUDGED;
        field->minimum = statistic->threshold;
        field->values = statistic->baseline;
    } else if (!strcmp(name, "calibration.shift")) {
        field->half = statistic->value;
        field->most = statistic->threshold;
    } else if (!strcmp(name, "calibration.delay")) {
        numbers(statistic, field->delay);
    } else if (!strcmp(name, "calibration.slow")) {
        numbers(statistic, field->slowly);
    }
}

void weir_calibration_take(struct weir_calibrations *calibrations, const char *detector,
                           const char *of, const struct weir_statistic *statistic)
{
    const char *name = statistic->name;
    struct weir_calibration_seen *seen =
        !strncmp(name, "calibration.", 12) ? weir_calibration_find(calibrations, detector) : NULL;
    struct weir_calibration_field *field = seen && of ? find_field(calibrations, seen, of) : NULL;
    if (!seen)
        return;
    if (field)
        take_field(field, name, statistic);
    if (!strcmp(name, "calibration.days")) {
        seen->days = statistic->value;
        seen->wanted = statistic->threshold;
        seen->needed = statistic->baseline;
    } else if (!strcmp(name, "calibration.threshold")) {
        seen->learnt = 1;
        seen->threshold = statistic->value;
        seen->k = statistic->threshold;
        seen->promised = statistic->baseline;
    } else if (!strcmp(name, "calibration.budget")) {
        seen->allowed = statistic->value;
        seen->period = statistic->threshold;
        seen->delta = statistic->baseline;
    }
}

void weir_calibrations_free(struct weir_calibrations *calibrations)
{
    for (size_t i = 0; i < calibrations->n; i++)
        free(calibrations->detectors[i].fields);
    *calibrations = (struct weir_calibrations){.n = 0};
}

int weir_calibration_is_whole(const struct weir_calibration_seen *seen)
{
    return seen->learnt && seen->days >= seen->wanted;
}

// ---- for people

static const char *shift_text(double shift, char out[32])
{
    if (isfinite(shift))
        snprintf(out, 32, "%.2g sd", shift);
    else
        snprintf(out, 32, "over 3 sd");
    return out;
}

static void windows_text(const double delay[DELAYS], char out[80])
{
    size_t used = 0;
    for (int i = 0; i < DELAYS; i++)
        used +=
            (size_t)(isfinite(delay[i])
                         ? snprintf(out + used, 80 - used, "%s%.0f", i ? " / " : "", ceil(delay[i]))
                         : snprintf(out + used, 80 - used, "%s-", i ? " / " : ""));
}

static const char *why_text(const struct weir_calibration_field *field, char out[200])
{
    switch (field->unjudged) {
    case WEIR_CALIBRATION_EMPTY:
        snprintf(out, 200, "it had no values; its nulls alone are judged");
        break;
    case WEIR_CALIBRATION_UNCUT:
        snprintf(out, 200, "it had too few values to cut cells from: 1000 are needed");
        break;
    case WEIR_CALIBRATION_FEW:
        snprintf(out, 200,
                 "at most %.0f values in a window, and `minimum` is %.0f; its nulls alone are "
                 "judged: let windows be longer, or `minimum` be less",
                 field->values, field->minimum);
        break;
    case WEIR_CALIBRATION_CONSTANT:
        snprintf(out, 200,
                 "it is constant, so no shift has a size; other values, and nulls, are told");
        break;
    case WEIR_CALIBRATION_JUDGED:
        out[0] = 0;
    }
    return out;
}

static size_t count_unjudged(const struct weir_calibration_seen *seen)
{
    size_t n = 0;
    for (size_t i = 0; i < seen->n_fields; i++)
        n += seen->fields[i].unjudged != WEIR_CALIBRATION_JUDGED;
    return n;
}

static void print_unjudged(const struct weir_calibration_seen *seen)
{
    char why[200];
    if (count_unjudged(seen))
        printf("  fields whose distribution is not judged\n");
    for (size_t i = 0; i < seen->n_fields; i++) {
        if (seen->fields[i].unjudged)
            printf("  %-24s %s\n", seen->fields[i].name, why_text(&seen->fields[i], why));
    }
}

static void print_fields(const struct weir_calibration_seen *seen)
{
    char half[32], most[32], soon[80], slowly[80];
    if (count_unjudged(seen) == seen->n_fields)
        return;
    printf("  the smallest shift that is caught at once, in half and in nine of ten windows; and "
           "after how many\n  windows a lasting shift by 1 / 1.5 / 2 times delta (%.2g sd) is "
           "found in half of all cases: in all,\n  and by the charts of slow drift alone (-: "
           "hardly ever)\n",
           seen->delta);
    printf("  %-24s %-16s %-16s %-16s %s\n", "", "half of windows", "9 in 10 windows",
           "found after", "slow drift after");
    for (size_t i = 0; i < seen->n_fields; i++) {
        const struct weir_calibration_field *field = &seen->fields[i];
        if (field->unjudged)
            continue;
        windows_text(field->delay, soon);
        windows_text(field->slowly, slowly);
        printf("  %-24s %-16s %-16s %-16s %s\n", field->name, shift_text(field->half, half),
               shift_text(field->most, most), soon, slowly);
    }
}

void weir_calibration_print(const struct weir_calibration_seen *seen)
{
    if (!weir_calibration_is_whole(seen))
        printf("  not calibrated: there are %.3g of %.3g days (calibration.last); the budget "
               "needs %.3g. Until then alerts are marked provisional\n",
               seen->days, seen->wanted, seen->needed);
    else
        printf("  calibrated on %.4g days; the budget needs %.4g\n", seen->days, seen->needed);
    if (!seen->learnt)
        return;
    printf("  budget: %.3g false incident%s in %.3g days\n", seen->allowed,
           seen->allowed == 1 ? "" : "s", seen->period);
    printf("  threshold %.4g (-ln p of the largest field and test of a window)\n", seen->threshold);
    if (seen->k >= 1)
        printf("  keeps the budget: about %.3g false incidents in its period are expected\n",
               seen->promised);
    else
        printf("  %s for the budget: the rate that these days can keep is %.3g false incidents in "
               "its period;\n  the threshold is put above their highest score by what such scores "
               "usually need, and alerts are marked provisional\n",
               seen->days < seen->needed ? "too short" : "not whole, and too early",
               seen->promised);
    print_fields(seen);
    print_unjudged(seen);
}

// ---- for programs

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *reals(const double values[DELAYS])
{
    return json_pack("{s:o, s:o, s:o}", "1", real(values[0]), "1.5", real(values[1]), "2",
                     real(values[2]));
}

static json_t *unjudged_json(const struct weir_calibration_field *field)
{
    static const char *const names[] = {"", "no_values", "few_to_cut", "few", "constant"};
    char why[200];
    return json_pack("{s:s, s:s, s:o, s:o}", "reason", names[field->unjudged], "because",
                     why_text(field, why), "values", real(field->values), "minimum",
                     real(field->minimum));
}

json_t *weir_calibration_json(const struct weir_calibration_seen *seen)
{
    json_t *out = json_pack("{s:b, s:o, s:o, s:o}", "calibrated", weir_calibration_is_whole(seen),
                            "days", real(seen->days), "days_wanted", real(seen->wanted),
                            "days_needed", real(seen->needed));
    if (!seen->learnt)
        return out;
    json_object_set_new(out, "threshold", real(seen->threshold));
    json_object_set_new(out, "keeps_budget", json_boolean(seen->k >= 1));
    json_object_set_new(out, "false_incidents", real(seen->promised));
    json_object_set_new(out, "allowed", real(seen->allowed));
    json_object_set_new(out, "period_days", real(seen->period));
    json_object_set_new(out, "delta", real(seen->delta));
    json_t *fields = json_object(), *unjudged = json_object();
    for (size_t i = 0; i < seen->n_fields; i++) {
        const struct weir_calibration_field *field = &seen->fields[i];
        if (field->unjudged) {
            json_object_set_new(unjudged, field->name, unjudged_json(field));
            continue;
        }
        json_object_set_new(fields, field->name,
                            json_pack("{s:o, s:o, s:o, s:o}", "smallest_shift", real(field->half),
                                      "smallest_shift_9_in_10", real(field->most),
                                      "windows_by_delta", reals(field->delay),
                                      "windows_by_delta_slow", reals(field->slowly)));
    }
    json_object_set_new(out, "fields", fields);
    json_object_set_new(out, "not_judged", unjudged);
    return out;
}
