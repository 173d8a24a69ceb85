// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/pack.h"

#include <string.h>

#include "consumer/alert/text.h"
#include "consumer/codec/utf8.h"
#include "weir/error.h"

// The length counts the NUL, so that 0 is NULL and the bytes can be used where they lie.
void weir_pack_text(struct weir_buffer *out, const char *text, size_t size)
{
    char clean[WEIR_PACK_SUMMARY];
    if (!text) {
        weir_put_long(out, 0);
        return;
    }
    size_t length = weir_text_clean(clean, size < sizeof clean ? size : sizeof clean, text);
    weir_put_bytes(out, clean, length + 1);
}

const char *weir_pack_get_text(struct weir_reader *in, size_t size)
{
    size_t length;
    const char *text = (const char *)weir_get_bytes(in, &length);
    if (in->failed || !length)
        return NULL;
    if (length > size || text[length - 1] || memchr(text, 0, length - 1)) {
        in->failed = 1;
        return NULL;
    }
    if (!weir_utf8_valid(text, length - 1)) {
        in->failed = 1;
        return NULL;
    }
    return text;
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static void put_slice(struct weir_buffer *out, const struct weir_slice_value *slice, size_t n)
{
    n = at_most(n, WEIR_PACK_SLICE);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        weir_pack_text(out, slice[i].field ? slice[i].field : "", WEIR_PACK_NAME);
        weir_pack_text(out, slice[i].value, WEIR_PACK_VALUE);
    }
}

static size_t get_slice(struct weir_reader *in, struct weir_slice_value *slice)
{
    size_t n = weir_get_count(in, WEIR_PACK_SLICE);
    for (size_t i = 0; i < n; i++) {
        slice[i].field = weir_pack_get_text(in, WEIR_PACK_NAME);
        slice[i].value = weir_pack_get_text(in, WEIR_PACK_VALUE);
        if (!slice[i].field)
            in->failed = 1;
    }
    return n;
}

static void put_evidence(struct weir_buffer *out, const struct weir_evidence *evidence, int redact)
{
    size_t n = at_most(evidence->n_samples, WEIR_PACK_SAMPLES);
    weir_pack_text(out, evidence->type ? evidence->type : "", WEIR_PACK_NAME);
    weir_pack_text(out, evidence->field, WEIR_PACK_NAME);
    put_slice(out, evidence->slice, evidence->n_slice);
    weir_pack_text(out, evidence->before, WEIR_PACK_VALUE);
    weir_pack_text(out, evidence->after, WEIR_PACK_VALUE);
    weir_put_double(out, evidence->contribution);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        const struct weir_sample *sample = &evidence->samples[i];
        weir_pack_text(out, sample->topic, WEIR_PACK_NAME);
        weir_put_long(out, sample->partition);
        weir_put_long(out, sample->offset);
        weir_pack_text(out, redact ? NULL : sample->value, WEIR_PACK_VALUE);
    }
}

static void get_evidence(struct weir_reader *in, struct weir_evidence *evidence,
                         struct weir_slice_value *slice, struct weir_sample *samples)
{
    evidence->type = weir_pack_get_text(in, WEIR_PACK_NAME);
    if (!evidence->type)
        in->failed = 1;
    evidence->field = weir_pack_get_text(in, WEIR_PACK_NAME);
    evidence->n_slice = get_slice(in, slice);
    evidence->slice = slice;
    evidence->before = weir_pack_get_text(in, WEIR_PACK_VALUE);
    evidence->after = weir_pack_get_text(in, WEIR_PACK_VALUE);
    evidence->contribution = weir_get_double(in);
    evidence->n_samples = weir_get_count(in, WEIR_PACK_SAMPLES);
    evidence->samples = samples;
    for (size_t i = 0; i < evidence->n_samples; i++) {
        samples[i].topic = weir_pack_get_text(in, WEIR_PACK_NAME);
        int64_t partition = weir_get_long(in);
        if (partition < INT32_MIN || partition > INT32_MAX)
            in->failed = 1;
        samples[i].partition = (int32_t)partition;
        samples[i].offset = weir_get_long(in);
        samples[i].value = weir_pack_get_text(in, WEIR_PACK_VALUE);
    }
}

