// SPDX-License-Identifier: Apache-2.0
// A sanitizer that is not on finds nothing and says so by silence. This asserts from inside
// that the one asked for is compiled in, and that a fault kills the process that commits it.
#include <check.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stats/buffer.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HAS_ADDRESS 1
#else
#define HAS_ADDRESS 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define HAS_THREAD 1
#else
#define HAS_THREAD 0
#endif

static int asked_for(const char *name)
{
    return strstr(WEIR_SANITIZE, name) != NULL;
}

static int shared_counter;

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100000; i++)
        shared_counter++;
    return NULL;
}

static void read_beyond_the_heap(void)
{
    size_t size = (size_t)getpagesize();
    volatile char *bytes = malloc(size);
    if (bytes && bytes[size])
        _exit(0);
}

// The fault is inside the library: it must be instrumented too, not only this program.
static void read_beyond_the_heap_in_the_library(void)
{
    uint8_t *bytes = malloc(3);
    if (!bytes)
        return;
    memset(bytes, 0xff, 3); // a varint that goes on
    struct weir_reader reader = weir_reader_make(bytes, 8);
    weir_get_long(&reader);
}

static void overflow_an_integer(void)
{
    volatile int big = INT_MAX;
    big = big + 1;
}

static void race(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

// Runs `fault` in a child. Returns its wait status and what it wrote to standard error.
static int run_in_child(void (*fault)(void), char *said, size_t size)
{
    int channel[2], status = 0;
    ck_assert_int_eq(pipe(channel), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(channel[1], STDERR_FILENO);
        close(channel[0]);
        close(channel[1]);
        fault();
        exit(0);
    }
    close(channel[1]);
    size_t length = 0;
    char rest[512];
    for (;;) {
        int full = length + 1 >= size;
        ssize_t got =
            read(channel[0], full ? rest : said + length, full ? sizeof rest : size - 1 - length);
        if (got <= 0)
            break;
        if (!full)
            length += (size_t)got;
    }
    said[length] = '\0';
    close(channel[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void assert_dies(void (*fault)(void), const char *words)
{
    char said[4096];
    int status = run_in_child(fault, said, sizeof said);
    ck_assert_msg(!(WIFEXITED(status) && WEXITSTATUS(status) == 0), "the fault went unpunished");
    ck_assert_msg(strstr(said, words) != NULL, "expected '%s' in: %s", words, said);
}

START_TEST(what_was_asked_for_is_compiled_in)
{
    ck_assert_int_eq(asked_for("address"), HAS_ADDRESS);
    ck_assert_int_eq(asked_for("thread"), HAS_THREAD);
    ck_assert(asked_for("address") || asked_for("thread") || asked_for("undefined"));
}
END_TEST

START_TEST(a_fault_is_deadly)
{
    if (asked_for("address")) {
        assert_dies(read_beyond_the_heap, "heap-buffer-overflow");
        assert_dies(read_beyond_the_heap_in_the_library, "heap-buffer-overflow");
    }
    if (asked_for("undefined"))
        assert_dies(overflow_an_integer, "signed integer overflow");
    if (asked_for("thread"))
        assert_dies(race, "data race");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sanitizer");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, what_was_asked_for_is_compiled_in);
    tcase_add_test(tests, a_fault_is_deadly);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
