/* SPDX-License-Identifier: ISC */
#include "proc/sandbox.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

bool
sandbox_refuse(const char *what)
{
	log_error("sandbox: %s: %s", what, strerror(errno));
	return false;
}
