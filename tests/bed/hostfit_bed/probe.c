/* A runtime that does nothing but write down how it was called, into the file DUMP.
 *
 * One entry a line as KEY=HEX, so that any byte survives. Standard input is read to its end. Exit status 37.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static FILE *out;

static void entry(const char *key, const char *data, size_t size)
{
    fprintf(out, "%s=", key);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", (unsigned char)data[i]);
    fputc('\n', out);
}

static void whole(const char *key, int fd)
{
    static char data[8 << 20];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof data && (got = read(fd, data + size, sizeof data - size)) > 0)
        size += (size_t)got;
    entry(key, data, size);
}

static void file(const char *key, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    whole(key, fd);
    close(fd);
}

int main(int argc, char **argv)
{
    /* Descriptors first: everything opened below is closed again and would only be in the way. */
    char fds[1 << 16] = "";
    size_t used = 0;
    for (int fd = 0; fd < 1024; fd++) {
        char name[64], link[4096];
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0)
            continue;
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(name, link, sizeof link - 1);
        link[size < 0 ? 0 : size] = 0;
        used += (size_t)snprintf(fds + used, sizeof fds - used, "%d %d %d %s\n", fd, flags, fcntl(fd, F_GETFL), link);
    }
    out = fopen(DUMP, "we");
    if (!out)
        return 99;
    entry("fds", fds, used);
    entry("argv0", argv[0], strlen(argv[0]));
    file("cmdline", "/proc/self/cmdline");
    file("environ", "/proc/self/environ");
    file("status", "/proc/self/status");
    file("limits", "/proc/self/limits");
    file("oom", "/proc/self/oom_score_adj");
    file("personality", "/proc/self/personality");
    file("timerslack", "/proc/self/timerslack_ns");
    char cwd[4096];
    ssize_t size = readlink("/proc/self/cwd", cwd, sizeof cwd);
    entry("cwd", cwd, size < 0 ? 0 : (size_t)size);
    mode_t mask = umask(0);
    umask(mask);
    entry("umask", (char *)&mask, sizeof mask);
    entry("group", (char *)(pid_t[]){getpgrp() == getpid(), getsid(0) == getpid()}, 2 * sizeof(pid_t));
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    entry("timer", (char *)&timer, sizeof timer);
    if (fcntl(0, F_GETFD) >= 0)
        whole("stdin", 0);
    fclose(out);
    if (fcntl(1, F_GETFD) >= 0)
        (void)!write(1, "probe out\n", 10);
    if (fcntl(2, F_GETFD) >= 0)
        (void)!write(2, "probe err\n", 10);
    (void)argc;
    return 37;
}
