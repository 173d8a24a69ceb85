// SPDX-License-Identifier: Apache-2.0
// The page of a report. Every text that comes from data goes through weir_html_escape().
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/print.h"
#include "consumer/alert/report_inside.h"
#include "consumer/alert/text.h"
#include "consumer/http/page.h"

enum { WIDTH = 1000, LABEL = 300, ROW = 22, TICKS = 5, DETAIL_BYTES = 24 << 20 };

static const char style[] =
    "<style>:root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--dim:#5c5c5c;--line:#ddd;"
    "--critical:#b00020;--warning:#8a5a00;--info:#0b57d0;--ok:#1b6e2d}"
    "@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#e6e6e6;--dim:#a3a3a3;"
    "--line:#3a3d44;--critical:#ff8a8a;--warning:#ffc14d;--info:#9cc3ff;--ok:#7ddb92}}"
    "body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;"
    "margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2.2rem}"
    ".dim{color:var(--dim)}.critical{color:var(--critical)}.warning{color:var(--warning)}"
    ".info{color:var(--info)}.ok{color:var(--ok)}"
    ".tiles{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}"
    ".tiles li{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem}"
    ".tiles b{display:block;font-size:1.5rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:anywhere}td.n,th.n{text-align:right}"
    "details{border:1px solid var(--line);border-radius:.5rem;margin:.4rem 0;padding:.4rem .8rem}"
    "summary{cursor:pointer}summary b{font-weight:600}.b{border:1px solid;border-radius:1rem;"
    "padding:0 .5rem;font-size:.85rem}dl{display:grid;grid-template-columns:max-content 1fr;"
    "gap:.1rem 1rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"
    "a{color:var(--info)}pre{overflow:auto}svg{width:100%;height:auto}svg "
    "text{fill:var(--fg);font-size:12px}"
    "svg .grid{stroke:var(--line)}svg .tick{fill:var(--dim)}rect.critical{fill:var(--critical)}"
    "rect.warning{fill:var(--warning)}rect.info{fill:var(--info)}"
    "@media print{details{break-inside:avoid}}</style>";

static void put(struct weir_buffer *out, const char *text)
{
    weir_buffer_append(out, text, strlen(text));
}

static void put_element(struct weir_buffer *out, const char *open, const char *text,
                        const char *close)
{
    put(out, open);
    weir_html_escape(out, text ? text : "");
    put(out, close);
}

// "2026-01-31 12:00:00", without the milliseconds that nobody needs here.
static char *time_text(int64_t ms, char out[WEIR_TEXT_TIME])
{
    weir_text_time(ms, out);
    out[10] = ' ';
    out[19] = 0;
    return out;
}

static char *span_text(int64_t ms, char *out, size_t size)
{
    double seconds = (double)ms / 1000;
    if (seconds < 120)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 7200)
        snprintf(out, size, "%.0f min", seconds / 60);
    else if (seconds < 172800)
        snprintf(out, size, "%.1f h", seconds / 3600);
    else
        snprintf(out, size, "%.1f days", seconds / 86400);
    return out;
}

static int unpack(const struct weir_report_incident *incident, struct weir_pack_view *view)
{
    struct weir_reader reader = weir_reader_make(incident->bytes, incident->length);
    return weir_pack_read(&reader, view);
}

// "stream/detector fields slice", as in the line for people.
static char *where_text(const struct weir_report_incident *incident,
                        const struct weir_pack_view *view)
{
    struct weir_alert alert = {.finding = view->finding};
    struct weir_buffer text;
    size_t length;
    weir_buffer_init(&text, 1 << 20);
    if (incident->stream)
        weir_buffer_printf(&text, "%s/", incident->stream);
    weir_buffer_printf(&text, "%s ", incident->detector);
    weir_alert_where(&alert, &text);
    weir_buffer_byte(&text, 0);
    if (text.failed)
        weir_buffer_free(&text);
    return (char *)weir_buffer_take(&text, &length);
}

// ---- head

static void tile(struct weir_buffer *out, const char *class, uint64_t n, const char *what)
{
    weir_buffer_printf(out, "<li><b class=\"%s\">%" PRIu64 "</b>%s</li>", class, n, what);
}

