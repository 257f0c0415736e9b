/* The parts of the launcher that read what others wrote, for tests: each frame on standard input, a letter, a length and
 * the bytes, is answered with "no" or "yes" and texts in hexadecimal. With a number, that many mutations of each frame on
 * standard input are read instead, the same ones each time. */
#define main launcher_main
#include "launcher.c"
#undef main

static bool quiet;

static void show(const char *text)
{
    if (quiet)
        return;
    putchar(' ');
    for (; *text != '\0'; text++)
        printf("%02x", (unsigned char)*text);
}

static bool yes(bool good)
{
    if (!quiet)
        printf(good ? "yes" : "no");
    return good;
}

/* Texts end in a NUL each; a copy of its own lets the sanitizer see every byte that is read beyond it. */
static char *copy(const char *data, size_t size)
{
    char *made = malloc(size + 1);
    if (made == NULL)
        abort();
    memcpy(made, data, size);
    made[size] = '\0';
    return made;
}

static void arguments(char *data, size_t size)
{
    char **words = calloc(size + 1, sizeof *words);
    struct call call;
    size_t count = 0;
    for (size_t i = 0; words != NULL && i < size; i += strlen(data + i) + 1)
        words[count++] = data + i;
    if (yes(words != NULL && call_read(&call, words))) {
        const char *const texts[] = {call.verb, call.id, call.root, call.bundle, call.log, call.log_format};
        for (int i = 0; i < 6; i++)
            show(texts[i]);
    }
    free(words);
}

static void part(char letter, const char *given, size_t size)
{
    char *data = copy(given, size), digest[DIGEST], path[PATH_MAX];
    struct record record;
    struct answer answer;
    struct sha256 hash;
    switch (letter) {
    case 'a':
        arguments(data, size);
        break;
    case 'h':
        sha256_start(&hash);
        for (size_t done = 0, step = 1; done < size; done += step, step = step * 2 < size - done ? step * 2 : size - done)
            sha256_add(&hash, data + done, step);
        sha256_end(&hash, digest);
        yes(true);
        show(digest);
        break;
    case 'p':
        yes(plain_path(data));
        break;
    case 'r':
        if (yes(strlen(data) == size && record_parse(data, &record))) {
            char numbers[64];
            snprintf(numbers, sizeof numbers, "%d %llu", (int)record.pid, record.start);
            show(record.runtime), show(record.bundle), show(numbers), show(record.config);
        }
        break;
    case 's':
        if (yes(bundle_of(given, size, path)))
            show(path);
        break;
    case 't': {
        size_t entry = strlen(data) + 1, chosen = entry < size ? entry + strlen(data + entry) + 1 : size + 1;
        if (yes(chosen <= size && strlen(data + chosen) == size - chosen &&
                table_parse(data + chosen, "binary", data, data + entry, path)))
            show(path);
        break;
    }
    case 'w':
        if (yes(answer_parse((const unsigned char *)data, size, &answer))) {
            static const char *const actions[] = {"yourself", "start", "deny", "wait"};
            show(actions[answer.action]), show(answer.runtime), show(answer.digest), show(answer.line), show(answer.sandbox);
        }
        break;
    default:
        abort();
    }
    if (!quiet)
        putchar('\n');
    free(data);
}

/* Changes, drops or doubles a few bytes; `seed` decides which (xorshift). */
static size_t mutate(char *data, size_t size, size_t cap, uint64_t *seed)
{
    static const char interesting[] = "\0\n =/-.\"\\{}09azfbr\x7f\xff";
    for (uint64_t left = 1 + *seed % 4; left > 0; left--) {
        *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
        size_t at = size > 0 ? (size_t)(*seed >> 8) % size : 0, span = (size_t)(*seed >> 40) % 8 + 1;
        switch (*seed % 5) {
        case 0:
            if (size > 0)
                data[at] ^= (char)(1 << (*seed >> 5) % 8);
            break;
        case 1:
            if (size > 0)
                data[at] = interesting[(*seed >> 16) % sizeof interesting];
            break;
        case 2:
            span = span < size - at ? span : size - at;
            memmove(data + at, data + at + span, size - at - span);
            size -= span;
            break;
        case 3:
            span = span < size - at ? span : size - at;
            if (size + span <= cap) {
                memmove(data + at + span, data + at, size - at);
                size += span;
            }
            break;
        default:
            size = at;
        }
    }
    return size;
}

int main(int count, char **words)
{
    unsigned long mutations = count > 1 ? strtoul(words[1], NULL, 10) : 0;
    uint64_t seed = 88172645463325252;
    unsigned char head[5];
    quiet = mutations > 0;
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
        char *data = malloc(size + 1), *changed = malloc(2 * size + 64);
        if (data == NULL || changed == NULL || fread(data, 1, size, stdin) != size)
            return 2;
        if (!quiet)
            part((char)head[0], data, size);
        size_t now = 0;
        for (unsigned long i = 0; i < mutations; i++) {
            /* Often a mutation of the last one, at times of the original again. */
            if (i % 16 == 0)
                memcpy(changed, data, now = size);
            now = mutate(changed, now, 2 * size + 64, &seed);
            part((char)head[0], changed, now);
        }
        fflush(stdout);
        free(data);
        free(changed);
    }
    return 0;
}
