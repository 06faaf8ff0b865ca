/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rm.h - Redis's module header, with its warnings kept to itself.
 */
#ifndef CXLRING_RM_H
#define CXLRING_RM_H

#pragma GCC system_header
#include "redismodule.h"

#endif
