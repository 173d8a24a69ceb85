// SPDX-License-Identifier: Apache-2.0
#include "consumer/infer/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json_write.h"
#include "consumer/infer/joint.h"
#include "stats/hll.h"
#include "stats/meaning.h"
#include "stats/sentinels.h"
#include "stats/value_text.h"

enum { MOST_VALUES = 100, PATTERN = 512 };

// Where values were seen more seldom on average, or there were few in all, or new ones went on
// coming, a list of them is not all there are.
static const double SEEN_EACH = 10, SEEN_IN_ALL = 150, UNSEEN = 1e-3;

struct writer {
    struct weir_buffer *out;
    const struct weir_profile *profile;
    struct weir_rows rows; // of its sample; n 0: there is none
    int is_whole;          // the sample is all there was: what holds in it holds
};

// What is known of one field before a line is written.
struct known {
    const struct weir_profile_field *field;
    struct weir_inference meaning;
    double distinct;
    int is_key, is_time;
    int is_faulty; // some of its values are of another type
};

static void put(const struct writer *writer, const char *text)
{
    weir_buffer_append(writer->out, text, strlen(text));
}

// JSON's strings are YAML's double-quoted ones.
static void put_quoted(const struct writer *writer, const char *data, size_t length)
{
    struct weir_json_writer json = {writer->out, 0};
    weir_json_string(&json, data, length);
}

static void put_name(const struct writer *writer, const char *name)
{
    size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    int letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};
    int word = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        word |= !strcasecmp(name, words[i]);
    if (letter && !name[plain] && !word)
        put(writer, name);
    else
        put_quoted(writer, name, strlen(name));
}

static void put_number(const struct writer *writer, double value)
{
    struct weir_json_writer json = {writer->out, 0};
    if (value == floor(value) && fabs(value) < 1e15)
        weir_buffer_printf(writer->out, "%.0f", value);
    else
        weir_json_double(&json, value);
}

static struct known know(const struct weir_profile *profile, size_t f)
{
    const struct weir_profile_field *field = &profile->fields[f];
    struct known known = {.field = field,
                          .distinct = weir_hll_estimate(field->summary.distinct),
                          .is_key = field->role == WEIR_ROLE_KEY,
                          .is_time = field->role == WEIR_ROLE_TIME,
                          .is_faulty = field->summary.fault > 0};
    if (field->clues.distinct)
        weir_meaning_infer(field->name, &field->clues, &known.meaning);
    return known;
}

// ---- numbers

// Times and identifiers have no bounds that hold tomorrow.
static int grows(const struct weir_inference *inference)
{
    enum weir_meaning meaning = inference->meaning;
    if (inference->confidence < .9)
        return 0;
    return (meaning >= WEIR_MEANING_TIMESTAMP_S && meaning <= WEIR_MEANING_SEQUENTIAL_ID) ||
           meaning == WEIR_MEANING_RANDOM_ID || meaning == WEIR_MEANING_CARD_NUMBER;
}

// Outwards to two significant digits.
static double round_out(double value, int up)
{
    if (value == 0 || !isfinite(value))
        return value;
    double step = pow(10, floor(log10(fabs(value))) - 1);
    return (up ? ceil(value / step - 1e-9) : floor(value / step + 1e-9)) * step;
}

// What may be: half as far again from the median as the furthest that was, but not below zero
// where nothing was, and no wider than the meaning's own bounds.
static const double LONG_TAIL = 8; // the largest value, in medians

static void range_of(const struct known *known, double *low, double *high)
{
    static const struct {
        enum weir_meaning meaning;
        double low, high;
    } natural[] = {{WEIR_MEANING_PROBABILITY, 0, 1},
                   {WEIR_MEANING_PERCENTAGE, 0, 100},
                   {WEIR_MEANING_LATITUDE, -90, 90},
                   {WEIR_MEANING_LONGITUDE, -180, 180},
                   {WEIR_MEANING_AGE, 0, 130}};
    const struct weir_summary *summary = &known->field->summary;
    double least = summary->moments.minimum, most = summary->moments.maximum;
    double median = weir_summary_quantile(summary, .5);
    for (size_t i = 0; i < sizeof natural / sizeof *natural; i++) {
        if (known->meaning.meaning == natural[i].meaning && least >= natural[i].low &&
            most <= natural[i].high && known->meaning.confidence >= .7) {
            *low = natural[i].low;
            *high = natural[i].high;
            return;
        }
    }
    if (known->field->type == WEIR_TYPE_LONG && least == 0 && most == 1) { // a yes or no
        *low = 0;
        *high = 1;
        return;
    }
    // Half as far again from the median as was seen; of a long tail, in orders of magnitude.
    *high = most > LONG_TAIL * median && least >= 0 && median > 0
                ? round_out(most * sqrt(most / median), 1)
                : round_out(most + .5 * fabs(most - median), 1);
    *low = round_out(least - .5 * fabs(median - least), 0);
    if (least >= 0 && *low < 0)
        *low = 0;
    if (most <= 0 && *high > 0)
        *high = 0;
    if (known->field->type == WEIR_TYPE_LONG) {
        *low = floor(*low);
        *high = ceil(*high);
    }
    // Rounding and what a median's sketch is off by never cut into what was seen.
    *low = fmin(*low, least);
    *high = fmax(*high, most);
}

