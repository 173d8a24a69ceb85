// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/charted.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"

enum { NAMED = 4, TEXT = 240, NAME = 1024, LEARN_LEAST = 30, LEARN_MOST = 500 };
static const double HOUR = 3600e3, WEEK = 7 * 24 * 3600e3, MONTH = 30 * 24 * 3600e3;

// ---- life

// Windows that are learnt from: a week's, with its rhythms, or the whole calibration.
static size_t learn_of(const struct drift *drift)
{
    double step = drift->hop > 0 ? (double)drift->hop : HOUR;
    if (drift->calibrate > 0)
        return (size_t)fmax((double)drift->calibrate / step, LEARN_LEAST);
    return (size_t)fmin(fmax(WEEK / step, LEARN_LEAST), LEARN_MOST);
}

static size_t series_of(const struct drift *drift)
{
    return drift->n_rules * drift->n_fields * drift->n_references;
}

int drift_charted_init(struct drift_charted *charted, const struct drift *drift)
{
    double step = drift->hop > 0 ? (double)drift->hop : HOUR;
    double each = (double)drift->n_fields * (double)drift->n_references * MONTH / step;
    *charted = (struct drift_charted){.drift = drift};
    size_t n = drift->n_rules;
    charted->options = calloc(n + 1, sizeof *charted->options);
    charted->found = calloc(n + 1, sizeof *charted->found);
    charted->series = calloc(series_of(drift) + 1, sizeof *charted->series);
    if (!charted->options || !charted->found || !charted->series) {
        drift_charted_free(charted);
        return WEIR_ENOMEM;
    }
    for (size_t r = 0; r < n; r++) {
        charted->options[r] =
            weir_chart_options_of(&drift->rules[r], learn_of(drift), drift->charts * each);
        charted->options[r].hold = drift->open_after > 1 ? (size_t)drift->open_after : 1;
    }
    return 0;
}

void drift_charted_free(struct drift_charted *charted)
{
    size_t n = charted->drift ? series_of(charted->drift) : 0;
    for (size_t i = 0; charted->series && i < n; i++)
        weir_chart_series_free(&charted->series[i]);
    free(charted->options);
    free(charted->found);
    free(charted->series);
    *charted = (struct drift_charted){0};
}

static size_t index_of(const struct drift *drift, size_t r, size_t field, size_t reference)
{
    return (r * drift->n_fields + field) * drift->n_references + reference;
}

// ---- a window

void drift_charted_begin(struct drift_charted *charted, const struct weir_window *window)
{
    memset(charted->found, 0, charted->drift->n_rules * sizeof *charted->found);
    charted->learns = drift_excluded(charted->drift, window->start, window->end) <= 0;
}

static void add_found(struct drift_creepings *found, const struct drift_creeping *one)
{
    size_t kept = found->n < DRIFT_CHARTS_SHOWN ? found->n : DRIFT_CHARTS_SHOWN, at = kept;
    while (at > 0 && found->items[at - 1].score < one->score)
        at--;
    if (at < DRIFT_CHARTS_SHOWN) {
        size_t moved = (kept < DRIFT_CHARTS_SHOWN ? kept : DRIFT_CHARTS_SHOWN - 1) - at;
        memmove(&found->items[at + 1], &found->items[at], moved * sizeof *found->items);
        found->items[at] = *one;
    }
    found->n++;
}

