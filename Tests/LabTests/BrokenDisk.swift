import Foundation

/// A library with which a disk answers with EIO where a program writes files that it has begun, or makes sure that they are
/// on it, for as long as a certain file is there.
enum BrokenDisk {
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        static int breaks(const char *call, int file) {
            const char *sign = getenv("DANLU_LAB_BROKEN_DISK");
            char link[64], path[4096], wanted[16] = "";
            FILE *text = sign ? fopen(sign, "r") : NULL;
            if (!text) return 0;
            fgets(wanted, sizeof wanted, text);
            fclose(text);
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length > 0 ? length : 0] = 0;
            if (strcmp(wanted, call) || !strstr(path, "/state/.") || !strstr(path, ".partial")) return 0;
            errno = EIO;
            return 1;
        }
        ssize_t write(int file, const void *bytes, size_t count) {
            static ssize_t (*real)(int, const void *, size_t);
            if (!real) real = dlsym(RTLD_NEXT, "write");
            return breaks("write", file) ? -1 : real(file, bytes, count);
        }
        int fsync(int file) {
            static int (*real)(int);
            if (!real) real = dlsym(RTLD_NEXT, "fsync");
            return breaks("fsync", file) ? -1 : real(file);
        }
        """

    /// Builds it in a folder.
    ///
    /// - Parameter sign: the file that says what does not work, `write` or `fsync`.
    /// - Returns: the environment of a program that is to have it.
    static func environment(in folder: URL, sign: URL) throws -> [String: String] {
        let (text, library) = (folder.appending(path: "disk.c"), folder.appending(path: "disk.so"))
        try Data(source.utf8).write(to: text)
        try runTool("/usr/bin/env", ["clang", "-shared", "-fPIC", "-O1", "-o", library.path, text.path, "-ldl"])
        return ["LD_PRELOAD": library.path, "DANLU_LAB_BROKEN_DISK": sign.path]
    }
}
