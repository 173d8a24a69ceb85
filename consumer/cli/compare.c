// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/cli/quality.h"
#include "consumer/cli/terminal.h"
#include "consumer/codec/json_write.h"
#include "consumer/compare/set.h"

struct options {
    int json, manual;
    const char *preset;
    struct weir_compare_roles roles;
};

static const struct weir_arg args[] = {
    {"json", 0, WEIR_ARG_SWITCH, offsetof(struct options, json), NULL, "print JSON"},
    {"preset", 0, WEIR_ARG_TEXT, offsetof(struct options, preset), "NAME",
     "also print what another program has: evidently, nannyml or tfdv"},
    {"label", 0, WEIR_ARG_TEXT, offsetof(struct options, roles.label), "FIELD",
     "of two files, the truth: also compare how well a model's answers fit it (profiles know it)"},
    {"prediction", 0, WEIR_ARG_TEXT, offsetof(struct options, roles.prediction), "FIELD",
     "with --label: what the model said"},
    {"score", 0, WEIR_ARG_TEXT, offsetof(struct options, roles.score), "FIELD",
     "with --label: its score, as the probability of the positive one of two classes"},
    {"positive", 0, WEIR_ARG_TEXT, offsetof(struct options, roles.positive), "CLASS",
     "with --label: the positive one of two (true, the larger, or the one that is sorted later)"},
    {"manual", 0, WEIR_ARG_SWITCH, offsetof(struct options, manual), NULL,
     "print the manual page of all statistics"},
    {.name = NULL}};

// Of single quantiles, in the field's own unit.
static void write_shifts(struct weir_json_writer *json, const double *shifts)
{
    weir_json_key(json, "shifts");
    weir_json_open(json, '{');
    for (int i = 0; i < WEIR_QUANTILES; i++) {
        char name[8];
        snprintf(name, sizeof name, "%.2f", (i + 1) / 20.0);
        weir_json_put_double(json, name, shifts[i]);
    }
    weir_json_close(json, '}');
}

