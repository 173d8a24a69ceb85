// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/alert/incident.h"

static int compare_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x ? *x : "", *y ? *y : "");
}

static int compare_slice(const void *a, const void *b)
{
    const struct weir_slice_value *x = a, *y = b;
    int order = strcmp(x->field ? x->field : "", y->field ? y->field : "");
    return order ? order : strcmp(x->value ? x->value : "", y->value ? y->value : "");
}

// NULL and "" are told apart: a slice of empty strings is not the absent one.
static void put_text(struct weir_buffer *out, const char *text)
{
    weir_put_long(out, text ? (int64_t)strlen(text) + 1 : 0);
    if (text)
        weir_buffer_append(out, text, strlen(text));
}

static int put_fields(struct weir_buffer *out, const struct weir_finding *finding)
{
    size_t n = finding->n_fields;
    const char **sorted = NULL;
    weir_put_long(out, (int64_t)n);
    if (n) {
        sorted = malloc(n * sizeof *sorted);
        if (!sorted)
            return WEIR_ENOMEM;
        memcpy(sorted, finding->fields, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, compare_text);
        for (size_t i = 0; i < n; i++)
            put_text(out, sorted[i]);
    }
    free(sorted);
    return 0;
}

static int put_slice(struct weir_buffer *out, const struct weir_finding *finding)
{
    size_t n = finding->n_slice;
    struct weir_slice_value *sorted = NULL;
    weir_put_long(out, (int64_t)n);
    if (n) {
        sorted = malloc(n * sizeof *sorted);
        if (!sorted)
            return WEIR_ENOMEM;
        memcpy(sorted, finding->slice, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, compare_slice);
        for (size_t i = 0; i < n; i++) {
            put_text(out, sorted[i].field);
            put_text(out, sorted[i].value);
        }
    }
    free(sorted);
    return 0;
}

static int put_parts(struct weir_buffer *out, const struct weir_finding *finding, unsigned parts)
{
    int code = 0;
    weir_put_long(out, (int64_t)parts);
    if (parts & WEIR_BY_KIND)
        put_text(out, finding->kind);
    if (parts & WEIR_BY_FIELDS)
        code = put_fields(out, finding);
    if (!code && (parts & WEIR_BY_SLICE))
        code = put_slice(out, finding);
    if (parts & WEIR_BY_MODEL_VERSION)
        put_text(out, finding->model_version);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static struct weir_hash128 hash(const struct weir_buffer *bytes)
{
    XXH128_hash_t value = XXH3_128bits(bytes->data, bytes->length);
    struct weir_hash128 out = {value.high64, value.low64};
    return out;
}

int weir_incident_identify(struct weir_buffer *scratch, const char *app,
                           const struct weir_alert_track *track, const struct weir_finding *finding,
                           struct weir_hash128 *key, struct weir_hash128 *fingerprint,
                           uint64_t *now)
{
    unsigned identity = finding->identity ? finding->identity : WEIR_BY_ALL;
    weir_buffer_reset(scratch);
    put_text(scratch, finding->rule);
    int code = put_parts(scratch, finding, identity);
    if (code)
        return code;
    *key = hash(scratch);

    weir_buffer_reset(scratch);
    put_text(scratch, app);
    put_text(scratch, track->detector);
    put_text(scratch, finding->rule);
    put_text(scratch, track->stream);
    // The kind always counts: an incident that comes back as another failure is another one.
    code = put_parts(scratch, finding, identity | WEIR_BY_KIND);
    if (code)
        return code;
    *fingerprint = hash(scratch);

    weir_buffer_reset(scratch);
    code = put_parts(scratch, finding, WEIR_BY_ALL);
    if (code)
        return code;
    *now = hash(scratch).low;
    return 0;
}

static void put_big_endian(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

struct weir_hash128 weir_incident_event_id(const struct weir_incident *incident, int64_t opened_at,
                                           uint32_t sequence)
{
    uint8_t bytes[32];
    put_big_endian(bytes, incident->fingerprint.high);
    put_big_endian(bytes + 8, incident->fingerprint.low);
    put_big_endian(bytes + 16, (uint64_t)opened_at);
    put_big_endian(bytes + 24, sequence);
    XXH128_hash_t value = XXH3_128bits(bytes, sizeof bytes);
    struct weir_hash128 out = {value.high64, value.low64};
    return out;
}

void weir_hash128_text(struct weir_hash128 value, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[i] = digits[(value.high >> (60 - 4 * i)) & 15];
        out[16 + i] = digits[(value.low >> (60 - 4 * i)) & 15];
    }
    out[32] = 0;
}
