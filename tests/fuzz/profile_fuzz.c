// SPDX-License-Identifier: Apache-2.0
// A profile's bytes, its sample of rows, its model's metrics, the cells and a summary: the first
// byte says which is read.
#include <math.h>
#include <stdlib.h>

#include "consumer/profile/merge.h"
#include "stats/quality.h"

static void read_cells(const uint8_t *data, size_t size)
{
    struct weir_cells *cells;
    struct weir_reader in = weir_reader_make(data, size);
    if (weir_cells_read(&in, &cells, NULL))
        return;
    struct weir_summary summary;
    struct weir_summary_spec spec = {.shape = cells->shape,
                                     .parts = WEIR_PART_MOMENTS | WEIR_PART_CELLS |
                                              WEIR_PART_QUANTILES | WEIR_PART_DISTINCT |
                                              WEIR_PART_TOP,
                                     .cells = cells};
    if (!weir_summary_init(&summary, &spec)) {
        weir_summary_read_merge(&summary, &in);
        weir_summary_quantile(&summary, .5);
        char name[32];
        weir_cells_name(cells, cells->n / 2, name, sizeof name);
        weir_summary_free(&summary);
    }
    weir_cells_free(cells);
}

static void read_sample(const uint8_t *data, size_t size)
{
    static const struct weir_reservoir_field fields[] = {{"n", WEIR_TYPE_LONG, 0, 0},
                                                         {"x", WEIR_TYPE_DOUBLE, 0, 0},
                                                         {"s", WEIR_TYPE_STRING, 0, 0},
                                                         {"b", WEIR_TYPE_BOOLEAN, 0, 0},
                                                         {"v[]", WEIR_TYPE_DOUBLE, 1, 0}};
    static const struct weir_reservoir_spec spec = {fields, 5, 100, 1 << 16};
    struct weir_reservoir *sample;
    struct weir_rows rows;
    struct weir_reader in = weir_reader_make(data, size);
    if (weir_reservoir_create(&spec, &sample))
        return;
    weir_reservoir_read_merge(sample, &in);
    if (!weir_rows_make(sample, &rows))
        weir_rows_free(&rows);
    weir_reservoir_destroy(sample);
}

// What is read can be measured, and written.
static void measure(const struct weir_quality *quality)
{
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    struct weir_quality_bin bins[WEIR_QUALITY_MOST_BINS];
    struct weir_quality_class class;
    weir_quality_measure(quality, metrics);
    weir_quality_calibration(quality, WEIR_QUALITY_MOST_BINS, bins);
    for (size_t i = 0; i <= quality->spec.n_classes; i++)
        weir_quality_of_class(quality, i, &class);
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++)
        if (metrics[i].name && isinf(metrics[i].value))
            abort();
}

static void read_quality(const uint8_t *data, size_t size)
{
    struct weir_quality *quality;
    struct weir_buffer out;
    struct weir_reader in = weir_reader_make(data, size);
    if (weir_quality_read(&in, &quality))
        return;
    measure(quality);
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    weir_quality_write(quality, &out);
    weir_buffer_free(&out);
    weir_quality_destroy(quality);
}

// What is read can be written, and merged.
static void use(struct weir_profile *profile)
{
    const struct weir_profile *const twice[] = {profile, profile};
    static const char *const names[] = {"a", "b"};
    struct weir_profile *merged;
    struct weir_error error;
    weir_profile_hash(profile);
    if (profile->quality.counts)
        measure(profile->quality.counts);
    if (!weir_profile_merge(twice, names, 2, &merged, &error)) {
        weir_profile_hash(merged);
        weir_profile_free(merged);
    }
    weir_profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_profile *profile;
    if (size && data[0] == 'R')
        read_sample(data + 1, size - 1);
    else if (size && data[0] == 'Q')
        read_quality(data + 1, size - 1);
    else if (size && data[0] == 'P') {
        if (!weir_profile_read_datum(data + 1, size - 1, "fuzz", &profile, NULL))
            use(profile);
    } else if (size && data[0] != 'O')
        read_cells(data + 1, size - 1);
    else if (!weir_profile_read(data, size, "fuzz", &profile, NULL))
        use(profile);
    return 0;
}
