/* netiod: --show, the configuration as it is in force; see config.h.  Called by start.c; it writes
 * keys (netiod.conf(5)) that are read back to the same.  A key that is missing has no word for what
 * is so without it: no limit, nobody, nothing, or what is the system's. */
#include "config_reader.h"

#include <netio/names.h>
#include <netio/text.h>

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *const muxes[] = {
    [CONFIG_NO_MUX] = "no", [CONFIG_MUX] = "yes", [CONFIG_MUX_PLUS] = "plus"};

/* ---- values --------------------------------------------------------------------------------- */

static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            fprintf(out, "\\%c", *text);
        else if (*text < ' ' || *text > '~')
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void key(FILE *out, const char *name)
{
    fprintf(out, "\n    %-15s = ", name);
}

static void text(FILE *out, const char *name, const char *value)
{
    if (!value)
        return;
    key(out, name);
    quoted(out, value);
    fputc(',', out);
}

static void word(FILE *out, const char *name, const char *value)
{
    key(out, name);
    fprintf(out, "%s,", value);
}

static void list(FILE *out, const char *name, const char *const *values)
{
    key(out, name);
    for (size_t i = 0; values[i]; i++) {
        fputs(i ? " " : "", out);
        quoted(out, values[i]);
    }
    fputc(',', out);
}

static void number(FILE *out, const char *name, unsigned value)
{
    key(out, name);
    fprintf(out, "%u,", value);
}

static void yes_or_no(FILE *out, const char *name, int yes)
{
    word(out, name, yes ? "yes" : "no");
}

static void seconds(FILE *out, const char *name, double value, double usual)
{
    key(out, name);
    fprintf(out, "%.15g,", value > 0 ? value : usual);
}

static void rate(FILE *out, const char *name, const struct netio_rate *value)
{
    key(out, name);
    if (value->count)
        fprintf(out, "%u/%.15g,", value->count, value->seconds > 0 ? value->seconds : 1);
    else
        fputs("0,", out);
}

/* ---- a service ------------------------------------------------------------------------------ */

/* Where it listens, but for the port: "udp:[::]:0,for=100002.1". */
static void show_rpc(const struct config_service *service, FILE *out)
{
    const char *family = service->listens > 1 ? "46" : strchr(service->listen[0], '[') ? "6" : "";

    key(out, "protocol");
    fprintf(out, "rpc/%s%s,", service->protocol, family);
    key(out, "bind");
    for (size_t i = 0; i < service->listens; i++) {
        const char *host = service->listen[i] + (service->type == SOCK_DGRAM ? strlen("udp:") : 0);
        fprintf(out, "%s\"%.*s\"", i ? " " : "", (int)(strstr(host, ":0,") - host), host);
    }
    fputc(',', out);
}

/* What is behind port 0 follows from the name. */
static void show_addresses(const struct config_service *service, FILE *out)
{
    char address[1024];

    word(out, "protocol", service->protocol);
    if (!service->listens)
        return;
    key(out, "listen");
    for (size_t i = 0; i < service->listens; i++) {
        const char *whole = service->listen[i], *chosen = strstr(whole, ":0,for=");
        size_t len = chosen ? (size_t)(chosen - whole) + strlen(":0") : strlen(whole);
        snprintf(address, sizeof address, "%.*s", (int)len, whole);
        fputs(i ? " " : "", out);
        quoted(out, address);
    }
    fputc(',', out);
}

static void show_socket(const struct config_service *service, FILE *out)
{
    word(out, "socktype", service->type == SOCK_STREAM ? "stream" : "dgram");
    if (service->program_number)
        show_rpc(service, out);
    else
        show_addresses(service, out);
    if (service->receive_buffer)
        number(out, "recvbuf", (unsigned)service->receive_buffer);
    if (service->send_buffer)
        number(out, "sndbuf", (unsigned)service->send_buffer);
    number(out, "backlog", service->backlog ? (unsigned)service->backlog : CONFIG_BACKLOG);
    if (service->listens)
        word(out, "tcpmux", muxes[service->mux]);
}

static void show_user(const struct netio_user *user, FILE *out)
{
    struct group *group = getgrgid(user->gid);

    key(out, "user");
    if (user->name)
        quoted(out, user->name);
    else
        fprintf(out, "%u", user->uid);
    fputc(',', out);
    key(out, "group");
    if (group)
        quoted(out, group->gr_name);
    else
        fprintf(out, "%u", user->gid);
    fputc(',', out);
}

