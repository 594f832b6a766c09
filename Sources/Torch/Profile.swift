import CTorch

/// What the calls of one operator with tensors of the same shapes took.
package struct OperatorTime: Equatable, Sendable {
    /// `aten::mm`, `mkldnn::_convolution_pointwise`, or the name of a step of the backward pass.
    package var name: String
    /// The outermost operator or step of the backward pass that it was called by; its own name if there is none.
    package var caller: String
    /// Of the tensors among its arguments and its results.
    package var inputs: [[Int]]
    package var outputs: [[Int]]
    package var calls: Int
    /// Without the operators that it called itself.
    package var seconds: Double

    package init(
        name: String, caller: String, inputs: [[Int]], outputs: [[Int]], calls: Int = 1, seconds: Double = 0
    ) {
        self.name = name
        self.caller = caller
        self.inputs = inputs
        self.outputs = outputs
        self.calls = calls
        self.seconds = seconds
    }
}

/// What every operator took that `body` has this thread call, the backward pass's included.
///
/// On a device that works by itself these are the times of asking, not of the work.
package func profiled<Result>(_ body: () throws -> Result) throws -> (Result, [OperatorTime]) {
    var error: UnsafeMutablePointer<CChar>?
    guard ct_profile_begin(&error) == 0 else { throw TorchError.taking(error, operation: "profile") }
    let outcome = Swift.Result { try body() }
    let rows = Rows()
    withExtendedLifetime(rows) {
        ct_profile_end(
            { context, row in
                guard let context, let row = row?.pointee else { return }
                Unmanaged<Rows>.fromOpaque(context).takeUnretainedValue().append(row)
            }, Unmanaged.passUnretained(rows).toOpaque())
    }
    return (try outcome.get(), rows.all)
}

private final class Rows {
    private(set) var all: [OperatorTime] = []

    func append(_ row: ct_profile_row) {
        all.append(
            OperatorTime(
                name: String(cString: row.name), caller: String(cString: row.caller),
                inputs: shapes(UnsafeBufferPointer(start: row.inputs, count: row.input_count)),
                outputs: shapes(UnsafeBufferPointer(start: row.outputs, count: row.output_count)),
                calls: Int(row.calls), seconds: Double(row.nanoseconds) / 1e9))
    }

    /// Takes apart what CTorch lined up: a number of extents, the extents, and again.
    private func shapes(_ numbers: UnsafeBufferPointer<Int64>) -> [[Int]] {
        var rest = numbers[...]
        var shapes: [[Int]] = []
        while let extents = rest.popFirst() {
            shapes.append(rest.prefix(Int(extents)).map(Int.init))
            rest = rest.dropFirst(Int(extents))
        }
        return shapes
    }
}
