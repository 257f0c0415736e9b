/* This process becomes the runtime, or Python, and where Python found the runtime, that one by way of this again.
 *
 * Python gets an environment of its own, in which each word of the original has a dot before it: nothing reads such names,
 * not the loader, not the C library, not Python. So the original comes back with its order, duplicates and words without
 * `=`, and needs no file of its own. */
#include "launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HIDDEN '.'
#define GONE 10 /* what the kernel adds to the path of a file that was removed */

static _Noreturn void python(const struct front *front, const char *refused, int number)
{
    char own[PATH_MAX], script[PATH_MAX + sizeof FALLBACK] = FALLBACK, ignored[16], symbol[16];
    size_t count = 0, kept = 2;
    while (front->words[count] != NULL)
        count++;
    for (char **word = environ; *word != NULL; word++)
        kept++;
    char **words = calloc(count + 9, sizeof *words), **clean = calloc(kept + 1, sizeof *clean);
    ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    if (words != NULL && clean != NULL && size > 0) {
        own[size] = '\0';
        /* Where an upgrade replaced this program meanwhile, its successor does. */
        if (size > GONE && strcmp(own + size - GONE, " (deleted)") == 0)
            own[size - GONE] = '\0';
        if (strchr(FALLBACK, '/') == NULL)
            snprintf(script, sizeof script, "%.*s%s", (int)(strrchr(own, '/') + 1 - own), own, FALLBACK);
        snprintf(ignored, sizeof ignored, "%d", front->ignored);
        snprintf(symbol, sizeof symbol, "%d", number);
        const char *const first[] = {script, front->entry, own, front->path, ignored, symbol, refused};
        for (size_t i = 0; i < sizeof first / sizeof *first; i++)
            words[i] = (char *)(uintptr_t)first[i];
        memcpy(words + sizeof first / sizeof *first, front->words, count * sizeof *words);
        clean[0] = (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        clean[1] = (char *)(uintptr_t) "LANG=C.UTF-8";
        for (size_t i = 2; i < kept; i++) {
            size_t length = strlen(environ[i - 2]) + 1;
            clean[i] = malloc(length + 1);
            if (clean[i] == NULL)
                break;
            clean[i][0] = HIDDEN;
            memcpy(clean[i] + 1, environ[i - 2], length);
        }
        if (clean[kept - 1] != NULL)
            execve(script, words, clean);
    }
    char line[LINE_CAP + 1];
    struct call call;
    snprintf(line, sizeof line, "hostfit: %.900s: must be executable, found errno %d", script, errno);
    _exit(refuse(strcmp(front->entry, "runtime") == 0 && call_read(&call, front->words) ? &call : NULL, line));
}

/* Runs the Python entry point for the same call. */
_Noreturn void fall_back(const struct front *front)
{
    python(front, "", 0);
}

/* Becomes the runtime at `path`, which is also its argv[0]: crun picks its handler by that name. */
_Noreturn void become(const struct front *front, const char *path)
{
    size_t count = 0;
    while (front->words[count] != NULL)
        count++;
    char **words = calloc(count + 2, sizeof *words);
    if (words != NULL) {
        words[0] = (char *)(uintptr_t)path;
        memcpy(words + 1, front->words, count * sizeof *words);
        execve(path, words, environ);
    }
    python(front, path, errno);
}

static void dispose(int number, bool ignored)
{
    struct sigaction action = {.sa_handler = ignored ? SIG_IGN : SIG_DFL};
    sigaction(number, &action, NULL);
}

/* What Python calls once it knows the runtime: gives back the original environment and signals, and becomes it. */
_Noreturn void become_again(char **words)
{
    size_t count = 0, kept = 0;
    while (words[count] != NULL)
        count++;
    if (count < 4)
        _exit(refuse(NULL, "hostfit: internal error: called by a name that is the launcher's own"));
    for (char **word = environ; *word != NULL; word++)
        if (**word == HIDDEN)
            environ[kept++] = *word + 1;
    environ[kept] = NULL;
    const struct front front = {words[0], words[1], words + 4, words[2][0] - '0'};
    dispose(SIGPIPE, (front.ignored & 1) != 0);
    dispose(SIGXFSZ, (front.ignored & 2) != 0);
    become(&front, words[3]);
}
