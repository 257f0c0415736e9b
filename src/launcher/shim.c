/* containerd-shim-hostfit-v2: a start that goes to containerd's own shim, with runc beneath. Python does the rest: other
 * shims and runtimes, whatever options on standard input have to be looked at, and `delete`. */
#include "launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD "hostfit.json"
#define SERVED "runc" /* what that shim calls where its options name nothing */
#define NOTE_CAP (PATH_MAX + NAME_CAP)

struct shim_call {
    const char *id, *namespace, *address;
};

/* Reads the words of a start as containerd writes them; no for any other. */
static bool starts(struct shim_call *call, char **words)
{
    *call = (struct shim_call){"", "", ""};
    for (; *words != NULL && **words == '-'; words++) {
        const char *name = *words + 1;
        if (strcmp(name, "debug") == 0)
            continue;
        const char *value = words[1];
        if (value == NULL)
            return false;
        if (strcmp(name, "id") == 0)
            call->id = value;
        else if (strcmp(name, "namespace") == 0)
            call->namespace = value;
        else if (strcmp(name, "address") == 0)
            call->address = value;
        else if (strcmp(name, "publish-binary") != 0)
            return false;
        words++;
    }
    return *words != NULL && strcmp(*words, "start") == 0 && words[1] == NULL && *call->id != '\0';
}

/* NAME of containerd-shim-hostfit-NAME-v2, "" for any other name. */
static void entry_name(const char *program, char name[NAME_CAP])
{
    static const char first[] = "containerd-shim-hostfit-", last[] = "-v2";
    size_t size = strlen(program), around = sizeof first - 1 + sizeof last - 1;
    *name = '\0';
    if (size <= around || size - around >= NAME_CAP || strncmp(program, first, sizeof first - 1) != 0 ||
        strcmp(program + size - (sizeof last - 1), last) != 0)
        return;
    memcpy(name, program + sizeof first - 1, size - around);
    name[size - around] = '\0';
}

/* Whether a pod's sandbox, a neighbour of the bundle, was recorded with the very same runtime and shim. Its id is one
 * part of a path: answer_parse takes no other. */
static bool shared(const char *bundle, const char *id, const char *sandbox, const char *note)
{
    char path[PATH_MAX + 2 * NAME_CAP], text[NOTE_CAP];
    const char *last = strrchr(bundle, '/') + 1;
    if (strcmp(last, id) != 0)
        return false;
    snprintf(path, sizeof path, "%.*s%s/" RECORD, (int)(last - bundle), bundle, sandbox);
    int fd = trusted_open(path);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return strcmp(text, note) == 0;
}

/* Gives the exit status of a refusal, -1 where Python has to decide. */
int shim(const struct front *front, const char *program)
{
    char bundle[PATH_MAX], name[NAME_CAP], path[PATH_MAX], note[NOTE_CAP];
    struct shim_call call;
    struct answer answer;
    struct stat status;
    if (!starts(&call, front->words) || getcwd(bundle, sizeof bundle) == NULL || !plain_path(bundle))
        return -1;
    entry_name(program, name);
    /* Where the table cannot be used nothing could be started, and Python's would be a second report on one start. */
    if (!table_find("shim", name, SERVED, path))
        return -1;
    int config = open_config(bundle, &status);
    if (config < 0)
        return -1;
    const struct question question = {.entry = "shim", .verb = "start", .id = call.id, .root = "", .bundle = bundle,
                                      .runtime = name, .namespace = call.namespace, .address = call.address};
    ask(&question, config, &answer);
    close(config);
    if (answer.action == DENY) {
        /* containerd joins it to its own words, so it has no end of line. */
        if (has_stderr)
            say(2, answer.line);
        return 1;
    }
    if (answer.action != START || strcmp(answer.runtime, SERVED) != 0 || !plain_path(path) ||
        strstr(path, "/containerd-shim-runsc-") != NULL || own(path))
        return -1;
    snprintf(note, sizeof note, "{\"runtime\":\"" SERVED "\",\"shim\":\"%s\"}", path);
    if (*answer.sandbox != '\0' && !shared(bundle, call.id, answer.sandbox, note))
        return -1;
    if (replace(AT_FDCWD, RECORD, note) && unchanged(bundle, &status, answer.digest))
        become(front, path);
    unlink(RECORD);
    return -1;
}
