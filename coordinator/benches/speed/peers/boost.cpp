// The shared value in named shared memory, with an interprocess_mutex. The processes are this program, started again.
// program-b: four add their sum of the squares and print the value.   lock PROCESSES COUNT: seconds of lock, add, unlock.
#include <atomic>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/version.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace ipc = boost::interprocess;
extern char **environ;

struct Shared {
    ipc::interprocess_mutex mutex;
    int32_t value = 0;
    alignas(128) std::atomic<int> ready{0};
    std::atomic<bool> go{false};
};

static uint32_t sum_of_squares(uint64_t n) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        asm volatile("" : "+r"(i)); // each square computed
        sum += i * i;
    }
    return static_cast<uint32_t>(sum);
}

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void add(Shared &shared, long count) {
    for (long i = 0; i < count; i++) {
        ipc::scoped_lock<ipc::interprocess_mutex> guard(shared.mutex);
        shared.value += 1;
    }
}

static int child(const char *name, const char *number, const char *count) {
    ipc::shared_memory_object memory(ipc::open_only, name, ipc::read_write);
    ipc::mapped_region region(memory, ipc::read_write);
    Shared &shared = *static_cast<Shared *>(region.get_address());
    if (std::strcmp(count, "0") != 0) {
        shared.ready++;
        while (!shared.go) {
        }
        add(shared, std::atol(count));
        return 0;
    }
    uint32_t result = sum_of_squares(1000000);
    ipc::scoped_lock<ipc::interprocess_mutex> guard(shared.mutex);
    shared.value = static_cast<int32_t>(static_cast<uint32_t>(shared.value) + result);
    std::printf("Process Process-%s updated shared value to %d\n", number, shared.value);
    std::fflush(stdout);
    return 0;
}

static std::vector<pid_t> start(int processes, const std::string &name, const std::string &count) {
    std::vector<pid_t> pids(processes);
    for (int index = 0; index < processes; index++) {
        std::string number = std::to_string(index + 1);
        const char *arguments[] = {"boost", "child", name.c_str(), number.c_str(), count.c_str(), nullptr};
        if (posix_spawn(&pids[index], "/proc/self/exe", nullptr, nullptr, const_cast<char **>(arguments), environ) != 0) {
            std::perror("posix_spawn");
            std::exit(1);
        }
    }
    return pids;
}

static void reap(const std::vector<pid_t> &pids) {
    for (pid_t pid : pids) {
        waitpid(pid, nullptr, 0);
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && std::strcmp(argv[1], "version") == 0) {
        std::printf("Boost %d.%d, g++ %s\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, __VERSION__);
        return 0;
    }
    if (argc == 5) {
        return child(argv[2], argv[3], argv[4]);
    }
    std::string name = "boost-peer-" + std::to_string(getpid());
    struct Removal {
        const std::string &name;
        ~Removal() { ipc::shared_memory_object::remove(name.c_str()); }
    } removal{name};
    ipc::shared_memory_object memory(ipc::create_only, name.c_str(), ipc::read_write);
    memory.truncate(sizeof(Shared));
    ipc::mapped_region region(memory, ipc::read_write);
    Shared &shared = *new (region.get_address()) Shared;
    if (argc == 2) {
        reap(start(4, name, "0"));
        std::printf("Final shared value: %d\n", shared.value);
        return 0;
    }
    int processes = std::atoi(argv[2]);
    long count = std::atol(argv[3]);
    if (processes == 1) {
        double began = now();
        add(shared, count);
        std::printf("%.12f\n", (now() - began) / count);
        return shared.value == count ? 0 : 1;
    }
    std::vector<pid_t> pids = start(processes, name, argv[3]);
    while (shared.ready < processes) {
    }
    double began = now();
    shared.go = true;
    reap(pids);
    std::printf("%.12f\n", (now() - began) / (static_cast<double>(count) * processes));
    return shared.value == count * processes ? 0 : 1;
}
