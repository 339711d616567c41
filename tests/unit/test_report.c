/* SPDX-License-Identifier: ISC */
/* Statistics as text: well formed, complete, and never cut, whatever the
 * names and the numbers are. */
#include "mux/report.h"

#include "stats_build.h"

static const struct report_facts facts = {.version = "1.2.3",
    .start_time_s = 1700000000,
    .generation = 4,
    .reload_time_s = 1700000100,
    .is_reload_good = 1,
    .workers = 2,
    .restarts = 3};

/* As proc/totals.c makes them, full of numbers unless first is 0. */
static struct totals *
make_totals(const struct build *b, uint64_t first)
{
	struct totals *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->ntargets = b->conf.ntargets;
	t->nkeys = b->conf.nclients;
	t->targets = calloc(t->ntargets + 1, sizeof(*t->targets));
	t->keys = calloc(t->nkeys + 1, sizeof(*t->keys));
	assert_true(t->targets != NULL && t->keys != NULL);
	if (first > 0)
		build_fill(t, first);
	return t;
}

static void
free_totals(struct totals *t)
{
	free(t->targets);
	free(t->keys);
	free(t);
}

/* The whole of it, read with a buffer of cap octets; to be freed. */
static char *
read_all(struct report *r, size_t cap)
{
	char *all = NULL, *buf = malloc(cap);
	size_t len = 0, n;

	assert_non_null(buf);
	while ((n = report_read(r, buf, cap)) > 0) {
		assert_true(n < cap && buf[n] == '\0' && strlen(buf) == n);
		all = realloc(all, len + n + 1);
		assert_non_null(all);
		memcpy(all + len, buf, n + 1);
		len += n;
	}
	assert_true(len > 0);
	assert_int_equal(report_read(r, buf, cap), 0);
	free(buf);
	return all;
}

static char *
render(enum report_format format, const struct build *b,
    const struct totals *sum, const struct totals *base)
{
	struct report r;
	char *small, *large;

	report_start(&r, format, &b->conf, sum, base, &facts);
	small = read_all(&r, REPORT_OCTETS_MIN);
	report_start(&r, format, &b->conf, sum, base, &facts);
	large = read_all(&r, 1 << 20);
	/* A piece that was cut would be cut elsewhere now. */
	assert_string_equal(small, large);
	free(small);
	return large;
}

static void
check_has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("not there: %s\n%s", line, text);
}

static void
check_lacks(const char *text, const char *line)
{
	if (strstr(text, line) != NULL)
		fail_msg("there: %s\n%s", line, text);
}

/* A reader of JSON that takes nothing else. */

static const char *json_value(const char *p);

static const char *
json_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if (*p == '\\' && *++p != '\\' && *p != '"')
			return NULL;
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			return NULL;
	}
	return p + 1;
}

static const char *
json_number(const char *p)
{
	size_t n = strspn(p += *p == '-', "0123456789");

	if (n == 0 || (n > 1 && *p == '0'))
		return NULL;
	p += n;
	if (*p == '.') {
		n = strspn(++p, "0123456789");
		p = n > 0 ? p + n : NULL;
	}
	return p;
}

static const char *
json_object(const char *p)
{
	if (*p++ != '{')
		return NULL;
	p += strspn(p, " \n");
	while (p != NULL && *p != '}') {
		p = json_string(p);
		if (p == NULL || *p++ != ':')
			return NULL;
		p = json_value(p + strspn(p, " "));
		if (p == NULL)
			return NULL;
		p += strspn(p, " \n");
		if (*p == ',') {
			p += 1 + strspn(p + 1, " \n");
			if (*p != '"')
				return NULL;
		} else if (*p != '}') {
			return NULL;
		}
	}
	return p == NULL ? NULL : p + 1;
}

static const char *
json_value(const char *p)
{
	if (*p == '{')
		return json_object(p);
	return *p == '"' ? json_string(p) : json_number(p);
}

static bool
is_json(const char *text)
{
	const char *end = json_object(text);

	return end != NULL && strcmp(end, "\n") == 0;
}

