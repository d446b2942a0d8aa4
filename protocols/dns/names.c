/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of numbers.
 * source: the IANA registry "Domain Name System (DNS) Parameters": Resource Record (RR) TYPEs, DNS CLASSes, DNS
 * OpCodes, DNS RCODEs, DNS EDNS0 Option Codes, Extended DNS Error Codes. 255, which it calls "*", is ANY here.
 */
#include "protocols/dns/names.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { TYPES_DENSE = 128 }; /* below, types are looked up by index */

struct type_row {
	const char *name, *format; /* letters of rdata.c */
	uint8_t size;              /* of the name */
};

#define ROW(name, format)                                                                          \
	{                                                                                          \
		name, format, sizeof(name) - 1                                                     \
	}

static const struct type_row types[TYPES_DENSE] = {
	[1] = ROW("A", "a"),
	[2] = ROW("NS", "n"),
	[3] = ROW("MD", "n"),
	[4] = ROW("MF", "n"),
	[5] = ROW("CNAME", "n"),
	[6] = ROW("SOA", "nn44444"),
	[7] = ROW("MB", "n"),
	[8] = ROW("MG", "n"),
	[9] = ROW("MR", "n"),
	[10] = ROW("NULL", NULL),
	[11] = ROW("WKS", NULL),
	[12] = ROW("PTR", "n"),
	[13] = ROW("HINFO", "qq"),
	[14] = ROW("MINFO", "nn"),
	[15] = ROW("MX", "2n"),
	[16] = ROW("TXT", "Q"),
	[17] = ROW("RP", "nn"),
	[18] = ROW("AFSDB", "2n"),
	[19] = ROW("X25", "q"),
	[20] = ROW("ISDN", "Q"),
	[21] = ROW("RT", "2n"),
	[22] = ROW("NSAP", NULL),
	[23] = ROW("NSAP-PTR", "n"),
	[24] = ROW("SIG", "T114dd2nb"),
	[25] = ROW("KEY", "211b"),
	[26] = ROW("PX", "2nn"),
	[27] = ROW("GPOS", "qqq"),
	[28] = ROW("AAAA", "A"),
	[29] = ROW("LOC", NULL),
	[30] = ROW("NXT", NULL),
	[31] = ROW("EID", "x"),
	[32] = ROW("NIMLOC", "x"),
	[33] = ROW("SRV", "222n"),
	[34] = ROW("ATMA", NULL),
	[35] = ROW("NAPTR", "22qqqn"),
	[36] = ROW("KX", "2n"),
	[37] = ROW("CERT", "221b"),
	[38] = ROW("A6", NULL),
	[39] = ROW("DNAME", "n"),
	[40] = ROW("SINK", NULL),
	[41] = ROW("OPT", NULL),
	[42] = ROW("APL", NULL),
	[43] = ROW("DS", "211x"),
	[44] = ROW("SSHFP", "11x"),
	[45] = ROW("IPSECKEY", NULL),
	[46] = ROW("RRSIG", "T114dd2nb"),
	[47] = ROW("NSEC", "nm"),
	[48] = ROW("DNSKEY", "211b"),
	[49] = ROW("DHCID", "b"),
	[50] = ROW("NSEC3", "112h3m"),
	[51] = ROW("NSEC3PARAM", "112h"),
	[52] = ROW("TLSA", "111x"),
	[53] = ROW("SMIMEA", "111x"),
	[55] = ROW("HIP", NULL),
	[56] = ROW("NINFO", "Q"),
	[57] = ROW("RKEY", "211b"),
	[58] = ROW("TALINK", "nn"),
	[59] = ROW("CDS", "211x"),
	[60] = ROW("CDNSKEY", "211b"),
	[61] = ROW("OPENPGPKEY", "b"),
	[62] = ROW("CSYNC", "42m"),
	[63] = ROW("ZONEMD", "411x"),
	[64] = ROW("SVCB", "2np"),
	[65] = ROW("HTTPS", "2np"),
	[66] = ROW("DSYNC", "T12n"),
	[67] = ROW("HHIT", "b"),
	[68] = ROW("BRID", "b"),
	[99] = ROW("SPF", "Q"),
	[100] = ROW("UINFO", NULL),
	[101] = ROW("UID", NULL),
	[102] = ROW("GID", NULL),
	[103] = ROW("UNSPEC", NULL),
	[104] = ROW("NID", "2l"),
	[105] = ROW("L32", "2a"),
	[106] = ROW("L64", "2l"),
	[107] = ROW("LP", "2n"),
	[108] = ROW("EUI48", "e"),
	[109] = ROW("EUI64", "E"),
};