static void show_builtin(const struct config_service *service, FILE *out)
{
    word(out, "exec", "internal");
    word(out, "args",
         service->kind == CONFIG_TCPMUX ? "tcpmux" : config_builtin_str(service->builtin));
    if (service->type == SOCK_DGRAM)
        word(out, "udp", "yes");
}

static void show_rlimits(const struct config_service *service, FILE *out)
{
    if (!service->rlimits_count)
        return;
    key(out, "rlimit");
    for (size_t i = 0; i < service->rlimits_count; i++) {
        const struct netio_rlimit *limit = &service->rlimits[i];
        fprintf(out, "%s%s:", i ? " " : "", netio_resource_str(limit->resource));
        if (limit->value.rlim_cur == RLIM_INFINITY)
            fputs("unlimited", out);
        else
            fprintf(out, "%llu", (unsigned long long)limit->value.rlim_cur);
    }
    fputc(',', out);
}

static void show_program(const struct config_service *service, FILE *out)
{
    text(out, "exec", service->program);
    list(out, "args", service->argv);
    if (service->kind == CONFIG_POOL)
        number(out, "pool", service->pool);
    else
        yes_or_no(out, "wait", service->kind == CONFIG_WAIT);
    word(out, "stderr", service->socket_errors ? "socket" : "log");
    yes_or_no(out, "names", service->names);
}

/* What a program has around it. */
static void show_world(const struct config_service *service, FILE *out)
{
    if (service->environment)
        list(out, "env", service->environment);
    text(out, "directory", service->directory ? service->directory : CONFIG_DIRECTORY);
    key(out, "umask");
    fprintf(out, "%03o,", service->umask ? service->umask & 0777 : CONFIG_UMASK);
    show_rlimits(service, out);
    yes_or_no(out, "setuid_programs", service->more_privileges);
}

/* "deny 192.0.2.66" is deny = "192.0.2.66" */
static void show_rule(const char *rule, FILE *out)
{
    int len = (int)strcspn(rule, " ");

    fprintf(out, "\n    %-15.*s = ", len, rule);
    quoted(out, rule + len + 1);
    fputc(',', out);
}

/* What netiod can do itself only if it accepts. */
static void show_clients(const struct config_service *service, FILE *out)
{
    const struct netio_limit_options *limits = &service->limits;

    number(out, "max_clients", limits->total);
    number(out, "max_per_source", limits->per_source);
    rate(out, "source_rate", &limits->source_rate);
    key(out, "source_bits");
    fprintf(out, "%u/%u,", limits->ipv4_bits ? limits->ipv4_bits : CONFIG_IPV4_BITS,
            limits->ipv6_bits ? limits->ipv6_bits : CONFIG_IPV6_BITS);
    text(out, "refused_text", service->refused_text);
    text(out, "full_text", service->full_text);
    seconds(out, "first_seconds", service->first_seconds, CONFIG_FIRST_SECONDS);
    seconds(out, "idle_seconds", service->idle_seconds, CONFIG_IDLE_SECONDS);
}

static void show_policy(const struct config_service *service, FILE *out)
{
    for (size_t i = 0; service->rules && service->rules[i]; i++)
        show_rule(service->rules[i], out);
    number(out, "accept_max", service->max);
    rate(out, "rate", &service->limits.rate);
    if (service->kind != CONFIG_WAIT)
        show_clients(service, out);
    if (service->total_seconds > 0)
        seconds(out, "total_seconds", service->total_seconds, 0);
}

static void show_service(const struct config_service *service, FILE *out)
{
    char file[1024];

    (void)netio_text_safe(service->file, strlen(service->file), file, sizeof file);
    fprintf(out, "# %s:%u\n", file, service->line);
    if (service->mux == CONFIG_MUX_PLUS && !service->listens)
        fprintf(out, "tcpmux/+%s on", strchr(service->name, '/') + 1);
    else
        fprintf(out, "%s on", service->name);
    show_socket(service, out);
    if (service->program) {
        show_program(service, out);
        show_world(service, out);
    } else
        show_builtin(service, out);
    if (service->user)
        show_user(service->user, out);
    show_policy(service, out);
    fputs("\n;\n\n", out);
}

void config_show(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < config->count; i++)
        show_service(&config->services[i], out);
}