static void print_head(const struct weir_report *report, const struct weir_report_context *context,
                       struct weir_buffer *out)
{
    char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME];
    put(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    put_element(out, "<title>weir report: ", context->app, "</title>");
    put(out, style);
    put_element(out, "</head><body>\n<h1>weir report: ", context->app, "</h1>\n");
    if (report->total)
        weir_buffer_printf(out, "<p class=\"dim\">Incidents from %s to %s, event time, UTC</p>\n",
                           time_text(report->first, from), time_text(report->last, to));
    put(out, "<ul class=\"tiles\">");
    tile(out, "", report->total, report->total == 1 ? "incident" : "incidents");
    tile(out, "critical", report->by_severity[WEIR_CRITICAL], "opened as critical");
    tile(out, "warning", report->by_severity[WEIR_WARNING], "as warning");
    tile(out, "info", report->by_severity[WEIR_INFO], "as info");
    tile(out, report->open ? "" : "ok", report->open, "open at the end");
    put(out, "</ul>\n");
    if (!report->total)
        put(out, "<p class=\"ok\">Nothing was found.</p>\n");
}

// ---- timeline

static int by_gravity(const void *a, const void *b)
{
    const struct weir_report_incident *x = *(const struct weir_report_incident *const *)a;
    const struct weir_report_incident *y = *(const struct weir_report_incident *const *)b;
    if (x->severity != y->severity)
        return (int)y->severity - (int)x->severity;
    if (x->opened_at != y->opened_at)
        return x->opened_at < y->opened_at ? -1 : 1;
    return strcmp(x->fingerprint, y->fingerprint);
}

static int by_opening(const void *a, const void *b)
{
    const struct weir_report_incident *x = *(const struct weir_report_incident *const *)a;
    const struct weir_report_incident *y = *(const struct weir_report_incident *const *)b;
    if (x->opened_at != y->opened_at)
        return x->opened_at < y->opened_at ? -1 : 1;
    return by_gravity(a, b);
}

static double place(const struct weir_report *report, int64_t at)
{
    double span = (double)report->last - (double)report->first;
    double share = span > 0 ? ((double)at - (double)report->first) / span : 0;
    return LABEL + share * (WIDTH - LABEL - 10);
}

static void print_ticks(const struct weir_report *report, size_t rows, struct weir_buffer *out)
{
    char text[WEIR_TEXT_TIME];
    int64_t span = report->last - report->first;
    int ticks = span > 0 ? TICKS : 1;
    int by_day = span > 3 * 86400000LL;
    for (int i = 0; i < ticks; i++) {
        int64_t at = report->first + (ticks > 1 ? span / (ticks - 1) * i : 0);
        double x = place(report, at);
        time_text(at, text);
        weir_buffer_printf(out,
                           "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"20\" y2=\"%zu\"/>"
                           "<text class=\"tick\" x=\"%.1f\" y=\"14\" text-anchor=\"%s\">%.*s"
                           "</text>\n",
                           x, x, 24 + rows * ROW, x,
                           i == 0           ? "start"
                           : i + 1 == ticks ? "end"
                                            : "middle",
                           by_day ? 10 : 16, text);
    }
}

static void print_bar(const struct weir_report *report, struct weir_report_incident *incident,
                      size_t row, struct weir_pack_view *view, struct weir_buffer *out)
{
    char label[200], clean[160];
    int resolved = incident->status == WEIR_ALERT_RESOLVED;
    int64_t end = resolved ? incident->updated_at : report->last;
    double from = place(report, incident->opened_at), width = place(report, end) - from;
    char *where = where_text(incident, view);
    size_t y = 24 + row * ROW;
    snprintf(label, sizeof label, "%s", where ? where : "");
    // Some 42 characters fit beside the bars.
    weir_text_clean(clean, 44, label);
    weir_buffer_printf(out, "<g><text x=\"0\" y=\"%zu\">", y + 15);
    weir_html_escape(out, clean);
    weir_buffer_printf(out,
                       "</text><rect class=\"%s\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" "
                       "height=\"14\" rx=\"3\"%s/>",
                       weir_severity_name(incident->severity), from, y + 4, width < 4 ? 4 : width,
                       resolved ? "" : " fill-opacity=\".55\"");
    put_element(out, "<title>", view->finding.kind, ": ");
    put_element(out, "", view->finding.summary, "</title></g>\n");
    free(where);
}

static void print_timeline(const struct weir_report *report, struct weir_report_incident **order,
                           struct weir_pack_view *view, struct weir_buffer *out)
{
    size_t rows = report->n < WEIR_REPORT_ROWS ? report->n : WEIR_REPORT_ROWS;
    if (!rows)
        return;
    qsort(order, report->n, sizeof *order, by_gravity);
    qsort(order, rows, sizeof *order, by_opening);
    put(out, "<h2>Timeline</h2>\n");
    if (report->total > rows)
        weir_buffer_printf(out, "<p class=\"dim\">The %zu gravest of %" PRIu64 ".</p>\n", rows,
                           report->total);
    weir_buffer_printf(out,
                       "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"Incidents over "
                       "time; the list below has the same.\">\n",
                       WIDTH, 30 + rows * ROW);
    print_ticks(report, rows, out);
    for (size_t i = 0; i < rows; i++) {
        if (!unpack(order[i], view))
            print_bar(report, order[i], i, view, out);
    }
    put(out, "</svg>\n<p class=\"dim\">A bar reaches from opening to resolution; a pale one was "
             "still open at the end.</p>\n");
}

