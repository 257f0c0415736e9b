/* What each container runs on, in the files that hostfit.runtime.record describes. */
#include "launcher.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER RUN "/containers"
#define SPARE 160

void record_name(const char *root, const char *id, char name[DIGEST])
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, root, strlen(root) + 1);
    sha256_add(&hash, id, strlen(id));
    sha256_end(&hash, name);
}

static void link_name(const char *bundle, char name[DIGEST + 2])
{
    struct sha256 hash;
    strcpy(name, "b-");
    sha256_start(&hash);
    sha256_add(&hash, bundle, strlen(bundle));
    sha256_end(&hash, name + 2);
}

/* Takes `KEY=VALUE` and its newline off the text. No where that is not what comes next, or the value is too long. */
static bool line(char **text, const char *key, char *value, size_t size)
{
    size_t known = strlen(key), length = strcspn(*text, "\n");
    if (strncmp(*text, key, known) != 0 || (*text)[length] != '\n' || length - known >= size)
        return false;
    memcpy(value, *text + known, length - known);
    value[length - known] = '\0';
    *text += length + 1;
    return true;
}

static bool number(const char *text, unsigned long long *value)
{
    size_t size = strspn(text, "0123456789");
    *value = strtoull(text, NULL, 10);
    return size > 0 && size < 19 && text[size] == '\0';
}

/* Reads a record as record_save writes it; another form of the same is for Python to read. */
bool record_parse(char *text, struct record *record)
{
    char digits[2][24];
    unsigned long long pid;
    bool good = line(&text, "runtime=", record->runtime, PATH_MAX) && line(&text, "bundle=", record->bundle, PATH_MAX) &&
                line(&text, "pid=", digits[0], sizeof *digits) && line(&text, "start=", digits[1], sizeof *digits) &&
                line(&text, "config=", record->config, DIGEST) && *text == '\0' && *record->runtime == '/' &&
                number(digits[0], &pid) && pid <= INT_MAX && number(digits[1], &record->start);
    record->pid = good ? (pid_t)pid : 0;
    return good;
}

enum found record_read(const char *name, struct record *record)
{
    char path[sizeof FOLDER + 2 * DIGEST], text[2 * PATH_MAX + 256];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NONE;
    ssize_t size = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, text, sizeof text - 1) : -1;
    close(fd);
    if (size < 0)
        return UNSURE;
    text[size] = '\0';
    return strlen(text) == (size_t)size && record_parse(text, record) ? FOUND : UNSURE;
}

/* Gives the record of the last container that was created from a bundle, whose real path this is. */
enum found record_of_bundle(const char *bundle, struct record *record)
{
    char name[DIGEST + 2];
    link_name(bundle, name);
    enum found found = record_read(name, record);
    return found == FOUND && strcmp(record->bundle, bundle) != 0 ? NONE : found;
}

/* Gives the parent and the start of a process, by fields 4 and 22 of proc_pid_stat(5). */
bool process(pid_t pid, pid_t *parent, unsigned long long *start)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    const char *at = strrchr(text, ')'); /* the name may hold anything else */
    int up;
    if (at == NULL || sscanf(at, ") %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &up,
                             start) != 2)
        return false;
    *parent = up;
    return true;
}

/* Whether the very process that created the container still runs. */
bool alive(const struct record *record)
{
    pid_t parent;
    unsigned long long start;
    return record->start > 0 && process(record->pid, &parent, &start) && start == record->start;
}

/* Removes records whose bundle is gone and whose process has ended, then links that lead nowhere. */
static void sweep(int folder)
{
    DIR *names = fdopendir(dup(folder));
    if (names == NULL)
        return;
    for (int links = 0; links < 2; links++) {
        const struct dirent *entry;
        struct record record;
        struct stat status;
        rewinddir(names);
        while ((entry = readdir(names)) != NULL) {
            const char *name = entry->d_name;
            bool link = strncmp(name, "b-", 2) == 0;
            if (*name == '.' || link != (links == 1) || strlen(name) >= DIGEST + 2)
                continue;
            /* What this cannot read, the Python wrapper's own sweep removes. */
            bool gone = link ? faccessat(folder, name, F_OK, 0) != 0
                             : record_read(name, &record) == FOUND && !alive(&record) &&
                                   strchr(record.bundle, '\\') == NULL &&
                                   (stat(record.bundle, &status) != 0 || !S_ISDIR(status.st_mode));
            if (gone)
                unlinkat(folder, name, 0);
        }
    }
    closedir(names);
}

/* A name that no other process writes under. */
static void spare_name(const char *name, char spare[SPARE])
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(spare, SPARE, ".%.70s.%d.%lld", name, (int)getpid(), (long long)now.tv_sec * 1000000000 + now.tv_nsec);
}

/* Writes all of a text; a limit on the size of files is an error like a full disk, and does not end the process. */
bool write_all(int fd, const void *text, size_t size)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGXFSZ, &ignore, &before);
    ssize_t done = write(fd, text, size);
    sigaction(SIGXFSZ, &before, NULL);
    return done == (ssize_t)size;
}

/* Replaces a file by one with this text, for root's eyes, as a whole. */
bool replace(int folder, const char *name, const char *text)
{
    char spare[SPARE];
    spare_name(name, spare);
    int fd = openat(folder, spare, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = write_all(fd, text, strlen(text)) && fchmod(fd, 0600) == 0;
    good = close(fd) == 0 && good && renameat(folder, spare, folder, name) == 0;
    if (!good)
        unlinkat(folder, spare, 0);
    return good;
}

/* Stores a record and the link from its bundle, each as a whole. No where anything stands in the way; the directory,
 * too, is Python's to make. */
bool record_save(const char *name, const struct record *record)
{
    char text[2 * PATH_MAX + 256], spare[SPARE], link[DIGEST + 2];
    int folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    int size = snprintf(text, sizeof text, "runtime=%s\nbundle=%s\npid=%d\nstart=%llu\nconfig=%s\n", record->runtime,
                        record->bundle, (int)record->pid, record->start, record->config);
    bool good = size > 0 && (size_t)size < sizeof text && replace(folder, name, text);
    if (good) {
        spare_name(name, spare);
        link_name(record->bundle, link);
        good = symlinkat(name, folder, spare) == 0 && renameat(folder, spare, folder, link) == 0;
        if (!good)
            unlinkat(folder, spare, 0);
    }
    if (good && record->pid % 64 == 0)
        sweep(folder);
    close(folder);
    return good;
}

void record_remove(const char *name)
{
    char path[sizeof FOLDER + DIGEST];
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    unlink(path);
}
