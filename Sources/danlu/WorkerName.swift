import Coordination
import Foundation

/// What a worker calls itself.
enum WorkerName {
    /// - Parameters:
    ///   - said: by the user.
    ///   - key: whose name the worker's must be, or begin with.
    static func make(_ said: String?, key: KeyFile?) -> String {
        let name = said ?? "\(hostName)-\(ProcessInfo.processInfo.processIdentifier)"
        guard let key, name != key.name, !name.hasPrefix(key.name + "/") else { return name }
        return "\(key.name)/\(name)"
    }

    /// As the kernel has it; asking a name server might take a while.
    private static var hostName: String {
        var text = [CChar](repeating: 0, count: 256)
        guard gethostname(&text, text.count - 1) == 0 else { return "worker" }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "worker" }
    }
}
