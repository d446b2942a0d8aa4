/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap-filter(7) expressions, compiled and run by libpcap. A program is made for each link type,
 * when the first frame of it comes.
 */
#include "capture/source.h"

#include <ctype.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Link types with a program of their own. A real input has one or two, but a pcapng file
	 * can name 65536. */
	PROGRAMS_MAX = 64,
	ERROR_SIZE = 256,
	PCAP_HEADER = 24,
	LINKTYPE_ETHERNET = 1,
};

struct program {
	uint16_t link_type;
	bool usable;
	struct bpf_program code;
};

struct filter {
	char *text; /* NULL: wants everything */
	unsigned count;
	unsigned last; /* the program used last */
	struct program programs[PROGRAMS_MAX];
	char error[ERROR_SIZE];
};

/*
 * A handle as for a capture file of this link type: libpcap maps the LINKTYPE_ of a file to the
 * platform's DLT_, and refuses what makes sense only while capturing ("inbound" on Ethernet).
 */
static pcap_t *open_dead(uint16_t link_type, char error[static PCAP_ERRBUF_SIZE])
{
	uint8_t header[PCAP_HEADER] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0};
	FILE *file = fmemopen(header, sizeof(header), "r");
	pcap_t *p;

	if (!file) {
		snprintf(error, PCAP_ERRBUF_SIZE, "out of memory");
		return NULL;
	}
	header[18] = SOURCE_FRAME_MAX >> 16;
	header[20] = (uint8_t)link_type;
	header[21] = (uint8_t)(link_type >> 8);
	p = pcap_fopen_offline(file, error);
	if (!p)
		fclose(file);
	return p;
}

/* Compiles for a link type; false with libpcap's words. */
static bool compile(const char *text, uint16_t link_type, struct bpf_program *code,
		    char error[static ERROR_SIZE])
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = open_dead(link_type, why);
	bool made;

	if (!p) {
		snprintf(error, ERROR_SIZE, "%.*s", ERROR_SIZE - 1, why);
		return false;
	}
	made = pcap_compile(p, code, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!made)
		snprintf(error, ERROR_SIZE, "%.*s", ERROR_SIZE - 1, pcap_geterr(p));
	pcap_close(p);
	return made;
}

/* Is it an expression at all? Some make sense for one kind of link only. */
static bool compiles_somewhere(const char *text, char error[static ERROR_SIZE])
{
	/* Ethernet, whose error is told; then SLL, raw IP, 802.11, PPP, pflog, MTP2, ATM. */
	static const uint16_t tried[] = {LINKTYPE_ETHERNET, 113, 101, 105, 9, 117, 140, 123};
	struct bpf_program code;
	char ignored[ERROR_SIZE];

	for (unsigned i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		if (compile(text, tried[i], &code, i ? ignored : error)) {
			pcap_freecode(&code);
			return true;
		}
	}
	return false;
}

int filter_new(const char *text, char error[static 256], struct filter **ret_filter)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (!f)
		goto no_memory;
	if (text && text[strspn(text, " \t\r\n")]) {
		f->text = strdup(text);
		if (!f->text)
			goto no_memory;
		if (!compiles_somewhere(text, error)) {
			filter_free(f);
			return ERR_INVALID;
		}
	}
	*ret_filter = f;
	return 0;
no_memory:
	filter_free(f);
	snprintf(error, ERROR_SIZE, "%s", err_text(ERR_NOMEM));
	return ERR_NOMEM;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->count; i++)
		if (f->programs[i].usable)
			pcap_freecode(&f->programs[i].code);
	free(f->text);
	free(f);
}

/* The program of a link type, made now when it is new. NULL: too many. */
static struct program *program_of(struct filter *f, uint16_t link_type)
{
	char why[ERROR_SIZE];
	struct program *p;

	for (unsigned i = 0; i < f->count; i++) {
		if (f->programs[i].link_type != link_type)
			continue;
		f->last = i;
		return &f->programs[i];
	}
	if (f->count == PROGRAMS_MAX) {
		snprintf(f->error, sizeof(f->error), "more than %d link types", PROGRAMS_MAX);
		return NULL;
	}
	p = &f->programs[f->count];
	p->link_type = link_type;
	p->usable = compile(f->text, link_type, &p->code, why);
	if (!p->usable)
		snprintf(f->error, sizeof(f->error), "link type %u: %.200s", link_type, why);
	f->last = f->count++;
	return p;
}

bool filter_wants(struct filter *f, const struct frame *frame)
{
	const struct program *p = &f->programs[f->last];

	if (!f->text)
		return true;
	if (!f->count || p->link_type != frame->link_type)
		p = program_of(f, frame->link_type);
	return p && p->usable &&
	       bpf_filter(p->code.bf_insns, frame->data, frame->wire, frame->captured);
}

/* Is the word in the expression? */
static bool mentions(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || !isalnum((unsigned char)p[-1])) &&
		    !isalnum((unsigned char)p[size]))
			return true;
	return false;
}

unsigned filter_program(struct filter *f, struct filter_insn *to, unsigned room)
{
	const struct program *p;

	if (!f->text || mentions(f->text, "vlan"))
		return 0;
	p = program_of(f, LINKTYPE_ETHERNET);
	if (!p || !p->usable || p->code.bf_len > room)
		return 0;
	for (unsigned i = 0; i < p->code.bf_len; i++) {
		const struct bpf_insn *insn = &p->code.bf_insns[i];

		to[i] = (struct filter_insn){insn->code, insn->jt, insn->jf, insn->k};
	}
	return p->code.bf_len;
}

const char *filter_error(const struct filter *f)
{
	return f->error;
}
