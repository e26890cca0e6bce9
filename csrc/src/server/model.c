/* Ring 3.  Models by name; see netio/server.h.  Called by programs that read options. */
#include <netio/server.h>

#include <string.h>

static const char *const words[] = {
#define NETIO_X(name, word) [NETIO_MODEL_##name] = word,
    NETIO_MODEL_LIST(NETIO_X)
#undef NETIO_X
};

#define MODELS (sizeof words / sizeof *words)

const char *netio_model_str(enum netio_model model)
{
    return (size_t)model < MODELS ? words[model] : "unknown";
}

int netio_model_parse(enum netio_model *model, const char *word)
{
    for (size_t i = 0; i < MODELS; i++)
        if (strcmp(word, words[i]) == 0) {
            *model = (enum netio_model)i;
            return 0;
        }
    return NETIO_EBADOPTION;
}
