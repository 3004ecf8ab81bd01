/*
 * measure: runs a command and prints one line of JSON about it on standard output:
 * {"seconds":1.234567,"user_us":N,"sys_us":N,"peak_rss_kb":N,"exit":N}. The command's own standard
 * output goes to standard error. A command ended by a signal has exit 128 + its number.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long us_of(struct timeval t)
{
    return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

int main(int argc, char **argv)
{
    struct timespec begin;
    struct timespec end;
    struct rusage usage;
    int status = 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: measure COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (clock_gettime(CLOCK_MONOTONIC, &begin) != 0) {
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
            (void)execvp(argv[1], argv + 1);
        }
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child ||
        clock_gettime(CLOCK_MONOTONIC, &end) != 0) {
        perror("measure");
        return 1;
    }
    double seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    (void)printf("{\"seconds\":%.6f,\"user_us\":%lld,\"sys_us\":%lld,\"peak_rss_kb\":%ld,"
                 "\"exit\":%d}\n",
                 seconds, us_of(usage.ru_utime), us_of(usage.ru_stime), usage.ru_maxrss, code);
    return 0;
}
