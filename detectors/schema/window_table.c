// SPDX-License-Identifier: Apache-2.0
// The table of window checks, and what all of them use.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/hash.h"

static const int64_t DAY = 24 * 3600 * 1000, HOUR = 3600 * 1000;
// Rows without a time are numbered from 1970 on, a millisecond each.
static const int64_t NUMBERED = (int64_t)100 * 24 * 3600 * 1000;

const struct schema_window_check *const schema_window_checks[] = {
    &schema_check_volume,    &schema_check_fresh,    &schema_check_swap,     &schema_check_text,
    &schema_check_new,       &schema_check_frozen,   &schema_check_unit,     &schema_check_spike,
    &schema_check_null_rate, &schema_check_vanished, &schema_check_distinct,
};
const size_t schema_n_window_checks = sizeof schema_window_checks / sizeof *schema_window_checks;

const struct weir_summary *schema_reference(const struct schema_judge *judge, size_t i)
{
    return judge->window->reference(judge->window, i, judge->field->index);
}

double schema_spread(const struct schema_field *field)
{
    const struct weir_habits *habits = field->reference ? field->reference->cells->habits : NULL;
    return habits ? habits->spread : 1;
}

double schema_independent(const struct weir_summary *reference, double spread, double n)
{
    const struct weir_habits *habits =
        reference && reference->cells ? reference->cells->habits : NULL;
    if (!habits || !habits->panes || !(spread > 1) || !(n > 0))
        return n;
    double stretch = fmax(1, (double)reference->values / (double)habits->panes);
    return n / (1 + (spread - 1) * fmax(1, n / stretch));
}

int schema_has_passed(const struct schema_judge *judge, int64_t since, int64_t ms)
{
    int64_t end = judge->window->end, passed;
    return end < NUMBERED || __builtin_sub_overflow(end, since, &passed) || passed >= ms;
}

int schema_knows_a_day(const struct schema_judge *judge)
{
    return schema_has_passed(judge, judge->memory->since, DAY);
}

double schema_beyond(const struct schema_judge *judge, const struct schema_track *track,
                     double value, double noise)
{
    return schema_knows_a_day(judge) ? schema_track_beyond(track, value, noise) : 0;
}

int schema_has_stretches(const struct schema_judge *judge)
{
    const struct weir_habits *habits =
        judge->field->reference ? judge->field->reference->cells->habits : NULL;
    int64_t longest = judge->schema->window_hop > HOUR ? judge->schema->window_hop : HOUR;
    return habits && habits->panes && habits->span / (int64_t)habits->panes <= longest;
}

uint32_t schema_adopt(const struct schema *schema)
{
    int64_t step = schema->window_hop > 0 ? schema->window_hop : DAY / 100;
    int64_t windows = DAY / step;
    return windows < 12 ? 12 : (uint32_t)windows;
}

const char *schema_share_text(double share, char *text)
{
    double percent = 100 * share;
    // Rounded to what is printed, all but a few are not "100%".
    if (percent < 100 && percent >= 99.95)
        snprintf(text, 32, "over 99.9%%");
    else
        snprintf(text, 32, "%.3g%%", percent);
    return text;
}

void schema_verdict_add(struct schema_verdict *verdict, const char *type, const char *field,
                        const char *before, const char *after)
{
    if (verdict->n_evidence == SCHEMA_EVIDENCE)
        return;
    char *words[2] = {verdict->words[2 * verdict->n_evidence],
                      verdict->words[2 * verdict->n_evidence + 1]};
    snprintf(words[0], sizeof verdict->words[0], "%s", before ? before : "");
    snprintf(words[1], sizeof verdict->words[0], "%s", after ? after : "");
    verdict->evidence[verdict->n_evidence++] = (struct weir_evidence){
        .type = type,
        .field = field,
        .before = before ? words[0] : NULL,
        .after = after ? words[1] : NULL,
        .contribution = NAN,
    };
}

// Versions, hosts, annotators and sources come and go: which ones there are is for the detectors
// that know what they are, and here only whether there is one.
static int is_looked_at(const struct schema_window_check *check, const struct schema_field *field)
{
    enum weir_role role = field->field->role;
    int comes_and_goes = role == WEIR_ROLE_MODEL_VERSION || role == WEIR_ROLE_HOST ||
                         role == WEIR_ROLE_ANNOTATOR || role == WEIR_ROLE_SOURCE;
    return check->scope == SCHEMA_OF_FIELD && (!comes_and_goes || check == &schema_check_null_rate);
}

static int create_field(struct schema *schema, struct schema_field *field,
                        const struct weir_detector_config *config, const struct weir_setup *setup,
                        struct weir_error *error)
{
    const struct weir_summary *reference = field->reference;
    unsigned parts = 0;
    if (field->field->type == WEIR_TYPE_UNKNOWN || field->index == schema->stream->time)
        return 0;
    for (size_t c = 0; c < schema_n_window_checks; c++) {
        const struct schema_window_check *check = schema_window_checks[c];
        int wanted = is_looked_at(check, field) && config->options[check->option].integer
                         ? check->parts(schema, field, reference)
                         : -1;
        if (wanted < 0)
            continue;
        parts |= (unsigned)wanted;
        field->watched |= check->watch;
        field->window_checks |= 1u << c;
    }
    schema->window_checks |= field->window_checks;
    schema->watches |= field->watched || field->n_pairs;
    for (unsigned by = 0; by <= config->n_by && field->window_checks; by++) {
        int code = setup->need(setup, by, field->index, parts, error);
        if (code)
            return code;
    }
    return 0;
}

int schema_windows_create(struct schema *schema, const struct weir_detector_config *config,
                          const struct weir_setup *setup, struct weir_error *error)
{
    if (!config->options[SCHEMA_OPTION_WINDOWS].integer)
        return 0;
    for (size_t c = 0; c < schema_n_window_checks; c++) {
        const struct schema_window_check *check = schema_window_checks[c];
        if (check->scope == SCHEMA_OF_SLICE && config->options[check->option].integer)
            schema->window_checks |= 1u << c;
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].index == schema->stream->key)
            schema->key = (int)i;
    }
    schema->watches = schema->freshness > 0;
    int code = 0;
    if (config->options[SCHEMA_OPTION_SWAPPED].integer)
        code = schema_swap_create(schema, error);
    for (size_t i = 0; i < schema->n_fields && !code; i++)
        code = create_field(schema, &schema->fields[i], config, setup, error);
    return code;
}

void schema_windows_destroy(struct schema *schema)
{
    schema_swap_destroy(schema);
}
