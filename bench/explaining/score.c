// SPDX-License-Identifier: Apache-2.0
#include "bench/explaining/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void rate_count(struct rate *rate, int right)
{
    rate->right += right != 0;
    rate->of++;
}

void rate_print(const struct rate *rate)
{
    if (rate->of)
        printf(" %d of %d |", rate->right, rate->of);
    else
        printf(" - |");
}

int rate_is_below(const struct rate *rate, double least)
{
    return rate->of && rate->right < least * rate->of;
}

double said_hour(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    struct tm parts = {0};
    while (at && !strptime(at + strlen(word), "%Y-%m-%d %H:%M", &parts))
        at = strstr(at + 1, word);
    return at ? (double)timegm(&parts) / 3600 : NAN;
}
