/* fuzz/policy.c: gai.conf(5).  The first line of an input is an address that is looked up, the
 * rest is the file. */
#include "target.h"

#include "net/policy.h"

static void check_table(const struct netio__policy_table *table)
{
    must(table->count > 0 && table->count <= NETIO__POLICY_ROWS);
    for (size_t i = 0; i < table->count; i++)
        must(table->row[i].bits <= 128 && table->row[i].value >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct netio__policy policy;
    struct netio_addr addr;
    char *host = first_line(&data, &size);
    char *text = string_of(data, size);
    FILE *file = fmemopen(text, size + 1, "r");

    must(file != NULL);
    memset(&policy, 0xa5, sizeof policy);
    netio__policy_read(&policy, file);
    check_table(&policy.label);
    check_table(&policy.precedence);
    check_table(&policy.scope);
    if (netio_addr_parse(&addr, host) == 0 && netio_addr_family(&addr) != AF_UNIX) {
        must(netio__policy_label(&policy, &addr) >= 0);
        must(netio__policy_precedence(&policy, &addr) >= 0);
        must(netio__policy_scope(&policy, &addr) >= 0);
    }
    fclose(file);
    free(text);
    free(host);
    return 0;
}