// ---- incidents

static void row(struct weir_buffer *out, const char *name, const char *value)
{
    put_element(out, "<dt>", name, "</dt>");
    put_element(out, "<dd>", value, "</dd>\n");
}

static void number(struct weir_buffer *out, const char *name, double value)
{
    if (isfinite(value))
        weir_buffer_printf(out, "%s %.6g", name, value);
}

static void print_statistic(const struct weir_statistic *statistic, struct weir_buffer *out)
{
    if (!statistic->name)
        return;
    put_element(out, "<dt>Statistic</dt><dd>", statistic->name, "");
    number(out, " ", statistic->value);
    number(out, ", threshold", statistic->threshold);
    number(out, ", p", statistic->p_value);
    number(out, ", baseline", statistic->baseline);
    put(out, "</dd>\n");
}

static void print_samples(const struct weir_evidence *evidence, struct weir_buffer *out)
{
    for (size_t i = 0; i < evidence->n_samples; i++) {
        const struct weir_sample *sample = &evidence->samples[i];
        weir_buffer_printf(out, "%s[%d] %" PRId64, i ? ", " : "", (int)sample->partition,
                           sample->offset);
        if (sample->value)
            put_element(out, " = ", sample->value, "");
    }
}

static void print_evidence(const struct weir_finding *finding, struct weir_buffer *out)
{
    if (!finding->n_evidence)
        return;
    put(out, "<table><thead><tr><th scope=\"col\">Evidence</th><th scope=\"col\">Where</th>"
             "<th scope=\"col\">Before</th><th scope=\"col\">After</th>"
             "<th scope=\"col\" class=\"n\">Explains</th><th scope=\"col\">Samples</th></tr>"
             "</thead><tbody>\n");
    for (size_t i = 0; i < finding->n_evidence; i++) {
        const struct weir_evidence *evidence = &finding->evidence[i];
        put_element(out, "<tr><td>", evidence->type, "</td><td>");
        weir_html_escape(out, evidence->field ? evidence->field : "");
        for (size_t k = 0; k < evidence->n_slice; k++) {
            put_element(out, " ", evidence->slice[k].field, "=");
            weir_html_escape(out, evidence->slice[k].value ? evidence->slice[k].value : "null");
        }
        put_element(out, "</td><td>", evidence->before, "</td>");
        put_element(out, "<td>", evidence->after, "</td><td class=\"n\">");
        if (isfinite(evidence->contribution))
            weir_buffer_printf(out, "%.0f%%", evidence->contribution * 100);
        put(out, "</td><td>");
        print_samples(evidence, out);
        put(out, "</td></tr>\n");
    }
    put(out, "</tbody></table>\n");
}

static void print_runbook(const char *runbook, struct weir_buffer *out)
{
    if (!runbook)
        return;
    // Only what is surely a page becomes a link.
    if (strncmp(runbook, "https://", 8) && strncmp(runbook, "http://", 7)) {
        row(out, "Runbook", runbook);
        return;
    }
    put_element(out, "<dt>Runbook</dt><dd><a rel=\"noreferrer\" href=\"", runbook, "\">");
    weir_html_escape(out, runbook);
    put(out, "</a></dd>\n");
}

static void print_life(const struct weir_report_incident *incident, struct weir_buffer *out)
{
    char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME], span[64], text[256];
    time_text(incident->opened_at, from);
    time_text(incident->updated_at, to);
    span_text(incident->updated_at - incident->opened_at, span, sizeof span);
    if (incident->status == WEIR_ALERT_RESOLVED)
        snprintf(text, sizeof text, "%s to %s (%s), %u events", from, to, span, incident->events);
    else
        snprintf(text, sizeof text, "%s, still open at the end, %u event%s", from, incident->events,
                 incident->events == 1 ? "" : "s");
    row(out, "Open", text);
    snprintf(text, sizeof text, "%" PRIu64, incident->occurrences);
    row(out, "Occurrences", text);
    time_text(incident->window_start, from);
    time_text(incident->window_end, to);
    snprintf(text, sizeof text, "%s to %s, %" PRIu64 " records", from, to, incident->records);
    row(out, "Last window", text);
    if (*incident->offsets)
        row(out, "Offsets", incident->offsets);
}

