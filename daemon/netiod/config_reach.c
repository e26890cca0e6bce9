/* netiod: services whose user is out of reach; see config.h.
 * Called by start.c and reload.c; it changes nothing. */
#include "config.h"
#include "self.h"

#include <stdio.h>

static void say(const struct config_service *service, const struct self *self, const char *step,
                config_complain *complain, void *data)
{
    char text[1024], number[16];
    const char *name = service->user->name;

    snprintf(number, sizeof number, "%lu", (unsigned long)service->user->uid);
    snprintf(text, sizeof text,
             "%.640s:%u: warning: user %.64s: uid %lu, who runs netiod, may not become it (%s): no "
             "program can be started",
             service->file, service->line, name ? name : number, (unsigned long)self->uid[1], step);
    complain(data, text);
}

void config_reach(const struct config *config, const struct self *self, config_complain *complain,
                  void *data)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct config_service *service = &config->services[i];
        const char *step =
            service->program && service->user ? self_refused(self, service->user) : NULL;
        if (step)
            say(service, self, step, complain, data);
    }
}
