/* fuzz/netiod-config.c: netiod's configuration, all notations.  What is refused is refused with
 * faults that can be shown, each with a line that there is; what is taken is shown as text that is
 * taken, too, and means the same. */
#include "target.h"

#include "netiod/config.h"

struct heard {
    unsigned lines; /* that there are */
    size_t faults;
};

static void hear(void *data, const char *fault)
{
    struct heard *heard = data;
    unsigned line = 0;

    must_be_shown(fault, strlen(fault), "");
    must(strncmp(fault, "text", 4) != 0 || sscanf(fault, "text:%u:", &line) != 1 ||
         line <= heard->lines);
    heard->faults += strstr(fault, ": warning: ") == NULL;
}

static struct config *parse(const char *text, size_t size)
{
    static const struct config_options options = {.allow_empty = 1};
    struct heard heard = {.lines = 1};
    struct config *config;

    for (size_t i = 0; i < size; i++)
        heard.lines += text[i] == '\n';
    int code = config_parse(&config, &options, "text", text, size, hear, &heard);
    must(code == 0 ? config != NULL && heard.faults == 0
                   : code == -1 && config == NULL && heard.faults > 0);
    return config;
}

/* What holds of each service, whatever was written. */
static void check(const struct config_service *service)
{
    must(service->line > 0 && service->name && *service->name && service->protocol);
    must(service->listens > 0 || service->mux != CONFIG_NO_MUX);
    must((service->program != NULL) == (service->kind <= CONFIG_POOL));
    must(!service->program || (*service->program == '/' && service->argv && service->argv[0]));
    must(!service->program || service->user);
    must((service->kind == CONFIG_POOL) == (service->pool > 0));
    must(config_same(service, service) || service->rules);
}

static int has_file(const struct config_service *service)
{
    for (const char *const *rule = service->rules; rule && *rule; rule++)
        if (strncmp(*rule, "access ", 7) == 0)
            return 1;
    return 0;
}

static void show_and_compare(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    must(out != NULL);
    config_show(config, out);
    must(fclose(out) == 0);
    must_be_shown(text, size, "\n");
    struct config *again = parse(text, size);
    must(again && again->count == config->count);
    for (size_t i = 0; i < config->count; i++)
        must(config_same(&config->services[i], &again->services[i]) ||
             has_file(&config->services[i]));
    config_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = parse((const char *)data, size);

    if (!config)
        return 0;
    for (size_t i = 0; i < config->count; i++)
        check(&config->services[i]);
    show_and_compare(config);
    config_free(config);
    return 0;
}
