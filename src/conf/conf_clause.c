/* SPDX-License-Identifier: ISC */
#include "conf/conf_internal.h"

enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_MARK, TOKEN_END, TOKEN_BAD };

struct token {
	enum token_kind kind;
	char *text;
	size_t len;
};

struct lexer {
	char *at;
	unsigned line;
	struct conf_clause_error *error;
	bool has_failed; /* the first failure is the one to tell */
};

static bool
fail(struct lexer *lex, unsigned line, const char *message)
{
	if (!lex->has_failed) {
		lex->error->line = line;
		lex->error->message = message;
	}
	lex->has_failed = true;
	return false;
}

static void
skip_until(struct lexer *lex, const char *end)
{
	while (*lex->at != '\0' && strncmp(lex->at, end, strlen(end)) != 0) {
		if (*lex->at++ == '\n')
			lex->line++;
	}
}

/* Blanks and comments. */
static bool
skip(struct lexer *lex)
{
	unsigned start;

	for (;;) {
		while (*lex->at != '\0' && strchr(" \t\r\n", *lex->at) != NULL)
			if (*lex->at++ == '\n')
				lex->line++;
		if (*lex->at == '#' || strncmp(lex->at, "//", 2) == 0) {
			skip_until(lex, "\n");
		} else if (strncmp(lex->at, "/*", 2) == 0) {
			start = lex->line;
			lex->at += 2;
			skip_until(lex, "*/");
			if (*lex->at == '\0')
				return fail(
				    lex, start, "a comment without an end");
			lex->at += 2;
		} else {
			return true;
		}
	}
}

static struct token
next_token(struct lexer *lex)
{
	struct token tok = {TOKEN_BAD, NULL, 0};

	if (!skip(lex))
		return tok;
	tok.text = lex->at;
	tok.len = 1;
	if (*lex->at == '\0') {
		tok.kind = TOKEN_END;
		return tok;
	}
	if (*lex->at == '"') {
		tok.text++;
		tok.len = strcspn(tok.text, "\"\n");
		if (tok.text[tok.len] != '"') {
			fail(lex, lex->line, "a string without an end");
			return tok;
		}
		tok.kind = TOKEN_STRING;
		lex->at = tok.text + tok.len + 1;
		return tok;
	}
	tok.kind = TOKEN_MARK;
	if (strchr("{};", *lex->at) == NULL) {
		tok.kind = TOKEN_WORD;
		tok.len = strcspn(lex->at, " \t\r\n{};\"");
	}
	lex->at += tok.len;
	return tok;
}

static bool
expect_mark(struct lexer *lex, char mark, const char *message)
{
	struct token tok = next_token(lex);

	if (tok.kind == TOKEN_MARK && *tok.text == mark)
		return true;
	return fail(lex, lex->line, message);
}

static bool
expect_value(struct lexer *lex, struct token *tok)
{
	*tok = next_token(lex);
	if (tok->kind == TOKEN_WORD || tok->kind == TOKEN_STRING)
		return true;
	return fail(lex, lex->line, "a value is missing");
}

static bool
is_word(const struct token *tok, const char *word)
{
	return tok->kind == TOKEN_WORD && tok->len == strlen(word) &&
	       strncasecmp(tok->text, word, tok->len) == 0;
}

/* Up to and with the closing brace. */
static bool
parse_body(struct lexer *lex, struct token *algorithm, struct token *secret)
{
	struct token tok, *value;

	for (;;) {
		tok = next_token(lex);
		if (tok.kind == TOKEN_MARK && *tok.text == '}')
			return true;
		if (is_word(&tok, "algorithm"))
			value = algorithm;
		else if (is_word(&tok, "secret"))
			value = secret;
		else
			return fail(lex, lex->line,
			    "\"algorithm\", \"secret\" or \"}\" expected");
		if (value->text != NULL)
			return fail(lex, lex->line, "given twice in this key");
		if (!expect_value(lex, value) ||
		    !expect_mark(lex, ';', "\";\" is missing"))
			return false;
	}
}

static const char *
terminate(struct token *tok)
{
	if (tok->text != NULL)
		tok->text[tok->len] = '\0';
	return tok->text;
}

bool
conf_clause_parse(struct conf_secret *secret, struct conf_clause_error *error)
{
	struct lexer lex = {.at = secret->text, .line = 1, .error = error};
	struct token word = next_token(&lex), name;
	struct token algorithm = {.text = NULL}, key = {.text = NULL};

	if (!is_word(&word, "key"))
		return fail(&lex, lex.line, "no key clause");
	if (!expect_value(&lex, &name) ||
	    !expect_mark(&lex, '{', "\"{\" is missing") ||
	    !parse_body(&lex, &algorithm, &key) ||
	    !expect_mark(&lex, ';', "\";\" is missing"))
		return false;
	if (next_token(&lex).kind != TOKEN_END)
		return fail(&lex, lex.line, "more than one key clause");
	if (key.text == NULL)
		return fail(&lex, lex.line, "no secret in this key");
	secret->name = terminate(&name);
	secret->algorithm = terminate(&algorithm);
	secret->secret = terminate(&key);
	return true;
}
