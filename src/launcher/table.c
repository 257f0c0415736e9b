/* The runtimes by name, from the file that hostfit.policy.compiled writes: lines of a word and what belongs to it.
 *
 *     hostfit-launcher 1 VERSION
 *     file DEVICE INODE SIZE MTIME CTIME PATH    a source of the policy as it was, times in nanoseconds
 *     none PATH                                  a source that was not there
 *     default NAME                               the default runtime; its isolation is the floor
 *     runtime NAME ISOLATION GRANTS              a runtime, GRANTS 1 where it adds host access
 *     binary PATH, shim PATH                     a place of the last runtime; of each the first that is usable counts
 *     end
 */
#include "launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE VAR "/compiled/launcher"
#define CAP (4 << 20)

/* Whether a source is what it was; its line is written again and compared. */
static bool same(const char *line)
{
    char now[2 * PATH_MAX];
    struct stat status;
    if (strncmp(line, "none /", 6) == 0)
        return lstat(line + 5, &status) != 0 && errno == ENOENT;
    const char *path = strchr(line, '/');
    if (path == NULL || stat(path, &status) != 0)
        return false;
    const struct timespec *m = &status.st_mtim, *c = &status.st_ctim;
    int size = snprintf(now, sizeof now, "file %llu %llu %lld %lld %lld %s", (unsigned long long)status.st_dev,
                        (unsigned long long)status.st_ino, (long long)status.st_size,
                        (long long)m->tv_sec * 1000000000 + m->tv_nsec, (long long)c->tv_sec * 1000000000 + c->tv_nsec,
                        path);
    return size > 0 && (size_t)size < sizeof now && strcmp(line, now) == 0;
}

/* Finds a runtime, `kind` "binary" or "shim", in the text of a table, which is cut into its lines.
 *
 * `chosen` is its name and `entry` the one that the launcher's own path asks for, both "" for the default. No where it is
 * below the floor, where it adds host access without being the entry's default, or where none of its binaries is usable. */
bool table_parse(char *text, const char *kind, const char *entry, const char *chosen, char path[PATH_MAX])
{
    const size_t kinds = strlen(kind);
    char standard[NAME_CAP] = "", name[NAME_CAP];
    long isolation, floor = -1, found = -1;
    int grants = 0, granted = 0, end = 0;
    bool whole = false, current = false;
    *path = '\0';
    for (char *line = text, *next; *line != '\0'; line = next) {
        size_t size = strcspn(line, "\n");
        if (line[size] == '\0' || whole)
            return false;
        line[size] = '\0';
        next = line + size + 1;
        if (line == text) {
            if (strcmp(line, "hostfit-launcher 1 " VERSION) != 0)
                return false;
        } else if (strncmp(line, "file ", 5) == 0 || strncmp(line, "none ", 5) == 0) {
            if (!same(line))
                return false;
        } else if (sscanf(line, "default %255s%n", name, &end) == 1 && line[end] == '\0') {
            strcpy(standard, name);
            entry = *entry != '\0' ? entry : standard;
            chosen = *chosen != '\0' ? chosen : entry;
        } else if (sscanf(line, "runtime %255s %4ld %1d%n", name, &isolation, &grants, &end) == 3 && line[end] == '\0') {
            current = strcmp(name, chosen) == 0;
            if (strcmp(name, entry) == 0)
                floor = isolation;
            if (current) {
                found = isolation;
                granted = grants;
            }
        } else if (strncmp(line, "binary /", 8) == 0 || strncmp(line, "shim /", 6) == 0) {
            const char *place = strchr(line, '/');
            if (current && strncmp(line, kind, kinds) == 0 && *path == '\0' && strlen(place) < PATH_MAX && usable(place))
                strcpy(path, place);
        } else if (strcmp(line, "end") == 0) {
            whole = true;
        } else {
            return false;
        }
    }
    return whole && *path != '\0' && floor >= 0 && found >= floor && (granted == 0 || strcmp(entry, chosen) == 0);
}

bool table_find(const char *kind, const char *entry, const char *chosen, char path[PATH_MAX])
{
    struct stat status;
    int fd = trusted_open(TABLE);
    if (fd < 0)
        return false;
    bool good = fstat(fd, &status) == 0 && status.st_size > 0 && status.st_size < CAP;
    size_t size = good ? (size_t)status.st_size : 0;
    char *text = malloc(size + 1);
    good = good && text != NULL && read(fd, text, size) == (ssize_t)size;
    close(fd);
    if (good) {
        text[size] = '\0';
        good = strlen(text) == size && table_parse(text, kind, entry, chosen, path);
    }
    free(text);
    return good;
}
