/* SPDX-License-Identifier: ISC */
/* Of the parent what needs no other process: orders, lines, notes. */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "hex.h"
#include "net/sock.h"
#include "proc/note.h"
#include "proc/order.h"
#include "proc/watch.h"

static struct addr
host(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 53, &a));
	return a;
}

static void
test_penalties(void **state)
{
	struct standing s = {.disabled = 0};
	struct addr a = host("192.0.2.1"), a2 = host("192.0.2.1:9999");
	struct addr b = host("[2001:db8::1]"), next;
	char text[32];
	unsigned i;

	(void)state;
	assert_false(standing_has_penalty(&s, &a, 0));
	standing_penalize(&s, &a, 1000);
	assert_true(standing_has_penalty(&s, &a, 999));
	assert_true(
	    standing_has_penalty(&s, &a2, 999)); /* the host, any port */
	assert_false(standing_has_penalty(&s, &a, 1000));
	assert_false(standing_has_penalty(&s, &b, 0));
	standing_penalize(&s, &a, 5000); /* again: one place, a longer time */
	assert_true(standing_has_penalty(&s, &a, 4999));
	/* When all places are taken the one that ends first gives way. */
	for (i = 0; i < PENALTIES_MAX; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i);
		next = host(text);
		standing_penalize(&s, &next, 6000 + i);
	}
	assert_false(standing_has_penalty(&s, &a, 0));
	for (i = 0; i < PENALTIES_MAX; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i);
		next = host(text);
		assert_true(standing_has_penalty(&s, &next, 5999));
	}
}

static void
test_orders(void **state)
{
	struct order sent = {.type = ORDER_STANDING}, got;
	int fds[2];
	unsigned n = 0, i;

	(void)state;
	sent.standing = (struct standing){
	    .disabled = 0x80000001, .level = LEVEL_DEBUG, .is_watched = true};
	assert_int_equal(sock_pipe(fds), 0);
	assert_int_equal(order_read(fds[0], &got), 0);
	while (order_write(fds[1], &sent))
		n++;
	assert_true(n > 1); /* then it is full, and nothing is cut */
	for (i = 0; i < n; i++) {
		assert_int_equal(order_read(fds[0], &got), 1);
		assert_int_equal(got.standing.disabled, 0x80000001);
		assert_true(got.standing.is_watched);
	}
	assert_int_equal(order_read(fds[0], &got), 0);
	close(fds[1]);
	assert_int_equal(order_read(fds[0], &got), -1);
	close(fds[0]);
}

/* SP5: what a worker sends as a line is shown, or it is none. */
static void
test_packets(void **state)
{
	struct log_packet p;
	size_t head = offsetof(struct log_packet, text), i;
	char text[LOG_LINE_MAX];

	(void)state;
	memset(&p, 'x', sizeof(p));
	for (i = 0; i < 256; i++) {
		p.kind = (uint8_t)i;
		assert_int_equal(log_packet_text(&p, head + 5, text),
		    i <= LEVEL_DEBUG || i == LOG_WATCH);
	}
	p.kind = LEVEL_INFO;
	assert_false(log_packet_text(&p, 0, text));
	assert_false(log_packet_text(&p, head, text));
	assert_true(log_packet_text(&p, head + 1, text));
	assert_string_equal(text, "x");
	assert_true(log_packet_text(&p, sizeof(p) - 1, text));
	assert_int_equal(strlen(text), LOG_LINE_MAX - 1);
	assert_false(log_packet_text(&p, sizeof(p), text)); /* no NUL's room */
	for (i = 0; i < 256; i++) {
		p.text[0] = (char)i;
		assert_true(log_packet_text(&p, head + 1, text));
		assert_int_equal(text[0], i >= 0x20 && i < 0x7f ? (int)i : '?');
	}
}

static void
test_notes(void **state)
{
	struct addr a = host("192.0.2.1"), got;
	struct note *n = note_new();
	bool is_tcp;

	(void)state;
	assert_non_null(n);
	assert_false(note_read(NULL, &got, &is_tcp));
	assert_false(note_read(n, &got, &is_tcp));
	note_begin(n, &a, true);
	assert_true(note_read(n, &got, &is_tcp));
	assert_true(addr_eq(&got, &a) && is_tcp);
	note_end(n);
	assert_false(note_read(n, &got, &is_tcp));
	/* A worker that was taken over may leave anything there. */
	note_begin(n, &a, false);
	n->peer.sa.sa_family = 0x7777;
	assert_false(note_read(n, &got, &is_tcp));
	note_free(n);
}

static void
test_json(void **state)
{
	static const struct {
		const char *line;
		const char *json;
	} rows[] = {
	    {"update id=1.0.7 client=192.0.2.1:53/udp answer=NOERROR "
	     "a=NOERROR/17ms b=timeout/300ms: targets disagree: b: c",
		"{\"id\": \"1.0.7\", \"client\": \"192.0.2.1:53/udp\", "
		"\"answer\": \"NOERROR\", \"targets\": {"
		"\"a\": {\"result\": \"NOERROR\", \"ms\": 17}, "
		"\"b\": {\"result\": \"timeout\", \"ms\": 300}}, "
		"\"notes\": \"targets disagree: b: c\"}"},
	    {"update name=\\034\\\\\\032.a. answer=none",
		"{\"name\": \"\\\\034\\\\\\\\\\\\032.a.\", "
		"\"answer\": \"none\", \"targets\": {}}"},
	    {"update zone=\"=\" answer=none", /* a quote of a hostile worker */
		"{\"zone\": \"\\\"=\\\"\", \"answer\": \"none\", "
		"\"targets\": {}}"},
	    {"nothing", "{}"},
	    {"", "{}"},
	    {"a=", "{\"a\": \"\"}"},
	    {" a=1  b=2 ", "{\"a\": \"1\", \"b\": \"2\"}"},
	};
	char json[WATCH_JSON_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(rows); i++) {
		watch_json(rows[i].line, json);
		assert_string_equal(json, rows[i].json);
	}
}

/* The longest line, all of it to be escaped, fits. */
static void
test_json_room(void **state)
{
	char line[LOG_LINE_MAX], json[WATCH_JSON_MAX];

	(void)state;
	memset(line, '"', sizeof(line));
	line[0] = 'a';
	line[1] = '=';
	line[sizeof(line) - 1] = '\0';
	watch_json(line, json);
	assert_int_equal(json[strlen(json) - 1], '}');
	memset(line, '=', sizeof(line) - 1);
	watch_json(line, json);
	assert_int_equal(json[strlen(json) - 1], '}');
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_penalties),
	    cmocka_unit_test(test_orders),
	    cmocka_unit_test(test_packets),
	    cmocka_unit_test(test_notes),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_room),
	};

	return cmocka_run_group_tests_name("parent", tests, NULL, NULL);
}
