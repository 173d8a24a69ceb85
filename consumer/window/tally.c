// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

enum { PARTITIONS = 1 << 20 }; // more ranges than this are no sane count

int weir_tally_pane_create(size_t n_rules, int64_t start, struct weir_tally_pane **pane)
{
    struct weir_tally_pane *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->start = start;
    made->n_rules = n_rules;
    *pane = made;
    return 0;
}

static void free_tally(struct weir_tally *tally)
{
    free(tally->ranges);
    free(tally->details);
}

void weir_tally_pane_destroy(struct weir_tally_pane *pane)
{
    if (!pane)
        return;
    for (size_t i = 0; pane->rules && i < pane->n_rules; i++)
        free_tally(&pane->rules[i]);
    free(pane->rules);
    free(pane);
}

struct weir_tally *weir_tally_at(struct weir_tally_pane *pane, size_t rule)
{
    if (!pane->rules)
        pane->rules = calloc(pane->n_rules ? pane->n_rules : 1, sizeof *pane->rules);
    return pane->rules ? &pane->rules[rule] : NULL;
}

static int cover(struct weir_tally *tally, int32_t partition, int64_t first, int64_t last)
{
    size_t at = 0;
    while (at < tally->n_ranges && tally->ranges[at].partition < partition)
        at++;
    if (at < tally->n_ranges && tally->ranges[at].partition == partition) {
        struct weir_tally_range *range = &tally->ranges[at];
        range->first = first < range->first ? first : range->first;
        range->last = last > range->last ? last : range->last;
        return 0;
    }
    struct weir_tally_range *grown = realloc(tally->ranges, (tally->n_ranges + 1) * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    memmove(&grown[at + 1], &grown[at], (tally->n_ranges - at) * sizeof *grown);
    grown[at] = (struct weir_tally_range){partition, first, last};
    tally->ranges = grown;
    tally->n_ranges++;
    return 0;
}

static void sample(struct weir_tally *tally, int32_t partition, int64_t offset)
{
    uint32_t at = tally->n_samples;
    while (at && (tally->samples[at - 1].partition > partition ||
                  (tally->samples[at - 1].partition == partition &&
                   tally->samples[at - 1].offset > offset)))
        at--;
    if (at == WEIR_TALLY_SAMPLES)
        return;
    uint32_t keep =
        tally->n_samples < WEIR_TALLY_SAMPLES ? tally->n_samples : WEIR_TALLY_SAMPLES - 1;
    memmove(&tally->samples[at + 1], &tally->samples[at], (keep - at) * sizeof *tally->samples);
    tally->samples[at].partition = partition;
    tally->samples[at].offset = offset;
    tally->n_samples = keep + 1;
}

int weir_tally_add(struct weir_tally *tally, int32_t partition, const int64_t *offsets,
                   size_t n_offsets, uint64_t n, int64_t last)
{
    if (!n)
        return 0;
    int code = cover(tally, partition, offsets[0], last);
    if (code)
        return code;
    tally->count += n;
    for (size_t i = 0; i < n_offsets && i < WEIR_TALLY_SAMPLES; i++)
        sample(tally, partition, offsets[i]);
    return 0;
}

// The place of a name; it is made where it is new and there are fewer than `limit`. NULL: neither
// (`*failed` stays), or no memory.
static struct weir_tally_detail *place_detail(struct weir_tally *tally, const char *name,
                                              size_t limit, int *failed)
{
    size_t low = 0, high = tally->n_details;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(tally->details[middle].name, name);
        if (!order)
            return &tally->details[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (tally->n_details >= limit)
        return NULL;
    struct weir_tally_detail *grown =
        realloc(tally->details, (tally->n_details + 1) * sizeof *grown);
    if (!grown) {
        *failed = WEIR_ENOMEM;
        return NULL;
    }
    memmove(&grown[low + 1], &grown[low], (tally->n_details - low) * sizeof *grown);
    tally->details = grown;
    tally->n_details++;
    grown[low] = (struct weir_tally_detail){.minimum = NAN, .maximum = NAN};
    strcpy(grown[low].name, name);
    return &grown[low];
}

int weir_tally_add_detail(struct weir_tally *tally, const char *name, size_t length, uint64_t n,
                          const double *values, size_t limit)
{
    char clean[WEIR_RULE_DETAIL_BYTES + 1];
    int failed = 0;
    if (length > WEIR_RULE_DETAIL_BYTES) {
        length = WEIR_RULE_DETAIL_BYTES;
        while (length && ((unsigned char)name[length] & 0xc0) == 0x80)
            length--; // not within a character
    }
    for (size_t i = 0; i < length; i++)
        clean[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '.' : name[i];
    clean[length] = 0;
    struct weir_tally_detail *detail = n ? place_detail(tally, clean, limit, &failed) : NULL;
    if (!detail)
        return failed;
    detail->count += n;
    for (uint64_t i = 0; values && i < n; i++) {
        detail->minimum = fmin(detail->minimum, values[i]);
        detail->maximum = fmax(detail->maximum, values[i]);
    }
    return 0;
}

size_t weir_tally_memory(const struct weir_tally_pane *pane)
{
    size_t bytes = sizeof *pane;
    for (size_t i = 0; pane->rules && i < pane->n_rules; i++)
        bytes += sizeof *pane->rules + pane->rules[i].n_ranges * sizeof *pane->rules[i].ranges +
                 pane->rules[i].n_details * sizeof *pane->rules[i].details;
    return bytes;
}

int weir_tally_merge(struct weir_tally *into, const struct weir_tally *from)
{
    int failed = 0;
    for (size_t i = 0; i < from->n_details; i++) {
        const struct weir_tally_detail *detail = &from->details[i];
        struct weir_tally_detail *to = place_detail(into, detail->name, SIZE_MAX, &failed);
        if (!to)
            return failed;
        to->count += detail->count;
        to->minimum = fmin(to->minimum, detail->minimum);
        to->maximum = fmax(to->maximum, detail->maximum);
    }
    for (size_t i = 0; i < from->n_ranges; i++) {
        const struct weir_tally_range *range = &from->ranges[i];
        if (cover(into, range->partition, range->first, range->last))
            return WEIR_ENOMEM;
    }
    into->count += from->count;
    for (uint32_t i = 0; i < from->n_samples; i++)
        sample(into, from->samples[i].partition, from->samples[i].offset);
    return 0;
}

enum { NAME = 256 }; // with its NUL: what reading has room for

// RULE, newline, DETAIL; 0 where that is too long to be read again.
static int detail_name(const char *rule, const struct weir_tally_detail *detail, char *out)
{
    int length = snprintf(out, NAME, "%s\n%s", rule, detail->name);
    return length > 0 && length < NAME;
}

static int64_t bits_of(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double number_of(int64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// How many entries a rule's tally takes; with `out`, writes those of its details: in the place of
// a range of offsets the bits of the extremes.
static size_t put_details(const struct weir_tally *tally, const char *detector, const char *rule,
                          struct weir_buffer *out)
{
    char name[NAME];
    size_t n = 0;
    for (size_t i = 0; i < tally->n_details; i++) {
        const struct weir_tally_detail *detail = &tally->details[i];
        if (!detail_name(rule, detail, name))
            continue;
        n++;
        if (!out)
            continue;
        weir_put_string(out, detector);
        weir_put_string(out, name);
        weir_put_long(out, (int64_t)detail->count);
        weir_put_long(out, 1);
        weir_put_long(out, 0);
        weir_put_long(out, bits_of(detail->minimum));
        weir_put_long(out, bits_of(detail->maximum));
        weir_put_long(out, 0);
    }
    return n;
}

int weir_tally_write(const struct weir_tally_pane *pane, weir_tally_namer namer, void *context,
                     struct weir_buffer *out)
{
    size_t n = 0, n_rules = pane->rules ? pane->n_rules : 0;
    const char *detector, *name;
    for (size_t i = 0; i < n_rules; i++) {
        if (!pane->rules[i].count)
            continue;
        namer(context, i, &detector, &name);
        n += 1 + put_details(&pane->rules[i], detector, name, NULL);
    }
    weir_put_long(out, (int64_t)pane->rows);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n_rules; i++) {
        const struct weir_tally *tally = &pane->rules[i];
        if (!tally->count)
            continue;
        namer(context, i, &detector, &name);
        weir_put_string(out, detector);
        weir_put_string(out, name);
        weir_put_long(out, (int64_t)tally->count);
        weir_put_long(out, (int64_t)tally->n_ranges);
        for (size_t k = 0; k < tally->n_ranges; k++) {
            weir_put_long(out, tally->ranges[k].partition);
            weir_put_long(out, tally->ranges[k].first);
            weir_put_long(out, tally->ranges[k].last);
        }
        weir_put_long(out, tally->n_samples);
        for (uint32_t k = 0; k < tally->n_samples; k++) {
            weir_put_long(out, tally->samples[k].partition);
            weir_put_long(out, tally->samples[k].offset);
        }
        put_details(tally, detector, name, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int read_detail(struct weir_tally *into, const char *name, struct weir_reader *in)
{
    struct weir_tally_detail *detail = NULL;
    int failed = 0;
    uint64_t count = weir_get_count(in, INT64_MAX);
    size_t n = weir_get_count(in, 1);
    int64_t bits[3] = {0};
    for (size_t i = 0; i < n * 3; i++)
        bits[i] = weir_get_long(in);
    double low = number_of(bits[1]), high = number_of(bits[2]);
    if (weir_get_count(in, 0) || in->failed || strlen(name) > WEIR_RULE_DETAIL_BYTES)
        return WEIR_ECORRUPT;
    if (into)
        detail = place_detail(into, name, SIZE_MAX, &failed);
    if (detail) {
        detail->count += count;
        detail->minimum = fmin(detail->minimum, low);
        detail->maximum = fmax(detail->maximum, high);
    }
    return failed;
}

static int read_tally(struct weir_tally *into, struct weir_reader *in)
{
    struct weir_tally one = {0};
    int code = 0;
    one.count = weir_get_count(in, INT64_MAX);
    size_t n = weir_get_count(in, PARTITIONS);
    for (size_t k = 0; k < n && !in->failed && !code; k++) {
        int32_t partition = (int32_t)weir_get_count(in, INT32_MAX);
        int64_t first = weir_get_long(in), last = weir_get_long(in);
        if (!in->failed)
            code = cover(&one, partition, first, last);
    }
    n = weir_get_count(in, WEIR_TALLY_SAMPLES);
    for (size_t k = 0; k < n && !in->failed; k++) {
        int32_t partition = (int32_t)weir_get_count(in, INT32_MAX);
        int64_t offset = weir_get_long(in);
        sample(&one, partition, offset);
    }
    if (!code)
        code = weir_reader_code(in);
    if (!code && into)
        code = weir_tally_merge(into, &one);
    free(one.ranges);
    return code;
}

int weir_tally_read_merge(struct weir_tally_pane *pane, weir_tally_finder finder, void *context,
                          struct weir_reader *in)
{
    uint64_t rows = weir_get_count(in, INT64_MAX);
    size_t n = weir_get_count(in, weir_reader_left(in));
    if (in->failed)
        return WEIR_ECORRUPT;
    pane->rows += rows;
    for (size_t i = 0; i < n; i++) {
        char detector[NAME], name[NAME];
        weir_get_string(in, detector, sizeof detector);
        weir_get_string(in, name, sizeof name);
        if (in->failed)
            return WEIR_ECORRUPT;
        int64_t rule = finder(context, detector, name);
        char *detail = rule < 0 ? strrchr(name, '\n') : NULL;
        if (detail) {
            *detail++ = 0;
            rule = finder(context, detector, name);
        }
        struct weir_tally *into = NULL;
        if (rule >= 0 && (size_t)rule < pane->n_rules) {
            into = weir_tally_at(pane, (size_t)rule);
            if (!into)
                return WEIR_ENOMEM;
        }
        int code = detail ? read_detail(into, detail, in) : read_tally(into, in);
        if (code)
            return code;
    }
    return 0;
}