// A usual sentinel at an end of the values, with a share that is known, and apart from the rest. It
// is told of, and not reported: the model may know it.
static void put_sentinels(const struct writer *writer, const struct known *known)
{
    const struct weir_summary *summary = &known->field->summary;
    const struct weir_habits *habits = known->field->habits;
    for (size_t i = 0; habits && i < habits->n_values; i++) {
        double value = habits->values[i].value, share = habits->values[i].share;
        double least = summary->moments.minimum, most = summary->moments.maximum;
        if (value != least && value != most)
            continue;
        for (size_t k = 0; k < weir_n_usual_sentinels && share < .5; k++) {
            const struct weir_usual_sentinel *usual = &weir_usual_sentinels[k];
            if (strtod(usual->text, NULL) != value)
                continue;
            // Its share is of a sample: a little beyond it surely come the others.
            double edge = share + fmax(.005, share / 10);
            struct weir_extent rest =
                weir_extent_of(summary, value == least ? edge : 0, value == least ? 0 : edge);
            if (weir_sentinel_is_apart(&rest, value, usual->certain))
                weir_buffer_printf(writer->out,
                                   "        # %.3g%% are %s, apart from the others: does it stand "
                                   "for none? To have it reported: sentinels: [%s]\n",
                                   100 * share, usual->text, usual->text);
        }
    }
}

static void put_range(const struct writer *writer, const struct known *known)
{
    const struct weir_summary *summary = &known->field->summary;
    double low, high;
    if (!(summary->moments.n + summary->moments.outside) || grows(&known->meaning) ||
        known->is_key || known->is_time)
        return;
    // An infinite value is no value of a range; NaN has a rule of its own.
    if (summary->infinite_low || summary->infinite_high)
        return;
    // One value alone does not say which others may be.
    if (summary->moments.minimum == summary->moments.maximum)
        return;
    range_of(known, &low, &high);
    put(writer, "        range: [");
    put_number(writer, low);
    put(writer, ", ");
    put_number(writer, high);
    weir_buffer_printf(writer->out, "]    # seen: %.6g to %.6g\n", summary->moments.minimum,
                       summary->moments.maximum);
}

// A rule where all was looked at, else a proposal.
static const char *if_whole(const struct writer *writer, const char *otherwise)
{
    return writer->is_whole ? "" : otherwise;
}

static void put_precision(const struct writer *writer, const struct known *known)
{
    int precision = writer->rows.n ? weir_joint_precision(&writer->rows, known->field->name) : -1;
    if (precision < 0)
        return;
    weir_buffer_printf(writer->out, "        %sprecision: %d    # decimals%s\n",
                       if_whole(writer, "# "), precision, if_whole(writer, ", in a sample"));
}

// ---- strings

// All values are categories of the profile, few, and each was seen often.
static int is_closed_set(const struct known *known)
{
    const struct weir_summary *summary = &known->field->summary;
    const struct weir_cells *cells = summary->cells;
    const struct weir_habits *habits = known->field->habits;
    uint64_t listed = 0;
    if (habits && habits->fresh > UNSEEN)
        return 0;
    if (summary->shape != WEIR_SHAPE_CATEGORICAL || !cells->n_categories ||
        cells->n_categories > MOST_VALUES || cells->unseen_share > UNSEEN || known->is_key)
        return 0;
    for (size_t i = 0; i < cells->n_categories; i++)
        listed += summary->cell[i];
    return listed == summary->values &&
           (double)summary->values >= fmax(SEEN_IN_ALL, SEEN_EACH * (double)cells->n_categories);
}