int drift_charted_add(struct drift_charted *charted, const struct weir_window *window, size_t r,
                      size_t field, size_t reference, const struct weir_statistic_result *result)
{
    const struct drift *drift = charted->drift;
    const struct weir_chart_options *options = &charted->options[r];
    struct weir_chart_series *series = &charted->series[index_of(drift, r, field, reference)];
    enum weir_statistic_id id = drift->rules[r].statistic;
    enum weir_chart_side side;
    if (!(series->sd > 0) && !charted->learns)
        return 0;
    double x = weir_chart_value(id, result->test.value, result->test.p_value, result->reference);
    int code = weir_chart_series_add(series, options, x, window->start, &side);
    if (code || !(series->sd > 0))
        return code;
    double up = weir_chart_series_score(series, options, WEIR_CHART_UP);
    double down = weir_chart_series_score(series, options, WEIR_CHART_DOWN);
    if (window->report) {
        struct weir_statistic statistic = {drift->rule_names[r],
                                           options->up_only || up > down ? up : down,
                                           options->threshold, NAN, NAN};
        window->report(window, 0, drift->fields[field].index, &statistic);
    }
    if (!side)
        return 0;
    struct drift_creeping one = {field, reference, side == WEIR_CHART_UP,
                                 .score = side == WEIR_CHART_UP ? up : down,
                                 .run = side == WEIR_CHART_UP ? series->up : series->down};
    double since = one.run.n ? one.run.sum / one.run.n : x;
    one.mean = weir_chart_shown(id, since, result->reference);
    one.usual = weir_chart_shown(id, series->mean, result->reference);
    add_found(&charted->found[r], &one);
    return 0;
}

// ---- words

static const char *way_of(const struct weir_statistic_info *info, int up)
{
    if (info->direction == WEIR_CHANGE_P_ONLY)
        return "shown ever less chance";
    return up ? "crept up" : "crept down";
}

static void values_text(const struct weir_statistic_info *info, const struct drift_creeping *one,
                        char *out, size_t size)
{
    snprintf(out, size,
             info->direction == WEIR_CHANGE_P_ONLY ? "p about %.2g since, usually about %.2g"
                                                   : "%.4g on average since, usually %.4g",
             one->mean, one->usual);
}

static void sentence(const struct drift_charted *charted, size_t r, char *out, size_t size)
{
    const struct drift *drift = charted->drift;
    const struct drift_creepings *found = &charted->found[r];
    const struct drift_creeping *lead = &found->items[0];
    const struct weir_statistic_info *info = weir_statistic_info(drift->rules[r].statistic);
    char since[32], values[100];
    values_text(info, lead, values, sizeof values);
    size_t used = (size_t)snprintf(
        out, size,
        "%s of %.60s against %.60s has %s for %u windows, since %s UTC: %s; %s is %.3g, "
        "`tests:` allows up to %.3g",
        info->name, drift->fields[lead->field].info->name, drift->references[lead->reference],
        way_of(info, lead->up), lead->run.n, drift_time_text(lead->run.since, since), values,
        weir_chart_name(drift->rules[r].chart), lead->score, charted->options[r].threshold);
    for (size_t i = 1; i < found->n && i < NAMED && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s", i == 1 ? "; also " : ", ",
                                 drift->fields[found->items[i].field].info->name);
    if (found->n > NAMED && used < size)
        snprintf(out + used, size - used, " and %zu more", found->n - NAMED);
}

static void report(const struct drift_charted *charted, const struct weir_window *window, size_t r)
{
    const struct drift *drift = charted->drift;
    const struct drift_creepings *found = &charted->found[r];
    const struct weir_statistic_info *info = weir_statistic_info(drift->rules[r].statistic);
    struct weir_evidence lines[DRIFT_CHARTS_SHOWN];
    const char *names[DRIFT_CHARTS_SHOWN];
    char before[DRIFT_CHARTS_SHOWN][TEXT], after[DRIFT_CHARTS_SHOWN][TEXT], text[640];
    size_t shown = found->n < DRIFT_CHARTS_SHOWN ? found->n : DRIFT_CHARTS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const struct drift_creeping *one = &found->items[i];
        char since[32];
        names[i] = drift->fields[one->field].info->name;
        drift_time_text(one->run.since, since);
        int is_p = info->direction == WEIR_CHANGE_P_ONLY;
        snprintf(before[i], TEXT, "%s%s usually %.4g until %s UTC", info->name, is_p ? " p" : "",
                 one->usual, since);
        snprintf(after[i], TEXT, "%.4g on average in %u windows since; %s %.3g", one->mean,
                 one->run.n, weir_chart_name(drift->rules[r].chart), one->score);
        lines[i] = (struct weir_evidence){.type = "field",
                                          .field = names[i],
                                          .before = before[i],
                                          .after = after[i],
                                          .contribution = NAN};
    }
    sentence(charted, r, text, sizeof text);
    const struct drift_creeping *lead = &found->items[0];
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = drift->rule_names[r],
        .kind = "drift.slow",
        .severity = WEIR_WARNING,
        .action = info->direction == WEIR_CHANGE_RATE ? WEIR_ACTION_INVESTIGATE_UPSTREAM
                                                      : WEIR_ACTION_RETRAIN,
        .identity = WEIR_BY_SLICE | WEIR_BY_MODEL_VERSION,
        .fields = names,
        .n_fields = shown,
        .share = NAN,
        .count = window->rows,
        .statistic = {drift->rule_names[r], lead->score, charted->options[r].threshold, NAN, NAN},
        .summary = text,
        .evidence = lines,
        .n_evidence = shown,
    };
    window->emit(window, &finding);
}

