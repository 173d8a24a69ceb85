// SPDX-License-Identifier: Apache-2.0
// Makes the allocations of weir's code fail in turn: the first, the second, and so on until a
// call meets no failure; each alone at first, then each with all that follow it.
//
//     struct weir_fail fail = {0};
//     while (weir_fail_next(&fail)) {
//         ... what is needed before
//         weir_fail_on(&fail);
//         code = the_call();
//         if (weir_fail_off(&fail)) // an allocation did fail
//             ck_assert_int_eq(code, WEIR_ENOMEM), ...
//         ... what comes after
//     }
//     ck_assert_int_ge(fail.points, 10);
//
// Between on and off there is no assertion: Check allocates, too, and is linked statically.
// Only allocations of the thread that switched it on count. The linker routes them here
// (--wrap), so that a sanitizer's own malloc stays beneath.
#ifndef WEIR_TESTS_ALLOCATION_FAIL_H
#define WEIR_TESTS_ALLOCATION_FAIL_H

struct weir_fail {
    long nth;    // which allocation fails, from 1
    int rest;    // and all behind it
    int failed;  // one did, in this try
    long points; // that were made to fail, in all tries
};

int weir_fail_next(struct weir_fail *fail); // 0: every allocation had its turn
void weir_fail_on(struct weir_fail *fail);
int weir_fail_off(struct weir_fail *fail); // whether one failed since on

// Has jansson and libcurl allocate through here too. Once, before their first use.
void weir_fail_libraries(void);

#endif