static void put_values(const struct writer *writer, const struct known *known)
{
    const struct weir_cells *cells = known->field->summary.cells;
    put(writer, "        values: [");
    for (size_t i = 0; i < cells->n_categories; i++) {
        put(writer, i ? ", " : "");
        put_quoted(writer, cells->categories[i].data, cells->categories[i].length);
    }
    put(writer, "]\n");
}

// Versions, hosts and annotators come and go: what they were says little of what they may be.
static int is_name_of_the_day(const struct known *known)
{
    return known->field->role == WEIR_ROLE_MODEL_VERSION || known->field->role == WEIR_ROLE_HOST ||
           known->field->role == WEIR_ROLE_ANNOTATOR || known->field->role == WEIR_ROLE_SOURCE;
}

static void put_text(const struct writer *writer, const struct known *known)
{
    const struct weir_text_shape *shape = &known->field->clues.shape;
    char pattern[PATTERN];
    if (is_name_of_the_day(known))
        return;
    if (is_closed_set(known)) {
        put_values(writer, known);
        return;
    }
    if (!shape->n)
        return;
    const char *found = pattern, *forms = known->field->habits ? known->field->habits->forms : NULL;
    if (!weir_text_shape_format(shape, pattern, sizeof pattern))
        found = forms                                                     ? forms
                : weir_text_shape_pattern(shape, pattern, sizeof pattern) ? pattern
                                                                          : NULL;
    if (found) {
        put(writer, "        pattern: ");
        put_quoted(writer, found, strlen(found));
        put(writer, "\n");
    }
    uint64_t shortest = shape->shortest > 1 ? 1 : shape->shortest, longest = 2 * shape->longest;
    if (shape->shortest == shape->longest)
        shortest = longest = shape->longest;
    weir_buffer_printf(writer->out, "        length: [%llu, %llu]    # seen: %llu to %llu\n",
                       (unsigned long long)shortest, (unsigned long long)longest,
                       (unsigned long long)shape->shortest, (unsigned long long)shape->longest);
}

// ---- a field

static void put_comment(const struct writer *writer, const struct known *known)
{
    const struct weir_summary *summary = &known->field->summary;
    char text[32];
    weir_buffer_printf(writer->out, "        # %s values, about %.0f distinct",
                       weir_count_text(summary->values, text), known->distinct);
    if (summary->null)
        weir_buffer_printf(writer->out, "; %.3g%% null",
                           100 * (double)summary->null / (double)summary->rows);
    if (summary->missing)
        weir_buffer_printf(writer->out, "; %.3g%% of the records lack it",
                           100 * (double)summary->missing / (double)summary->rows);
    if (summary->nan)
        weir_buffer_printf(writer->out, "; %s are NaN", weir_count_text(summary->nan, text));
    if (known->meaning.meaning)
        weir_buffer_printf(writer->out, "; looks like %s (%.0f%%)",
                           weir_meaning_name(known->meaning.meaning),
                           floor(100 * known->meaning.confidence));
    put(writer, "\n");
    if (known->is_faulty)
        weir_buffer_printf(writer->out,
                           "        # %s values are of another type: not checked, see `fields` "
                           "below\n",
                           weir_count_text(summary->fault, text));
}

static void put_field(const struct writer *writer, const struct known *known)
{
    const struct weir_profile_field *field = known->field;
    const struct weir_summary *summary = &field->summary;
    put(writer, "      ");
    put_name(writer, field->name);
    put(writer, ":\n");
    put_comment(writer, known);
    weir_buffer_printf(writer->out, "        type: %s\n", weir_type_name(field->type));
    if (field->role != WEIR_ROLE_FEATURE && !known->is_key && !known->is_time)
        weir_buffer_printf(writer->out, "        role: %s\n", weir_role_name(field->role));
    if (summary->null)
        put(writer, "        nullable: true\n");
    if (summary->missing)
        put(writer, "        optional: true\n");
    if (summary->nan)
        put(writer, "        nan: true\n");
    if (summary->infinite_low || summary->infinite_high)
        put(writer, "        infinite: true\n");
    if (known->is_faulty)
        return;
    if (field->type == WEIR_TYPE_LONG || field->type == WEIR_TYPE_DOUBLE) {
        put_sentinels(writer, known);
        put_range(writer, known);
        put_precision(writer, known);
    } else if (field->type == WEIR_TYPE_STRING)
        put_text(writer, known);
}

// ---- the whole

