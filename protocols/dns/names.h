/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the IANA registry "Domain Name System (DNS) Parameters" calls the numbers of DNS; NULL: no name. */
#include "core/view.h"

const char *dns_type_name(uint16_t type);
struct view dns_type_text(uint16_t type); /* the same; size 0: no name */
const char *dns_class_name(uint16_t class);
const char *dns_opcode_name(unsigned opcode);
const char *dns_rcode_name(unsigned rcode); /* with the upper 8 bits of EDNS */
const char *dns_option_name(uint16_t option);
const char *dns_extended_error_name(uint16_t code);

/* How the data of records of a type is written: rdata.c reads it. NULL: as bytes. */
const char *dns_type_format(uint16_t type);

bool dns_type_known(uint16_t type);
bool dns_class_known(uint16_t class);
