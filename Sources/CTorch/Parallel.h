// Work on all threads of libtorch's own pool.
#pragma once
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <atomic>
#include <exception>
#include <mutex>

/// How many tasks of ``parallel`` are under way at once at most.
inline int64_t parallel_workers(int64_t tasks) {
    return at::in_parallel_region() ? 1 : std::max<int64_t>(1, std::min<int64_t>(tasks, at::get_num_threads()));
}

/// Calls `body(task, worker)` for each task below `tasks`; of two tasks under way at once the workers differ, below
/// ``parallel_workers``. Which worker gets a task is left to chance, so nothing may hang on it.
///
/// at::parallel_for is a template that runs on one thread unless it is compiled for libtorch's OpenMP; this asks the
/// library itself.
template <typename Body> void parallel(int64_t tasks, const Body &body) {
    struct Work {
        const Body &body;
        const int64_t tasks;
        std::atomic<int64_t> next{0}, workers{0};
        std::exception_ptr failure;
        std::mutex mutex;

        static void run(void *context) {
            auto &work = *static_cast<Work *>(context);
            try {
                auto worker = work.workers++;
                for (auto task = work.next++; task < work.tasks; task = work.next++) work.body(task, worker);
            } catch (...) {
                std::lock_guard guard(work.mutex);
                if (!work.failure) work.failure = std::current_exception();
            }
        }
    } work{body, tasks};
    using Start = void (*)(void (*)(void *), void *, unsigned threads, unsigned flags);
    static const auto start = reinterpret_cast<Start>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    auto workers = parallel_workers(tasks);
    if (workers > 1 && start) start(Work::run, &work, static_cast<unsigned>(workers), 0);
    else Work::run(&work);
    if (work.failure) std::rethrow_exception(work.failure);
}
