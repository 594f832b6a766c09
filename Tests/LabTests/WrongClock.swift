import Foundation

/// A library that makes a program's wall clock jump two hours back and forth every two seconds; the monotonic clock
/// runs as ever.
enum WrongClock {
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <sys/time.h>
        #include <time.h>
        typedef int (*reader)(clockid_t, struct timespec *);
        int clock_gettime(clockid_t clock, struct timespec *time) {
            reader real = (reader)dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
                struct timespec steady;
                real(CLOCK_MONOTONIC, &steady);
                time->tv_sec += steady.tv_sec / 2 % 2 ? 3600 : -3600;
            }
            return result;
        }
        int gettimeofday(struct timeval *restrict value, void *restrict zone) {
            struct timespec time;
            int result = clock_gettime(CLOCK_REALTIME, &time);
            value->tv_sec = time.tv_sec;
            value->tv_usec = time.tv_nsec / 1000;
            return result;
        }
        time_t time(time_t *result) {
            struct timespec time;
            clock_gettime(CLOCK_REALTIME, &time);
            if (result) *result = time.tv_sec;
            return time.tv_sec;
        }
        """

    /// Builds it in a folder.
    ///
    /// - Returns: the environment of a program that is to have it.
    static func environment(in folder: URL) throws -> [String: String] {
        let (text, library) = (folder.appending(path: "clock.c"), folder.appending(path: "clock.so"))
        try Data(source.utf8).write(to: text)
        try runTool("/usr/bin/env", ["clang", "-shared", "-fPIC", "-O1", "-o", library.path, text.path, "-ldl"])
        return ["LD_PRELOAD": library.path]
    }
}
