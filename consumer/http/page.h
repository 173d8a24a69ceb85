// SPDX-License-Identifier: Apache-2.0
// A small page for people: headings and tables, everything escaped, nothing fetched from
// elsewhere. Failures stick in the buffer.
#ifndef WEIR_HTTP_PAGE_H
#define WEIR_HTTP_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

struct weir_page {
    struct weir_buffer *out;
    int table, row; // open
};

void weir_page_begin(struct weir_page *page, struct weir_buffer *out, const char *title);
void weir_page_heading(struct weir_page *page, const char *text);
void weir_page_paragraph(struct weir_page *page, const char *text);
// A table until the next heading, paragraph or table; cells fill its rows from the left.
void weir_page_table(struct weir_page *page, size_t n, const char *const *columns);
void weir_page_row(struct weir_page *page);
void weir_page_text(struct weir_page *page, const char *text); // NULL: empty
void weir_page_number(struct weir_page *page, int64_t value);
void weir_page_time(struct weir_page *page, int64_t ms); // INT64_MIN: empty
// A word with a colour of its own: "critical", "warning", "info", "ok".
void weir_page_badge(struct weir_page *page, const char *word);
void weir_page_end(struct weir_page *page);

// Text for HTML, quotes included; bytes that are not UTF-8 become U+FFFD.
void weir_html_escape(struct weir_buffer *out, const char *text);

#endif