// `shifts` NULL: it has none.
static void write_statistic(struct weir_json_writer *json, const struct weir_comparison *c,
                            const double *shifts)
{
    weir_json_key(json, c->name);
    weir_json_open(json, '{');
    weir_json_put_double(json, "value", c->value);
    weir_json_put_double(json, "p_value", c->p_value);
    const struct {
        const char *name;
        double value;
    } more[] = {{"p_value_exact", c->p_exact},
                {"reference", c->reference},
                {"current", c->current},
                {"bound", c->bound}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (!isnan(more[i].value))
            weir_json_put_double(json, more[i].name, more[i].value);
    if (c->reason)
        weir_json_put_text(json, "reason", c->reason);
    if (shifts && !isnan(shifts[0]))
        write_shifts(json, shifts);
    weir_json_close(json, '}');
}

static void write_preset(struct weir_json_writer *json, const struct weir_field_comparison *f)
{
    weir_json_key(json, "preset");
    weir_json_open(json, '{');
    for (size_t i = 0; i < f->n_preset; i++) {
        const struct weir_preset_value *v = &f->preset[i];
        int ok = v->status == WEIR_TEST_OK;
        weir_json_key(json, v->name);
        weir_json_open(json, '{');
        weir_json_put_double(json, v->on_p ? "p_value" : "value", ok ? v->value : NAN);
        weir_json_put_double(json, "threshold", v->threshold);
        if (!isnan(v->low))
            weir_json_put_double(json, "low", v->low);
        weir_json_key(json, "drift");
        if (ok && !isnan(v->threshold))
            weir_json_boolean(json, v->drift);
        else
            weir_json_null(json);
        weir_json_key(json, "decides");
        weir_json_boolean(json, v->decides);
        if (!ok)
            weir_json_put_text(json, "reason", weir_test_status_text(v->status));
        weir_json_close(json, '}');
    }
    weir_json_close(json, '}');
}

// "rules": null where there are no rows to learn from.
static void write_rules(struct weir_json_writer *json, const struct weir_comparison_set *c)
{
    const struct weir_contrast *found = &c->rules.contrast;
    weir_json_key(json, "rules");
    if (found->status != WEIR_TEST_OK) {
        weir_json_null(json);
        return;
    }
    const struct {
        const char *name;
        double value;
    } area[] = {{"auc", found->auc}, {"low", found->low}, {"high", found->high}};
    weir_json_open(json, '{');
    for (size_t i = 0; i < sizeof area / sizeof *area; i++)
        weir_json_put_double(json, area[i].name, area[i].value);
    weir_json_key(json, "found");
    weir_json_open(json, '[');
    for (size_t k = 0; k < found->n_rules; k++) {
        weir_json_open(json, '{');
        weir_json_put_text(json, "rule", c->rules.text[k]);
        weir_json_put_double(json, "current", found->rules[k].share[1]);
        weir_json_put_double(json, "reference", found->rules[k].share[0]);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
    weir_json_key(json, "moved_with");
    weir_json_open(json, '[');
    for (size_t k = 0; k < found->n_with; k++)
        weir_json_text(json, c->rules.with[k]);
    weir_json_close(json, ']');
    weir_json_close(json, '}');
}

static void print_share(double share)
{
    printf(share > 0 && share < 0.01 ? "%.1f%%" : "%.0f%%", 100 * share);
}

static void print_rules(const struct weir_compared_rules *rules)
{
    const struct weir_contrast *found = &rules->contrast;
    if (!found->n_rules)
        return;
    printf("\nwhat tells current from reference (auc %.3f, %.3f to %.3f, on rows kept aside):\n",
           found->auc, found->low, found->high);
    for (size_t k = 0; k < found->n_rules; k++) {
        fputs("  ", stdout);
        weir_terminal_text(stdout, rules->text[k], 0);
        fputs(" (", stdout);
        print_share(found->rules[k].share[1]);
        printf(" of current, ");
        print_share(found->rules[k].share[0]);
        printf(" of reference)\n");
    }
    for (size_t k = 0; k < found->n_with; k++) {
        fputs(k ? ", " : "  moved together with: ", stdout);
        weir_terminal_text(stdout, rules->with[k], 0);
    }
    if (found->n_with)
        putchar('\n');
}

// "notes": what no statistic tells.
static void write_notes(struct weir_json_writer *json, const struct weir_compared_notes *notes)
{
    weir_json_key(json, "notes");
    weir_json_open(json, '[');
    for (size_t i = 0; i < notes->n; i++) {
        const struct weir_compared_note *note = &notes->notes[i];
        weir_json_open(json, '{');
        weir_json_put_text(json, "kind", weir_note_kind_name(note->kind));
        weir_json_put_text(json, "field", note->field);
        weir_json_put_text(json, "side", note->current ? "current" : "reference");
        if (note->records)
            weir_json_put_count(json, "records", note->records);
        weir_json_put_text(json, "text", note->text);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

// Of each kind a few: of a thousand fields with other names nobody reads a thousand lines.
static void print_notes(const struct weir_compared_notes *notes)
{
    enum { MOST = 10 };
    size_t of_kind[WEIR_NOTE_KINDS] = {0}, left = 0;
    for (size_t i = 0; i < notes->n; i++) {
        const struct weir_compared_note *note = &notes->notes[i];
        if (!i)
            fputs("\nnote:\n", stdout);
        if (of_kind[note->kind]++ >= MOST) {
            left++;
            continue;
        }
        fputs("  ", stdout);
        if (note->field) {
            weir_terminal_text(stdout, note->field, 0);
            fputs(": ", stdout);
        }
        weir_terminal_text(stdout, note->text, 0);
        putchar('\n');
    }
    if (left)
        printf("  and %zu more of the same kinds (--json has all)\n", left);
}

static void print_together(const struct weir_comparison *all)
{
    printf("\nall numeric fields together:");
    for (int i = 0; i < WEIR_MULTIVARIATE; i++) {
        const struct weir_comparison *m = &all[i];
        int before = 0, after = 0; // with the same reason
        for (int k = 0; k < WEIR_MULTIVARIATE && isnan(m->value); k++)
            if (isnan(all[k].value) && !strcmp(all[k].reason, m->reason)) {
                before += k < i;
                after += k > i;
            }
        if (!isnan(m->value))
            printf("%s %s %.3f (p %.2g)", i ? "," : "", m->name, m->value, m->p_value);
        else if (after) // told with the last of them
            printf("%s %s", i ? "," : "", m->name);
        else
            printf("%s %s: %s", before ? " and" : i ? "," : "", m->name, m->reason);
    }
    putchar('\n');
}

static int print_json(const struct weir_comparison_set *c)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    struct weir_json_writer json = {&out, 0};
    weir_json_open(&json, '{');
    weir_json_key(&json, "fields");
    weir_json_open(&json, '{');
    for (size_t i = 0; i < c->n; i++) {
        weir_json_key(&json, c->fields[i].name);
        weir_json_open(&json, '{');
        weir_json_put_text(&json, "type", weir_compare_type_name(c->fields[i].type));
        weir_json_key(&json, "statistics");
        weir_json_open(&json, '{');
        const struct weir_field_comparison *field = &c->fields[i].comparison;
        for (size_t k = 0; k < field->n; k++) {
            int shifts = !strcmp(field->statistics[k].name, "quantile_shift");
            write_statistic(&json, &field->statistics[k], shifts ? field->shifts : NULL);
        }
        weir_json_close(&json, '}');
        if (field->n_preset)
            write_preset(&json, field);
        weir_json_close(&json, '}');
    }
    weir_json_close(&json, '}');
    weir_json_key(&json, "multivariate");
    weir_json_open(&json, '{');
    for (int i = 0; i < WEIR_MULTIVARIATE; i++)
        write_statistic(&json, &c->multivariate[i], NULL);
    weir_json_close(&json, '}');
    write_rules(&json, c);
    write_notes(&json, &c->notes);
    weir_json_key(&json, "quality");
    weir_cli_compared_quality_json(&json, &c->quality);
    weir_json_close(&json, '}');
    weir_buffer_byte(&out, '\n');
    int failed =
        out.failed || fwrite(out.data, 1, out.length, stdout) != out.length || fflush(stdout);
    weir_buffer_free(&out);
    return failed ? weir_cli_failed("standard output cannot be written") : WEIR_EXIT_DONE;
}

static double value_of(const struct weir_field_comparison *f, const char *name, double *p)
{
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->statistics[i].name, name)) {
            *p = f->statistics[i].p_value;
            return f->statistics[i].value;
        }
    *p = NAN;
    return NAN;
}

static void print_number(const char *format, int width, double x)
{
    char text[40];
    snprintf(text, sizeof text, format, x);
    printf(" %*s", width, isnan(x) ? "-" : text);
}

static void print_p(double p)
{
    if (p < 1e-300)
        printf(" %9s", "<1e-300");
    else
        print_number(p < 0.001 ? "%.1e" : "%.3f", 9, p);
}

struct place {
    size_t column;
    double moved, p_value;
};

static int by_movement(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->moved != y->moved)
        return x->moved < y->moved ? 1 : -1;
    if (x->p_value != y->p_value)
        return x->p_value > y->p_value ? 1 : -1;
    return x->column > y->column ? 1 : -1;
}

