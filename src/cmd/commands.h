/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The subcommands. `argv[0]` is the first argument behind the command's name; each returns the exit status. */

int command_ifaces(int argc, char **argv);
int command_log(int argc, char **argv);
int command_protocols(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_version(int argc, char **argv);
