/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * enc_number.h - which operation of ops.def does what for which type, and the types that
 * two values meet in: int4 and int8 as int8, either and numeric as numeric. Text meets
 * only text.
 */
#ifndef CXLRING_ENC_NUMBER_H
#define CXLRING_ENC_NUMBER_H

#include "zone.h"

/* Compares two of that type. */
uint16_t enc_cmp_op(uint8_t type);

#endif
