/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a live capture needs rights for is opened first; then they are given up for good, before a thread is
 * started and before a byte from outside is looked at. Nothing that happens later needs one.
 */

/* Gives up every capability of this thread and those it will start, as far as the system lets it. */
void privileges_drop(void);
