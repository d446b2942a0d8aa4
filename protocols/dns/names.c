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
};

static const struct type_row types[TYPES_DENSE] = {
	[1] = {"A", "a"},
	[2] = {"NS", "n"},
	[3] = {"MD", "n"},
	[4] = {"MF", "n"},
	[5] = {"CNAME", "n"},
	[6] = {"SOA", "nn44444"},
	[7] = {"MB", "n"},
	[8] = {"MG", "n"},
	[9] = {"MR", "n"},
	[10] = {"NULL", NULL},
	[11] = {"WKS", NULL},
	[12] = {"PTR", "n"},
	[13] = {"HINFO", "qq"},
	[14] = {"MINFO", "nn"},
	[15] = {"MX", "2n"},
	[16] = {"TXT", "Q"},
	[17] = {"RP", "nn"},
	[18] = {"AFSDB", "2n"},
	[19] = {"X25", "q"},
	[20] = {"ISDN", "Q"},
	[21] = {"RT", "2n"},
	[22] = {"NSAP", NULL},
	[23] = {"NSAP-PTR", "n"},
	[24] = {"SIG", "T114dd2nb"},
	[25] = {"KEY", "211b"},
	[26] = {"PX", "2nn"},
	[27] = {"GPOS", "qqq"},
	[28] = {"AAAA", "A"},
	[29] = {"LOC", NULL},
	[30] = {"NXT", NULL},
	[31] = {"EID", "x"},
	[32] = {"NIMLOC", "x"},
	[33] = {"SRV", "222n"},
	[34] = {"ATMA", NULL},
	[35] = {"NAPTR", "22qqqn"},
	[36] = {"KX", "2n"},
	[37] = {"CERT", "221b"},
	[38] = {"A6", NULL},
	[39] = {"DNAME", "n"},
	[40] = {"SINK", NULL},
	[41] = {"OPT", NULL},
	[42] = {"APL", NULL},
	[43] = {"DS", "211x"},
	[44] = {"SSHFP", "11x"},
	[45] = {"IPSECKEY", NULL},
	[46] = {"RRSIG", "T114dd2nb"},
	[47] = {"NSEC", "nm"},
	[48] = {"DNSKEY", "211b"},
	[49] = {"DHCID", "b"},
	[50] = {"NSEC3", "112h3m"},
	[51] = {"NSEC3PARAM", "112h"},
	[52] = {"TLSA", "111x"},
	[53] = {"SMIMEA", "111x"},
	[55] = {"HIP", NULL},
	[56] = {"NINFO", "Q"},
	[57] = {"RKEY", "211b"},
	[58] = {"TALINK", "nn"},
	[59] = {"CDS", "211x"},
	[60] = {"CDNSKEY", "211b"},
	[61] = {"OPENPGPKEY", "b"},
	[62] = {"CSYNC", "42m"},
	[63] = {"ZONEMD", "411x"},
	[64] = {"SVCB", "2np"},
	[65] = {"HTTPS", "2np"},
	[66] = {"DSYNC", "T12n"},
	[67] = {"HHIT", "b"},
	[68] = {"BRID", "b"},
	[99] = {"SPF", "Q"},
	[100] = {"UINFO", NULL},
	[101] = {"UID", NULL},
	[102] = {"GID", NULL},
	[103] = {"UNSPEC", NULL},
	[104] = {"NID", "2l"},
	[105] = {"L32", "2a"},
	[106] = {"L64", "2l"},
	[107] = {"LP", "2n"},
	[108] = {"EUI48", "e"},
	[109] = {"EUI64", "E"},
};

static const struct {
	uint16_t type;
	struct type_row row;
} far_types[] = {
	{128, {"NXNAME", NULL}},   {249, {"TKEY", NULL}},   {250, {"TSIG", NULL}},
	{251, {"IXFR", NULL}},     {252, {"AXFR", NULL}},   {253, {"MAILB", NULL}},
	{254, {"MAILA", NULL}},    {255, {"ANY", NULL}},    {256, {"URI", "22r"}},
	{257, {"CAA", "1tr"}},     {258, {"AVC", "Q"}},     {259, {"DOA", NULL}},
	{260, {"AMTRELAY", NULL}}, {261, {"RESINFO", "Q"}}, {262, {"WALLET", "Q"}},
	{263, {"CLA", "Q"}},       {264, {"IPN", NULL}},    {32768, {"TA", "211x"}},
	{32769, {"DLV", "211x"}},
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