void drift_charted_report(const struct drift_charted *charted, const struct weir_window *window)
{
    for (size_t r = 0; r < charted->drift->n_rules; r++)
        if (charted->found[r].n)
            report(charted, window, r);
}

// ---- bytes

static int is_seen(const struct weir_chart_series *series)
{
    return series->sd > 0 || series->n_learning;
}

int drift_charted_write(const struct drift_charted *charted, struct weir_buffer *out)
{
    const struct drift *drift = charted->drift;
    size_t n = 0, all = series_of(drift);
    int code = 0;
    for (size_t i = 0; i < all; i++)
        n += (size_t)is_seen(&charted->series[i]);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < all && !code; i++) {
        size_t reference = i % drift->n_references, f = i / drift->n_references;
        size_t r = f / drift->n_fields;
        const struct drift_field *field = &drift->fields[f % drift->n_fields];
        struct weir_buffer bytes;
        if (!is_seen(&charted->series[i]))
            continue;
        weir_put_string(out, drift->rule_names[r]);
        weir_put_string(out, field->info->name);
        weir_put_fixed64(out, field->cells ? weir_cells_hash(field->cells) : 0);
        weir_put_string(out, drift->references[reference]);
        weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
        code = weir_chart_series_write(&charted->series[i], &charted->options[r], &bytes);
        weir_put_bytes(out, bytes.data, bytes.length);
        weir_buffer_free(&bytes);
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// Where the chart belongs now, from `hint` on; NULL: nowhere.
static size_t find(const struct drift *drift, size_t hint, const char *rule, const char *name,
                   uint64_t hash, const char *reference)
{
    size_t all = series_of(drift);
    for (size_t k = 0; k < all; k++) {
        size_t i = (hint + k) % all, f = i / drift->n_references;
        const struct drift_field *field = &drift->fields[f % drift->n_fields];
        if (drift->rules[f / drift->n_fields].chart && !strcmp(field->info->name, name) &&
            !strcmp(drift->rule_names[f / drift->n_fields], rule) &&
            !strcmp(drift->references[i % drift->n_references], reference) &&
            hash == (field->cells ? weir_cells_hash(field->cells) : 0))
            return i;
    }
    return all;
}

int drift_charted_read(struct drift_charted *charted, struct weir_reader *in)
{
    const struct drift *drift = charted->drift;
    size_t n = weir_get_count(in, weir_reader_left(in)), next = 0, all = series_of(drift);
    int code = 0;
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        char rule[DRIFT_RULE_NAME], name[NAME], reference[NAME];
        size_t length;
        weir_get_string(in, rule, sizeof rule);
        weir_get_string(in, name, sizeof name);
        uint64_t hash = weir_get_fixed64(in);
        weir_get_string(in, reference, sizeof reference);
        const uint8_t *bytes = weir_get_bytes(in, &length);
        if (in->failed)
            break;
        size_t at = find(drift, next, rule, name, hash, reference);
        if (at == all)
            continue; // it is asked for no more, or of other cells
        struct weir_chart_series *series = &charted->series[at];
        struct weir_reader inner = weir_reader_make(bytes, length);
        if (is_seen(series))
            return WEIR_ECORRUPT;
        code = weir_chart_series_read(
            series, &charted->options[at / drift->n_references / drift->n_fields], &inner);
        next = at + 1;
    }
    return code ? code : weir_reader_code(in);
}
