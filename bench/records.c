// SPDX-License-Identifier: Apache-2.0
// Records to replay: an Avro container of seven doubles, a log-normal amount, two strings and the
// event time, 1,000 records a second of event time. The same seed gives the same bytes.
//   records PATH COUNT [SEED [null|deflate]]
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_container.h"
#include "consumer/codec/avro_encode.h"

static const char schema[] =
    "{\"type\":\"record\",\"name\":\"Record\",\"fields\":["
    "{\"name\":\"f0\",\"type\":\"double\"},{\"name\":\"f1\",\"type\":\"double\"},"
    "{\"name\":\"f2\",\"type\":\"double\"},{\"name\":\"f3\",\"type\":\"double\"},"
    "{\"name\":\"f4\",\"type\":\"double\"},{\"name\":\"f5\",\"type\":\"double\"},"
    "{\"name\":\"f6\",\"type\":\"double\"},{\"name\":\"amount\",\"type\":\"double\"},"
    "{\"name\":\"country\",\"type\":\"string\"},{\"name\":\"device\",\"type\":\"string\"},"
    "{\"name\":\"event_time\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}";

static double uniform(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *seed)
{
    return sqrt(-2 * log(uniform(seed))) * cos(6.283185307179586 * uniform(seed));
}

static void encode(struct weir_buffer *datum, uint64_t *seed, int64_t time)
{
    static const char *const countries[] = {"US", "DE", "JP", "FR", "BR", "IN"};
    static const char *const devices[] = {"iphone", "android", "web", "pos-terminal"};
    for (int field = 0; field < 4; field++)
        weir_put_double(datum, normal(seed) * (1 + field));
    for (int field = 4; field < 7; field++)
        weir_put_double(datum, uniform(seed));
    weir_put_double(datum, exp(3 + normal(seed)));
    weir_put_string(datum, countries[(size_t)(uniform(seed) * uniform(seed) * 6)]);
    weir_put_string(datum, devices[(size_t)(uniform(seed) * 4)]);
    weir_put_long(datum, time);
}

static int put(void *context, const void *data, size_t length, struct weir_error *error)
{
    if (fwrite(data, 1, length, context) == length)
        return 0;
    return weir_error_set(error, WEIR_EIO, "cannot be written: %s", strerror(errno));
}

static int make(FILE *file, long count, uint64_t seed, enum weir_avro_codec codec,
                struct weir_error *error)
{
    struct weir_avro_writer_options options = {
        .schema = schema, .codec = codec, .write = put, .context = file};
    struct weir_avro_writer *writer;
    struct weir_buffer datum;
    int code = weir_avro_writer_create(&options, &writer, error);
    if (code)
        return code;
    weir_buffer_init(&datum, 1 << 20);
    for (long i = 0; i < count && !code; i++) {
        weir_buffer_reset(&datum);
        encode(&datum, &seed, 1767225600000 + i);
        code = weir_avro_writer_append(writer, datum.data, datum.length, error);
    }
    if (!code)
        code = weir_avro_writer_flush(writer, error);
    weir_buffer_free(&datum);
    weir_avro_writer_destroy(writer);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: records PATH COUNT [SEED [null|deflate]]\n");
        return 2;
    }
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int deflate = argc > 4 && !strcmp(argv[4], "deflate");
    struct weir_error error = {.message = "cannot be made"};
    FILE *file = fopen(argv[1], "wb");
    int code = file ? make(file, strtol(argv[2], NULL, 10), seed,
                           deflate ? WEIR_AVRO_DEFLATE : WEIR_AVRO_NULL, &error)
                    : WEIR_EIO;
    if (file && fclose(file))
        code = WEIR_EIO;
    if (code)
        fprintf(stderr, "%s: %s\n", argv[1], error.message);
    return code ? 1 : 0;
}
