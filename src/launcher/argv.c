/* The command line of an OCI runtime, in the forms that engines write; hostfit.oci.argv reads all others. */
#include "launcher.h"

#include <string.h>

static const char GLOBAL_VALUES[] = " root log log-format log-level rootless cgroup-manager criu ";
static const char GLOBAL_FLAGS[] = " debug systemd-cgroup help usage version ";
static const char START_VALUES[] =
    " bundle config console-socket pidfd-socket pid-file preserve-fds image-path work-path parent-path empty-ns"
    " manage-cgroups-mode lsm-profile lsm-mount-context user-log ";
static const char VALUES[] =
    " bundle config console-socket pidfd-socket pid-file preserve-fds image-path work-path parent-path empty-ns"
    " manage-cgroups-mode lsm-profile lsm-mount-context process user additional-gids env cap cwd cgroup apparmor"
    " process-label format interval resources blkio-weight cpu-period cpu-quota cpu-share cpu-burst cpu-idle"
    " cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems kernel-memory kernel-memory-tcp memory memory-reservation"
    " memory-swap pids-limit l3-cache-schema mem-bw-schema page-server status-fd file user-log ";
static const char FLAGS[] =
    " detach no-new-keyring no-pivot no-subreaper keep help usage tty no-new-privs ignore-paused all force regex quiet"
    " tcp-established ext-unix-sk shell-job file-locks auto-dedup lazy-pages leave-running pre-dump stats rootless"
    " no-mount-fallback ";

static bool in(const char *words, const char *word, size_t size)
{
    const char *place = words;
    if (size == 0 || memchr(word, ' ', size) != NULL)
        return false;
    while ((place = strchr(place, ' ')) != NULL && *++place != '\0')
        if (strncmp(place, word, size) == 0 && place[size] == ' ')
            return true;
    return false;
}

/* The short flags of a verb that take a value. */
static const char *shorts(const char *verb)
{
    static const char *const verbs[][2] = {
        {"create", "bf"}, {"run", "bf"},   {"restore", "bf"}, {"spec", "bf"},
        {"exec", "cepug"}, {"update", "r"}, {"list", "f"},     {"ps", "f"},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i][0]) == 0)
            return verbs[i][1];
    return "";
}

/* One or two dashes and then something else; gives what follows them. */
static const char *undashed(const char *word)
{
    word += word[1] == '-' ? 2 : 1;
    return *word == '-' || *word == '\0' ? NULL : word;
}

static char **globals(struct call *call, char **words)
{
    while (*words != NULL) {
        const char *word = *words++;
        if (word[0] != '-' || word[1] == '\0') {
            call->verb = word;
            break;
        }
        const char *name = undashed(word);
        if (name == NULL)
            return NULL;
        size_t size = strcspn(name, "=");
        if (in(GLOBAL_FLAGS, name, size))
            continue;
        if (!in(GLOBAL_VALUES, name, size))
            return NULL;
        const char *value = "";
        if (name[size] == '=')
            value = name + size + 1;
        else if (*words != NULL)
            value = *words++;
        if (size == 4 && memcmp(name, "root", 4) == 0)
            call->root = value;
        else if (size == 3 && memcmp(name, "log", 3) == 0)
            call->log = value;
        else if (size == 10 && memcmp(name, "log-format", 10) == 0)
            call->log_format = value;
    }
    return words;
}

static bool command(struct call *call, char **words)
{
    bool starts = call_starts(call);
    const char *values = starts ? START_VALUES : VALUES;
    while (*words != NULL) {
        const char *word = *words++;
        if (word[0] != '-' || word[1] == '\0') {
            call->id = word;
            if (!starts)
                return true;
            continue;
        }
        const char *name = undashed(word);
        if (name == NULL)
            return false;
        size_t size = strcspn(name, "=");
        bool one = word[1] != '-' && name[1] == '\0';
        if (one && strchr(shorts(call->verb), *name) == NULL)
            continue;
        if (!one && in(FLAGS, name, size))
            continue;
        if (!one && !in(values, name, size))
            return false;
        const char *value = "";
        if (name[size] == '=')
            value = name + size + 1;
        else if (*words != NULL)
            value = *words++;
        bool b = one && *name == 'b', f = one && *name == 'f';
        if (b || (size == 6 && memcmp(name, "bundle", 6) == 0))
            call->bundle = value;
        else if ((f || (size == 6 && memcmp(name, "config", 6) == 0)) && starts && *value != '\0' &&
                 strcmp(value, "config.json") != 0)
            return false;
    }
    return true;
}

/* Reads the arguments after argv[0]. No where they are written in a way that takes more than this to understand. */
bool call_read(struct call *call, char **words)
{
    *call = (struct call){"", "", "", "", "", ""};
    words = globals(call, words);
    return words != NULL && (*call->verb == '\0' || command(call, words));
}

/* Whether the verb brings a container to life. */
bool call_starts(const struct call *call)
{
    return strcmp(call->verb, "create") == 0 || strcmp(call->verb, "run") == 0 || strcmp(call->verb, "restore") == 0;
}

/* Whether a path is absolute and printable ASCII, and is what normalising it would give. */
bool plain_path(const char *path)
{
    size_t size = strlen(path);
    if (size < 2 || size >= PATH_MAX - NAME_MAX || *path != '/' || path[size - 1] == '/')
        return false;
    for (const char *p = path; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == '\\')
            return false;
        if (*p == '/' && (p[1] == '/' || (p[1] == '.' && (p[2] == '/' || p[2] == '\0')) || strncmp(p + 1, "..", 2) == 0))
            return false;
    }
    return strstr(path, "..") == NULL;
}