static void print_field(const struct weir_compared_field *field, int width)
{
    static const char *const shown[] = {"psi", "jensen_shannon", "wasserstein_normalised",
                                        "null_rate", "unseen_share"};
    const struct weir_field_comparison *f = &field->comparison;
    double p, value = value_of(f, "ks", &p);
    // The methods page calls a shift of .2 standard deviations worth a warning, .5 critical.
    enum weir_colour colour = f->p_value > 1e-3 || f->moved < 0.085 ? WEIR_COLOUR_NONE
                              : f->moved < 0.2                      ? WEIR_COLOUR_YELLOW
                                                                    : WEIR_COLOUR_RED;
    fputs(weir_terminal_colour(stdout, colour), stdout);
    weir_terminal_text(stdout, field->name, width);
    printf("%s %-11s", weir_terminal_colour(stdout, WEIR_COLOUR_NONE),
           weir_compare_type_name(field->type));
    print_number("%.3f", 7, f->moved);
    print_p(f->p_value);
    print_number("%.3f", 7, value);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        print_number("%.3f", 8, value_of(f, shown[i], &p));
    putchar('\n');
    for (size_t i = 0; i < f->n_preset; i++) {
        const struct weir_preset_value *v = &f->preset[i];
        if (v->status == WEIR_TEST_OK)
            printf("%*s   %s%s %.4g%s%s\n", width, "", v->name, v->on_p ? " p" : "", v->value,
                   isnan(v->threshold) ? ""
                   : v->drift          ? ": drift"
                                       : ": none",
                   v->decides ? " (its default)" : "");
    }
}

