// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/cli/quality.h"
#include "consumer/cli/terminal.h"
#include "consumer/codec/json_write.h"
#include "consumer/profile/profile.h"
#include "stats/hll.h"
#include "stats/meaning.h"

struct options {
    int json;
};

static const struct weir_arg args[] = {
    {"json", 0, WEIR_ARG_SWITCH, offsetof(struct options, json), NULL, "print JSON"},
    {.name = NULL}};

static const double shares[] = {.01, .05, .25, .5, .75, .95, .99};
static const char *const share_names[] = {"1%", "5%", "25%", "50%", "75%", "95%", "99%"};
enum {
    SHARES = sizeof shares / sizeof *shares,
    BARS = 24,
    MOST_CATEGORIES = 8,
    MOST_CLUES = 3,
    MOST_PAIRS = 8
};
#define LEAST_SHOWN .5 // of a correlation

static const char *shape_name(enum weir_shape shape)
{
    static const char *const names[] = {"numeric", "boolean", "categorical", "text"};
    return names[shape];
}

static double share_of(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void infer(const struct weir_profile_field *field, struct weir_inference *inference)
{
    memset(inference, 0, sizeof *inference);
    if (field->clues.distinct)
        weir_meaning_infer(field->name, &field->clues, inference);
}

// ---- JSON

static void put_cells(struct weir_json_writer *json, const struct weir_summary *summary)
{
    char name[256];
    weir_json_key(json, "cells");
    weir_json_open(json, '[');
    for (size_t i = 0; i < summary->cells->n; i++) {
        // Hashed cells of a field whose values all have cells of their own say nothing.
        if (i >= summary->cells->n_categories && summary->cells->n_categories && !summary->cell[i])
            continue;
        weir_cells_name(summary->cells, i, name, sizeof name);
        weir_json_open(json, '{');
        weir_json_put_text(json, "cell", name);
        weir_json_put_count(json, "count", summary->cell[i]);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

static void put_field(struct weir_json_writer *json, const struct weir_profile_field *field)
{
    const struct weir_summary *summary = &field->summary;
    const struct weir_moments *moments = &summary->moments;
    weir_json_open(json, '{');
    weir_json_put_text(json, "name", field->name);
    weir_json_put_text(json, "type", weir_type_name(field->type));
    weir_json_put_text(json, "role", weir_role_name(field->role));
    weir_json_put_text(json, "shape", shape_name(summary->shape));
    weir_json_put_count(json, "rows", summary->rows);
    weir_json_put_count(json, "values", summary->values);
    weir_json_put_count(json, "null", summary->null);
    weir_json_put_count(json, "missing", summary->missing);
    weir_json_put_count(json, "fault", summary->fault);
    weir_json_put_count(json, "nan", summary->nan);
    weir_json_put_double(json, "distinct", weir_hll_estimate(summary->distinct));
    int any = moments->n + moments->outside > 0;
    weir_json_put_double(json, "mean", moments->n ? weir_moments_mean(moments, field->cells) : NAN);
    weir_json_put_double(json, "sd",
                         moments->n ? sqrt(weir_moments_variance(moments, field->cells)) : NAN);
    weir_json_put_double(json, "minimum", any ? moments->minimum : NAN);
    weir_json_put_double(json, "maximum", any ? moments->maximum : NAN);
    weir_json_key(json, "quantiles");
    weir_json_open(json, '{');
    for (size_t i = 0; i < SHARES; i++)
        weir_json_put_double(json, share_names[i], weir_summary_quantile(summary, shares[i]));
    weir_json_close(json, '}');
    put_cells(json, summary);
    struct weir_inference inference;
    infer(field, &inference);
    weir_json_put_text(json, "meaning", weir_meaning_name(inference.meaning));
    weir_json_put_double(json, "meaning_confidence",
                         inference.meaning ? inference.confidence : NAN);
    weir_json_close(json, '}');
}

// Of all rows, every pair that both vary.
static void put_correlations(struct weir_json_writer *json, const struct weir_profile *profile)
{
    const struct weir_profile_frame *frame = profile->n_frames ? profile->frames : NULL;
    weir_json_open(json, '[');
    for (size_t j = 0; frame && frame->products && j < frame->n; j++)
        for (size_t k = 0; k < j; k++) {
            struct weir_correlation c = weir_co_moments_correlation(frame->products, j, k);
            if (isnan(c.r))
                continue;
            weir_json_open(json, '{');
            weir_json_key(json, "fields");
            weir_json_open(json, '[');
            weir_json_text(json, profile->fields[frame->field[k]].name);
            weir_json_text(json, profile->fields[frame->field[j]].name);
            weir_json_close(json, ']');
            weir_json_put_count(json, "records", c.n);
            weir_json_put_double(json, "r", c.r);
            weir_json_close(json, '}');
        }
    weir_json_close(json, ']');
}

static int print_json(const struct weir_profile *profile)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    struct weir_json_writer json = {&out, 0};
    weir_json_open(&json, '{');
    weir_json_put_text(&json, "stream", profile->stream);
    weir_json_put_count(&json, "rows", profile->rows);
    weir_json_put_long(&json, "first_time", profile->first_time);
    weir_json_put_long(&json, "last_time", profile->last_time);
    weir_json_put_count(&json, "panes", profile->n_panes);
    weir_json_put_count(&json, "sample_rows",
                        profile->sample ? weir_reservoir_rows(profile->sample) : 0);
    weir_json_key(&json, "fields");
    weir_json_open(&json, '[');
    for (size_t f = 0; f < profile->n_fields; f++)
        put_field(&json, &profile->fields[f]);
    weir_json_close(&json, ']');
    weir_json_key(&json, "correlations");
    put_correlations(&json, profile);
    weir_json_key(&json, "quality");
    weir_cli_quality_json(&json, &profile->quality);
    weir_json_close(&json, '}');
    weir_buffer_byte(&out, '\n');
    int failed = out.failed || fwrite(out.data, 1, out.length, stdout) != out.length;
    weir_buffer_free(&out);
    return failed ? weir_cli_failed("the profile cannot be printed") : WEIR_EXIT_DONE;
}

// ---- for people

// Values from the 1 to the 99% quantile in even steps, counted by spreading each cell evenly.
static void spread_cells(const struct weir_summary *summary, double low, double high,
                         double bar[BARS])
{
    const struct weir_cells *cells = summary->cells;
    double step = (high - low) / BARS;
    for (size_t i = 1; i + 1 < cells->n; i++) {
        double from = cells->cuts[i - 1], to = cells->cuts[i], width = to - from;
        for (int b = 0; b < BARS && summary->cell[i]; b++) {
            double left = low + b * step, right = left + step;
            double overlap = fmin(to, right) - fmax(from, left);
            // A cell narrower than a bar counts where its upper edge is.
            if (width < step * 1e-6)
                bar[b] +=
                    to > left && (to <= right || b == BARS - 1) ? (double)summary->cell[i] : 0;
            else if (overlap > 0)
                bar[b] += (double)summary->cell[i] * overlap / width;
        }
    }
}

static void print_histogram(const struct weir_summary *summary)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = weir_summary_quantile(summary, .01), high = weir_summary_quantile(summary, .99);
    double bar[BARS] = {0}, most = 0;
    if (!(high > low) || !isfinite(high - low))
        return;
    spread_cells(summary, low, high, bar);
    for (int b = 0; b < BARS; b++)
        most = bar[b] > most ? bar[b] : most;
    if (!(most > 0))
        return;
    printf("    %.6g ", low);
    for (int b = 0; b < BARS; b++)
        fputs(blocks[(int)ceil(8 * bar[b] / most)], stdout);
    printf(" %.6g  (1 to 99%%)\n", high);
}

static void print_numbers(const struct weir_profile_field *field)
{
    const struct weir_summary *summary = &field->summary;
    const struct weir_moments *moments = &summary->moments;
    if (!(moments->n + moments->outside))
        return;
    printf("    mean %.6g, sd %.6g, from %.6g to %.6g%s\n",
           weir_moments_mean(moments, field->cells),
           sqrt(weir_moments_variance(moments, field->cells)), moments->minimum, moments->maximum,
           summary->shape == WEIR_SHAPE_TEXT ? " bytes" : "");
    fputs("    quantiles", stdout);
    for (size_t i = 0; i < SHARES; i++)
        printf("%s %s %.6g", i ? "," : "", share_names[i],
               weir_summary_quantile(summary, shares[i]));
    putchar('\n');
    if (summary->shape == WEIR_SHAPE_NUMERIC)
        print_histogram(summary);
}

static void print_categories(const struct weir_summary *summary)
{
    const struct weir_cells *cells = summary->cells;
    size_t n = summary->shape == WEIR_SHAPE_BOOLEAN ? 2 : cells->n_categories;
    size_t shown = n < MOST_CATEGORIES ? n : MOST_CATEGORIES;
    uint64_t left = summary->values;
    char name[64];
    for (size_t i = 0; i < shown; i++) {
        double share = share_of(summary->cell[i], summary->values);
        weir_cells_name(cells, i, name, sizeof name);
        fputs("    ", stdout);
        weir_terminal_text(stdout, *name ? name : "(empty)", 20);
        printf(" %5.1f%% ", 100 * share);
        for (int b = 0; b < (int)ceil(30 * share); b++)
            fputs("█", stdout);
        putchar('\n');
        left -= summary->cell[i];
    }
    if (left)
        printf("    %-20s %5.1f%%\n", "(others)", 100 * share_of(left, summary->values));
}

// What the field seems to be, how sure that is, and why.
static void print_meaning(const struct weir_profile_field *field)
{
    struct weir_meaning_clue clues[WEIR_MEANING_CLUES];
    struct weir_inference inference;
    infer(field, &inference);
    if (!inference.meaning)
        return;
    size_t n = weir_meaning_clues(field->name, &field->clues, inference.meaning, 1, clues);
    printf("    looks like %s (%.0f%%)", weir_meaning_name(inference.meaning),
           floor(100 * inference.confidence));
    for (size_t i = 0; i < n && i < MOST_CLUES; i++)
        printf("%s %s", i ? "," : ":", clues[i].text);
    putchar('\n');
}

static void print_field(const struct weir_profile_field *field)
{
    const struct weir_summary *summary = &field->summary;
    printf("\n%s", weir_terminal_colour(stdout, WEIR_COLOUR_BOLD));
    weir_terminal_text(stdout, field->name, 0);
    printf("%s  %s, %s", weir_terminal_colour(stdout, WEIR_COLOUR_NONE),
           weir_type_name(field->type), weir_role_name(field->role));
    printf("; %llu rows, %.4g%% null", (unsigned long long)summary->rows,
           100 * share_of(summary->null, summary->rows));
    if (summary->missing)
        printf(", %.4g%% missing", 100 * share_of(summary->missing, summary->rows));
    if (summary->fault)
        printf(", %.4g%% of another type", 100 * share_of(summary->fault, summary->rows));
    if (summary->nan)
        printf(", %llu NaN", (unsigned long long)summary->nan);
    printf(", about %.0f distinct\n", weir_hll_estimate(summary->distinct));
    print_meaning(field);
    if (summary->shape == WEIR_SHAPE_NUMERIC || summary->shape == WEIR_SHAPE_TEXT)
        print_numbers(field);
    if (summary->shape != WEIR_SHAPE_NUMERIC && summary->values)
        print_categories(summary);
}

struct pair {
    double r;
    size_t j, k;
};

static int by_strength(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (fabs(x->r) != fabs(y->r))
        return fabs(x->r) > fabs(y->r) ? -1 : 1;
    return x->j != y->j ? (x->j > y->j ? 1 : -1) : x->k > y->k ? 1 : -1;
}

static void print_correlations(const struct weir_profile *profile)
{
    const struct weir_profile_frame *frame = profile->n_frames ? profile->frames : NULL;
    struct pair pairs[WEIR_CO_MOMENTS_MOST * (WEIR_CO_MOMENTS_MOST - 1) / 2];
    size_t n = 0;
    for (size_t j = 0; frame && frame->products && j < frame->n; j++)
        for (size_t k = 0; k < j; k++) {
            double r = weir_co_moments_correlation(frame->products, j, k).r;
            if (fabs(r) >= LEAST_SHOWN)
                pairs[n++] = (struct pair){r, j, k};
        }
    if (!n)
        return;
    qsort(pairs, n, sizeof *pairs, by_strength);
    fputs("\ngo together (correlation over all rows):\n", stdout);
    for (size_t i = 0; i < n && i < MOST_PAIRS; i++) {
        fputs("    ", stdout);
        weir_terminal_text(stdout, profile->fields[frame->field[pairs[i].k]].name, 0);
        fputs(", ", stdout);
        weir_terminal_text(stdout, profile->fields[frame->field[pairs[i].j]].name, 0);
        printf(" %.3f\n", pairs[i].r);
    }
    if (n > MOST_PAIRS)
        printf("    and %zu more pairs of %.1f or more\n", n - MOST_PAIRS, LEAST_SHOWN);
}

static void print_people(const struct weir_profile *profile)
{
    printf("stream %s: %llu rows, %zu fields, %zu panes\n", profile->stream,
           (unsigned long long)profile->rows, profile->n_fields, profile->n_panes);
    if (profile->sample)
        printf("a sample of %zu whole rows\n", weir_reservoir_rows(profile->sample));
    for (size_t f = 0; f < profile->n_fields; f++)
        print_field(&profile->fields[f]);
    print_correlations(profile);
    weir_cli_quality_print(&profile->quality);
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    struct weir_error error = {0};
    struct weir_profile *profile;
    int first, code = weir_args_parse(&weir_command_show, argc, argv, &options, &first);
    if (code)
        return code;
    if (argc - first != 1)
        return weir_cli_usage(&weir_command_show, "which PROFILE?");
    if (weir_profile_load(argv[first], &profile, &error))
        return weir_cli_failed("%s", error.message);
    if (options.json) {
        code = print_json(profile);
    } else {
        print_people(profile);
        code = fflush(stdout) ? weir_cli_failed("the profile cannot be printed") : WEIR_EXIT_DONE;
    }
    weir_profile_free(profile);
    return code;
}

const struct weir_command weir_command_show = {
    .name = "show",
    .synopsis = "PROFILE [--json]",
    .summary = "print a profile",
    .help =
        "Prints what a profile knows of each field: rows, shares of nulls, mean and spread,\n"
        "quantiles and a small histogram of numbers, the most frequent strings, and what the\n"
        "field seems to mean, with the clues that say so. Then pairs of numbers that go together,\n"
        "and, where the data had a label beside the model's predictions or scores, its metrics,\n"
        "with 95% intervals.",
    .run = run,
    .args = args,
};
