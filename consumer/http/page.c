// SPDX-License-Identifier: Apache-2.0
#include "consumer/http/page.h"

#include <inttypes.h>
#include <string.h>

#include "consumer/alert/text.h"
#include "consumer/codec/utf8.h"

static void put(struct weir_buffer *out, const char *text)
{
    weir_buffer_append(out, text, strlen(text));
}

void weir_html_escape(struct weir_buffer *out, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t sequence = weir_utf8_sequence(text, left);
        unsigned char byte = (unsigned char)*text;
        if (!sequence || (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
            put(out, "\xef\xbf\xbd");
            sequence = 1;
        } else if (byte == '&') {
            put(out, "&amp;");
        } else if (byte == '<') {
            put(out, "&lt;");
        } else if (byte == '>') {
            put(out, "&gt;");
        } else if (byte == '"') {
            put(out, "&quot;");
        } else if (byte == '\'') {
            put(out, "&#39;");
        } else {
            weir_buffer_append(out, text, sequence);
        }
        text += sequence;
        left -= sequence;
    }
}

static const char style[] =
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<style>:root{color-scheme:light dark;--line:#8884}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);"
    "vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".b{padding:.05rem .5rem;border-radius:1rem;font-size:.85rem;border:1px solid}"
    ".critical{color:light-dark(#b00020,#ff8a8a)}.warning{color:light-dark(#8a5a00,#ffc14d)}"
    ".info{color:light-dark(#0b57d0,#9cc3ff)}.ok{color:light-dark(#1b6e2d,#7ddb92)}</style>";

static void close_table(struct weir_page *page)
{
    if (page->row)
        put(page->out, "</tr>\n");
    if (page->table)
        put(page->out, "</tbody></table>\n");
    page->row = page->table = 0;
}

void weir_page_begin(struct weir_page *page, struct weir_buffer *out, const char *title)
{
    page->out = out;
    page->table = page->row = 0;
    put(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    weir_html_escape(out, title);
    put(out, "</title>");
    put(out, style);
    put(out, "</head><body>\n<h1>");
    weir_html_escape(out, title);
    put(out, "</h1>\n");
}

static void element(struct weir_page *page, const char *open, const char *text, const char *close)
{
    close_table(page);
    put(page->out, open);
    weir_html_escape(page->out, text);
    put(page->out, close);
}

void weir_page_heading(struct weir_page *page, const char *text)
{
    element(page, "<h2>", text, "</h2>\n");
}

void weir_page_paragraph(struct weir_page *page, const char *text)
{
    element(page, "<p>", text, "</p>\n");
}

void weir_page_table(struct weir_page *page, size_t n, const char *const *columns)
{
    close_table(page);
    put(page->out, "<table><thead><tr>");
    for (size_t i = 0; i < n; i++) {
        put(page->out, "<th scope=\"col\">");
        weir_html_escape(page->out, columns[i]);
        put(page->out, "</th>");
    }
    put(page->out, "</tr></thead><tbody>\n");
    page->table = 1;
}

void weir_page_row(struct weir_page *page)
{
    put(page->out, page->row ? "</tr>\n<tr>" : "<tr>");
    page->row = 1;
}

void weir_page_text(struct weir_page *page, const char *text)
{
    put(page->out, "<td>");
    weir_html_escape(page->out, text ? text : "");
    put(page->out, "</td>");
}

void weir_page_number(struct weir_page *page, int64_t value)
{
    weir_buffer_printf(page->out, "<td class=\"n\">%" PRId64 "</td>", value);
}

void weir_page_time(struct weir_page *page, int64_t ms)
{
    char text[WEIR_TEXT_TIME];
    weir_page_text(page, ms == INT64_MIN ? "" : weir_text_time(ms, text));
}

void weir_page_badge(struct weir_page *page, const char *word)
{
    put(page->out, "<td><span class=\"b ");
    weir_html_escape(page->out, word);
    put(page->out, "\">");
    weir_html_escape(page->out, word);
    put(page->out, "</span></td>");
}

void weir_page_end(struct weir_page *page)
{
    close_table(page);
    put(page->out, "</body></html>\n");
}
