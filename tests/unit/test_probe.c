/* SPDX-License-Identifier: ISC */
/* Probes: their octets, what comes of their answers, frames from a hostile
 * worker, and the words. */
#include "mux/probe.h"

#include "mux_build.h"

static const struct {
	const char *name;
	enum probe_kind kind;
	const char *hex;
} messages[] = {
    {"query", PROBE_QUERY,
	"0000 0000 0001 0000 0000 0000 07 6578616d706c65 00 0006 0001"},
    {"update", PROBE_UPDATE,
	"0000 2800 0001 0001 0000 0000 07 6578616d706c65 00 0006 0001"
	"c00c 00ff 00ff 00000000 0000"},
};

static void
test_messages(void **state)
{
	struct update_shape shape;
	uint8_t want[64];
	struct name zone;
	struct probe p;
	size_t i, len;

	(void)state;
	build_name("example", &zone);
	for (i = 0; i < NELEM(messages); i++) {
		probe_build(&p, messages[i].kind, &zone);
		len = hex_octets(messages[i].hex, want, sizeof(want));
		check_row_octets(
		    messages[i].name, p.in.octets, p.in.len, want, len);
		check_row_int(messages[i].name, p.in.msg.additional_start, len);
		check_row(messages[i].name, p.in.shape.prereqs != 0);
	}
	check_row_int("by the rules", update_check(p.octets, &p.in.msg, &shape),
	    RCODE_NOERROR);
	check_row_int("prerequisites", shape.prereqs, PREREQ_NAME_IN_USE);
	check_row_int("updates", shape.updates, 0);
}

/* The longest name, and the root. */
static void
test_names(void **state)
{
	struct name zone = {.len = 1};
	struct probe p;
	size_t i;

	(void)state;
	probe_build(&p, PROBE_UPDATE, &zone);
	check_row("the root", name_eq(&p.in.msg.zone, &zone));
	zone.len = NAME_OCTETS_MAX;
	for (i = 0; i < NAME_OCTETS_MAX - 1; i += 2) {
		zone.octets[i] = 1;
		zone.octets[i + 1] = 'x';
	}
	probe_build(&p, PROBE_UPDATE, &zone);
	check_row("the longest", name_eq(&p.in.msg.zone, &zone));
	check_row_int("its length", p.in.len, PROBE_OCTETS_MAX);
}

#define FAILED(why) \
	{ \
		.is_done = true, .cause = TSTAT_##why \
	}
#define SIGNED(code, ...) \
	{ \
		.is_done = true, .is_heard = true, .is_authentic = true, \
		.rcode = RCODE_##code, __VA_ARGS__ \
	}
#define BARE(code, ...) \
	{ \
		.is_done = true, .is_heard = true, .rcode = RCODE_##code, \
		.cause = TSTAT_IGN_UNSIGNED, __VA_ARGS__ \
	}
#define HEARD(why) \
	{ \
		.is_done = true, .is_heard = true, .cause = TSTAT_##why \
	}
#define OFF(seconds) \
	SIGNED(NOTAUTH, .cause = TSTAT_FAIL_BADTIME, .error = 18, \
	    .has_clock = true, .offset_s = (seconds))
#define SOA SIGNED(NOERROR, .has_records = true)

/* As the servers answer, and what else can be. */
static const struct row {
	const char *name;
	struct probe_step steps[PROBE_STEPS];
	const char *verdict; /* begins so */
} verdicts[] = {
    {"no zone", {{0}}, "no zone is known yet: name one"},
    {"all", {SOA, SIGNED(NOERROR)}, "good: updates are accepted"},
    {"all, queries refused", {SIGNED(REFUSED), SIGNED(NOERROR)}, "good:"},
    {"BIND key", {BARE(NOTAUTH, .error = 17), BARE(NOTAUTH, .error = 17)},
	"unknown key:"},
    {"BIND secret", {BARE(NOTAUTH, .error = 16), BARE(NOTAUTH, .error = 16)},
	"wrong secret:"},
    {"secret, query lost", {BARE(REFUSED), BARE(NOTAUTH, .error = 16)},
	"wrong secret:"},
    {"BIND ACL", {SOA, SIGNED(REFUSED)}, "updates refused:"},
    {"BIND zone", {SIGNED(REFUSED), SIGNED(NOTAUTH)}, "zone not served"},
    {"BIND below", {SIGNED(NXDOMAIN), SIGNED(NOTAUTH)}, "zone not served"},
    {"BIND clock", {OFF(1000), OFF(1000)},
	"clock off by 1000 s: the target's clock is ahead of ours"},
    {"clock behind", {OFF(-7), OFF(-7)},
	"clock off by 7 s: the target's clock is behind ours"},
    {"clock of the update", {SOA, OFF(400)}, "clock off by 400 s"},
    {"Knot ACL", {SOA, BARE(NOTAUTH, .error = 17)}, "updates refused:"},
    {"Knot zone", {BARE(REFUSED), BARE(NOTAUTH)}, "zone not served"},
    {"Knot below", {SIGNED(NXDOMAIN), BARE(NOTAUTH)}, "zone not served"},
    {"PowerDNS key", {BARE(NOTAUTH), BARE(REFUSED)},
	"unknown key, wrong secret, or clock off"},
    {"PowerDNS address", {SOA, BARE(REFUSED)}, "updates refused:"},
    {"no updates", {SOA, SIGNED(NOTIMP)}, "updates refused:"},
    {"a failure", {SOA, SIGNED(SERVFAIL)}, "update answered with SERVFAIL"},
    {"no apex", {SOA, SIGNED(NXDOMAIN)}, "update answered with NXDOMAIN"},
    {"other zone", {SOA, SIGNED(NOTZONE)}, "zone not served"},
    {"silent about updates", {SOA, FAILED(FAIL_TIMEOUT)},
	"queries are answered, updates are not: no answer in time"},
    {"refused port", {FAILED(FAIL_ICMP), {0}}, "unreachable:"},
    {"refused connection", {FAILED(FAIL_CONNECT), {0}}, "unreachable:"},
    {"silence", {FAILED(FAIL_TIMEOUT), {0}}, "no answer in time:"},
    {"closes", {FAILED(FAIL_CLOSED), {0}}, "target closed"},
    {"too many probes", {FAILED(FAIL_BUSY), {0}}, "too many"},
    {"bare both", {BARE(REFUSED), BARE(REFUSED)}, "REFUSED, unsigned"},
    {"bare, then silence", {BARE(REFUSED), FAILED(FAIL_TIMEOUT)},
	"REFUSED, unsigned"},
    {"other MAC", {HEARD(IGN_MAC), HEARD(IGN_MAC)}, "wrong secret:"},
    {"other key", {HEARD(IGN_KEY), HEARD(IGN_KEY)},
	"answer signed with another key"},
};

