/* SPDX-License-Identifier: ISC */
#include "proc/reload.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mono.h"
#include "proc/command.h"
#include "proc/notify.h"
#include "proc/reader.h"

static void note(struct parent *p, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void
note(struct parent *p, enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(level, "%s", text);
	sbuf_addf(&p->reload_text, "%s\n", text);
}

void
reload_end(struct parent *p, bool is_good)
{
	p->is_reload_good = is_good;
	if (!is_good) {
		note(p, LEVEL_ERROR,
		    "not reloaded: the former configuration stays");
		notify_say("READY=1\nSTATUS=the last reload failed");
	}
	command_reloaded(p, is_good);
}

static void
complain(void *arg, enum conf_severity severity, const char *file,
    unsigned line, const char *message)
{
	enum log_level level =
	    severity == CONF_WARNING ? LEVEL_WARNING : LEVEL_ERROR;

	if (line != 0)
		note(arg, level, "%s:%u: %s", file, line, message);
	else
		note(arg, level, "%s: %s", file, message);
}

struct conf *
reload_read(struct parent *p)
{
	struct conf_sink sink = {complain, p};
	struct conf *conf;

	p->is_reload_wanted = false;
	p->reloads++;
	sbuf_init(&p->reload_text, p->reload_octets, sizeof(p->reload_octets));
	notify_reloading(mono_us());
	conf = reader_load(p->current->conf->file, &sink);
	if (conf != NULL && conf->is_masked) {
		note(p, LEVEL_ERROR,
		    "%s: its keys are masked: put the real ones in",
		    conf->file);
		conf_free(conf);
		conf = NULL;
	}
	if (conf == NULL)
		reload_end(p, false);
	return conf;
}

struct changes {
	struct parent *p;
	size_t count;
};

static void
note_change(void *arg, const char *line)
{
	struct changes *changes = arg;

	note(changes->p, LEVEL_NOTICE, "reload: %s", line);
	changes->count++;
}

void
reload_note_changes(struct parent *p, const struct conf *conf)
{
	struct changes changes = {p, 0};

	conf_diff(p->current->conf, conf, note_change, &changes);
	if (changes.count == 0)
		note(p, LEVEL_NOTICE, "reload: no setting has changed");
}