/* A reader of Prometheus' text format: each metric once, with HELP and TYPE
 * before its samples. */

struct family {
	char name[100];
	char type[16];
};

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz_"

static void
start_family(const char *line, const char *type, struct family *f)
{
	size_t n = strspn(line, NAME_CHARS);
	char want[160];

	assert_true(strncmp(line, "ddns_mux_", 9) == 0);
	assert_true(line[n] == ' ' && line[n + 1] != '\n' && n < 90);
	assert_null(memchr(line, '\\', (size_t)(type - line)));
	memcpy(f->name, line, n);
	f->name[n] = '\0';
	snprintf(want, sizeof(want), "# TYPE %s ", f->name);
	assert_true(strncmp(type, want, strlen(want)) == 0);
	type += strlen(want);
	n = strspn(type, NAME_CHARS);
	assert_true(type[n] == '\n' && n < sizeof(f->type));
	memcpy(f->type, type, n);
	f->type[n] = '\0';
	n = strlen(f->name);
	assert_int_equal(strcmp(f->type, "counter") == 0,
	    n > 6 && strcmp(f->name + n - 6, "_total") == 0);
}

static const char *
check_labels(const char *p)
{
	do {
		p += strspn(p, NAME_CHARS);
		assert_true(*p == '=');
		p = json_string(p + 1);
		assert_non_null(p);
	} while (*p++ == ',');
	assert_true(p[-1] == '}');
	return p;
}

static void
check_sample(const char *line, const struct family *f)
{
	bool is_histogram = strcmp(f->type, "histogram") == 0;
	size_t n = strlen(f->name), more;
	const char *p = line + n;

	assert_true(strncmp(line, f->name, n) == 0);
	more = strspn(p, NAME_CHARS);
	assert_int_equal(more > 0, is_histogram);
	p += more;
	if (*p == '{')
		p = check_labels(p + 1);
	assert_true(*p++ == ' ');
	p = json_number(p);
	assert_true(p != NULL && *p == '\n');
}

static size_t
check_prometheus(const char *text)
{
	const char *line = text, *next;
	struct family f = {"", ""};
	char before[120];
	size_t samples = 0;

	for (; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		assert_non_null(next++);
		if (strncmp(line, "# HELP ", 7) != 0) {
			check_sample(line, &f);
			samples++;
			continue;
		}
		start_family(line + 7, next, &f);
		snprintf(before, sizeof(before), "# HELP %s ", f.name);
		assert_ptr_equal(strstr(text, before), line);
		next = strchr(next, '\n') + 1;
		assert_true(*next == 'd');
	}
	return samples;
}

