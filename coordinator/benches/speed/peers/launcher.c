/* Starts four processes of the program in argv[1], and reaps them. */
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
    char *arguments[] = {argv[1], 0};
    int failed = argc != 2;
    for (int process = 0; process < 4; process++) {
        pid_t id;
        failed |= posix_spawn(&id, argv[1], 0, 0, arguments, environ);
    }
    for (int status; wait(&status) > 0;) failed |= status;
    return failed;
}
