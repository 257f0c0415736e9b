/* What the parts of the launcher know of each other. README.md says what it does; every function that answers "no"
 * leaves the call to the Python entry points, which know more and say why. */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Where things lie, baked in when this is built and never taken from the environment. */
#ifndef RUN
#define RUN "/run/hostfit"
#endif
#ifndef VAR
#define VAR "/var/lib/hostfit"
#endif
#ifndef FALLBACK
#define FALLBACK "/usr/share/hostfit/bin/hostfit-fallback" /* without a slash: beside the launcher */
#endif
#ifndef VERSION
#error "VERSION: required from src/hostfit/version.py, see Makefile"
#endif

#define DIGEST 65 /* a SHA-256 in hexadecimal, with its end */
#define CONFIG_CAP (16 << 20)
#define STATE_CAP (1 << 20)
#define LINE_CAP 1000
#define NAME_CAP 256
#define FRAME_CAP 4096

/* argv.c: the command line of an OCI runtime. What was not given is "". */
struct call {
    const char *verb, *id, *root, *bundle, *log, *log_format;
};
bool call_read(struct call *call, char **words);
bool call_starts(const struct call *call);
bool plain_path(const char *path);

/* trust.c: files that only root can have put there. */
int trusted_open(const char *path);
bool trusted_directory(int fd);
bool usable(const char *path);

/* sha256.c */
struct sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
};
void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, char text[DIGEST]);
bool sha256_file(int fd, size_t cap, char text[DIGEST]);

/* record.c: what each container runs on. */
struct record {
    char runtime[PATH_MAX], bundle[PATH_MAX], config[DIGEST];
    pid_t pid;
    unsigned long long start;
};
enum found { NONE, FOUND, UNSURE };
void record_name(const char *root, const char *id, char name[DIGEST]);
enum found record_read(const char *name, struct record *record);
enum found record_of_bundle(const char *bundle, struct record *record);
bool write_all(int fd, const void *text, size_t size);
bool replace(int folder, const char *name, const char *text);
bool record_save(const char *name, const struct record *record);
void record_remove(const char *name);
bool record_parse(char *text, struct record *record);
bool process(pid_t pid, pid_t *parent, unsigned long long *start);
bool alive(const struct record *record);

/* table.c: which runtimes there are, as the compiled policy has it. */
bool table_find(const char *kind, const char *entry, const char *chosen, char path[PATH_MAX]);
bool table_parse(char *text, const char *kind, const char *entry, const char *chosen, char path[PATH_MAX]);

/* service.c: hostfitd's answer. */
struct question {
    const char *entry, *verb, *id, *root, *bundle, *runtime;
    const void *state;
    size_t state_size;
    const char *namespace, *address; /* NULL but for a shim */
};
struct answer {
    enum { YOURSELF, START, DENY, WAIT } action;
    char runtime[NAME_CAP], digest[DIGEST], line[LINE_CAP + 1], sandbox[NAME_CAP];
};
void ask(const struct question *question, int config, struct answer *answer);
bool answer_parse(const unsigned char *payload, size_t size, struct answer *answer);

/* abort.c; `call` is NULL where nobody named a log. */
int refuse(const struct call *call, const char *line);
void say(int fd, const char *text);

/* become.c: this process becomes another program, or Python. */
struct front {
    const char *entry; /* "runtime", "hook" or "shim" */
    const char *path;  /* what the engine executed */
    char **words;      /* its arguments */
    int ignored;       /* 1: SIGPIPE was ignored, 2: SIGXFSZ was */
};
extern bool has_stderr;
bool own(const char *path);
int open_config(const char *bundle, struct stat *status);
bool unchanged(const char *bundle, const struct stat *judged, const char *digest);
int shim(const struct front *front, const char *program);
_Noreturn void become(const struct front *front, const char *path);
_Noreturn void become_again(char **words);
_Noreturn void fall_back(const struct front *front);

#endif
