/* SPDX-License-Identifier: ISC */
/*
 * Base64 (RFC 4648 4), strict: no white space, no missing or excess
 * padding, no stray bits. Threads: any.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* text_len characters into at most cap octets; false, and nothing to be
 * used in out, if it is not base64 or does not fit. */
bool base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap,
    size_t *out_len);

/* The text of len octets with its NUL, BASE64_TEXT_MAX(len) characters. */
#define BASE64_TEXT_MAX(len) (((len) + 2) / 3 * 4 + 1)
void base64_encode(const uint8_t *octets, size_t len, char *out);

#endif
