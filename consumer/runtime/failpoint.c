// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/failpoint.h"

#ifdef WEIR_FAIL_POINTS

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long passed;

// Whether this is the passage that is to kill.
static int armed(const char *name)
{
    const char *wanted = getenv("WEIR_FAIL");
    size_t length = strlen(name);
    if (!wanted || strncmp(wanted, name, length) || (wanted[length] && wanted[length] != ':'))
        return 0;
    long count = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    return atomic_fetch_add(&passed, 1) + 1 == count;
}

static void die(const char *name)
{
    // The kill test reads this line: where the kill fell.
    fprintf(stderr, "fail point %s\n", name);
    kill(getpid(), SIGKILL);
}

static void *die_soon(void *name)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct timespec pause = {0, now.tv_nsec % 20000 * 1000};
    nanosleep(&pause, NULL);
    die(name);
    return NULL;
}

void weir_failpoint(const char *name)
{
    if (armed(name))
        die(name);
}

void weir_failpoint_during(const char *name)
{
    pthread_t thread;
    if (armed(name) && pthread_create(&thread, NULL, die_soon, (void *)(unsigned long)name))
        die(name);
}

#endif
