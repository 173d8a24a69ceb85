// SPDX-License-Identifier: Apache-2.0
// At a window's end: the share of nulls and missing values against the reference's. Fields that
// allow neither have a rule for each record already.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "detectors/schema/schema.h"
#include "stats/special.h"

// A chance that no calibration has set yet; and the factor by which rates must differ.
static const double P_VALUE = 1e-6, FACTOR = 2, CRITICAL_CHANGE = 0.2;

struct owner {
    const struct schema *schema;
};

int schema_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "schema: no memory");
    owner->schema = instance;
    *result = owner;
    return 0;
}

void schema_owner_destroy(void *owner)
{
    free(owner);
}

static double null_share(const struct weir_summary *summary)
{
    return (double)(summary->null + summary->missing) / (double)summary->rows;
}

// Two-sided p-value of two shares being one (pooled normal approximation).
static double p_value(const struct weir_summary *a, const struct weir_summary *b)
{
    double n = (double)a->rows, m = (double)b->rows;
    double pooled = (null_share(a) * n + null_share(b) * m) / (n + m);
    double error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
    return error > 0 ? 2 * weir_normal_sf(fabs(null_share(a) - null_share(b)) / error) : 1;
}

static int compare(const struct schema *schema, const struct weir_window *window,
                   const struct schema_field *field, const struct weir_summary *now,
                   const struct weir_summary *then, const char *reference)
{
    if (now->rows < schema->null_rate_records || !then->rows)
        return 0;
    double share = null_share(now), baseline = null_share(then);
    double high = fmax(share, baseline), low = fmin(share, baseline), p = p_value(now, then);
    if (high - low < schema->null_rate_change || high < FACTOR * low || p > P_VALUE)
        return 0;
    char text[512], rows[32];
    snprintf(text, sizeof text,
             "%s: %.3g%% of %s records are null or lack the field, against %.3g%% in %s",
             field->field->name, share * 100, schema_count_text(now->rows, rows), baseline * 100,
             reference);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "null_rate",
        .kind = "schema.null_rate",
        .severity = high - low >= CRITICAL_CHANGE ? WEIR_CRITICAL : WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .fields = &field->field->name,
        .n_fields = 1,
        .provisional = 1,
        .share = share,
        .count = now->null + now->missing,
        .statistic = {"null_rate", share, schema->null_rate_change, p, baseline},
        .summary = text,
    };
    window->emit(window, &finding);
    return 1;
}

int schema_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    const struct schema *schema = ((const struct owner *)state)->schema;
    (void)error;
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct schema_field *field = &schema->fields[i];
        int found = 0;
        if (!field->field->nullable && !field->field->optional)
            continue;
        for (size_t k = 0; k < schema->n_references && !found; k++) {
            const struct weir_summary *now = window->summary(window, 0, field->index);
            const struct weir_summary *then = window->reference(window, k, field->index);
            if (now && then)
                found = compare(schema, window, field, now, then, schema->references[k]);
        }
    }
    return 0;
}

// Each window stands for itself.
int schema_owner_save(const void *owner, struct weir_buffer *out)
{
    (void)owner;
    (void)out;
    return 0;
}

int schema_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)owner;
    (void)state_version;
    (void)in;
    (void)error;
    return 0;
}
