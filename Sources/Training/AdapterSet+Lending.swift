import Adapters

extension AdapterSet {
    /// Runs `body` with other weights in the adapters, and puts their own back, bit for bit.
    ///
    /// - Parameter multiplier: how much of them counts.
    func lend<Result>(to weights: [Float], multiplier: Double = 1, _ body: () throws -> Result) throws -> Result {
        let own = try floats()
        try weights.withUnsafeBufferPointer { try load($0) }
        self.multiplier = multiplier
        let result = Swift.Result { try body() }
        self.multiplier = 1
        try own.withUnsafeBufferPointer { try load($0) }
        return try result.get()
    }
}
