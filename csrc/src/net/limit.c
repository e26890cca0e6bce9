#include <netio/limit.h>
#include <errno.h>
static const char *const words[] = {
#define NETIO_X(name, word) [NETIO_REFUSED_##name] = word,
    NETIO_REFUSED_LIST(NETIO_X)
#undef NETIO_X
};
const char *netio_refused_str(enum netio_refused why)
{
    return (size_t)why < sizeof words / sizeof *words ? words[why] : "unknown";
}
int netio_limit_new(struct netio_limit **l, const struct netio_limit_options *o) { (void)o; *l = 0; return -ENOMEM; }
void netio_limit_free(struct netio_limit *l) { (void)l; }
int netio_limit_change(struct netio_limit *l, const struct netio_limit_options *o) { (void)l; (void)o; return 0; }
void netio_limit_use_column(struct netio_limit *l, unsigned c) { (void)l; (void)c; }
void netio_limit_clear_column(struct netio_limit *l, unsigned c) { (void)l; (void)c; }
int netio_limit_take(struct netio_limit *l, struct netio_hold *h, const struct netio_addr *p, int e, int64_t n, enum netio_refused *w)
{ (void)l; (void)p; (void)e; (void)n; (void)w; h->place = 0; return 0; }
int netio_limit_pass(struct netio_limit *l, const struct netio_addr *p, int e, int64_t n, enum netio_refused *w)
{ (void)l; (void)p; (void)e; (void)n; (void)w; return 0; }
void netio_limit_give(struct netio_limit *l, struct netio_hold *h) { (void)l; h->place = 0; }
netio_deadline netio_limit_next(const struct netio_limit *l, int64_t n) { (void)l; return n; }
unsigned netio_limit_open(const struct netio_limit *l) { (void)l; return 0; }