// Seconds, or one of the finer units, where the values say so.
static const char *unit_of(const struct known *known)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    const struct weir_clues *clues = &known->field->clues;
    for (int i = 0; i < 4 && known->field->type != WEIR_TYPE_STRING; i++) {
        if (i != 1 && clues->values && clues->look[WEIR_LOOK_SECONDS + i] * 10 > clues->values * 9)
            return units[i];
    }
    return NULL;
}

static void put_keys(const struct writer *writer)
{
    for (size_t f = 0; f < writer->profile->n_fields; f++) {
        struct known known = know(writer->profile, f);
        const char *unit = known.is_time ? unit_of(&known) : NULL;
        if (!known.is_key && !known.is_time)
            continue;
        put(writer, known.is_key ? "    key: " : unit ? "    time: {field: " : "    time: ");
        put_name(writer, known.field->name);
        if (unit)
            weir_buffer_printf(writer->out, ", unit: %s}", unit);
        put(writer, "\n");
    }
}

static int is_sound(const struct weir_profile_field *field)
{
    return field && !field->summary.fault && !strstr(field->name, "->");
}

static void put_depends(const struct writer *writer)
{
    const struct weir_profile *profile = writer->profile;
    char text[32];
    int any = 0;
    for (size_t f = 0; f < profile->n_fields; f++) {
        const struct weir_habits *habits = profile->fields[f].habits;
        for (size_t i = 0; habits && is_sound(&profile->fields[f]) && i < habits->n_by; i++) {
            const struct weir_depends *by = &habits->by[i];
            char item[2 * WEIR_DEPENDS_NAME + 8];
            int length = snprintf(item, sizeof item, "%s -> %s", by->by, profile->fields[f].name);
            if (!is_sound(weir_profile_find(profile, by->by)) || length >= (int)sizeof item)
                continue;
            put(writer, any++ ? "" : "    depends:\n");
            put(writer, "      - ");
            put_quoted(writer, item, (size_t)length);
            weir_buffer_printf(writer->out, "    # known of %s values, from %s repeats\n",
                               weir_count_text(by->n, (char[32]){0}),
                               weir_count_text(by->repeats, text));
        }
    }
}

// Keys that never came twice.
static void put_duplicates(const struct writer *writer)
{
    for (size_t f = 0; f < writer->profile->n_fields; f++) {
        const struct weir_profile_field *field = &writer->profile->fields[f];
        if (field->role == WEIR_ROLE_KEY && is_sound(field) && writer->rows.n &&
            weir_joint_is_unique(&writer->rows, field->name))
            weir_buffer_printf(writer->out, "    %sduplicates: 1d    # no key came twice%s\n",
                               if_whole(writer, "# "), if_whole(writer, ", in a sample"));
    }
}

// What orders can be looked for among: 1 of texts that are times, 2 to 5 of whole numbers that are
// seconds, ms, us, ns since 1970; 0: others.
static int time_form(const struct writer *writer, size_t f)
{
    struct known known = know(writer->profile, f);
    const struct weir_clues *clues = &known.field->clues;
    enum weir_meaning meaning = known.meaning.meaning;
    if (!is_sound(known.field) || known.is_key)
        return 0;
    if (known.field->type == WEIR_TYPE_STRING)
        return known.meaning.confidence >= .7 &&
               (meaning == WEIR_MEANING_DATE || meaning == WEIR_MEANING_TIMESTAMP);
    // The stream's own time is read in ms, whatever its unit.
    for (int i = 0; i < 4 && known.field->type == WEIR_TYPE_LONG && !known.is_time; i++) {
        if (clues->values && clues->look[WEIR_LOOK_SECONDS + i] * 10 > clues->values * 9)
            return 2 + i;
    }
    return 0;
}

static void put_expression_name(const struct writer *writer, struct weir_buffer *rule, size_t f)
{
    int is_text = writer->profile->fields[f].type == WEIR_TYPE_STRING;
    weir_buffer_printf(rule, is_text ? "time(`%s`)" : "`%s`", writer->profile->fields[f].name);
}

static void put_order(const struct writer *writer, size_t early, size_t late, int is_first)
{
    struct weir_buffer rule;
    weir_buffer_init(&rule, 4096);
    put_expression_name(writer, &rule, late);
    weir_buffer_append(&rule, " >= ", 4);
    put_expression_name(writer, &rule, early);
    weir_buffer_printf(writer->out, "%s", is_first ? if_whole(writer, "    # ") : "");
    if (is_first)
        weir_buffer_printf(writer->out, "%srules:%s\n", writer->is_whole ? "    " : "",
                           if_whole(writer, "    # held in a sample"));
    weir_buffer_printf(writer->out, "    %s  - ", if_whole(writer, "# "));
    put_quoted(writer, (const char *)rule.data, rule.length);
    weir_buffer_append(writer->out, "\n", 1);
    weir_buffer_free(&rule);
}

