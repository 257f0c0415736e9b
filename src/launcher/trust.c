/* Files that only root can have put there, by every directory and link on the way (security rule R3). */
#include "launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool trusted(int fd, struct stat *status)
{
    if (fstat(fd, status) != 0 || status->st_uid != 0)
        return false;
    mode_t mode = status->st_mode;
    return S_ISLNK(mode) || (mode & 022) == 0 || (S_ISDIR(mode) && (mode & S_ISVTX) != 0);
}

static int root(void)
{
    return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Takes one step of the walk; `rest` is what is left of the path, `here` where it goes on. The descriptor of the last
 * step, -1 where there are more, -2 where the path is not trusted. */
static int step(char rest[2 * PATH_MAX], int *here, int *links)
{
    char name[NAME_MAX + 1], target[PATH_MAX], joined[2 * PATH_MAX];
    struct stat status;
    const char *from = rest + strspn(rest, "/");
    size_t size = strcspn(from, "/");
    if (size == 0 || size > NAME_MAX)
        return -2;
    memcpy(name, from, size);
    name[size] = '\0';
    const char *next = from + size + strspn(from + size, "/");
    int fd = openat(*here, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -2;
    if (!trusted(fd, &status))
        goto refused;
    if (S_ISLNK(status.st_mode)) {
        ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
        if (++*links > 40 || length <= 0)
            goto refused;
        target[length] = '\0';
        if ((size_t)snprintf(joined, sizeof joined, "%s/%s", target, next) >= sizeof joined)
            goto refused;
        strcpy(rest, joined);
        close(fd);
        if (*target == '/') {
            close(*here);
            *here = root();
        }
        return *here < 0 ? -2 : -1;
    }
    if (S_ISDIR(status.st_mode) && *next != '\0') {
        close(*here);
        *here = fd;
        memmove(rest, next, strlen(next) + 1);
        return -1;
    }
    if (S_ISREG(status.st_mode) && *next == '\0')
        return fd;
refused:
    close(fd);
    return -2;
}

/* Opens a regular file for reading, -1 where it is not there or not trusted. */
int trusted_open(const char *path)
{
    char rest[2 * PATH_MAX], again[64];
    struct stat status;
    int here = root(), links = 0, fd = -2;
    if (here >= 0 && *path == '/' && strlen(path) < PATH_MAX && trusted(here, &status)) {
        strcpy(rest, path);
        do
            fd = step(rest, &here, &links);
        while (fd == -1);
    }
    if (here >= 0)
        close(here);
    if (fd < 0)
        return -1;
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    int opened = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    close(fd);
    return opened;
}

/* Whether only root can change what a directory holds, by every directory above it; it is asked for by descriptor. */
bool trusted_directory(int fd)
{
    struct stat status, above;
    int here = dup(fd);
    bool good = here >= 0;
    while (good) {
        int up = openat(here, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        good = up >= 0 && trusted(here, &status) && fstat(up, &above) == 0;
        close(here);
        here = up;
        if (good && status.st_dev == above.st_dev && status.st_ino == above.st_ino)
            break;
    }
    if (here >= 0)
        close(here);
    return good;
}

/* Whether a file is an executable that only root can have put there. */
bool usable(const char *path)
{
    struct stat status;
    int fd = trusted_open(path);
    if (fd < 0)
        return false;
    bool good = fstat(fd, &status) == 0 && (status.st_mode & 0111) != 0;
    close(fd);
    return good;
}