static void print_incident(const struct weir_report_incident *incident,
                           const struct weir_pack_view *view, struct weir_buffer *out)
{
    const struct weir_finding *finding = &view->finding;
    const char *severity = weir_severity_name(incident->severity);
    char *where = where_text(incident, view), text[64];
    weir_buffer_printf(out, "<details><summary><span class=\"b %s\">%s</span> ", severity,
                       severity);
    put_element(out, "<b>", finding->kind, "</b> ");
    put_element(out, "<span class=\"dim\">", where, "</span> ");
    weir_html_escape(out, finding->summary);
    put(out, finding->provisional ? " <span class=\"dim\">(provisional)</span></summary>\n<dl>"
                                  : "</summary>\n<dl>");
    print_life(incident, out);
    print_statistic(&finding->statistic, out);
    if (isfinite(finding->share)) {
        snprintf(text, sizeof text, "%.4g%% of the records", finding->share * 100);
        row(out, "Share", text);
    }
    row(out, "Rule", finding->rule);
    row(out, "Suggested", weir_action_name(finding->action));
    print_runbook(incident->runbook, out);
    row(out, "Fingerprint", incident->fingerprint);
    put(out, "</dl>\n");
    print_evidence(finding, out);
    put(out, "</details>\n");
    free(where);
}

static void print_incidents(const struct weir_report *report, struct weir_report_incident **order,
                            struct weir_pack_view *view, struct weir_buffer *out)
{
    size_t from = out->length, shown = 0;
    if (!report->n)
        return;
    qsort(order, report->n, sizeof *order, by_opening);
    put(out, "<h2>Incidents</h2>\n");
    for (; shown < report->n && out->length - from < DETAIL_BYTES; shown++) {
        if (!unpack(order[shown], view))
            print_incident(order[shown], view, out);
    }
    if (shown < report->total)
        weir_buffer_printf(out,
                           "<p>%" PRIu64 " more incidents are counted below and not shown.</p>\n",
                           report->total - shown);
}

// ---- counts, and what was run

static void print_counts(const struct weir_report *report, struct weir_buffer *out)
{
    if (!report->n_counts)
        return;
    put(out, "<h2>By detector and kind</h2>\n<table><thead><tr><th scope=\"col\">Detector</th>"
             "<th scope=\"col\">Kind</th><th scope=\"col\" class=\"n\">Critical</th>"
             "<th scope=\"col\" class=\"n\">Warning</th><th scope=\"col\" class=\"n\">Info</th>"
             "</tr></thead><tbody>\n");
    for (size_t i = 0; i < report->n_counts; i++) {
        const struct weir_report_count *count = &report->counts[i];
        put_element(out, "<tr><td>", count->detector, "</td>");
        put_element(out, "<td>", count->kind, "</td>");
        weir_buffer_printf(out,
                           "<td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
                           "</td><td class=\"n\">%" PRIu64 "</td></tr>\n",
                           count->by_severity[WEIR_CRITICAL], count->by_severity[WEIR_WARNING],
                           count->by_severity[WEIR_INFO]);
    }
    put(out, "</tbody></table>\n");
    if (report->uncounted)
        weir_buffer_printf(out, "<p>%" PRIu64 " more of other detectors and kinds.</p>\n",
                           report->uncounted);
}

static void print_pairs(const struct weir_report_pair *pairs, size_t n, struct weir_buffer *out)
{
    if (!n)
        return;
    put(out, "<dl>");
    for (size_t i = 0; i < n; i++)
        row(out, pairs[i].name, pairs[i].value);
    put(out, "</dl>\n");
}

int weir_report_print(const struct weir_report *report, const struct weir_report_context *context,
                      struct weir_buffer *out)
{
    struct weir_pack_view *view = malloc(sizeof *view);
    struct weir_report_incident **order = calloc(report->n + 1, sizeof *order);
    if (!view || !order) {
        free(view);
        free(order);
        return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < report->n; i++)
        order[i] = &report->incidents[i];
    print_head(report, context, out);
    print_timeline(report, order, view, out);
    print_incidents(report, order, view, out);
    print_counts(report, out);
    put(out, "<h2>What was run</h2>\n");
    print_pairs(context->files, context->n_files, out);
    print_pairs(context->stats, context->n_stats, out);
    if (context->config)
        put_element(out, "<details><summary>Configuration</summary><pre>", context->config,
                    "</pre></details>\n");
    put(out, "<p class=\"dim\">Made by weir " WEIR_VERSION ".</p>\n</body></html>\n");
    free(view);
    free(order);
    return out->failed ? WEIR_ENOMEM : 0;
}
