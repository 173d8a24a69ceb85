// SPDX-License-Identifier: Apache-2.0
// Writes random alert events as the manager tells them: a line of JSON each to standard output,
// and to the file named the Avro datum and the headers, each behind its length (8 bytes).
//   alert_events EVENTS SEED FILE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/headers.h"
#include "consumer/alert/kinds.h"

enum { TEXTS = 12 };

static uint64_t state;
static long wanted, told;

static uint64_t next(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static const char *text(void)
{
    static const char *const texts[TEXTS] = {"amount",
                                             "",
                                             "with \"quotes\"",
                                             "back\\slash",
                                             "line\nbreak\ttab",
                                             "\x01\x1f\x7f",
                                             "\xe2\x82\xac\xf0\x9f\x98\x80",
                                             "not \xff\xfe UTF-8",
                                             "</script>",
                                             "cut \xe2\x82",
                                             "null",
                                             "\xed\xa0\x80 surrogate"};
    return texts[next(TEXTS)];
}

static const char *text_or_null(void)
{
    return next(3) ? text() : NULL;
}

static double number(void)
{
    static const double numbers[] = {0.1,   -0.0,     NAN,     INFINITY, 1e300, 5e-324, 123456789.0,
                                     1e-09, 0.333333, 1 / 3.0, 2.5e15,   -1e17, 1e21};
    return next(4) ? numbers[next(sizeof numbers / sizeof *numbers)] : (double)next(1000) / 7;
}

static int write_all(const struct weir_alert *alert, FILE *file)
{
    struct weir_buffer json, binary, pairs;
    struct weir_alert_headers headers;
    weir_buffer_init(&json, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&binary, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&pairs, WEIR_BUFFER_MAXIMUM);
    weir_alert_headers(alert, &headers);
    for (size_t i = 0; i < WEIR_ALERT_HEADERS; i++)
        weir_buffer_printf(&pairs, "%s: %.*s\n", headers.headers[i].name,
                           (int)headers.headers[i].value.length,
                           (const char *)headers.headers[i].value.data);
    int failed = weir_alert_json(alert, &json) || weir_alert_avro(alert, &binary) || pairs.failed;
    uint64_t lengths[2] = {binary.length, pairs.length};
    failed |= fwrite(json.data, 1, json.length, stdout) != json.length || putchar('\n') == EOF ||
              fwrite(&lengths[0], 8, 1, file) != 1 ||
              fwrite(binary.data, 1, binary.length, file) != binary.length ||
              fwrite(&lengths[1], 8, 1, file) != 1 ||
              fwrite(pairs.data, 1, pairs.length, file) != pairs.length;
    weir_buffer_free(&json);
    weir_buffer_free(&binary);
    weir_buffer_free(&pairs);
    return failed ? WEIR_EIO : 0;
}

static int sink(void *context, const struct weir_alert *alert)
{
    told++;
    return write_all(alert, context);
}

static struct weir_statistic statistic(void)
{
    struct weir_statistic made = {text_or_null(), number(), number(), number(), number()};
    return made;
}

static int find(struct weir_alerts *alerts)
{
    static const char *const rules[] = {"range", "a \"b\"", "omnibus"};
    const char *fields[3] = {text(), text(), text()};
    struct weir_slice_value slice[2] = {{text(), text_or_null()}, {text(), text()}};
    struct weir_sample samples[2] = {
        {text_or_null(), (int32_t)next(1u << 31), (int64_t)next(INT64_MAX), text_or_null()},
        {text(), 0, -1, text()}};
    struct weir_evidence evidence[3];
    for (size_t i = 0; i < 3; i++)
        evidence[i] =
            (struct weir_evidence){text(),         text_or_null(), slice,   next(3), text_or_null(),
                                   text_or_null(), number(),       samples, next(3)};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rules[next(3)],
        .kind = weir_kinds[next(weir_n_kinds)].name,
        .severity = (enum weir_severity)next(3),
        .action = (enum weir_action)next(WEIR_ACTION_TUNE_WEIR + 1),
        .identity = next(2) ? WEIR_BY_MODEL_VERSION : (unsigned)next(WEIR_BY_ALL + 1),
        .fields = fields,
        .n_fields = next(4),
        .slice = slice,
        .n_slice = next(3),
        .model_version = next(6) ? NULL : text(),
        .provisional = (int)next(2),
        .share = number(),
        .count = next(100),
        .statistic = statistic(),
        .summary = text(),
        .evidence = evidence,
        .n_evidence = next(4),
    };
    return weir_alerts_find(alerts, &finding);
}

static int run(struct weir_alerts *alerts, int tracks)
{
    struct weir_offset_range offsets[3] = {
        {"payments", 0, 0, 9}, {"payments", 1, 5, INT64_MAX}, {"other \xe2\x82\xac", 2, -1, -1}};
    int code = 0;
    for (int64_t end = -86400000LL * 365 * 3; !code && told < wanted; end += 3600000 * 24 * 7) {
        for (int track = 0; track < tracks && !code; track++) {
            weir_alerts_begin(alerts, track, end - 3600000, end, next(UINT64_MAX), offsets,
                              next(4));
            for (uint64_t n = next(4); n && !code; n--)
                code = find(alerts);
            if (!code)
                code = weir_alerts_end(alerts);
        }
    }
    return code;
}

int main(int argc, char **argv)
{
    struct weir_alerts *alerts;
    FILE *file = argc == 4 ? fopen(argv[3], "wb") : NULL;
    if (!file)
        return 2;
    wanted = atol(argv[1]);
    state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    struct weir_alerts_options options = {
        .app = "payments \"fraud\"", .sink = sink, .context = file};
    static const struct weir_alert_track tracks[] = {
        {"contract", "schema", "transactions", "https://wiki.example/?a=1&b=2", 1, 3, 0, -1, 1, 0},
        {"input/drift", "drift", NULL, NULL, 1, 1, 0, WEIR_WARNING, 0, 0}};
    if (weir_alerts_create(&options, &alerts, NULL))
        return 1;
    int code = weir_alerts_track(alerts, &tracks[0]) != 0 ||
               weir_alerts_track(alerts, &tracks[1]) != 1 || run(alerts, 2);
    weir_alerts_destroy(alerts);
    return fclose(file) || fflush(stdout) || code;
}
