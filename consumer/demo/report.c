// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/report.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include "consumer/alert/text.h"
#include "consumer/cli/terminal.h"
#include "consumer/host/plugins.h"

enum { LINE_HEAD = 16 + 2 + 8 + 2 + 8 + 2 + 16 + 2 }; // columns before the sentence

void weir_demo_duration(int64_t ms, char *out, size_t size)
{
    double seconds = (double)(ms < 0 ? 0 : ms) / 1000;
    if (seconds < 99.5)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 99.5 * 60)
        snprintf(out, size, "%.0f min", seconds / 60);
    else if (seconds < 47.5 * 3600)
        snprintf(out, size, "%.0f h", seconds / 3600);
    else
        snprintf(out, size, "%.1f days", seconds / 86400);
}

static void format_time(int64_t ms, char *out, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(out, size, "%a %e %b %H:%M", &parts))
        snprintf(out, size, "?");
}

void weir_demo_line(const struct weir_alert *alert, const struct weir_alert_style *style, FILE *out)
{
    static const char *const statuses[] = {"OPEN", "UPDATE", "RESOLVED"};
    static const enum weir_colour colours[] = {WEIR_COLOUR_BLUE, WEIR_COLOUR_YELLOW,
                                               WEIR_COLOUR_RED};
    const char *text = alert->finding.summary, *end = text + strlen(text);
    enum weir_colour colour =
        alert->status == WEIR_ALERT_RESOLVED ? WEIR_COLOUR_GREEN : colours[alert->finding.severity];
    char when[40];
    format_time(alert->updated_at, when, sizeof when);
    fprintf(out, "%s%s%s  %s%-8s  %-8s%s  %-16s  ", weir_terminal_colour(out, WEIR_COLOUR_DIM),
            when, weir_terminal_colour(out, WEIR_COLOUR_NONE), weir_terminal_colour(out, colour),
            statuses[alert->status], weir_severity_name(alert->finding.severity),
            weir_terminal_colour(out, WEIR_COLOUR_NONE), alert->finding.kind);
    int left = style->width ? style->width - LINE_HEAD - 1 : INT_MAX; // one for the ellipsis
    while (text < end) {
        size_t length;
        int width = weir_text_width(text, (size_t)(end - text), &length);
        if (width > left) {
            fputs("\xe2\x80\xa6", out);
            break;
        }
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            putc(' ', out);
        else
            fwrite(text, 1, length, out);
        left -= width;
        text += length;
    }
    putc('\n', out);
}

// Whether any detector type here may report that kind.
static int has_kind(const struct weir_plugins *plugins, const char *kind)
{
    for (size_t i = 0; i < weir_plugins_count(plugins); i++) {
        const char *const *kinds = weir_plugins_at(plugins, i)->kinds;
        for (; kinds && *kinds; kinds++) {
            if (!strcmp(*kinds, kind))
                return 1;
        }
    }
    return 0;
}

// What happened to one incident that nobody named.
static void put_missed(const struct weir_generate_incident *incident,
                       const struct weir_plugins *plugins, FILE *out)
{
    fputs(weir_terminal_colour(out, WEIR_COLOUR_RED), out);
    if (has_kind(plugins, incident->kind))
        fprintf(out, "not found");
    else
        fprintf(out, "not found: no detector looks for %s yet", incident->kind);
    fputs(weir_terminal_colour(out, WEIR_COLOUR_NONE), out);
}

static void put_row(const struct weir_generate_incident *incident, struct weir_demo_found found,
                    const struct weir_plugins *plugins, FILE *out)
{
    char when[40], after[40];
    int64_t from = incident->first_ms >= 0 ? incident->first_ms : incident->start_ms;
    format_time(incident->start_ms, when, sizeof when);
    fprintf(out, "  %-18s  %-16s  ", incident->name, when);
    if (found.alerts) {
        weir_demo_duration(found.opened_at - from, after, sizeof after);
        fprintf(out, "%sfound%s   %-8s  %s", weir_terminal_colour(out, WEIR_COLOUR_GREEN),
                weir_terminal_colour(out, WEIR_COLOUR_NONE), after, found.kind);
        if (!found.right)
            fprintf(out, " (not yet as %s)", incident->kind);
    } else {
        put_missed(incident, plugins, out);
    }
    fprintf(out, "\n    %s%s%s\n", weir_terminal_colour(out, WEIR_COLOUR_DIM), incident->sentence,
            weir_terminal_colour(out, WEIR_COLOUR_NONE));
}

static void put_false(const struct weir_demo_score *score, FILE *out)
{
    const struct weir_demo_wrong *wrong;
    size_t n = weir_demo_score_false(score, &wrong);
    size_t alerts = weir_demo_score_alerts(score);
    if (!alerts) {
        fprintf(out, "No alerts.\n");
        return;
    }
    if (!n) {
        fprintf(out, "%zu alerts, none of them false.\n", alerts);
        return;
    }
    fprintf(out, "%zu alerts, of which %zu name%s nothing in the script: false alarm%s.\n", alerts,
            n, n == 1 ? "s" : "", n == 1 ? "" : "s");
    for (size_t i = 0; i < n && i < WEIR_DEMO_WRONG; i++) {
        char when[40];
        format_time(wrong[i].opened_at, when, sizeof when);
        fprintf(out, "  %-16s  %s %s\n", when, wrong[i].kind, wrong[i].where);
    }
    if (n > WEIR_DEMO_WRONG)
        fprintf(out, "  and %zu more\n", n - WEIR_DEMO_WRONG);
}

void weir_demo_report(const struct weir_demo_score *score,
                      const struct weir_generate_incident *incidents, size_t n,
                      const struct weir_plugins *plugins, FILE *out)
{
    size_t found = 0;
    if (!n) {
        fprintf(out, "\nIn so short a stream nothing goes wrong. ");
        put_false(score, out);
        return;
    }
    fprintf(out, "\n%sWhat went wrong, and what weir made of it%s (times are the stream's)\n\n",
            weir_terminal_colour(out, WEIR_COLOUR_BOLD),
            weir_terminal_colour(out, WEIR_COLOUR_NONE));
    fprintf(out, "  %-18s  %-16s  %-6s  %-8s  %s\n", "incident", "began", "", "after", "as");
    for (size_t i = 0; i < n; i++) {
        struct weir_demo_found one = weir_demo_score_of(score, i);
        put_row(&incidents[i], one, plugins, out);
        found += one.alerts > 0;
    }
    fprintf(out, "\n%zu of %zu incidents found. ", found, n);
    put_false(score, out);
    if (weir_demo_score_provisional(score))
        fprintf(out, "%zu of them are provisional: their thresholds are not calibrated yet.\n",
                weir_demo_score_provisional(score));
}
