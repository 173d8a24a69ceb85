// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "consumer/alert/text.h"

int weir_terminal_has_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no && *no) && term && strcmp(term, "dumb") && isatty(fileno(out));
}

const char *weir_terminal_colour(FILE *out, enum weir_colour colour)
{
    static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m", "\033[31m",
                                            "\033[32m", "\033[33m", "\033[34m"};
    return weir_terminal_has_colour(out) ? sequences[colour] : "";
}

int weir_terminal_width(const char *text)
{
    size_t left = strlen(text), length;
    int width = 0;
    for (; left; text += length, left -= length) {
        int columns = weir_text_width(text, left, &length);
        int control = (unsigned char)*text < 0x20 || *text == 0x7f ||
                      (length == 2 && !memcmp(text, "\xc2", 1) && (uint8_t)text[1] < 0xa0);
        width += control ? 1 : columns;
    }
    return width;
}

void weir_terminal_text(FILE *out, const char *text, int width)
{
    size_t left = strlen(text), length;
    width -= weir_terminal_width(text);
    for (; left; text += length, left -= length) {
        unsigned char byte = (unsigned char)*text;
        weir_text_width(text, left, &length);
        if (byte < 0x20 || byte == 0x7f || (length == 2 && byte == 0xc2 && (uint8_t)text[1] < 0xa0))
            fputc(' ', out);
        else if (length == 1 && byte >= 0x80)
            fputs("\xef\xbf\xbd", out);
        else
            fwrite(text, 1, length, out);
    }
    for (; width > 0; width--)
        fputc(' ', out);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void weir_progress_begin(struct weir_progress *progress, const char *what, const char *unit,
                         int quiet)
{
    const char *term = getenv("TERM");
    memset(progress, 0, sizeof *progress);
    progress->what = what;
    progress->unit = unit;
    progress->on = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
    progress->started = progress->on ? now() : 0;
}

static void print_left(char *out, size_t size, double share, double seconds)
{
    double left = share > 0.005 ? seconds * (1 - share) / share : -1;
    *out = 0;
    if (left < 0 || share >= 1)
        return;
    if (left < 90)
        snprintf(out, size, ", %.0f s left", left);
    else if (left < 5400)
        snprintf(out, size, ", %.0f min left", left / 60);
    else
        snprintf(out, size, ", %.1f h left", left / 3600);
}

static void print_count(char *out, size_t size, double count)
{
    if (count < 1e4)
        snprintf(out, size, "%.0f", count);
    else if (count < 1e6)
        snprintf(out, size, "%.1fk", count / 1e3);
    else
        snprintf(out, size, "%.2fM", count / 1e6);
}

void weir_progress_update(struct weir_progress *progress, double share, uint64_t count)
{
    enum { CELLS = 24 };
    char bar[CELLS + 1], line[200], left[40], done[24], rate[24];
    if (!progress->on)
        return;
    int64_t at = now();
    if (at - progress->drawn < 100)
        return;
    progress->drawn = at;
    double seconds = (double)(at - progress->started) / 1000;
    double known = share < 0 ? 0 : share > 1 ? 1 : share;
    for (int i = 0; i < CELLS; i++)
        bar[i] = i < (int)(known * CELLS) ? '#' : '.';
    bar[CELLS] = 0;
    print_left(left, sizeof left, share, seconds);
    print_count(done, sizeof done, (double)count);
    print_count(rate, sizeof rate, seconds > 0 ? (double)count / seconds : 0);
    int width = share < 0
                    ? snprintf(line, sizeof line, "%s: %s %s, %s/s", progress->what, done,
                               progress->unit, rate)
                    : snprintf(line, sizeof line, "%s [%s] %3.0f%%  %s %s, %s/s%s", progress->what,
                               bar, known * 100, done, progress->unit, rate, left);
    fprintf(stderr, "\r%s%*s", line, progress->width > width ? progress->width - width : 0, "");
    fflush(stderr);
    progress->width = width;
}

void weir_progress_clear(struct weir_progress *progress)
{
    if (progress->on && progress->width)
        fprintf(stderr, "\r%*s\r", progress->width, "");
    progress->width = 0;
}