// Times that come one after the other in every row.
static void put_orders(const struct writer *writer)
{
    enum { MOST = 8 };
    const struct weir_profile *profile = writer->profile;
    int n = 0;
    for (size_t a = 0; a < profile->n_fields && writer->rows.n; a++) {
        int form = time_form(writer, a);
        for (size_t b = 0; b < profile->n_fields && form && n < MOST; b++) {
            if (b != a && time_form(writer, b) == form && !strchr(profile->fields[a].name, '`') &&
                !strchr(profile->fields[b].name, '`') &&
                weir_joint_is_ordered(&writer->rows, profile->fields[a].name,
                                      profile->fields[b].name))
                put_order(writer, a, b, !n++);
        }
    }
}

// What serves a model is watched where the stream says who answered, or what.
static void put_operations(const struct writer *writer)
{
    size_t host = SIZE_MAX;
    int serves = 0;
    for (size_t f = 0; f < writer->profile->n_fields; f++) {
        enum weir_role role = writer->profile->fields[f].role;
        serves |= role == WEIR_ROLE_MODEL_VERSION || role == WEIR_ROLE_SCORE;
        if (role == WEIR_ROLE_HOST && host == SIZE_MAX)
            host = f;
    }
    if (!serves)
        return;
    put(writer, "  serving:\n    type: operations\n    stream: ");
    put_name(writer, writer->profile->stream);
    if (host < SIZE_MAX) {
        put(writer, "\n    by: [");
        put_name(writer, writer->profile->fields[host].name);
        put(writer, "]");
    }
    put(writer, "\n    window: {size: 5m}\n");
}

static void put_contract(const struct writer *writer)
{
    int faulty = 0, any = 0;
    put(writer, "detectors:\n  contract:\n    type: schema\n    stream: ");
    put_name(writer, writer->profile->stream);
    put(writer, "\n    reference: training\n");
    for (size_t f = 0; f < writer->profile->n_fields; f++)
        faulty |= writer->profile->fields[f].summary.fault > 0;
    put_depends(writer);
    put_duplicates(writer);
    put_orders(writer);
    if (!faulty)
        return;
    put(writer, "    fields: [");
    for (size_t f = 0; f < writer->profile->n_fields; f++) {
        if (writer->profile->fields[f].summary.fault)
            continue;
        put(writer, any++ ? ", " : "");
        put_name(writer, writer->profile->fields[f].name);
    }
    put(writer, "]\n");
}

int weir_infer_contract(const struct weir_profile *profile,
                        const struct weir_infer_options *options, struct weir_buffer *out,
                        struct weir_error *error)
{
    struct writer writer = {.out = out, .profile = profile};
    char text[32];
    if (profile->sample && weir_rows_make(profile->sample, &writer.rows))
        return weir_error_set(error, WEIR_ENOMEM, "memory is out for the contract");
    writer.is_whole = writer.rows.n && writer.rows.n == profile->rows;
    weir_buffer_printf(out,
                       "# A contract learnt from %s records. Go over it: bounds have head-room, "
                       "and what\n# the data never showed is not in it.\nversion: 1\napp: ",
                       weir_count_text(profile->rows, text));
    put_name(&writer, profile->stream);
    put(&writer, "\nstreams:\n  ");
    put_name(&writer, profile->stream);
    put(&writer, ":\n    topic: ");
    put_quoted(&writer, options->topic ? options->topic : profile->stream,
               strlen(options->topic ? options->topic : profile->stream));
    weir_buffer_printf(out, "\n    format: %s\n", options->format ? options->format : "json");
    put_keys(&writer);
    put(&writer, profile->n_fields ? "    fields:\n" : "");
    for (size_t f = 0; f < profile->n_fields; f++) {
        struct known known = know(profile, f);
        put_field(&writer, &known);
    }
    put(&writer, "references:\n  training: {profile: ");
    put_quoted(&writer, options->profile, strlen(options->profile));
    put(&writer, "}\n");
    put_contract(&writer);
    put_operations(&writer);
    weir_rows_free(&writer.rows);
    return out->failed ? weir_error_set(error, WEIR_ENOMEM, "memory is out for the contract") : 0;
}
