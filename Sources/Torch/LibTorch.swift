import CTorch

/// What this process's libtorch is and how it works.
package enum LibTorch {
    /// As PyTorch says it: `2.13.0`.
    package static var version: String { String(cString: ct_version()) }

    /// The instruction set whose kernels run on the CPU: `AVX2`, `AVX512`, `AVX512+AMX`, … Part of a worker's exactness class.
    package static var cpuCapability: String { String(cString: ct_cpu_capability()) }

    /// Threads of one operator on the CPU, part of a worker's exactness class.
    package static var threads: Int {
        get { Int(ct_threads()) }
        set { ct_set_threads(Int32(newValue)) }
    }

    /// Keeps memory that tensors gave back for the next ones, instead of returning it to the system.
    ///
    /// For a process that does the same step over and over; call it before the first tensor is made.
    package static func keepMemory() {
        ct_keep_memory()
    }

    /// Kernels that give the same bits every time, where there is a choice.
    package static func setDeterministic(_ deterministic: Bool) {
        ct_set_deterministic(deterministic)
    }
}
