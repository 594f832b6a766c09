import Glibc

/// A safetensors file, mapped read-only into memory: opening it reads the header alone, whatever its size.
///
/// A file must not be shortened while it is mapped (the kernel then ends the process on the next access to what is
/// gone). `write(_:metadata:to:)` never does that: it renames a new file over the old.
package final class SafetensorsFile: Sendable {
    /// The path as the caller gave it.
    package let path: String
    /// What stands before the tensors.
    package let header: SafetensorsHeader
    /// The tensors by name.
    package let entries: [String: TensorEntry]
    private let mapping: FileMapping

    /// Maps the file at `path` and checks its header against its length.
    package init(path: String) throws(SafetensorsError) {
        self.path = path
        do {
            mapping = try FileMapping(path: path)
            header = try SafetensorsHeader(parsing: mapping.bytes)
        } catch {
            throw SafetensorsError(path: path, problem: error)
        }
        entries = Dictionary(header.tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Free text beside the tensors.
    package var metadata: [String: String] { header.metadata }

    /// The names of the tensors in the order of their bytes in the file.
    package var names: [String] { header.tensors.map(\.name) }

    /// The entry of the tensor called `name`.
    package func entry(_ name: String) throws(SafetensorsError) -> TensorEntry {
        guard let entry = entries[name] else { throw SafetensorsError(path: path, problem: .noSuchTensor(name)) }
        return entry
    }

    /// The bytes of a tensor, little-endian and in row-major order; valid only as long as this file lives.
    package func bytes(of entry: TensorEntry) -> UnsafeRawBufferPointer {
        let begin = header.byteCount + entry.range.lowerBound
        return UnsafeRawBufferPointer(rebasing: mapping.bytes[begin..<begin + entry.range.count])
    }

    /// The bytes of the tensor called `name`; valid only as long as this file lives.
    package func bytes(of name: String) throws(SafetensorsError) -> UnsafeRawBufferPointer {
        bytes(of: try entry(name))
    }

    /// All bytes behind the header; valid only as long as this file lives.
    package var data: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: mapping.bytes[header.byteCount...])
    }

    /// Lets go of the memory behind a tensor's bytes; they are read from the file again if they are needed again.
    package func forget(_ bytes: UnsafeRawBufferPointer) {
        let page = 4096
        guard let base = bytes.baseAddress else { return }
        let start = (Int(bitPattern: base) + page - 1) / page * page
        let end = (Int(bitPattern: base) + bytes.count) / page * page
        guard end > start, let address = UnsafeMutableRawPointer(bitPattern: start) else { return }
        madvise(address, end - start, MADV_DONTNEED)
    }

    /// All bytes of the file, the header included; valid only as long as this file lives.
    package var allBytes: UnsafeRawBufferPointer { mapping.bytes }
}

/// The one owner of a mapping.
///
/// Sendable although it holds a pointer: the memory behind it is mapped read-only and stays until `deinit`.
private final class FileMapping: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(SafetensorsProblem) {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotOpen(reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard status.st_size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw .cannotOpen(reason: String(cString: strerror(errno)))
        }
        bytes = UnsafeRawBufferPointer(start: address, count: Int(status.st_size))
    }

    deinit {
        guard let address = bytes.baseAddress else { return }
        munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
}