static void put_statistic(struct weir_buffer *out, const struct weir_statistic *statistic)
{
    weir_pack_text(out, statistic->name, WEIR_PACK_NAME);
    weir_put_double(out, statistic->value);
    weir_put_double(out, statistic->threshold);
    weir_put_double(out, statistic->p_value);
    weir_put_double(out, statistic->baseline);
}

int weir_pack_finding(struct weir_buffer *out, const struct weir_finding *finding, int redact)
{
    size_t from = out->length;
    weir_pack_text(out, finding->rule, WEIR_PACK_NAME);
    weir_pack_text(out, finding->kind, WEIR_PACK_NAME);
    weir_put_long(out, finding->severity);
    weir_put_long(out, finding->action);
    weir_put_long(out, (int64_t)finding->identity);
    size_t n = at_most(finding->n_fields, WEIR_PACK_FIELDS);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        weir_pack_text(out, finding->fields[i] ? finding->fields[i] : "", WEIR_PACK_NAME);
    put_slice(out, finding->slice, finding->n_slice);
    weir_pack_text(out, finding->model_version, WEIR_PACK_NAME);
    weir_put_long(out, finding->provisional != 0);
    weir_put_double(out, finding->share);
    weir_put_fixed64(out, finding->count);
    put_statistic(out, &finding->statistic);
    weir_pack_text(out, finding->summary ? finding->summary : "", WEIR_PACK_SUMMARY);
    // Each behind a 1, and a 0 at the end: how many fit is known only when they are written.
    for (size_t i = 0; i < at_most(finding->n_evidence, WEIR_PACK_EVIDENCE); i++) {
        size_t before = out->length;
        weir_put_long(out, 1);
        put_evidence(out, &finding->evidence[i], redact);
        if (!out->failed && out->length - from > WEIR_PACK_BYTES) {
            out->length = before;
            break;
        }
    }
    weir_put_long(out, 0);
    return out->failed ? WEIR_ENOMEM : 0;
}

static void read_statistic(struct weir_reader *in, struct weir_statistic *statistic)
{
    statistic->name = weir_pack_get_text(in, WEIR_PACK_NAME);
    statistic->value = weir_get_double(in);
    statistic->threshold = weir_get_double(in);
    statistic->p_value = weir_get_double(in);
    statistic->baseline = weir_get_double(in);
}

int weir_pack_read(struct weir_reader *in, struct weir_pack_view *view)
{
    struct weir_finding *finding = &view->finding;
    memset(finding, 0, sizeof *finding);
    finding->size = sizeof *finding;
    finding->rule = weir_pack_get_text(in, WEIR_PACK_NAME);
    finding->kind = weir_pack_get_text(in, WEIR_PACK_NAME);
    finding->severity = (enum weir_severity)weir_get_count(in, WEIR_CRITICAL);
    finding->action = (enum weir_action)weir_get_count(in, WEIR_ACTION_TUNE_WEIR);
    finding->identity = (unsigned)weir_get_count(in, WEIR_BY_ALL);
    finding->n_fields = weir_get_count(in, WEIR_PACK_FIELDS);
    finding->fields = view->fields;
    for (size_t i = 0; i < finding->n_fields; i++) {
        view->fields[i] = weir_pack_get_text(in, WEIR_PACK_NAME);
        if (!view->fields[i])
            in->failed = 1;
    }
    finding->n_slice = get_slice(in, view->slice);
    finding->slice = view->slice;
    finding->model_version = weir_pack_get_text(in, WEIR_PACK_NAME);
    finding->provisional = weir_get_count(in, 1) != 0;
    finding->share = weir_get_double(in);
    finding->count = weir_get_fixed64(in);
    read_statistic(in, &finding->statistic);
    finding->summary = weir_pack_get_text(in, WEIR_PACK_SUMMARY);
    finding->evidence = view->evidence;
    while (weir_get_count(in, 1) == 1) {
        size_t i = finding->n_evidence;
        if (i == WEIR_PACK_EVIDENCE) {
            in->failed = 1;
            break;
        }
        get_evidence(in, &view->evidence[i], view->evidence_slice[i], view->samples[i]);
        finding->n_evidence++;
    }
    if (!finding->rule || !finding->kind || !finding->summary)
        in->failed = 1;
    return in->failed ? WEIR_ECORRUPT : 0;
}