static void
test_prometheus(void **state)
{
	struct build *b = build_new(2, 3);
	struct totals *sum = make_totals(b, 1000);
	char *text;

	(void)state;
	sum->targets[1].gauge[TGAUGE_CLOCK_OFFSET_S] = (uint64_t)-7;
	memset(sum->worker.answers, 0, sizeof(sum->worker.answers));
	sum->worker.answers[RCODE_BADVERS] = 5;
	sum->worker.answers[ANSWERS_BUCKET] = 2;
	sum->worker.answers[ANSWERS_BUCKET + 3] = 1;
	sum->worker.answers[ANSWERS_BUCKET + HIST_BUCKETS - 1] = 4;
	sum->worker.answers[ANSWERS_SUM_US] = 61000007;
	text = render(REPORT_PROMETHEUS, b, sum, sum);
	(void)check_prometheus(text);
	check_has(text, "ddns_mux_build_info{version=\"1.2.3\"} 1\n");
	check_has(text, "# TYPE ddns_mux_build_info gauge\n");
	check_has(text, "\nddns_mux_start_time_seconds 1700000000\n");
	check_has(text, "\nddns_mux_config_generation 4\n");
	check_has(text, "\nddns_mux_config_last_reload_successful 1\n");
	check_has(text, "\nddns_mux_worker_restarts_total 3\n");
	check_has(text, "# TYPE ddns_mux_received_udp_total counter\n"
			"ddns_mux_received_udp_total 1000\n");
	check_has(text, "ddns_mux_tcp_clients 1001\n");
	check_has(text, "ddns_mux_answers_total{rcode=\"NOERROR\"} 0\n");
	check_has(text, "ddns_mux_answers_total{rcode=\"BADVERS\"} 5\n");
	check_lacks(text, "ddns_mux_answers_total{rcode=\"RCODE11\"}");
	check_has(text, "_seconds_bucket{le=\"0.0001\"} 2\n");
	check_has(text, "_seconds_bucket{le=\"0.001\"} 3\n");
	check_has(text, "_seconds_bucket{le=\"5\"} 3\n");
	check_has(text, "_seconds_bucket{le=\"+Inf\"} 7\n"
			"ddns_mux_answer_duration_seconds_sum 61.000007\n"
			"ddns_mux_answer_duration_seconds_count 7\n");
	check_has(text,
	    "ddns_mux_target_clock_offset_seconds{target=\"t0\"} 1002\n"
	    "ddns_mux_target_clock_offset_seconds{target=\"t1\"} -7\n");
	check_has(text, "{target=\"t1\",rcode=\"RCODE11\"} 1011\n");
	check_has(text, "ddns_mux_key_accepted_total{key=\"k00000.\"} 1000\n"
			"ddns_mux_key_accepted_total{key=\"k00001.\"} 1000\n");
	check_lacks(text, "_none_total");
	free(text);
	free_totals(sum);
	build_free(b);
}

static void
test_json(void **state)
{
	struct build *b = build_new(2, 2);
	struct totals *sum = make_totals(b, 10);
	char *text;

	(void)state;
	sum->targets[1].gauge[TGAUGE_CLOCK_OFFSET_S] = (uint64_t)-7;
	text = render(REPORT_JSON, b, sum, NULL);
	check_row(text, is_json(text));
	check_has(text, "{\n\"daemon\": {\"version\": \"1.2.3\", ");
	check_has(text, "\n\"total\": {\"received_udp\": 10, ");
	check_has(text, "\n\"targets\": {\n\"t0\": {\"sent_udp\": 11, ");
	check_has(text, "},\n\"t1\": {");
	check_has(text, "\"clock_offset_seconds\": -7");
	check_has(text, "\n\"keys\": {\n\"k00000.\": {\"accepted\": 10, ");
	check_has(text, "\"answers\": {\"NOERROR\": 10, \"FORMERR\": 11, ");
	check_has(text, "\"0.0001\": 27, \"0.0002\": 55, ");
	free(text);
	free_totals(sum);
	build_free(b);
}

/* What nobody has used is not there. */
static void
test_text(void **state)
{
	struct build *b = build_new(2, 3);
	struct totals *sum = make_totals(b, 0);
	char *text;

	(void)state;
	sum->worker.count[STAT_ACCEPTED] = 12;
	sum->worker.answers[RCODE_REFUSED] = 4;
	sum->worker.answers[ANSWERS_BUCKET + 1] = 98;
	sum->worker.answers[ANSWERS_BUCKET + 5] = 2;
	sum->worker.answers[ANSWERS_SUM_US] = 1000000;
	sum->targets[1].count[TSTAT_SENT_TCP] = 3;
	sum->keys[1].count[KSTAT_BAD_SIG] = 7;
	text = render(REPORT_TEXT, b, sum, NULL);
	check_has(text, "version                                      1.2.3\n");
	check_has(text, "\naccepted                                     12\n");
	check_has(text, "\nanswers REFUSED                              4\n");
	check_has(text, " 100, mean 0.010000, half <= 0.0002, 99% <= 0.005\n");
	check_has(text, "\ntarget t1\n    sent_tcp                       ");
	check_has(text, "\nkey k00001.\n    bad_sig                         ");
	check_lacks(text, "t0");
	check_lacks(text, "k00000.");
	check_lacks(text, "k00002.");
	check_lacks(text, "received_udp");
	free(text);
	free_totals(sum);
	build_free(b);
}

