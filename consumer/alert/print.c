// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/print.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "consumer/alert/text.h"
#include "consumer/cli/terminal.h"

enum { NARROW = 110, SMALLEST = 40, FIELDS = 4, LINE_BYTES = 65536 };

struct weir_alert_style weir_alert_style_for(FILE *out)
{
    struct weir_alert_style style = {0, 0, 0};
    struct winsize size;
    style.colour = weir_terminal_has_colour(out);
    if (isatty(fileno(out)) && !ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col)
        style.width = size.ws_col < SMALLEST ? SMALLEST : size.ws_col;
    return style;
}

// The line as it grows: `left` columns remain, colours take none.
struct line {
    struct weir_buffer *out;
    const struct weir_alert_style *style;
    int left;
    int full; // cut: nothing more goes in
};

static void colour(struct line *line, const char *sequence)
{
    if (line->style->colour)
        weir_buffer_append(line->out, sequence, strlen(sequence));
}

// Columns of `text`, up to `limit`.
static int width_of(const char *text, int limit)
{
    int width = 0;
    size_t left = strlen(text), length;
    while (left && width <= limit) {
        width += weir_text_width(text, left, &length);
        text += length;
        left -= length;
    }
    return width;
}

// The last column stays free for an ellipsis, unless this is the `last` text and fits.
static void add(struct line *line, const char *text, int last)
{
    size_t left = strlen(text), length;
    int bounded = line->style->width > 0;
    int fits = last && width_of(text, line->left) <= line->left;
    while (left && !line->full) {
        int width = weir_text_width(text, left, &length);
        unsigned char byte = (unsigned char)*text;
        if (bounded && !fits && line->left - width < 1) {
            weir_buffer_append(line->out, "\xe2\x80\xa6", 3);
            line->full = 1;
            return;
        }
        if (byte < 0x20 || byte == 0x7f)
            weir_buffer_append(line->out, " ", 1);
        else if (length == 2 && byte == 0xc2 && (unsigned char)text[1] < 0xa0)
            weir_buffer_append(line->out, " ", 1); // the other control characters
        else if (length == 1 && byte >= 0x80)
            weir_buffer_append(line->out, "\xef\xbf\xbd", 3);
        else
            weir_buffer_append(line->out, text, length);
        line->left -= width;
        text += length;
        left -= length;
    }
}

// A column of its own, `width` wide.
static void column(struct line *line, const char *text, int width)
{
    char padded[128];
    int taken = width_of(text, width);
    add(line, text, 0);
    snprintf(padded, sizeof padded, "%*s", (taken < width ? width - taken : 0) + 2, "");
    add(line, padded, 0);
}

static void add_time(struct line *line, int64_t ms)
{
    char text[64] = "?";
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm parts;
    int narrow = line->style->width && line->style->width < NARROW;
    if (line->style->utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts))
        strftime(text, sizeof text, narrow ? "%m-%d %H:%M" : "%Y-%m-%d %H:%M:%S", &parts);
    column(line, text, narrow ? 11 : 19);
}

void weir_alert_where(const struct weir_alert *alert, struct weir_buffer *out)
{
    const struct weir_finding *finding = &alert->finding;
    const char *gap = "";
    for (size_t i = 0; i < finding->n_fields && i < FIELDS; i++) {
        weir_buffer_printf(out, "%s%s", i ? ", " : "", finding->fields[i]);
        gap = " ";
    }
    if (finding->n_fields > FIELDS)
        weir_buffer_printf(out, " and %zu more", finding->n_fields - FIELDS);
    for (size_t i = 0; i < finding->n_slice; i++) {
        weir_buffer_printf(out, "%s%s=%s", gap, finding->slice[i].field,
                           finding->slice[i].value ? finding->slice[i].value : "null");
        gap = " ";
    }
    if (finding->model_version)
        weir_buffer_printf(out, "%smodel %s", gap, finding->model_version);
}

static const char *severity_colour(const struct weir_alert *alert)
{
    static const char *const colours[] = {"\033[34m", "\033[33m", "\033[1;31m"};
    return alert->status == WEIR_ALERT_RESOLVED ? "\033[32m" : colours[alert->finding.severity];
}

int weir_alert_line(const struct weir_alert *alert, const struct weir_alert_style *style,
                    struct weir_buffer *out)
{
    static const char *const statuses[] = {"OPEN", "UPDATE", "RESOLVED"};
    struct line line = {out, style, style->width, 0};
    struct weir_buffer where;
    weir_buffer_init(&where, LINE_BYTES);
    weir_buffer_printf(&where, "%s%s%s ", alert->stream ? alert->stream : "",
                       alert->stream && *alert->stream ? "/" : "", alert->detector);
    weir_alert_where(alert, &where);
    while (where.length && where.data[where.length - 1] == ' ')
        where.length--;
    weir_buffer_byte(&where, 0);

    colour(&line, "\033[2m");
    add_time(&line, alert->updated_at);
    colour(&line, "\033[0m");
    colour(&line, severity_colour(alert));
    column(&line, statuses[alert->status], 8);
    column(&line, weir_severity_name(alert->finding.severity), 8);
    colour(&line, "\033[0m");
    column(&line, alert->finding.kind, 18);
    colour(&line, "\033[1m");
    add(&line, where.failed ? "" : (const char *)where.data, 0);
    colour(&line, "\033[0m");
    add(&line, "  ", 0);
    weir_buffer_reset(&where);
    weir_buffer_printf(&where, "%s%s", alert->finding.summary,
                       alert->finding.provisional ? " (provisional)" : "");
    weir_buffer_byte(&where, 0);
    add(&line, where.failed ? "" : (const char *)where.data, 1);
    weir_buffer_free(&where);
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_alert_print(const struct weir_alert *alert, const struct weir_alert_style *style,
                     FILE *out)
{
    struct weir_buffer line;
    weir_buffer_init(&line, WEIR_BUFFER_MAXIMUM);
    int code = weir_alert_line(alert, style, &line);
    weir_buffer_byte(&line, '\n');
    if (!code && (line.failed || fwrite(line.data, 1, line.length, out) != line.length))
        code = line.failed ? WEIR_ENOMEM : WEIR_EIO;
    weir_buffer_free(&line);
    return code;
}
