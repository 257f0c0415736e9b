/* The question to hostfitd and its answer; README.md describes the frames. */
#include "launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SERVICE RUN "/service"
#define MARK "hostfit 1"
#ifndef DEADLINE
#define DEADLINE 250 /* milliseconds for the answer, connecting included */
#endif
#ifndef PATIENCE
#define PATIENCE 2000 /* from the answer WAIT on */
#endif
#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define FIELDS (64 << 10) /* bytes of a question besides the state */

static long long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Lets neither connect nor send nor receive go on beyond a moment. No where that has passed. */
static bool until(int fd, long long end)
{
    long long left = end - milliseconds();
    struct timeval span = {left / 1000, left % 1000 * 1000};
    return left > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &span, sizeof span) == 0;
}

/* Connects to the owner of the directory that root has given to the service. Nobody else is asked, not root either: the
 * owner could lead us to another's socket. */
static int reach(long long end)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer;
    socklen_t size = sizeof peer;
    struct stat status;
    int folder = open(SERVICE, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int above = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/decide", folder);
    bool good = above >= 0 && fd >= 0 && trusted_directory(above) && fstat(folder, &status) == 0 &&
                (status.st_mode & 022) == 0 && until(fd, end) &&
                connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                peer.uid == status.st_uid;
    close(folder);
    if (above >= 0)
        close(above);
    if (!good && fd >= 0)
        close(fd);
    return good ? fd : -1;
}

static unsigned char *put_number(unsigned char *to, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (unsigned char)(value >> shift);
    return to;
}

static size_t number(const unsigned char *from)
{
    return (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 | from[3];
}

static unsigned char *put(unsigned char *to, const void *data, size_t size)
{
    to = put_number(to, size);
    if (size > 0)
        memcpy(to, data, size);
    return to + size;
}

/* The caller's words that a question carries, NUL between them; a shim's flags count where its environment is silent. */
static size_t caller(const struct question *one, char words[FIELDS / 2])
{
    static const char *const names[] = {"GRPC_ADDRESS", "TTRPC_ADDRESS", "NAMESPACE"};
    const char *const flags[] = {one->address, NULL, one->namespace};
    size_t size = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        value = value != NULL ? value : flags[i];
        if (value == NULL || (one->namespace != NULL && *value == '\0'))
            continue;
        int added = snprintf(words + size, FIELDS / 2 - size, "%s=%s", names[i], value);
        if (added < 0 || (size_t)added + 1 >= FIELDS / 2 - size)
            return FIELDS;
        size += (size_t)added + 1;
    }
    return size > 0 ? size - 1 : 0;
}

/* Gives the frame of a question, to be freed, or NULL where it is over a cap. */
static unsigned char *frame(const struct question *one, size_t *size)
{
    char words[FIELDS / 2];
    const char *const texts[] = {MARK, VERSION, one->entry, one->verb, one->id, one->root, one->bundle, one->runtime};
    const size_t count = sizeof texts / sizeof *texts;
    size_t environ = caller(one, words), total = 4 * (count + 3) + environ;
    for (size_t i = 0; i < count; i++)
        total += strlen(texts[i]);
    unsigned char *made = total < FIELDS && one->state_size <= STATE_CAP ? malloc(total + one->state_size) : NULL;
    if (made == NULL)
        return NULL;
    unsigned char *to = put_number(made, total + one->state_size - 4);
    for (size_t i = 0; i < count; i++)
        to = put(to, texts[i], strlen(texts[i]));
    to = put(to, words, environ);
    to = put(to, one->state, one->state_size);
    *size = (size_t)(to - made);
    return made;
}

/* Sends a frame, with a descriptor beside its first byte. */
static bool tell(int fd, const unsigned char *data, size_t size, int config)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof config)];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof config), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec piece = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.head), &config, sizeof config);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    for (size_t done = sent > 0 ? (size_t)sent : 0; sent > 0 && done < size; done += sent > 0 ? (size_t)sent : 0)
        sent = send(fd, data + done, size - done, MSG_NOSIGNAL);
    return sent > 0;
}

static bool hear(int fd, unsigned char *data, size_t size, long long end)
{
    while (size > 0) {
        ssize_t got = until(fd, end) ? recv(fd, data, size, 0) : -1;
        if (got <= 0)
            return false;
        data += got;
        size -= (size_t)got;
    }
    return true;
}

static bool text(const unsigned char *field, size_t size, char *to, size_t cap)
{
    if (size >= cap)
        return false;
    for (size_t i = 0; i < size; i++)
        if (field[i] < ' ' || field[i] > '~')
            return false;
    memcpy(to, field, size);
    to[size] = '\0';
    return true;
}

/* Whether a text can be a container's id, and so one part of a path. */
static bool is_id(const char *text)
{
    return strspn(text, ALNUM) > 0 && text[strspn(text, ALNUM "_.+-")] == '\0';
}

/* Reads the payload of an answer. No for all that this version does not say. */
bool answer_parse(const unsigned char *payload, size_t size, struct answer *answer)
{
    static const char *const actions[] = {"yourself", "start", "deny", "wait"};
    char mark[32], version[32], action[32] = "";
    const struct {
        char *to;
        size_t cap;
    } fields[] = {{mark, sizeof mark},       {version, sizeof version}, {action, sizeof action}, {answer->runtime, NAME_CAP},
                  {answer->digest, DIGEST}, {answer->line, LINE_CAP + 1}, {answer->sandbox, NAME_CAP}};
    const size_t count = sizeof fields / sizeof *fields;
    for (size_t i = 0; i < count; i++) {
        if (size < 4 || number(payload) > size - 4 || !text(payload + 4, number(payload), fields[i].to, fields[i].cap))
            return false;
        size -= 4 + number(payload);
        payload += 4 + number(payload);
        if ((i == 0 && strcmp(mark, MARK) != 0) || (i == 1 && strcmp(version, VERSION) != 0))
            return false;
    }
    bool runtime = *answer->runtime != '\0', digest = *answer->digest != '\0', line = *answer->line != '\0';
    bool sandbox = *answer->sandbox != '\0';
    for (int i = YOURSELF; i <= WAIT && size == 0; i++) {
        if (strcmp(action, actions[i]) != 0)
            continue;
        answer->action = i;
        if (i == START)
            return !line && strspn(answer->digest, "0123456789abcdef") == DIGEST - 1 &&
                   (!sandbox || is_id(answer->sandbox));
        return !digest && !runtime && !sandbox && line == (i == DENY) &&
               (!line || strncmp(answer->line, "hostfit: ", 9) == 0);
    }
    return false;
}

/* Asks the service about a start; whatever goes wrong, the answer is YOURSELF. */
void ask(const struct question *question, int config, struct answer *answer)
{
    unsigned char head[4], payload[FRAME_CAP];
    size_t size = 0;
    long long end = milliseconds() + DEADLINE;
    unsigned char *made = frame(question, &size);
    int fd = made != NULL ? reach(end) : -1;
    bool good = fd >= 0 && until(fd, end) && tell(fd, made, size, config);
    for (int round = 0; good && round < 2; round++) {
        good = hear(fd, head, sizeof head, end) && number(head) <= sizeof payload && hear(fd, payload, number(head), end) &&
               answer_parse(payload, number(head), answer);
        if (!good || answer->action != WAIT)
            break;
        end = milliseconds() + PATIENCE;
    }
    if (fd >= 0)
        close(fd);
    free(made);
    if (!good || answer->action == WAIT)
        answer->action = YOURSELF;
}
