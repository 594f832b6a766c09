import CTorch

/// One ATen operator, found once by its schema's name.
///
/// Any of libtorch's operators can be called this way; a call costs about a microsecond beyond the work itself.
package struct Operator: @unchecked Sendable {
    // An operator's handle never changes and lives as long as the process.
    private let handle: OpaquePointer?
    private let name: String
    private let missing: TorchError?

    /// - Parameter name: with its namespace, `aten::add`; without one, `aten::` is meant.
    package init(_ name: String, overload: String = "") {
        let full = name.contains("::") ? name : "aten::" + name
        var error: UnsafeMutablePointer<CChar>?
        handle = ct_find(full, overload, &error)
        self.name = full
        missing = handle == nil ? .taking(error, operation: full) : nil
    }

    /// Arguments as an operator takes them, in the order of its schema.
    package enum Argument {
        /// None, of an optional argument.
        case none
        /// What the schema says when nothing is said.
        case `default`
        case tensor(Tensor)
        case optional(Tensor?)
        case int(Int)
        case double(Double)
        case bool(Bool)
        case string(String)
        case type(ScalarType)
        case device(Device)
        case generator(Generator)
        case ints([Int])
        case tensors([Tensor])
        case optionalTensors([Tensor?])
    }

    /// The one tensor that the operator gives.
    package func callAsFunction(_ arguments: Argument...) throws(TorchError) -> Tensor {
        let results = try call(arguments, capacity: 4)
        guard let first = results.first else {
            throw TorchError(operation: name, shapes: shapes(arguments), message: "gave no tensor")
        }
        return first
    }

    /// All tensors that the operator gives, lists flattened.
    package func all(_ arguments: Argument..., capacity: Int = 64) throws(TorchError) -> [Tensor] {
        try call(arguments, capacity: capacity)
    }

    /// Calls an operator for its effect alone.
    package func run(_ arguments: Argument...) throws(TorchError) {
        _ = try call(arguments, capacity: 64)
    }

    private func call(_ arguments: [Argument], capacity: Int) throws(TorchError) -> [Tensor] {
        guard let handle else {
            throw missing ?? TorchError(operation: name, message: "was not found in this libtorch")
        }
        var error: UnsafeMutablePointer<CChar>?
        var results = [OpaquePointer?](repeating: nil, count: capacity)
        let arena = Arena()
        let values = arguments.map { arena.value(of: $0) }
        let count = withExtendedLifetime((arguments, arena)) {
            ct_call(handle, values, values.count, &results, capacity, &error)
        }
        guard count >= 0 else { throw .taking(error, operation: name, shapes: shapes(arguments)) }
        return results.prefix(Int(count)).compactMap { $0.map(Tensor.init(owning:)) }
    }

    private func shapes(_ arguments: [Argument]) -> [[Int]] {
        arguments.flatMap { argument -> [[Int]] in
            switch argument {
            case .tensor(let tensor): [tensor.shape]
            case .optional(let tensor): tensor.map { [$0.shape] } ?? []
            case .tensors(let tensors): tensors.prefix(8).map(\.shape)
            default: []
            }
        }
    }
}

/// Memory that lists and strings occupy during one call.
private final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { block.deallocate() }
    }

    private func place<Element>(_ elements: [Element]) -> UnsafeRawPointer {
        let size = max(1, elements.count * MemoryLayout<Element>.stride)
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        elements.withUnsafeBytes { source in
            if let base = source.baseAddress { block.copyMemory(from: base, byteCount: source.count) }
        }
        blocks.append(block)
        return UnsafeRawPointer(block)
    }

    func value(of argument: Operator.Argument) -> ct_value {
        switch argument {
        case .none: ct_value(tag: CT_NONE)
        case .default: ct_value(tag: CT_DEFAULT)
        case .tensor(let tensor): ct_value(tag: CT_TENSOR, pointer: UnsafeRawPointer(tensor.handle))
        case .optional(let tensor):
            tensor.map { ct_value(tag: CT_TENSOR, pointer: UnsafeRawPointer($0.handle)) } ?? ct_value(tag: CT_NONE)
        case .int(let value): ct_value(tag: CT_INT, integer: value)
        case .double(let value): ct_value(tag: CT_DOUBLE, number: value)
        case .bool(let value): ct_value(tag: CT_BOOL, integer: value ? 1 : 0)
        case .string(let text): ct_value(tag: CT_STRING, pointer: place(Array(text.utf8) + [0]))
        case .type(let type): ct_value(tag: CT_INT, integer: Int(type.rawValue))
        case .device(.cpu): ct_value(tag: CT_DEVICE, integer: 0, number: -1)
        case .device(.cuda(let index)): ct_value(tag: CT_DEVICE, integer: 1, number: Double(index))
        case .generator(let generator): ct_value(tag: CT_GENERATOR, pointer: UnsafeRawPointer(generator.handle))
        case .ints(let values): ct_value(tag: CT_INTS, pointer: place(values.map(Int64.init)), count: values.count)
        case .tensors(let tensors):
            ct_value(tag: CT_TENSORS, pointer: place(tensors.map(\.handle)), count: tensors.count)
        case .optionalTensors(let tensors):
            ct_value(tag: CT_OPTIONAL_TENSORS, pointer: place(tensors.map { $0?.handle }), count: tensors.count)
        }
    }
}

extension ct_value {
    fileprivate init(
        tag: ct_tag, integer: Int = 0, number: Double = 0, pointer: UnsafeRawPointer? = nil, count: Int = 0
    ) {
        self.init(tag: tag, integer: Int64(integer), number: number, pointer: pointer, count: count)
    }
}
