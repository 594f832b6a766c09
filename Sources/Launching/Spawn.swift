import Foundation
package import Glibc

/// Starts processes.
///
/// Foundation's own does not do here: processes that it starts at once in several threads inherit each other's ends of what
/// it waits on, and the signal mask of whichever thread it is called in.
package enum Spawn {
    /// Starts a program in a process group of its own, all signals as at the start of the world.
    ///
    /// - Parameters:
    ///   - input: a file descriptor for standard input.
    ///   - output: one for standard output and standard error.
    ///   - environment: its variables.
    /// - Returns: the process, to be waited for with ``end(of:)``.
    package static func start(
        _ path: String, _ arguments: [String], input: Int32, output: Int32,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> pid_t {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        for (from, to) in [(input, 0), (output, 1), (output, 2)] {
            posix_spawn_file_actions_adddup2(&files, from, Int32(to))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let environment = environment.map { "\($0.key)=\($0.value)" }
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var process: pid_t = 0
        let problem = posix_spawn(&process, path, &files, &attributes, &words, &variables)
        guard problem == 0 else { throw BoxFailure("\(path) cannot be started: \(String(cString: strerror(problem)))") }
        return process
    }

    /// Waits until a process has ended, and leaves it to be buried.
    package static func wait(for process: pid_t) {
        var facts = siginfo_t()
        while waitid(P_PID, id_t(process), &facts, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    }

    /// Buries a process that has ended; its number may be another's from now on.
    ///
    /// - Returns: the exit status; 128 + the signal's number when a signal ended it.
    package static func bury(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
