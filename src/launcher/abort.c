/* Telling an engine why nothing starts, in every channel that one of them reads, as hostfit.runtime.abort does. */
#include "launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool has_stderr = true;

/* Writes what is the last thing that this process does: neither a reader that has gone nor a limit ends it otherwise. */
void say(int fd, const char *text)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(fd, text, left);
        if (done < 0)
            return;
        text += done;
        left -= (size_t)done;
    }
}

/* Appends one entry to the file that --log names; crun also takes `file:PATH`, `journald:ID` and `syslog:ID`. */
static void log_line(const char *log, const char *format, const char *line)
{
    char quoted[2 * LINE_CAP + 3], when[32], entry[sizeof quoted + 128];
    size_t size = 0;
    time_t now = time(NULL);
    struct tm parts;
    if (strncmp(log, "journald:", 9) == 0 || strncmp(log, "syslog:", 7) == 0 || gmtime_r(&now, &parts) == NULL)
        return;
    quoted[size++] = '"';
    for (; *line != '\0' && size < sizeof quoted - 3; line++) {
        if (*line == '"' || *line == '\\')
            quoted[size++] = '\\';
        quoted[size++] = *line;
    }
    quoted[size++] = '"';
    quoted[size] = '\0';
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (strcmp(format, "json") == 0)
        snprintf(entry, sizeof entry, "{\"level\":\"error\",\"msg\":%s,\"time\":\"%s\"}\n", quoted, when);
    else
        snprintf(entry, sizeof entry, "time=\"%s\" level=error msg=%s\n", when, quoted);
    int fd = open(strncmp(log, "file:", 5) == 0 ? log + 5 : log,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    if (fd < 0)
        return;
    say(fd, entry);
    close(fd);
}

/* Writes a line of printable ASCII where engines look and gives the exit status; `call` is NULL for a hook. */
int refuse(const struct call *call, const char *line)
{
    if (call != NULL && *call->log != '\0' && strcmp(call->log, "/dev/stderr") != 0 &&
        strcmp(call->log, "/dev/fd/2") != 0 && strcmp(call->log, "/proc/self/fd/2") != 0)
        log_line(call->log, call->log_format, line);
    if (has_stderr) {
        char whole[LINE_CAP + 2];
        snprintf(whole, sizeof whole, "%s\n", line);
        say(2, whole);
    }
    return 1;
}