/* A view that was reset shows counters from then on, gauges as they are. */
static void
test_base(void **state)
{
	struct build *b = build_new(1, 1);
	struct totals *sum = make_totals(b, 100), *base = make_totals(b, 40);
	char *text;

	(void)state;
	base->keys[0].count[KSTAT_BAD_SIG] = 1 << 20; /* can't be, but is */
	text = render(REPORT_JSON, b, sum, base);
	check_row(text, is_json(text));
	check_has(text, "\"received_udp\": 60, ");
	check_has(text, "\"updates_in_hand\": 100, ");
	check_has(text, "\"clock_offset_seconds\": 102, ");
	check_has(text, "\"NOERROR\": 60, \"FORMERR\": 60, ");
	check_has(text, "\"0.0001\": 60, \"0.0002\": 120, ");
	check_has(text, "\"accepted\": 60, ");
	check_has(text, "\"bad_sig\": 0, ");
	check_has(text, "\"worker_restarts\": 3");
	free(text);
	text = render(REPORT_PROMETHEUS, b, sum, base);
	check_has(text, "\nddns_mux_received_udp_total 100\n");
	free(text);
	free_totals(sum);
	free_totals(base);
	build_free(b);
}

/* The longest names and numbers, of octets that want to be escaped. */
static void
test_worst(void **state)
{
	static const char odd[] = "\"\\{}=\n\r\t\x7f\x80\xff ";
	struct build *b = build_new(CONF_TARGETS_MAX, 2);
	struct name *name = &b->clients[0].tsig.name;
	struct totals *sum;
	size_t i, f;

	(void)state;
	memset(name, 0, sizeof(*name));
	for (i = 0; i < 254; i++)
		name->octets[i] =
		    i % 64 == 0 ? (i < 192 ? 63 : 61) : (uint8_t)odd[i % 13];
	name->len = 255;
	for (i = 0; i < CONF_TARGETS_MAX; i++)
		memset(b->conf.targets[i].name, 'n', CONF_NAME_MAX - 1);
	sum = make_totals(b, UINT64_MAX);
	memset(sum->targets, 0xff, CONF_TARGETS_MAX * sizeof(*sum->targets));
	memset(&sum->worker, 0xff, sizeof(sum->worker));
	memset(sum->keys, 0xff, 2 * sizeof(*sum->keys));
	for (f = REPORT_TEXT; f <= REPORT_PROMETHEUS; f++) {
		char *text = render((enum report_format)f, b, sum, NULL);

		for (i = 0; text[i] != '\0'; i++)
			check_row("printable",
			    text[i] == '\n' ||
				(text[i] >= 0x20 && text[i] < 0x7f));
		if (f == REPORT_JSON)
			check_row(text, is_json(text));
		if (f == REPORT_PROMETHEUS)
			(void)check_prometheus(text);
		if (f != REPORT_TEXT)
			check_has(text, "\\\\034\\\\\\\\{}");
		free(text);
	}
	free_totals(sum);
	build_free(b);
}

/* Ten thousand keys need no more memory than one. */
static void
test_many_keys(void **state)
{
	enum { KEYS = 10000 };
	struct build *b = build_new(1, KEYS), *one = build_new(1, 1);
	struct totals *sum = make_totals(b, 1), *few = make_totals(one, 1);
	char *text = render(REPORT_PROMETHEUS, b, sum, NULL);
	size_t samples = check_prometheus(text);

	(void)state;
	check_has(text, "{key=\"k09999.\"} 13\n");
	free(text);
	text = render(REPORT_PROMETHEUS, one, few, NULL);
	check_row_int("samples", samples - check_prometheus(text),
	    (KEYS - 1) * KSTAT_COUNT);
	free(text);
	text = render(REPORT_JSON, b, sum, NULL);
	check_row("JSON", is_json(text));
	free(text);
	free_totals(sum);
	free_totals(few);
	build_free(b);
	build_free(one);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prometheus),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_base),
	    cmocka_unit_test(test_worst),
	    cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
