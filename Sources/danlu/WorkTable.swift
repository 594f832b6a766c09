import Torch

/// Where a step's time goes, by the kind of work, and what the box could do at best.
struct WorkTable: Encodable {
    struct Line: Encodable {
        var kind: String
        var seconds: Double
        /// Of the profiled step.
        var part: Double
        /// Nil for what is no product.
        var gigaflops: Double?
    }

    struct Call: Encodable {
        var name: String
        var caller: String
        var inputs: [[Int]]
        var calls: Int
        var seconds: Double
    }

    /// The step that was profiled, which takes a little longer than others.
    var stepSeconds: Double
    /// Multiplications and additions of a step.
    var operations: Double
    /// What one large product with a frozen matrix reaches here, in operations a second.
    var ceiling: Double
    /// The longest first; last what is spent outside of operators.
    var kinds: [Line]
    /// Layers that could not be laid out for the processor's kernels.
    var plain: [String]
    var operators: [Call]

    /// - Parameter operators: how many of the most expensive operators are told.
    init(_ times: [OperatorTime], stepSeconds: Double, ceiling: Double, operators: Int) {
        self.stepSeconds = stepSeconds
        self.ceiling = ceiling
        operations = times.map(\.operations).reduce(0, +)
        var lines = Dictionary(grouping: times, by: \.kind).map { kind, times in
            let seconds = times.map(\.seconds).reduce(0, +)
            let operations = times.map(\.operations).reduce(0, +)
            return Line(
                kind: kind.rawValue, seconds: seconds, part: seconds / stepSeconds,
                gigaflops: operations > 0 ? operations / seconds / 1e9 : nil)
        }.sorted { $0.seconds > $1.seconds }
        let rest = stepSeconds - lines.map(\.seconds).reduce(0, +)
        lines.append(Line(kind: "outside of operators", seconds: rest, part: rest / stepSeconds))
        kinds = lines
        plain = Set(times.filter(\.isPlain).map { "\($0.name) \($0.inputs)" }).sorted()
        self.operators = times.sorted { $0.seconds > $1.seconds }.prefix(operators).map {
            Call(name: $0.name, caller: $0.caller, inputs: $0.inputs, calls: $0.calls, seconds: $0.seconds)
        }
    }

    /// Operations a second of a product large enough that nothing else counts, by the kernels that frozen matrices take.
    static func ceiling(as type: ScalarType, on device: Device) throws -> Double {
        let side = 2048
        let generator = try Generator(seed: 0)
        func random() throws -> Tensor { try Tensor.normal([side, side], generator: generator).to(type).to(device) }
        let weight = FrozenWeight(try random())
        let x = try random()
        var best = Double.infinity
        for _ in 0..<8 {
            let began = ContinuousClock.now
            _ = try linear(x, weight)
            try device.synchronize()
            best = min(best, (ContinuousClock.now - began) / .seconds(1))
        }
        return 2 * Double(side * side) * Double(side) / best
    }

    /// For people.
    func lines(step: Double) -> [String] {
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        func row(_ cells: [String]) -> String {
            let first = cells[0] + String(repeating: " ", count: max(0, 28 - cells[0].count))
            return first + cells.dropFirst().map { padded($0, 10) }.joined()
        }
        return [row(["kind of work", "ms", "part", "GFLOP/s"])]
            + kinds.map { line in
                row([
                    line.kind, line.seconds.formatted(1000, 1), line.part.formatted(100, 1) + "%",
                    line.gigaflops.map { $0.formatted(1, 0) } ?? "",
                ])
            } + [
                "\(operations.formatted(1e-12, 3)) TFLOP a step at \((operations / step).formatted(1e-9, 0)) GFLOP/s, "
                    + "\((operations / step / ceiling).formatted(100, 0))% of the "
                    + "\(ceiling.formatted(1e-9, 0)) that one large product reaches"
            ] + plain.map { "not laid out: \($0)" }
            + operators.map {
                "\(padded($0.seconds.formatted(1000, 2), 8)) ms  \($0.calls)× \($0.name) \($0.inputs) in \($0.caller)"
            }
    }
}

extension OperatorTime {
    /// Whether libtorch computes a layer as it came.
    fileprivate var isPlain: Bool {
        ["aten::linear", "aten::conv2d", "aten::convolution_backward"].contains(name)
    }
}

extension Double {
    /// Times `factor`, with so many decimals.
    fileprivate func formatted(_ factor: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (self * factor * scale).rounded() / scale
        return decimals == 0 ? String(Int(rounded)) : String(rounded)
    }
}