static int print_table(const struct weir_comparison_set *c)
{
    size_t n = c->n;
    struct place *order = malloc((n + 1) * sizeof *order);
    if (!order)
        return weir_cli_failed("memory is out");
    int width = 5;
    for (size_t i = 0; i < n; i++) {
        int length = weir_terminal_width(c->fields[i].name);
        order[i] =
            (struct place){i, c->fields[i].comparison.moved, c->fields[i].comparison.p_value};
        width = length > width ? (length < 40 ? length : 40) : width;
    }
    qsort(order, n, sizeof *order, by_movement);
    printf("reference %llu rows, current %llu rows; what moved most first\n\n",
           (unsigned long long)c->rows_reference, (unsigned long long)c->rows_current);
    printf("%s%-*s %-11s %7s %9s %7s %8s %8s %8s %8s %8s%s\n",
           weir_terminal_colour(stdout, WEIR_COLOUR_BOLD), width, "field", "type", "moved", "p",
           "ks", "psi", "js", "w1/sd", "null", "unseen",
           weir_terminal_colour(stdout, WEIR_COLOUR_NONE));
    for (size_t i = 0; i < n; i++)
        print_field(&c->fields[order[i].column], width);
    print_notes(&c->notes);
    print_together(c->multivariate);
    print_rules(&c->rules);
    weir_cli_compared_quality_print(&c->quality);
    free(order);
    return fflush(stdout) ? weir_cli_failed("standard output cannot be written") : WEIR_EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int first, status = weir_args_parse(&weir_command_compare, argc, argv, &options, &first);
    if (status)
        return status;
    if (options.manual) {
        weir_compare_manual(stdout);
        return fflush(stdout) ? weir_cli_failed("standard output cannot be written")
                              : WEIR_EXIT_DONE;
    }
    if (argc - first != 2)
        return weir_cli_usage(&weir_command_compare, "it takes two files");
    enum weir_preset preset = options.preset ? weir_preset_find(options.preset) : WEIR_PRESETS;
    if (options.preset && preset == WEIR_PRESETS)
        return weir_cli_usage(&weir_command_compare,
                              "--preset is evidently, nannyml or tfdv, not '%s'", options.preset);
    const struct weir_compare_roles *roles = &options.roles;
    if (!roles->label != !(roles->prediction || roles->score))
        return weir_cli_usage(&weir_command_compare,
                              "--label needs --prediction or --score, and these need --label");
    struct weir_comparison_set set;
    struct weir_error error = {0, 0, 0, ""};
    if (roles->label &&
        (weir_compare_is_profile(argv[first]) || weir_compare_is_profile(argv[first + 1])))
        return weir_cli_usage(&weir_command_compare,
                              "--label is for two files of data: a profile has the roles of its "
                              "configuration");
    if (weir_compare_paths(argv[first], argv[first + 1], preset, &set, &error))
        return weir_cli_failed("%s", error.message);
    if (roles->label &&
        weir_compare_answers(argv[first], argv[first + 1], roles, &set.quality, &error)) {
        weir_comparison_set_free(&set);
        return weir_cli_failed("%s", error.message);
    }
    status = options.json ? print_json(&set) : print_table(&set);
    weir_comparison_set_free(&set);
    return status;
}