static const struct {
	uint16_t type;
	struct type_row row;
} far_types[] = {
	{128, ROW("NXNAME", NULL)},   {249, ROW("TKEY", NULL)},   {250, ROW("TSIG", NULL)},
	{251, ROW("IXFR", NULL)},     {252, ROW("AXFR", NULL)},   {253, ROW("MAILB", NULL)},
	{254, ROW("MAILA", NULL)},    {255, ROW("ANY", NULL)},    {256, ROW("URI", "22r")},
	{257, ROW("CAA", "1tr")},     {258, ROW("AVC", "Q")},     {259, ROW("DOA", NULL)},
	{260, ROW("AMTRELAY", NULL)}, {261, ROW("RESINFO", "Q")}, {262, ROW("WALLET", "Q")},
	{263, ROW("CLA", "Q")},       {264, ROW("IPN", NULL)},    {32768, ROW("TA", "211x")},
	{32769, ROW("DLV", "211x")},
};

static const char *const rcodes[] = {
	[0] = "NOERROR",  [1] = "FORMERR", [2] = "SERVFAIL",  [3] = "NXDOMAIN",
	[4] = "NOTIMP",   [5] = "REFUSED", [6] = "YXDOMAIN",  [7] = "YXRRSET",
	[8] = "NXRRSET",  [9] = "NOTAUTH", [10] = "NOTZONE",  [11] = "DSOTYPENI",
	[16] = "BADVERS", [17] = "BADKEY", [18] = "BADTIME",  [19] = "BADMODE",
	[20] = "BADNAME", [21] = "BADALG", [22] = "BADTRUNC", [23] = "BADCOOKIE",
};

static const char *const options[] = {
	[1] = "LLQ",
	[2] = "UPDATE-LEASE",
	[3] = "NSID",
	[5] = "DAU",
	[6] = "DHU",
	[7] = "N3U",
	[8] = "CLIENT-SUBNET",
	[9] = "EXPIRE",
	[10] = "COOKIE",
	[11] = "TCP-KEEPALIVE",
	[12] = "PADDING",
	[13] = "CHAIN",
	[14] = "KEY-TAG",
	[15] = "EXTENDED-ERROR",
	[16] = "CLIENT-TAG",
	[17] = "SERVER-TAG",
	[18] = "REPORT-CHANNEL",
	[19] = "ZONEVERSION",
};

static const char *const extended_errors[] = {
	"Other Error",
	"Unsupported DNSKEY Algorithm",
	"Unsupported DS Digest Type",
	"Stale Answer",
	"Forged Answer",
	"DNSSEC Indeterminate",
	"DNSSEC Bogus",
	"Signature Expired",
	"Signature Not Yet Valid",
	"DNSKEY Missing",
	"RRSIGs Missing",
	"No Zone Key Bit Set",
	"NSEC Missing",
	"Cached Error",
	"Not Ready",
	"Blocked",
	"Censored",
	"Filtered",
	"Prohibited",
	"Stale NXDOMAIN Answer",
	"Not Authoritative",
	"Not Supported",
	"No Reachable Authority",
	"Network Error",
	"Invalid Data",
	"Signature Expired before Valid",
	"Too Early",
	"Unsupported NSEC3 Iterations Value",
	"Unable to conform to policy",
	"Synthesized",
	"Invalid Query Type",
	"Rate Limited",
	"Over Quota",
};

static const struct type_row *row_of(uint16_t type)
{
	static const struct type_row unknown;

	if (type < TYPES_DENSE)
		return &types[type];
	for (unsigned i = 0; i < COUNT(far_types); i++) {
		if (far_types[i].type == type)
			return &far_types[i].row;
	}
	return &unknown;
}

const char *dns_type_name(uint16_t type)
{
	return row_of(type)->name;
}

struct view dns_type_text(uint16_t type)
{
	const struct type_row *row = row_of(type);

	return view_of(row->name, row->size);
}

const char *dns_type_format(uint16_t type)
{
	return row_of(type)->format;
}

bool dns_type_known(uint16_t type)
{
	return row_of(type)->name;
}

const char *dns_class_name(uint16_t class)
{
	switch (class) {
	case 1:
		return "IN";
	case 3:
		return "CH";
	case 4:
		return "HS";
	case 254:
		return "NONE";
	case 255:
		return "ANY";
	}
	return NULL;
}

bool dns_class_known(uint16_t class)
{
	return dns_class_name(class);
}

const char *dns_opcode_name(unsigned opcode)
{
	static const char *const names[] = {"QUERY",  "IQUERY", "STATUS", NULL,
					    "NOTIFY", "UPDATE", "DSO"};

	return opcode < COUNT(names) ? names[opcode] : NULL;
}

const char *dns_rcode_name(unsigned rcode)
{
	return rcode < COUNT(rcodes) ? rcodes[rcode] : NULL;
}

const char *dns_option_name(uint16_t option)
{
	return option < COUNT(options) ? options[option] : NULL;
}

const char *dns_extended_error_name(uint16_t code)
{
	return code < COUNT(extended_errors) ? extended_errors[code] : NULL;
}
