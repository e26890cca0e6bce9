#include <netio/access.h>
#include <errno.h>
int netio_access_new(struct netio_access **access) { *access = NULL; return -ENOMEM; }
int netio_access_add(struct netio_access *access, const char *rule, struct netio_error *error)
{ (void)access; return netio_error_set(error, NETIO_STAGE_OPTION, -ENOMEM, NULL, rule); }
int netio_access_read(struct netio_access *access, const char *path, struct netio_error *error)
{ (void)access; return netio_error_set(error, NETIO_STAGE_OPTION, -ENOMEM, NULL, path); }
void netio_access_free(struct netio_access *access) { (void)access; }
enum netio_verdict netio_access_judge(const struct netio_access *access,
    const struct netio_addr *peer, const struct netio_peer *credentials, int declared)
{ (void)access; (void)peer; (void)credentials; (void)declared; return NETIO_ALLOW; }
int netio_access_wants_credentials(const struct netio_access *access) { (void)access; return 0; }
int netio_access_wants_proxy(const struct netio_access *access) { (void)access; return 0; }
