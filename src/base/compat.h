/* SPDX-License-Identifier: ISC */
/*
 * What differs between systems, and the only header with platform #if.
 * Whole-file alternatives are chosen by configure instead.
 */
#ifndef BASE_COMPAT_H
#define BASE_COMPAT_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __has_attribute
#define __has_attribute(x) 0
#endif

#if __has_attribute(format)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PRINTF_LIKE(fmt, args)
#endif

/* The option that spreads datagrams over several sockets of one address;
 * without it all workers share one socket. */
#if defined(SO_SPREAD)
/* configure was asked for none. */
#elif defined(__linux__)
#define SO_SPREAD SO_REUSEPORT
#elif defined(SO_REUSEPORT_LB)
#define SO_SPREAD SO_REUSEPORT_LB
#else
#define SO_SPREAD 0
#endif

/* Where the C library packs their arguments into memory (socketcall), no
 * filter of system calls can see them: there they are called directly. */
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#if defined(SYS_socketcall) && defined(SYS_socket)
#define compat_socket(...) ((int)syscall(SYS_socket, __VA_ARGS__))
#define compat_setsockopt(...) ((int)syscall(SYS_setsockopt, __VA_ARGS__))
#define compat_getsockopt(...) ((int)syscall(SYS_getsockopt, __VA_ARGS__))
#else
#define compat_socket socket
#define compat_setsockopt setsockopt
#define compat_getsockopt getsockopt
#endif

/* Other processes of the same user can't read this one's memory. */
#if defined(__linux__)
#include <sys/prctl.h>
#define compat_no_dump() (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
#else
#define compat_no_dump() true
#endif

/* The signal for this process when its parent ends. */
#if defined(__linux__)
#define compat_signal_on_orphaning(signo) \
	(prctl(PR_SET_PDEATHSIG, (signo), 0, 0, 0) == 0)
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#define compat_signal_on_orphaning(signo) \
	(procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &(int){(signo)}) == 0)
#else
#define compat_signal_on_orphaning(signo) ((void)(signo), true)
#endif

#ifndef HAVE_SETPROCTITLE
#define setproctitle(...) ((void)0)
#endif

#endif