static void
test_verdicts(void **state)
{
	char buf[PROBE_VERDICT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(verdicts); i++) {
		const struct row *row = &verdicts[i];
		struct probe_result r = {.id = 1};
		const char *got;

		memcpy(r.steps, row->steps, sizeof(r.steps));
		got = probe_verdict(&r, buf);
		if (strncmp(got, row->verdict, strlen(row->verdict)) != 0)
			fail_msg("row \"%s\": %s", row->name, got);
		check_row_int(
		    row->name, probe_is_good(&r), strncmp(got, "good", 4) == 0);
		check_row(row->name, strpbrk(got, "\"\\\n") == NULL);
	}
}

/* Whatever a worker sends gives words. */
static void
test_every_cause(void **state)
{
	char buf[PROBE_VERDICT_MAX];
	unsigned cause, flags;

	(void)state;
	for (cause = 0; cause < TSTAT_COUNT; cause++) {
		for (flags = 0; flags < 64; flags++) {
			struct probe_step q = {.is_done = (flags & 1) != 0,
			    .is_heard = (flags & 2) != 0,
			    .is_authentic = (flags & 4) != 0,
			    .cause = (flags & 8) != 0 ? (uint16_t)cause : 0};
			struct probe_step u = q;
			struct probe_result r = {.steps = {q, u}};
			const char *got;

			r.steps[PROBE_UPDATE].is_heard = (flags & 16) != 0;
			r.steps[PROBE_UPDATE].cause =
			    (flags & 32) != 0 ? (uint16_t)cause : 0;
			got = probe_verdict(&r, buf);
			check_row("words", got != NULL && got[0] != '\0');
			check_row("of JSON", strpbrk(got, "\"\\\n") == NULL);
		}
	}
}

static void
test_frames(void **state)
{
	struct probe_result r = {.id = UINT32_MAX, .target = 3}, got;
	struct stats_frame f, bad;
	size_t i;

	(void)state;
	for (i = 0; i < NELEM(verdicts); i++) {
		memcpy(r.steps, verdicts[i].steps, sizeof(r.steps));
		r.steps[0].ms = UINT32_MAX;
		probe_encode(&r, &f);
		check_row(verdicts[i].name, probe_decode(&f, 4, &got));
		check_row_octets(
		    verdicts[i].name, &got, sizeof(got), &r, sizeof(r));
	}
	check_row("no such target", !probe_decode(&f, 3, &got));
	for (i = 0; i < f.nvalues; i++) {
		bool is_offset = i == 7 || i == 13;

		bad = f;
		bad.values[i] = is_offset ? (uint64_t)1 << 63 : UINT64_MAX;
		check_row("a value", !probe_decode(&bad, 4, &got));
	}
	bad = f;
	bad.nvalues--;
	check_row("too few", !probe_decode(&bad, 4, &got));
	bad = f;
	bad.type = FRAME_STATS;
	check_row("type", !probe_decode(&bad, 4, &got));
	bad = f;
	bad.block = 1;
	check_row("block", !probe_decode(&bad, 4, &got));
}

static void
test_fill(void **state)
{
	static const struct outcome in_vain = {
	    .class = OUTCOME_FAILED, .cause = TSTAT_FAIL_TIMEOUT, .ms = 9};
	static const struct outcome good = {.class = OUTCOME_APPLIED, .ms = 7};
	struct answer heard = {.rcode = RCODE_REFUSED,
	    .error = 17,
	    .has_records = true,
	    .is_authentic = true,
	    .target_time = 1};
	struct probe_step s;

	(void)state;
	probe_fill(&s, &in_vain, NULL, 5);
	check_row("silence", s.is_done && !s.is_heard && !s.has_clock &&
				 s.offset_s == 0 && s.ms == 9 &&
				 s.cause == TSTAT_FAIL_TIMEOUT);
	check_row("which ends it", probe_is_hopeless(&s));
	probe_fill(&s, &good, &heard, -5);
	check_row("an answer", s.is_heard && s.is_authentic && s.has_records &&
				   s.has_clock && s.offset_s == -5 &&
				   s.rcode == RCODE_REFUSED && s.error == 17 &&
				   s.cause == TSTAT_NO_CAUSE);
	check_row("which does not", !probe_is_hopeless(&s));
	heard.is_authentic = false;
	probe_fill(&s, &in_vain, &heard, -5);
	check_row("an unsigned one", s.is_heard && !s.has_clock &&
					 s.offset_s == 0 &&
					 !probe_is_hopeless(&s));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_every_cause),
	    cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
