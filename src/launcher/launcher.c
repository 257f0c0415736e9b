/* hostfit-runtime, hostfit-hook and containerd-shim-hostfit-v2 as engines execute them. README.md says how it goes. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GENERATIONS 8 /* between a runtime and its hook there is at most a shell and a helper */

/* Whether a runtime is this program itself. */
bool own(const char *path)
{
    struct stat one, other;
    return stat(path, &one) != 0 || stat("/proc/self/exe", &other) != 0 ||
           (one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

int open_config(const char *bundle, struct stat *status)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/config.json", bundle) >= sizeof path)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Whether the configuration on disk is the file that was judged, and has the content (security rule R8). */
bool unchanged(const char *bundle, const struct stat *judged, const char *digest)
{
    struct stat now;
    char found[DIGEST];
    int fd = open_config(bundle, &now);
    if (fd < 0)
        return false;
    bool same = now.st_dev == judged->st_dev && now.st_ino == judged->st_ino && now.st_size == judged->st_size &&
                now.st_mtim.tv_sec == judged->st_mtim.tv_sec && now.st_mtim.tv_nsec == judged->st_mtim.tv_nsec &&
                sha256_file(fd, CONFIG_CAP, found) && strcmp(found, digest) == 0;
    close(fd);
    return same;
}

/* A verb that starts nothing, to the container's runtime. Where there is no record, Python knows which one has already been
 * asked: a script in a runtime's place may call us again. */
static void pass(const struct front *front, const struct call *call)
{
    char recorded[DIGEST];
    struct record record;
    if (*call->id == '\0')
        return;
    record_name(call->root, call->id, recorded);
    if (record_read(recorded, &record) == FOUND && usable(record.runtime) && !own(record.runtime))
        become(front, record.runtime);
}

/* Whether the process that made a record is alive, and this one or one that it descends from. */
static bool caller(const struct record *record)
{
    unsigned long long started;
    pid_t pid = getpid();
    if (!alive(record))
        return false;
    for (int i = 0; pid != record->pid; i++)
        if (i == GENERATIONS || !process(pid, &pid, &started))
            return false;
    return true;
}

/* create, run and restore: as the service says, as far as it has a say. Gives the exit status of a refusal, -1 where
 * Python has to decide. */
static int start(const struct front *front, const struct call *call, const char *name)
{
    char bundle[PATH_MAX], recorded[DIGEST], pod[DIGEST];
    struct record before, mine = {.pid = getpid()};
    struct stat status;
    struct answer answer;
    pid_t parent;
    if (*call->bundle != '\0')
        snprintf(bundle, sizeof bundle, "%s", call->bundle);
    else if (getcwd(bundle, sizeof bundle) == NULL)
        return -1;
    if (!plain_path(bundle) || realpath(bundle, mine.bundle) == NULL || !plain_path(mine.bundle))
        return -1;
    record_name(call->root, call->id, recorded);
    enum found found = record_read(recorded, &before);
    /* A record of ours means that the runtime has called us again. */
    if (found == UNSURE || (found == FOUND && caller(&before)) || !process(mine.pid, &parent, &mine.start))
        return -1;
    /* Where the table cannot be used nothing could be started, and Python's would be a second report on one start. */
    if (!table_find("binary", name, "", mine.runtime))
        return -1;
    int config = open_config(bundle, &status);
    if (config < 0)
        return -1;
    const struct question question = {
        .entry = "runtime", .verb = call->verb, .id = call->id, .root = call->root, .bundle = bundle, .runtime = name};
    ask(&question, config, &answer);
    close(config);
    if (answer.action == DENY)
        return refuse(call, answer.line);
    if (answer.action != START || *answer.runtime == '\0' ||
        !table_find("binary", name, answer.runtime, mine.runtime) ||
        own(mine.runtime) ||
        (found == FOUND && strcmp(before.runtime, mine.runtime) != 0))
        return -1;
    if (*answer.sandbox != '\0') {
        /* The containers of a pod keep to what its sandbox runs on; where that is another runtime, Python knows how. */
        record_name(call->root, answer.sandbox, pod);
        found = record_read(pod, &before);
        if (found == UNSURE || (found == FOUND && strcmp(before.runtime, mine.runtime) != 0))
            return -1;
    }
    strcpy(mine.config, answer.digest);
    /* As late as can be: what the runtime reads in a moment should be what was judged. */
    if (record_save(recorded, &mine) && unchanged(bundle, &status, answer.digest))
        become(front, mine.runtime);
    record_remove(recorded);
    return -1;
}

/* Finds the one bundle in a state as runtimes write it: a quote within a text is escaped, so this is a key and its
 * value. */
static bool bundle_of(const char *state, size_t size, char bundle[PATH_MAX])
{
    static const char key[] = "\"bundle\":";
    const char *at = memmem(state, size, key, sizeof key - 1);
    if (at == NULL)
        return false;
    at += sizeof key - 1;
    at += at < state + size && *at == ' ';
    size -= (size_t)(at - state);
    const char *end = size > 0 && *at == '"' ? memchr(at + 1, '"', size - 1) : NULL;
    if (end == NULL || end - at > PATH_MAX || memmem(end, size - (size_t)(end - at), key, sizeof key - 1) != NULL)
        return false;
    memcpy(bundle, at + 1, (size_t)(end - at - 1));
    bundle[end - at - 1] = '\0';
    return strlen(bundle) == (size_t)(end - at - 1) && plain_path(bundle);
}

/* Whether a wrapper judged exactly this configuration in the create that is running now: its process has become the
 * runtime, so it is alive and an ancestor of ours. */
static bool decided(const char *bundle)
{
    char real[PATH_MAX], digest[DIGEST];
    struct record record;
    struct stat status;
    if (realpath(bundle, real) == NULL || record_of_bundle(real, &record) != FOUND || *record.config == '\0' ||
        !caller(&record))
        return false;
    int fd = open_config(bundle, &status);
    bool same = fd >= 0 && sha256_file(fd, CONFIG_CAP, digest) && strcmp(digest, record.config) == 0;
    if (fd >= 0)
        close(fd);
    return same;
}

/* The exit status of the hook, -1 where Python has to decide. */
static int judge(const char *state, size_t size)
{
    char bundle[PATH_MAX];
    struct stat status;
    struct answer answer;
    if (size > STATE_CAP || !bundle_of(state, size, bundle))
        return -1;
    if (decided(bundle))
        return 0;
    int config = open_config(bundle, &status);
    if (config < 0)
        return -1;
    const struct question question = {.entry = "hook", .verb = "", .id = "", .root = "", .bundle = bundle, .runtime = "",
                                      .state = state, .state_size = size};
    ask(&question, config, &answer);
    close(config);
    if (answer.action == DENY)
        return refuse(NULL, answer.line);
    return answer.action == START && *answer.runtime == '\0' && unchanged(bundle, &status, answer.digest) ? 0 : -1;
}

/* The createRuntime hook. What it has read is given back as standard input to whom it leaves the decision. */
static int hook(void)
{
    static char state[STATE_CAP + 2];
    size_t size = 0;
    ssize_t got;
    while ((got = read(0, state + size, sizeof state - 1 - size)) > 0)
        size += (size_t)got;
    if (got < 0 && size == 0)
        return -1;
    int status = judge(state, size);
    if (status >= 0)
        return status;
    int copy = memfd_create("hostfit-state", MFD_CLOEXEC);
    if (copy < 0 || !write_all(copy, state, size) || lseek(copy, 0, SEEK_SET) != 0 || dup2(copy, 0) != 0)
        return refuse(NULL, "hostfit: internal error: the state cannot be handed on");
    return -1;
}

static bool ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int main(int count, char **words)
{
    const char *path = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    has_stderr = fcntl(2, F_GETFD) >= 0;
    if (count > 0 && strcmp(words[0], "hostfit-become") == 0)
        become_again(words + 1);
    path = path != NULL ? path : "";
    const char *slash = strrchr(path, '/'), *program = slash != NULL ? slash + 1 : path, *name = "";
    struct front front = {"runtime", path, words + (count > 0), ignored(SIGPIPE) + 2 * ignored(SIGXFSZ)};
    struct call call;
    int status = -1;
    /* Users, and the roots of their namespaces, have records of their own and other ideas of whom to trust. */
    bool root = geteuid() == 0 && access(RUN, W_OK) == 0;
    if (strcmp(program, "hostfit-hook") == 0) {
        front.entry = "hook";
        status = root ? hook() : -1;
    } else if (strncmp(program, "containerd-shim-", 16) == 0) {
        front.entry = "shim";
        status = root ? shim(&front, program) : -1;
    } else if (root && call_read(&call, front.words) && (*call.root == '\0' || plain_path(call.root))) {
        if (strncmp(program, "hostfit-runtime-", 16) == 0)
            name = program + 16;
        /* Without an id there is nothing to create: the runtime says so itself, or prints its help. */
        if (!call_starts(&call) || *call.id == '\0')
            pass(&front, &call);
        else
            status = start(&front, &call, name);
    }
    if (status >= 0)
        return status;
    fall_back(&front);
}
