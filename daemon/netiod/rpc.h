/* netiod: its services of ONC RPC, of which rpcbind(8) knows where they are.
 *
 * Called by start.c, run.c, upgrade.c, handover.c and house.c.  It talks to rpcbind in the house's
 * loop and waits for nothing: an exchange that is not over in three seconds, or cannot be had, is a
 * warning in the log, and the services listen all the same.  The next update says all of it once
 * more, so a reload is what brings them back when rpcbind has been started anew.
 *
 * A program that rpcbind knows at another address is taken over, as every inetd does: it may be
 * what an earlier netiod has left.  What was not registered by this process or its predecessors, or
 * by now is at another port, is not taken back.
 */
#ifndef NETIOD_RPC_H
#define NETIOD_RPC_H

#include "house.h"
#include "rpcbind.h"

/* rpcbind is to know the services of the house's configuration, and those of earlier ones no
 * more. */
void rpc_update(struct house *house);
/* None of them any more. */
void rpc_withdraw(struct house *house);
/* While a successor takes over nothing is said: it is told what rpcbind may have from us.  If it
 * does not, what was cut short is said from the beginning. */
void rpc_rest(struct house *house);
void rpc_resume(struct house *house);
/* Item index of that, from 0: 1, or 0 beyond the last. */
int rpc_known(const struct house *house, size_t index, struct rpcbind_entry *entry);
/* The successor: one of its predecessor's.  All of them, and then rpc_update. */
void rpc_inherit(struct house *house, const struct rpcbind_entry *entry);
/* Whether all is said. */
int rpc_is_idle(const struct house *house);
void rpc_free(struct house *house);

#endif
