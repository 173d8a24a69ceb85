// SPDX-License-Identifier: Apache-2.0
#include "consumer/http/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

struct weir_metrics weir_metrics;

// ---- of single detectors: seldom written, and read by the server's thread

struct spender {
    char *detector;
    double allowed;
    uint64_t incidents;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct spender *spenders;
static size_t n_spenders;

static struct spender *find(const char *detector)
{
    for (size_t i = 0; i < n_spenders; i++) {
        if (!strcmp(spenders[i].detector, detector))
            return &spenders[i];
    }
    return NULL;
}

static void free_spenders(struct spender *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i].detector);
    free(list);
}

int weir_metrics_set_budget(const struct weir_metrics_budget *budget, size_t n)
{
    struct spender *made = calloc(n + 1, sizeof *made);
    int code = made ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < n && !code; i++) {
        made[i] = (struct spender){strdup(budget[i].detector), budget[i].allowed, 0};
        code = made[i].detector ? 0 : WEIR_ENOMEM;
    }
    if (code) {
        free_spenders(made, made ? n : 0);
        return code;
    }
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n; i++) {
        const struct spender *before = find(made[i].detector);
        made[i].incidents = before ? before->incidents : 0;
    }
    free_spenders(spenders, n_spenders);
    spenders = made;
    n_spenders = n;
    pthread_mutex_unlock(&lock);
    return 0;
}

void weir_metrics_spend(const char *detector)
{
    pthread_mutex_lock(&lock);
    struct spender *spender = find(detector);
    if (spender)
        spender->incidents++;
    pthread_mutex_unlock(&lock);
}

// As the text format wants it within quotes.
static void print_label(struct weir_buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            weir_buffer_printf(out, "\\n");
        else
            weir_buffer_printf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    }
}

static void print_spenders(struct weir_buffer *out)
{
    if (!n_spenders)
        return;
    weir_buffer_printf(
        out, "# HELP weir_budget_detector_allowed_thousandths What of the budget's false alarms is "
             "the detector's, times 1000: with all others, weir_budget_allowed_thousandths.\n"
             "# TYPE weir_budget_detector_allowed_thousandths gauge\n");
    for (size_t i = 0; i < n_spenders; i++) {
        if (isnan(spenders[i].allowed))
            continue;
        weir_buffer_printf(out, "weir_budget_detector_allowed_thousandths{detector=\"");
        print_label(out, spenders[i].detector);
        weir_buffer_printf(out, "\"} %.9g\n", 1000 * spenders[i].allowed);
    }
    weir_buffer_printf(
        out, "# HELP weir_budget_detector_incidents_total Incidents that the detector opened, and "
             "not by a rule. Those of=\"app\" are weir_budget_incidents_total, those of=\"own\" of "
             "detectors with a rate of their own.\n"
             "# TYPE weir_budget_detector_incidents_total counter\n");
    for (size_t i = 0; i < n_spenders; i++) {
        weir_buffer_printf(out, "weir_budget_detector_incidents_total{detector=\"");
        print_label(out, spenders[i].detector);
        weir_buffer_printf(out, "\",of=\"%s\"} %" PRIu64 "\n",
                           isnan(spenders[i].allowed) ? "own" : "app", spenders[i].incidents);
    }
}

int weir_metrics_print(struct weir_buffer *out)
{
#define X(identifier, kind, name, help)                                                            \
    weir_buffer_printf(                                                                            \
        out, "# HELP " name " " help "\n# TYPE " name " " #kind "\n" name " %" PRIu64 "\n",        \
        atomic_load_explicit(&weir_metrics.identifier, memory_order_relaxed));
    WEIR_METRICS(X)
#undef X
    pthread_mutex_lock(&lock);
    print_spenders(out);
    pthread_mutex_unlock(&lock);
    return weir_buffer_printf(out,
                              "# HELP weir_build_info The version, as a label.\n"
                              "# TYPE weir_build_info gauge\n"
                              "weir_build_info{version=\"%s\"} 1\n",
                              WEIR_VERSION);
}
