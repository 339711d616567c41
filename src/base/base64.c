/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

/* 0..63, or 64 for a character outside the alphabet. */
static unsigned
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool
base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap,
    size_t *out_len)
{
	size_t pad = 0, n = 0, i;
	uint32_t bits = 0;

	if (text_len % 4 != 0)
		return false;
	while (pad < 2 && pad < text_len && text[text_len - 1 - pad] == '=')
		pad++;
	if (text_len / 4 * 3 - pad > cap)
		return false;
	for (i = 0; i < text_len - pad; i++) {
		unsigned d = digit(text[i]);

		if (d == 64)
			return false;
		bits = bits << 6 | d;
		if (i % 4 != 0)
			out[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	/* Bits behind the last whole octet have to be zero. */
	if ((pad == 1 && (bits & 3) != 0) || (pad == 2 && (bits & 15) != 0))
		return false;
	*out_len = n;
	return true;
}

void
base64_encode(const uint8_t *octets, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i, left;
	uint32_t bits;

	for (i = 0; i < len; i += 3) {
		left = len - i;
		bits = (uint32_t)octets[i] << 16;
		bits |= left > 1 ? (uint32_t)octets[i + 1] << 8 : 0;
		bits |= left > 2 ? octets[i + 2] : 0;
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[bits >> 6 & 63];
		*out++ = digits[bits & 63];
	}
	if (len % 3 != 0)
		out[-1] = '=';
	if (len % 3 == 1)
		out[-2] = '=';
	*out = '\0';
}
