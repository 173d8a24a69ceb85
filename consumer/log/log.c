// SPDX-License-Identifier: Apache-2.0
#include "consumer/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "consumer/codec/utf8.h"

enum { MESSAGE = 4096, LINE = MESSAGE * 6 + 256 };

static _Atomic int threshold = WEIR_LOG_INFO;
static int as_json;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *const names[] = {"error", "warning", "info", "debug"};

static void read_environment(void)
{
    const char *level = getenv("WEIR_LOG"), *format = getenv("WEIR_LOG_FORMAT");
    for (int i = 0; level && i <= WEIR_LOG_DEBUG; i++) {
        if (!strcmp(level, names[i]))
            threshold = i;
    }
    as_json = format && !strcmp(format, "json");
}

void weir_log_set_level(enum weir_log_level level)
{
    pthread_once(&once, read_environment);
    threshold = (int)level;
}

int weir_log_enabled(enum weir_log_level level)
{
    pthread_once(&once, read_environment);
    return (int)level <= threshold;
}

// ---- masking

// The length of a word at `text` behind which a credential stands, 0 if there is none.
static size_t secret_word(const char *text)
{
    static const char *const words[] = {"password",      "passwd",    "secret",   "token",
                                        "authorization", "user.info", "userinfo", "credentials"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strncasecmp(text, words[i], strlen(words[i])))
            return strlen(words[i]);
    }
    return 0;
}

// Behind the name: the length up to where the value starts, 0 if this is no assignment.
static size_t to_value(const char *text)
{
    size_t at = strspn(text, "\"' ]");
    if (text[at] != '=' && text[at] != ':')
        return 0;
    at++;
    return at + strspn(text + at, "\"' ");
}

// Length of `user:secret@` behind "://", 0 if there is none.
static size_t user_info(const char *text)
{
    size_t end = strcspn(text, "/ \"'<>");
    const char *at = end ? memrchr(text, '@', end) : NULL;
    return at ? (size_t)(at - text) : 0;
}

struct masked {
    char *out;
    size_t size, length;
};

static void put(struct masked *masked, const char *text, size_t length)
{
    size_t room = masked->size - 1 - masked->length;
    length = length < room ? length : room;
    memcpy(masked->out + masked->length, text, length);
    masked->length += length;
}

void weir_log_mask(char *out, size_t size, const char *text)
{
    struct masked masked = {out, size, 0};
    while (*text) {
        size_t word = secret_word(text);
        size_t gap = word ? to_value(text + word) : 0;
        if (gap) {
            put(&masked, text, word + gap);
            text += word + gap;
            // "Authorization: Basic abc": the scheme is no secret, what follows it is.
            if (!strncasecmp(text, "basic ", 6) || !strncasecmp(text, "bearer ", 7))
                text += strcspn(text, " ") + 1;
            put(&masked, "***", 3);
            text += strcspn(text, " \"',;\n");
        } else if (!strncmp(text, "://", 3) && user_info(text + 3)) {
            put(&masked, "://***", 6);
            text += 3 + user_info(text + 3);
        } else {
            put(&masked, text++, 1);
        }
    }
    out[masked.length] = 0;
}

// ---- lines

struct line {
    char text[LINE];
    size_t length;
};

static void append(struct line *line, const char *text, size_t length)
{
    if (length < sizeof line->text - line->length) {
        memcpy(line->text + line->length, text, length);
        line->length += length;
    }
}

// The inside of a quoted string, in the way of JSON; logfmt readers know the same escapes.
static void append_escaped(struct line *line, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t sequence = weir_utf8_sequence(text, left);
        unsigned char byte = (unsigned char)*text;
        char escaped[8];
        if (!sequence) {
            append(line, "\xef\xbf\xbd", 3);
            sequence = 1;
        } else if (byte == '"' || byte == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)byte;
            append(line, escaped, 2);
        } else if (byte == '\n') {
            append(line, "\\n", 2);
        } else if (byte < 0x20 || byte == 0x7f) {
            snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            append(line, escaped, 6);
        } else {
            append(line, text, sequence);
        }
        text += sequence;
        left -= sequence;
    }
}

static void append_text(struct line *line, const char *text)
{
    append(line, text, strlen(text));
}

static void append_time(struct line *line)
{
    struct timespec now;
    struct tm parts;
    char date[32], millis[16];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(millis, sizeof millis, ".%03dZ", (int)(now.tv_nsec / 1000000 % 1000));
    append_text(line, date);
    append_text(line, millis);
}

static void write_all(const char *text, size_t length)
{
    while (length) {
        ssize_t n = write(STDERR_FILENO, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) // nobody listens, and there is nobody to tell
            return;
        text += n;
        length -= (size_t)n;
    }
}

static void write_line(enum weir_log_level level, const char *part, const char *message)
{
    struct line line = {.length = 0};
    char masked[MESSAGE];
    weir_log_mask(masked, sizeof masked, message);
    append_text(&line, as_json ? "{\"time\":\"" : "time=");
    append_time(&line);
    append_text(&line, as_json ? "\",\"level\":\"" : " level=");
    append_text(&line, names[level]);
    append_text(&line, as_json ? "\",\"part\":\"" : " part=");
    append_escaped(&line, part);
    append_text(&line, as_json ? "\",\"msg\":\"" : " msg=\"");
    append_escaped(&line, masked);
    append_text(&line, as_json ? "\"}\n" : "\"\n");
    pthread_mutex_lock(&lock);
    write_all(line.text, line.length);
    pthread_mutex_unlock(&lock);
}

void weir_log(enum weir_log_level level, const char *part, const char *format, ...)
{
    int saved = errno;
    char message[MESSAGE];
    va_list args;
    if (!weir_log_enabled(level))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    write_line(level, part, message);
    errno = saved;
}

void weir_log_kafka(const struct rd_kafka_s *client, int level, const char *facility,
                    const char *text)
{
    (void)client;
    // syslog: 0 to 3 are errors and worse, 4 warning, 5 notice, 6 info, 7 debug
    enum weir_log_level ours = level <= 3   ? WEIR_LOG_ERROR
                               : level == 4 ? WEIR_LOG_WARNING
                               : level <= 6 ? WEIR_LOG_INFO
                                            : WEIR_LOG_DEBUG;
    weir_log(ours, "kafka", "%s: %s", facility ? facility : "", text ? text : "");
}
