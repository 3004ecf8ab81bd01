#include "lockin.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_BYTES_MAX ((rlim_t)2 << 30)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* Those of the first version; newer kernels know them all. */
#define ALL_RIGHTS                                                                                 \
    (READ_RIGHTS | WRITE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |     \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static bool admit(int rules, const char *dir, bool writable)
{
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = (uint64_t)READ_RIGHTS | (writable ? (uint64_t)WRITE_RIGHTS : 0),
        .parent_fd = open(dir, O_PATH | O_CLOEXEC | O_DIRECTORY),
    };
    if (beneath.parent_fd < 0)
        return false;
    long rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    (void)close(beneath.parent_fd);
    return rc == 0;
}

bool hds_lock_in(const struct hds_roots *roots, bool writable)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_RIGHTS};
    long made = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (made < 0)
        return false;
    int rules = (int)made;
    bool ok = true;
    for (size_t i = 0; ok && i < roots->n; i++)
        ok = admit(rules, roots->dirs[i], writable);
    ok = ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    (void)close(rules);
    return ok;
}

void hds_limit_process(void)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    /* Sanitizers reserve terabytes of addresses. */
    const struct rlimit memory = {MEMORY_BYTES_MAX, MEMORY_BYTES_MAX};
    if (!SANITIZED)
        (void)setrlimit(RLIMIT_AS, &memory);
}