const struct weir_command weir_command_compare = {
    .name = "compare",
    .synopsis =
        "REFERENCE CURRENT [--json] [--preset NAME]\n"
        "                    [--label FIELD --prediction FIELD --score FIELD --positive CLASS]",
    .summary = "every statistic between two files or profiles, per field",
    .help =
        "Compares two files (CSV, TSV, JSON lines, Avro containers, each also gzipped) field by\n"
        "field and prints what moved most first; with --json every statistic, with its p-value\n"
        "where it has one, else null and a reason. Fields and types are the reference's: numbers,\n"
        "booleans (true, false), categories, and text (strings of which more than 1,000, and\n"
        "more than one in twenty, are distinct).\n\n"
        "What no statistic tells is a note: fields that only one side has, values that are not of\n"
        "the field's type (they count as null), fields that are null throughout, records that "
        "cannot be read (null in every field;\n"
        "where none can be read it is an error). In JSON `notes` is a list of {kind, field, side,\n"
        "records, text}; kind is only_in_reference, only_in_current, other_type, no_values,\n"
        "unreadable or (of profiles, whose sums end somewhere) far_out.\n\n"
        "Between files statistics are exact: on all values. psi, kl, hellinger, total_variation,\n"
        "jensen_shannon, chi_square, g, l_infinity and cramers_v of numbers are on cells of equal\n"
        "mass in the reference. NaN counts as null; infinities are left out of statistics of\n"
        "numbers, whose unseen and vanished shares are of values outside the other's range.\n"
        "Differences are current less reference, but for t, which is the other way round, and\n"
        "mann_whitney, the U of the reference. P-values are SciPy's asymptotic ones; that of\n"
        "anderson_darling is read off a table and so never outside .001 to .25.\n\n"
        "Where one is a profile, tests are on the reference's cells, wasserstein, energy,\n"
        "mann_whitney and quantile_shift by sketches; `bound` is how far a value may be from the\n"
        "exact one, and what needs rows is null. --manual prints the definition of each.\n\n"
        "--preset adds what Evidently 0.7, NannyML 0.13 or TFDV 1.16 compute on the same rows:\n"
        "their bins, logarithms and thresholds.\n\n"
        "In the table `moved` is the Jensen-Shannon distance less what chance explains, or the\n"
        "change of the null rate if that is larger; `p` the one of all tests together.\n\n"
        "Of two files rules may follow that tell their records apart, with the share of either's\n"
        "records that they hold for: a tree of three levels, learned from 1,000 rows of each and\n"
        "judged on 1,000 others; none where its area under the curve is not surely over .55.\n"
        "Lists, texts, ids (whole numbers that come once) and numbers that never fall from row to\n"
        "row (times) take no part.\n\n"
        "Where both have a label and what a model said (profiles by their roles, files by --label\n"
        "and --prediction or --score), the model's metrics follow: accuracy, precision, recall,\n"
        "F1, kappa, Matthews' coefficient, area under the ROC curve, log loss, Brier score and\n"
        "calibration error of classes; MAE, RMSE, bias and R2 of numbers; of either, and the\n"
        "change with its 95% interval. Of two classes true, the larger number or the\n"
        "string that is sorted later is the positive one, unless --positive (in a configuration "
        "the\n"
        "second of the label's two `values`) says otherwise. From profiles the area is known "
        "within\n"
        "`bound`, all else exactly.",
    .run = run,
    .args = args,
};
