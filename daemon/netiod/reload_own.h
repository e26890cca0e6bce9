/* netiod: a reload under way.  Private to reload.c and reload_sockets.c. */
#ifndef NETIOD_RELOAD_OWN_H
#define NETIOD_RELOAD_OWN_H

#include "reload.h"
#include "service.h"

struct sockets { /* of one service */
    int *fds;
    size_t count;
    size_t had; /* of them, before it got others */
};

struct reload {
    struct house *house;
    struct config *config;
    struct service **services;            /* of config, in its order */
    const struct config_service **before; /* what they were; NULL: new */
    struct sockets *wanted;               /* their sockets in config */
    struct sockets *had;                  /* those of the house's services, in its order */
    struct service **known;               /* the house's, sorted */
    unsigned char *lent;                  /* house->lent of config; once moved, the last one */
    size_t lent_size;
};

/* ---- reload.c ---- */

/* As config_complain has it; data is the house. */
void reload_complain(void *data, const char *fault);
/* Says what is wrong, behind the place, if there is one; exit_code. */
int reload_fail(const struct reload *reload, int exit_code, const char *place,
                const struct netio_error *error);
int reload_no_memory(const struct reload *reload);
/* "FILE:LINE: NAME" of a service, into out. */
const char *reload_place(const struct config_service *service, char *out, size_t size);

/* ---- reload_sockets.c: EX_OK, or an exit code, all that is wrong having been said ---- */

/* The next configuration of the listeners is that of the reload; wanted has what was passed. */
int sockets_prepare(struct reload *reload);
/* Then the rest of wanted. */
int sockets_collect(struct reload *reload);
/* Which of wanted others have, or have had: into lent. */
int sockets_mark(struct reload *reload);
/* Into had. */
int sockets_remember(struct reload *reload);
/* From what the services have to wanted; or back to had. */
int sockets_move(struct reload *reload);
void sockets_log(const struct reload *reload);
void sockets_free(struct sockets *sockets, size_t count);

#endif
